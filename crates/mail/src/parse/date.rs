//! Dates of received mail.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use mail_parser::parsers::MessageStream;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The moment that a Date header names, in UTC; nothing if it cannot be read.
pub(super) fn read_date(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    if let Ok(date) =
        DateTime::parse_from_rfc2822(text).or_else(|_| DateTime::parse_from_rfc3339(text))
    {
        return Some(date.naive_utc());
    }
    // The lenient reader takes any word for some month.
    let names_month = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter_map(|word| word.get(..3))
        .any(|start| MONTHS.iter().any(|month| month.eq_ignore_ascii_case(start)));
    if !names_month {
        return None;
    }
    let line = format!("{text}\r\n");
    let mail_parser::HeaderValue::DateTime(date) = MessageStream::new(line.as_bytes()).parse_date()
    else {
        return None;
    };
    let (hours, minutes) = (i64::from(date.tz_hour), i64::from(date.tz_minute));
    if hours > 14 || minutes > 59 || !date.is_valid() {
        return None;
    }
    let local = NaiveDate::from_ymd_opt(
        i32::from(date.year),
        u32::from(date.month),
        u32::from(date.day),
    )?
    .and_hms_opt(
        u32::from(date.hour),
        u32::from(date.minute),
        u32::from(date.second),
    )?;
    let offset = chrono::TimeDelta::minutes(hours * 60 + minutes);
    if date.tz_before_gmt {
        local.checked_add_signed(offset)
    } else {
        local.checked_sub_signed(offset)
    }
}
