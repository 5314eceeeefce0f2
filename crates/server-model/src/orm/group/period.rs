//! Stretches of time that group moments: where they begin, where they end, what they are called.
//!
//! A moment is stored in UTC and belongs to the day it falls on where the caller is (`tz` in the
//! context), so periods begin and end at local midnights.

use std::fmt::Write as _;

use chrono::{
    DateTime, Datelike, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone,
    Utc,
};
use chrono_tz::Tz;

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::orm::date_part::DatePart;
use crate::registry::Entry;
use crate::value::{AnyValue, datetime_text};

/// How long a period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week, from the day on which weeks begin in the caller's language.
    Week,
    /// A month.
    Month,
    /// A quarter of a year.
    Quarter,
    /// A year.
    Year,
}

impl Granularity {
    /// The granularity of that name.
    pub fn named(name: &str) -> Option<Granularity> {
        Some(match name {
            "hour" => Granularity::Hour,
            "day" => Granularity::Day,
            "week" => Granularity::Week,
            "month" => Granularity::Month,
            "quarter" => Granularity::Quarter,
            "year" => Granularity::Year,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Granularity::Hour => "hour",
            Granularity::Day => "day",
            Granularity::Week => "week",
            Granularity::Month => "month",
            Granularity::Quarter => "quarter",
            Granularity::Year => "year",
        }
    }
}

/// The caller's time zone and weeks.
pub struct Calendar {
    zone: Tz,
    /// Days from Sunday to the first day of a week.
    week_start: u32,
}

/// A period as clients read it.
pub struct Period {
    /// What it is called, in English.
    pub label: String,
    /// Where it begins, in UTC, or as a day.
    pub from: AnyValue,
    /// Where the next one begins.
    pub to: AnyValue,
}

impl Calendar {
    /// The calendar of the caller's context. An unknown time zone counts as UTC, as in Odoo.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(env: &Env) -> Result<Calendar> {
        let zone = env.context().get("tz").and_then(AnyValue::as_text);
        let mut sql = env.sql("SELECT week_start FROM res_lang WHERE code = ");
        sql.bind(env.lang());
        let week_start = match env.row(sql).await? {
            Some(row) => convert::get::<String>(&row, 0)?,
            None => None,
        };
        Ok(Calendar {
            zone: zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC),
            week_start: week_start.and_then(|day| day.parse().ok()).unwrap_or(7) % 7,
        })
    }

    /// The expression for the local begin of the period a moment falls in, as text.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_of(
        &self,
        env: &Env,
        model: &'static Entry,
        granularity: Granularity,
        column: &str,
        is_date: bool,
    ) -> Result<String> {
        let local = self.local(env, model, column, is_date).await?;
        Ok(match env.db() {
            sea_orm::DbBackend::Postgres => self.postgres(granularity, &local),
            _ => self.sqlite(granularity, &local),
        })
    }

    /// The expression for a part of a moment, as a whole number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn part_of(
        &self,
        env: &Env,
        model: &'static Entry,
        part: DatePart,
        column: &str,
        is_date: bool,
    ) -> Result<String> {
        let local = self.local(env, model, column, is_date).await?;
        Ok(part.expression(env.db(), &local, self.week_start))
    }

    /// The expression for what clocks show where the caller is.
    async fn local(
        &self,
        env: &Env,
        model: &'static Entry,
        column: &str,
        is_date: bool,
    ) -> Result<String> {
        let shifted = !is_date && self.zone != Tz::UTC;
        if env.db() == sea_orm::DbBackend::Postgres {
            return Ok(match shifted {
                // The name comes from the list of known zones, not from the caller.
                true => format!(
                    "timezone('{}', timezone('UTC', {column}))",
                    self.zone.name()
                ),
                false => format!("CAST({column} AS timestamp)"),
            });
        }
        Ok(match shifted {
            true => {
                let offsets = self.offsets(env, model, column).await?;
                format!("datetime({column}, {offsets})")
            }
            false => column.to_owned(),
        })
    }

    fn postgres(&self, granularity: Granularity, local: &str) -> String {
        let name = granularity.name();
        let begin = match (granularity, (8 - self.week_start) % 7) {
            // PostgreSQL's weeks begin on Monday.
            (Granularity::Week, days @ 1..) => format!(
                "date_trunc('week', {local} + interval '{days} days') - interval '{days} days'"
            ),
            _ => format!("date_trunc('{name}', {local})"),
        };
        format!("to_char({begin}, 'YYYY-MM-DD HH24:MI:SS')")
    }

    fn sqlite(&self, granularity: Granularity, local: &str) -> String {
        match granularity {
            Granularity::Hour => format!("strftime('%Y-%m-%d %H:00:00', {local})"),
            Granularity::Day => format!("strftime('%Y-%m-%d 00:00:00', {local})"),
            Granularity::Week => format!(
                "datetime({local}, 'start of day', '-' || \
                 ((strftime('%w', {local}) + {}) % 7) || ' days')",
                7 - self.week_start
            ),
            Granularity::Month => format!("strftime('%Y-%m-01 00:00:00', {local})"),
            Granularity::Quarter => format!(
                "strftime('%Y', {local}) || CASE WHEN strftime('%m', {local}) < '04' THEN '-01' \
                 WHEN strftime('%m', {local}) < '07' THEN '-04' \
                 WHEN strftime('%m', {local}) < '10' THEN '-07' ELSE '-10' END || '-01 00:00:00'"
            ),
            Granularity::Year => format!("strftime('%Y-01-01 00:00:00', {local})"),
        }
    }

    /// The zone's distance from UTC at the moments in the column, as an expression: SQLite knows
    /// no time zones, so it is told when the clocks change between the first moment and the last.
    async fn offsets(&self, env: &Env, model: &'static Entry, column: &str) -> Result<String> {
        let (mut first, mut last) = (first_moment(), env.now() + TimeDelta::days(366));
        // A column of a joined table is left at that; others tell their first and last moment.
        if column.starts_with("t0.") {
            let mut span = env.sql("SELECT MIN(");
            span.push(column).push("), MAX(").push(column);
            span.push(") FROM ").name(model.table()).push(" t0");
            if let Some(row) = env.row(span).await? {
                first = convert::get(&row, 0)?.unwrap_or(first).max(first);
                last = convert::get(&row, 1)?.unwrap_or(last);
            }
        }
        Ok(self.offsets_between(column, first, last))
    }

    fn offsets_between(&self, column: &str, first: NaiveDateTime, last: NaiveDateTime) -> String {
        let at = |moment: NaiveDateTime| {
            self.zone
                .offset_from_utc_datetime(&moment)
                .fix()
                .local_minus_utc()
        };
        let mut cases = String::new();
        let (mut moment, mut offset) = (first, at(first));
        while moment < last {
            let next = (moment + TimeDelta::days(1)).min(last);
            if at(next) != offset {
                let change = change_within(moment, next, offset, at);
                let _ = write!(
                    cases,
                    " WHEN {column} < '{}' THEN '{offset:+} seconds'",
                    datetime_text(&change)
                );
                offset = at(next);
            }
            moment = next;
        }
        if cases.is_empty() {
            return format!("'{offset:+} seconds'");
        }
        format!("CASE{cases} ELSE '{offset:+} seconds' END")
    }

    /// The period that begins at this local moment.
    ///
    /// # Errors
    /// [`Error::Value`] at the end of the calendar.
    pub fn period(
        &self,
        granularity: Granularity,
        begin: NaiveDateTime,
        is_date: bool,
    ) -> Result<Period> {
        let end = next(granularity, begin)
            .ok_or_else(|| Error::Value(say!("error-group-calendar-ends", %begin)))?;
        let edge = |moment: NaiveDateTime| match is_date {
            true => AnyValue::Date(moment.date()),
            false => AnyValue::Datetime(self.to_utc(moment)),
        };
        Ok(Period {
            label: self.label(granularity, begin),
            from: edge(begin),
            to: edge(end),
        })
    }

    /// The moment in UTC. A local time that the clocks skip is the moment they skip it; one that
    /// comes twice is its first.
    fn to_utc(&self, local: NaiveDateTime) -> NaiveDateTime {
        let moment: Option<DateTime<Tz>> = self.zone.from_local_datetime(&local).earliest();
        let later = || {
            let later = local + TimeDelta::hours(1);
            self.zone.from_local_datetime(&later).earliest()
        };
        moment
            .or_else(later)
            .map_or(local, |moment| moment.with_timezone(&Utc).naive_utc())
    }

    fn label(&self, granularity: Granularity, begin: NaiveDateTime) -> String {
        match granularity {
            Granularity::Hour => begin.format("%I:00 %d %b").to_string(),
            Granularity::Day => begin.format("%d %b %Y").to_string(),
            Granularity::Week => {
                let (year, week) = self.week(begin.date());
                format!("W{week} {year}")
            }
            Granularity::Month => begin.format("%B %Y").to_string(),
            Granularity::Quarter => format!("Q{} {}", begin.month0() / 3 + 1, begin.year()),
            Granularity::Year => begin.format("%Y").to_string(),
        }
    }

    /// The year and number of the week that begins on this day. Weeks from Sunday are counted as in
    /// the United States, from the one with 1 January; others as ISO 8601 counts them, from the one
    /// with the year's first Thursday.
    fn week(&self, begin: NaiveDate) -> (i32, u32) {
        if self.week_start != 0 {
            let middle = begin + TimeDelta::days(3);
            return (middle.year(), middle.ordinal0() / 7 + 1);
        }
        let end = begin + TimeDelta::days(6);
        // The days of the year up to this week's Saturday, and how many of them make its first week.
        let first_saturday = end.ordinal0() % 7;
        (end.year(), (end.ordinal0() - first_saturday) / 7 + 1)
    }
}

/// Clocks were not set by zones before.
fn first_moment() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(1970, 1, 1)
        .unwrap_or_default()
        .and_time(NaiveTime::MIN)
}

/// When within the stretch the clocks change, to the minute.
fn change_within(
    mut before: NaiveDateTime,
    mut after: NaiveDateTime,
    offset: i32,
    at: impl Fn(NaiveDateTime) -> i32,
) -> NaiveDateTime {
    while after - before > TimeDelta::seconds(1) {
        let middle = before + (after - before) / 2;
        if at(middle) == offset {
            before = middle;
        } else {
            after = middle;
        }
    }
    // Clocks change on full minutes; what was narrowed down may still end in a fraction.
    after
        .checked_sub_signed(TimeDelta::seconds(
            after.and_utc().timestamp().rem_euclid(60),
        ))
        .unwrap_or(after)
}

fn next(granularity: Granularity, begin: NaiveDateTime) -> Option<NaiveDateTime> {
    match granularity {
        Granularity::Hour => begin.checked_add_signed(TimeDelta::hours(1)),
        Granularity::Day => begin.checked_add_signed(TimeDelta::days(1)),
        Granularity::Week => begin.checked_add_signed(TimeDelta::days(7)),
        Granularity::Month => begin.checked_add_months(Months::new(1)),
        Granularity::Quarter => begin.checked_add_months(Months::new(3)),
        Granularity::Year => begin.checked_add_months(Months::new(12)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: Tz, week_start: u32) -> Calendar {
        Calendar { zone, week_start }
    }

    fn moment(text: &str) -> NaiveDateTime {
        crate::value::parse_datetime(text).expect("a moment")
    }

    fn period(calendar: &Calendar, granularity: Granularity, begin: &str) -> [String; 3] {
        let period = calendar
            .period(granularity, moment(begin), false)
            .expect("a period");
        [
            period.label,
            period.from.to_python_text(),
            period.to.to_python_text(),
        ]
    }

    #[test]
    fn a_month_where_the_caller_is_begins_at_local_midnight() {
        let paris = calendar(Tz::Europe__Paris, 1);
        assert_eq!(
            period(&paris, Granularity::Month, "2026-03-01 00:00:00"),
            ["March 2026", "2026-02-28 23:00:00", "2026-03-31 22:00:00"]
        );
        let utc = calendar(Tz::UTC, 0);
        assert_eq!(
            period(&utc, Granularity::Quarter, "2026-10-01 00:00:00"),
            ["Q4 2026", "2026-10-01 00:00:00", "2027-01-01 00:00:00"]
        );
        assert_eq!(
            period(&utc, Granularity::Hour, "2026-10-01 15:00:00")[0],
            "03:00 01 Oct"
        );
    }

    #[test]
    fn a_period_of_days_is_told_in_days() {
        let utc = calendar(Tz::UTC, 0);
        let year = utc
            .period(Granularity::Year, moment("2026-01-01 00:00:00"), true)
            .expect("a period");
        assert_eq!(year.label, "2026");
        assert_eq!(year.from.to_python_text(), "2026-01-01");
        assert_eq!(year.to.to_python_text(), "2027-01-01");
    }

    #[test]
    fn weeks_are_counted_as_in_the_united_states_or_by_iso_8601() {
        let day = |text: &str| moment(text).date();
        let american = calendar(Tz::UTC, 0);
        for (begin, week) in [
            ("2025-12-21 00:00:00", (2025, 52)),
            ("2025-12-28 00:00:00", (2026, 1)),
            ("2026-01-04 00:00:00", (2026, 2)),
        ] {
            assert_eq!(american.week(day(begin)), week, "{begin}");
        }
        let iso = calendar(Tz::UTC, 1);
        for (begin, week) in [
            ("2020-12-28 00:00:00", (2020, 53)),
            ("2021-01-04 00:00:00", (2021, 1)),
            ("2026-12-28 00:00:00", (2026, 53)),
        ] {
            assert_eq!(iso.week(day(begin)), week, "{begin}");
        }
    }

    #[test]
    fn sqlite_is_told_to_the_minute_when_clocks_change() {
        let paris = calendar(Tz::Europe__Paris, 1);
        let offsets = paris.offsets_between(
            "t0.x",
            moment("2026-01-10 12:34:56"),
            moment("2026-12-31 01:00:00"),
        );
        assert_eq!(
            offsets,
            "CASE WHEN t0.x < '2026-03-29 01:00:00' THEN '+3600 seconds' \
             WHEN t0.x < '2026-10-25 01:00:00' THEN '+7200 seconds' ELSE '+3600 seconds' END"
        );
        let same = moment("2026-01-10 12:34:56");
        assert_eq!(paris.offsets_between("t0.x", same, same), "'+3600 seconds'");
    }

    #[test]
    fn a_local_time_that_the_clocks_skip_is_when_they_skip_it() {
        // In Beirut clocks went from midnight to one o'clock.
        let beirut = calendar(Tz::Asia__Beirut, 1);
        let day = moment("2022-03-27 00:00:00");
        assert_eq!(beirut.to_utc(day), moment("2022-03-26 22:00:00"));
    }
}
