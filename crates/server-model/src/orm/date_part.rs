//! Parts of days and moments as numbers: `date.month_number` in a domain, `date:month_number` in a grouping.

use sea_orm::DbBackend;

use super::group::period::Calendar;
use super::{compare, convert};
use crate::domain::Leaf;
use crate::env::Env;
use crate::error::Result;
use crate::registry::Entry;
use crate::schema::{self, Field, Kind};
use crate::sql::Sql;

/// A part of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatePart {
    /// The year.
    Year,
    /// The quarter, from 1 to 4.
    Quarter,
    /// The month, from 1 to 12.
    Month,
    /// The number of the week as ISO 8601 counts them.
    IsoWeek,
    /// The day of the year, from 1.
    DayOfYear,
    /// The day of the month, from 1.
    DayOfMonth,
    /// The day of the week; 0 is the one on which weeks begin in the caller's language.
    DayOfWeek,
    /// The hour, from 0 to 23.
    Hour,
    /// The minute.
    Minute,
    /// The second.
    Second,
}

/// What is compared like a number that is unset rather than zero.
const NUMBER: Field = Field {
    column: true,
    ..schema::field("id", "Number", Kind::Integer)
};

impl DatePart {
    /// The part of that name.
    pub fn named(name: &str) -> Option<DatePart> {
        Some(match name {
            "year_number" => DatePart::Year,
            "quarter_number" => DatePart::Quarter,
            "month_number" => DatePart::Month,
            "iso_week_number" => DatePart::IsoWeek,
            "day_of_year" => DatePart::DayOfYear,
            "day_of_month" => DatePart::DayOfMonth,
            "day_of_week" => DatePart::DayOfWeek,
            "hour_number" => DatePart::Hour,
            "minute_number" => DatePart::Minute,
            "second_number" => DatePart::Second,
            _ => return None,
        })
    }

    /// The part that a domain names behind a field of days or moments.
    pub fn of(field: &Field, name: &str) -> Option<DatePart> {
        let is_time = matches!(field.kind, Kind::Date | Kind::Datetime);
        DatePart::named(name).filter(|_| is_time)
    }

    /// The expression for the part of a local moment; `week_start` is how many days after Sunday
    /// weeks begin.
    pub fn expression(self, backend: DbBackend, local: &str, week_start: u32) -> String {
        // So many days after the begin of a week it is Sunday.
        let sunday = 7 - week_start;
        if backend == DbBackend::Postgres {
            let part = |name| format!("CAST(date_part('{name}', {local}) AS int4)");
            return match self {
                DatePart::Year => part("year"),
                DatePart::Quarter => part("quarter"),
                DatePart::Month => part("month"),
                DatePart::IsoWeek => part("week"),
                DatePart::DayOfYear => part("doy"),
                DatePart::DayOfMonth => part("day"),
                DatePart::DayOfWeek => format!("(({} + {sunday}) % 7)", part("dow")),
                DatePart::Hour => part("hour"),
                DatePart::Minute => part("minute"),
                DatePart::Second => part("second"),
            };
        }
        let part = |format| format!("CAST(strftime('{format}', {local}) AS INTEGER)");
        match self {
            DatePart::Year => part("%Y"),
            DatePart::Quarter => format!("(({} + 2) / 3)", part("%m")),
            DatePart::Month => part("%m"),
            // A week belongs to the year of its Thursday.
            DatePart::IsoWeek => format!(
                "((CAST(strftime('%j', {local}, '-3 days', 'weekday 4') AS INTEGER) - 1) / 7 + 1)"
            ),
            DatePart::DayOfYear => part("%j"),
            DatePart::DayOfMonth => part("%d"),
            DatePart::DayOfWeek => format!("(({} + {sunday}) % 7)", part("%w")),
            DatePart::Hour => part("%H"),
            DatePart::Minute => part("%M"),
            DatePart::Second => part("%S"),
        }
    }
}

/// Adds the condition on a part of the field's value, where the caller is.
///
/// # Errors
/// As for comparing a number.
pub async fn push(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    field: &Field,
    part: DatePart,
    leaf: &Leaf,
) -> Result<()> {
    let column = convert::expression(env, alias, field).await?;
    let calendar = Calendar::of(env).await?;
    let is_date = field.kind == Kind::Date;
    let number = calendar.part_of(env, model, part, &column, is_date).await?;
    compare::push_column(sql, &number, &NUMBER, leaf)
}
