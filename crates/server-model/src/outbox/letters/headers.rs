//! The additional header fields of a mail, kept as text (`mail.mail.headers`).

use words::{Text, say};

use crate::gateway::literal;
use crate::outbox::refusal::{FailureType, Refusal};
use crate::value::AnyValue;

/// Reads a mapping, written as JSON or as Python writes it. What is neither is ignored, as Odoo ignores it.
///
/// # Errors
/// A [`Refusal`] for a value that is no mapping, or has a value that is no text: whoever wrote it meant something
/// else. Nothing at all (`None`, `False`, zero) stands for an empty text.
pub fn read(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let Some(value) = from_json(text).or_else(|| literal::read(text)) else {
        return Ok(Vec::new());
    };
    let AnyValue::Map(fields) = value else {
        return Err(unusable(say!("outbox-headers", given = %value.type_name())));
    };
    fields
        .into_iter()
        .map(|(name, value)| match value {
            AnyValue::Text(text) => Ok((name.into_owned(), text)),
            nothing if nothing.is_falsy() => Ok((name.into_owned(), String::new())),
            other => Err(unusable(
                say!("outbox-header", ?name, given = %other.type_name()),
            )),
        })
        .collect()
}

fn from_json(text: &str) -> Option<AnyValue> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(any(value))
}

fn any(value: serde_json::Value) -> AnyValue {
    match value {
        serde_json::Value::Null => AnyValue::Null,
        serde_json::Value::Bool(truth) => truth.into(),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or_default().into(),
        },
        serde_json::Value::String(text) => text.into(),
        serde_json::Value::Array(items) => AnyValue::List(items.into_iter().map(any).collect()),
        serde_json::Value::Object(members) => AnyValue::Map(
            members
                .into_iter()
                .map(|(name, value)| (name.into(), any(value)))
                .collect(),
        ),
    }
}

fn unusable(reason: Text) -> Refusal {
    Refusal::new(FailureType::Unknown, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_json_and_as_python_writes_them() {
        let expected = Ok(vec![("X-A".to_owned(), "b".to_owned())]);
        assert_eq!(read(r#"{"X-A": "b"}"#), expected);
        assert_eq!(read("{'X-A': 'b'}"), expected);
        assert_eq!(
            read("{'X-A': \"it's\", 'X-B': None}"),
            Ok(vec![
                ("X-A".into(), "it's".into()),
                ("X-B".into(), String::new())
            ])
        );
    }

    #[test]
    fn what_is_no_value_at_all_is_ignored() {
        for text in ["", "nonsense[", "{'X-A': ", "{'X-A': foo}", "{"] {
            assert_eq!(read(text), Ok(Vec::new()), "{text}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_a_header_is_refused_by_its_name() {
        for text in ["['a']", "[\"a\"]", "5", "'a'"] {
            assert!(read(text).is_err(), "{text}");
        }
        for text in ["{'X-I': 5}", "{\"X-I\": 5}", "{'X-I': ['a']}"] {
            let refused = read(text).expect_err("no text");
            assert!(refused.reason.to_string().contains("X-I"), "{refused}");
            assert_eq!(refused.failure_type, FailureType::Unknown);
        }
    }
}
