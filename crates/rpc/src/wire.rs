//! Values of the models as JSON and back, without a tree of JSON values in between.

use std::cell::Cell;
use std::fmt;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use chrono::{Datelike, NaiveDateTime, Timelike};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use server_model::value::{AnyValue, Key, Map};

/// How many values one request may hold. A value takes far more memory than the two bytes that it
/// can be written in, so the length of the body alone does not bound what a request costs.
pub const MOST_VALUES: u32 = 2_000_000;

/// A value on its way out.
pub struct Wire<'a>(pub &'a AnyValue);

impl Serialize for Wire<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AnyValue::Null => to.serialize_unit(),
            AnyValue::Bool(value) => to.serialize_bool(*value),
            AnyValue::Int(value) => to.serialize_i64(*value),
            AnyValue::Float(value) => to.serialize_f64(*value),
            AnyValue::Text(value) => to.serialize_str(value),
            AnyValue::Bytes(value) => to.collect_str(&Base64Display::new(value, &STANDARD)),
            AnyValue::Date(value) => to.collect_str(value),
            AnyValue::Datetime(value) => match std::str::from_utf8(&moment(value)) {
                Ok(text) if (0..=9999).contains(&value.year()) => to.serialize_str(text),
                _ => to.collect_str(&value.format("%Y-%m-%d %H:%M:%S")),
            },
            AnyValue::List(items) => to.collect_seq(items.iter().map(Wire)),
            AnyValue::Map(map) => to.collect_map(map.iter().map(|(key, value)| (key, Wire(value)))),
            AnyValue::Records(records) => to.collect_seq(records.rows.iter().map(|row| Row {
                names: &records.names,
                values: row,
            })),
        }
    }
}

/// A moment of the years 0 to 9999 as `YYYY-MM-DD HH:MM:SS`. Each row has some, and a format that
/// is read anew for each of them takes longer than all other values together.
fn moment(value: &NaiveDateTime) -> [u8; 19] {
    let mut text = *b"0000-00-00 00:00:00";
    let mut put = |at: usize, number: u32| {
        text[at] += (number / 10 % 10) as u8;
        text[at + 1] += (number % 10) as u8;
    };
    let year = value.year().unsigned_abs();
    put(0, year / 100);
    put(2, year);
    put(5, value.month());
    put(8, value.day());
    put(11, value.hour());
    put(14, value.minute());
    put(17, value.second());
    text
}

struct Row<'a> {
    names: &'a [Key],
    values: &'a [AnyValue],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.names.iter().zip(self.values.iter().map(Wire)))
    }
}

/// Reads a JSON text into a value.
///
/// Whole numbers beyond 64 bits become floating point numbers, of names given twice the last one
/// counts, as in Python.
///
/// # Errors
/// When the text is no JSON, is nested deeper than 128 levels or holds more than [`MOST_VALUES`].
pub fn parse(text: &str) -> serde_json::Result<AnyValue> {
    let left = Cell::new(MOST_VALUES);
    let mut source = serde_json::Deserializer::from_str(text);
    let value = Reader { left: &left }.deserialize(&mut source)?;
    source.end()?;
    Ok(value)
}

/// Reads one value and all below it; `left` is how many more the request may hold.
#[derive(Clone, Copy)]
struct Reader<'a> {
    left: &'a Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = AnyValue;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<AnyValue, D::Error> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| {
            D::Error::custom(format_args!(
                "the request holds more than {MOST_VALUES} values"
            ))
        })?;
        self.left.set(left);
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = AnyValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<AnyValue, E> {
        Ok(AnyValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<AnyValue, E> {
        Ok(AnyValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<AnyValue, E> {
        Ok(AnyValue::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<AnyValue, E> {
        Ok(i64::try_from(value).map_or(AnyValue::Float(value as f64), AnyValue::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<AnyValue, E> {
        Ok(AnyValue::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<AnyValue, E> {
        Ok(AnyValue::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<AnyValue, E> {
        Ok(AnyValue::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<AnyValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(self)? {
            items.push(item);
        }
        Ok(AnyValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<AnyValue, A::Error> {
        let mut map = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            let value = from.next_value_seed(self)?;
            map.insert(Key::Owned(key), value);
        }
        Ok(AnyValue::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use server_model::value::{Records, map};

    fn written(value: &AnyValue) -> String {
        serde_json::to_string(&Wire(value)).expect("every value can be written")
    }

    #[test]
    fn a_number_comes_back_as_it_was_to_the_last_digit() {
        for text in [
            "7.777777777777778e+105",
            "0.1",
            "5e-324",
            "1.7976931348623157e+308",
        ] {
            let value = parse(text).expect("a number");
            assert_eq!(
                value,
                AnyValue::Float(text.parse().expect("a number")),
                "{text}"
            );
        }
        // One that a quick reader takes for its neighbour.
        let long = "7".repeat(105) + "0";
        let value = parse(&long).expect("a number");
        assert_eq!(value, AnyValue::Float(long.parse().expect("a number")));
    }

    #[test]
    fn every_kind_of_value_is_written_as_odoo_writes_it() {
        let day = NaiveDate::from_ymd_opt(2030, 1, 2).expect("a day");
        let moment = day.and_hms_micro_opt(3, 4, 5, 678).expect("a moment");
        let cases = [
            (AnyValue::Null, "null"),
            (AnyValue::FALSE, "false"),
            (AnyValue::Int(-7), "-7"),
            (AnyValue::Float(0.0), "0.0"),
            (AnyValue::from("a\t\"ü\"\u{1}"), r#""a\t\"ü\"\u0001""#),
            (AnyValue::Bytes(b"hello".to_vec()), r#""aGVsbG8=""#),
            (AnyValue::Date(day), r#""2030-01-02""#),
            (AnyValue::Datetime(moment), r#""2030-01-02 03:04:05""#),
            (AnyValue::List(vec![1.into(), "x".into()]), r#"[1,"x"]"#),
            (
                map([("b", 1.into()), ("a", 2.into())]).into(),
                r#"{"b":1,"a":2}"#,
            ),
        ];
        for (value, expected) in cases {
            assert_eq!(written(&value), expected);
        }
    }

    #[test]
    fn moments_of_all_years_are_written_as_chrono_writes_them() {
        for year in [-45, 0, 7, 999, 1970, 2026, 9999, 12_026] {
            for (month, day, hour, minute, second) in
                [(1, 1, 0, 0, 0), (12, 31, 23, 59, 59), (2, 28, 9, 10, 11)]
            {
                let moment = NaiveDate::from_ymd_opt(year, month, day)
                    .and_then(|day| day.and_hms_opt(hour, minute, second))
                    .expect("a moment");
                let expected = format!("\"{}\"", moment.format("%Y-%m-%d %H:%M:%S"));
                assert_eq!(written(&moment.into()), expected);
            }
        }
    }

    #[test]
    fn records_are_written_as_a_list_of_objects() {
        let records = Records {
            names: vec![Key::Borrowed("id"), Key::Borrowed("name")],
            rows: vec![
                vec![1.into(), "one".into()],
                vec![2.into(), AnyValue::FALSE],
            ],
        };
        assert_eq!(
            written(&records.into()),
            r#"[{"id":1,"name":"one"},{"id":2,"name":false}]"#
        );
        assert_eq!(written(&Records::default().into()), "[]");
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        for text in [
            r#"{"a":[1,-2,0.5,true,false,null,"x\ny"],"b":{"c":[]},"":{}}"#,
            "9223372036854775807",
            "-9223372036854775808",
            r#""🙂""#,
        ] {
            assert_eq!(written(&parse(text).expect("valid JSON")), text);
        }
    }

    #[test]
    fn whole_numbers_beyond_64_bits_become_floating_point() {
        for text in ["9223372036854775808", "12345678901234567890123"] {
            let value = parse(text).expect("valid JSON");
            let expected: f64 = text.parse().expect("a number");
            assert_eq!(value, AnyValue::Float(expected));
        }
    }

    #[test]
    fn of_a_name_given_twice_the_last_value_counts() {
        assert_eq!(
            written(&parse(r#"{"a":1,"a":2}"#).expect("valid JSON")),
            r#"{"a":2}"#
        );
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&nested(100)).is_ok());
        assert!(parse(&nested(200)).is_err());
        assert!(parse(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn the_number_of_values_is_limited() {
        let zeros = |count: u32| {
            let mut text = String::from("[");
            text.push_str(&"0,".repeat(count as usize - 1));
            text.push_str("0]");
            text
        };
        assert!(parse(&zeros(MOST_VALUES - 1)).is_ok());
        let error = parse(&zeros(MOST_VALUES)).expect_err("one too many");
        assert!(
            error.to_string().contains("more than 2000000 values"),
            "{error}"
        );
    }

    #[test]
    fn garbage_is_refused_and_never_panics() {
        for text in [
            "",
            "{",
            "[1,]",
            "nan",
            "NaN",
            "1 2",
            "\"\\ud800\"",
            "1e999",
            "\u{0}",
            "tru",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
