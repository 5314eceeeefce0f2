//! Dates of received mail.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// No place on earth is farther from UTC, in minutes.
const FARTHEST: i64 = 15 * 60;
/// The names of zones that RFC 5322 section 4.3 knows, with their hours from UTC.
const ZONES: [(&str, i64); 8] = [
    ("edt", -4),
    ("est", -5),
    ("cdt", -5),
    ("cst", -6),
    ("mdt", -6),
    ("mst", -7),
    ("pdt", -7),
    ("pst", -8),
];

/// The moment that a Date header names, in UTC; nothing if it cannot be read.
pub(super) fn read_date(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    DateTime::parse_from_rfc2822(text)
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .filter(|date| i64::from(date.offset().local_minus_utc()).abs() <= FARTHEST * 60)
        .map(|date| date.naive_utc())
        .filter(|date| date.and_utc().timestamp() > 0)
        .or_else(|| Findings::of(text).to_moment())
}

/// What a text says of a date, wherever in it that stands.
#[derive(Default)]
struct Findings {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    time: Option<NaiveTime>,
    /// Minutes before or after UTC; without one the time counts as UTC.
    offset: i64,
    is_nonsense: bool,
}

impl Findings {
    fn of(text: &str) -> Self {
        let mut found = Findings::default();
        for word in text.split([' ', '\t', ',', '(', ')']) {
            if !word.is_empty() {
                found.take(word);
            }
        }
        found
    }

    fn take(&mut self, word: &str) {
        if word.contains(':') {
            self.take_time(word);
        } else if let Some(digits) = word.strip_prefix(['+', '-']) {
            self.take_offset(digits, word.starts_with('-'));
        } else if word.contains(['/', '-', '.']) {
            self.take_numeric(word);
        } else if word.bytes().all(|b| b.is_ascii_digit()) {
            self.take_number(word);
        } else {
            self.take_name(word);
        }
    }

    fn take_time(&mut self, word: &str) {
        let time = ["%H:%M:%S", "%H:%M", "%H:%M:%S%.f"]
            .into_iter()
            .find_map(|shape| NaiveTime::parse_from_str(word, shape).ok());
        self.is_nonsense |= time.is_none();
        self.time = time.or(self.time);
    }

    fn take_offset(&mut self, digits: &str, is_west: bool) {
        let (Some(hours), Some(minutes), 4) = (digits.get(..2), digits.get(2..), digits.len())
        else {
            return;
        };
        let (Ok(hours), Ok(minutes)) = (hours.parse::<i64>(), minutes.parse::<i64>()) else {
            return;
        };
        let offset = hours * 60 + minutes;
        self.is_nonsense |= offset > FARTHEST || minutes > 59;
        self.offset = if is_west { -offset } else { offset };
    }

    /// `3/14/2028`, month first as the recorded behaviour has it; `2028-03-14`.
    fn take_numeric(&mut self, word: &str) {
        let numbers: Vec<u32> = word
            .split(['/', '-', '.'])
            .filter_map(|number| number.parse().ok())
            .collect();
        let [first, second, third] = numbers.as_slice() else {
            // `13-Mar-2028`
            for piece in word.split(['/', '-', '.']) {
                if piece.bytes().all(|b| b.is_ascii_digit()) {
                    self.take_number(piece);
                } else {
                    self.take_name(piece);
                }
            }
            return;
        };
        let (year, month, day) = match (*first, *second, *third) {
            (year, month, day) if year > 31 => (year, month, day),
            (day, month, year) if day > 12 => (year, month, day),
            (month, day, year) => (year, month, day),
        };
        self.year = i32::try_from(year).ok();
        self.month = Some(month);
        self.day = Some(day);
    }

    fn take_number(&mut self, digits: &str) {
        let Ok(number) = digits.parse::<u32>() else {
            return;
        };
        if self.day.is_none() && (1..=31).contains(&number) && digits.len() <= 2 {
            self.day = Some(number);
        } else if self.year.is_none() && digits.len() <= 4 {
            self.year = i32::try_from(number).ok();
        }
    }

    fn take_name(&mut self, word: &str) {
        let lower = word.to_lowercase();
        if let Some((_, hours)) = ZONES.iter().find(|(zone, _)| *zone == lower) {
            self.offset = hours * 60;
        } else if self.month.is_none()
            && let Some(month) = MONTHS
                .iter()
                .position(|month| *month == lower || month.get(..3) == Some(lower.as_str()))
        {
            self.month = u32::try_from(month + 1).ok();
        }
    }

    fn to_moment(&self) -> Option<NaiveDateTime> {
        if self.is_nonsense {
            return None;
        }
        let year = match self.year? {
            short @ 0..50 => short + 2000,
            short @ 50..1000 => short + 1900,
            year => year,
        };
        let day = NaiveDate::from_ymd_opt(year, self.month?, self.day?)?;
        day.and_time(self.time.unwrap_or_default())
            .checked_sub_signed(TimeDelta::minutes(self.offset))
    }
}
