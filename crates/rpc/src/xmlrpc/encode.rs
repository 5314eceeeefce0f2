//! Values as XML-RPC.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use server_model::value::{AnyValue, Key, datetime_text};

use crate::error::{Error, Result};

const HEAD: &str = "<?xml version='1.0'?>\n<methodResponse>\n";
const TAIL: &str = "</methodResponse>\n";

/// The response with a method's result.
///
/// # Errors
/// TypeError when there is a `None` in it, which XML-RPC without extensions cannot say.
pub fn response(result: &AnyValue) -> Result<String> {
    let mut out = String::with_capacity(256);
    out.push_str(HEAD);
    out.push_str("<params><param>");
    value(&mut out, result)?;
    out.push_str("</param></params>\n");
    out.push_str(TAIL);
    Ok(out)
}

/// The response that tells of an error.
pub fn fault(code: &AnyValue, text: &str) -> String {
    let mut out = String::with_capacity(256);
    out.push_str(HEAD);
    out.push_str("<fault><value><struct><member><name>faultCode</name><value>");
    match code {
        AnyValue::Int(code) => integer(&mut out, *code),
        code => string(&mut out, &code.to_python_text()),
    }
    out.push_str("</value></member><member><name>faultString</name><value>");
    string(&mut out, text);
    out.push_str("</value></member></struct></value></fault>\n");
    out.push_str(TAIL);
    out
}

fn value(out: &mut String, value: &AnyValue) -> Result<()> {
    out.push_str("<value>");
    match value {
        AnyValue::Null => {
            return Err(Error::type_error(
                "The method returned nothing, or something with None in it, which XML-RPC cannot carry. Use /jsonrpc for it.",
            ));
        }
        AnyValue::Bool(value) => {
            out.push_str(if *value {
                "<boolean>1</boolean>"
            } else {
                "<boolean>0</boolean>"
            });
        }
        AnyValue::Int(value) => integer(out, *value),
        AnyValue::Float(value) => {
            // Debug keeps the point in whole numbers, so that they stay floating point.
            wrap(out, "double", &format!("{value:?}"));
        }
        AnyValue::Text(text) => string(out, text),
        AnyValue::Bytes(bytes) => string(out, &BASE64_STANDARD.encode(bytes)),
        AnyValue::Date(day) => string(out, &day.to_string()),
        AnyValue::Datetime(moment) => string(out, &datetime_text(moment)),
        AnyValue::List(items) => array(out, items, self::value)?,
        AnyValue::Map(map) => members(out, map.iter())?,
        AnyValue::Records(records) => array(out, &records.rows, |out, row| {
            out.push_str("<value>");
            members(out, records.names.iter().zip(row))?;
            out.push_str("</value>");
            Ok(())
        })?,
    }
    out.push_str("</value>");
    Ok(())
}

fn array<T>(
    out: &mut String,
    items: &[T],
    each: impl Fn(&mut String, &T) -> Result<()>,
) -> Result<()> {
    out.push_str("<array><data>");
    for item in items {
        each(out, item)?;
    }
    out.push_str("</data></array>");
    Ok(())
}

fn members<'a>(
    out: &mut String,
    members: impl Iterator<Item = (&'a Key, &'a AnyValue)>,
) -> Result<()> {
    out.push_str("<struct>");
    for (name, member) in members {
        out.push_str("<member><name>");
        text(out, name);
        out.push_str("</name>");
        value(out, member)?;
        out.push_str("</member>");
    }
    out.push_str("</struct>");
    Ok(())
}

/// `<int>` is 32 bits wide; `<i8>` is the extension that all clients of Odoo's languages read.
fn integer(out: &mut String, value: i64) {
    let kind = if i32::try_from(value).is_ok() {
        "int"
    } else {
        "i8"
    };
    wrap(out, kind, &value.to_string());
}

fn wrap(out: &mut String, kind: &str, content: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, "<{kind}>{content}</{kind}>");
}

fn string(out: &mut String, content: &str) {
    out.push_str("<string>");
    text(out, content);
    out.push_str("</string>");
}

/// Text as it may stand in XML 1.0. Characters that XML does not have are dropped, as Odoo does;
/// a carriage return is written as a reference, since readers turn a bare one into a newline.
fn text(out: &mut String, content: &str) {
    for c in content.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use server_model::value::{Records, map};

    #[test]
    fn a_response_declares_xml_and_has_one_value() {
        assert_eq!(
            response(&AnyValue::Int(7)).expect("a response"),
            "<?xml version='1.0'?>\n<methodResponse>\n<params><param><value><int>7</int></value></param></params>\n</methodResponse>\n"
        );
    }

    #[test]
    fn records_are_an_array_of_structs() {
        let records = Records {
            names: vec![Key::Borrowed("id")],
            rows: vec![vec![1.into()], vec![2.into()]],
        };
        let xml = response(&records.into()).expect("a response");
        assert!(xml.contains(
            "<array><data><value><struct><member><name>id</name><value><int>1</int></value></member></struct></value><value><struct>"
        ), "{xml}");
    }

    #[test]
    fn none_cannot_be_carried_wherever_it_stands() {
        for value in [
            AnyValue::Null,
            AnyValue::List(vec![AnyValue::Null]),
            map([("a", AnyValue::Null)]).into(),
        ] {
            assert!(response(&value).is_err());
        }
    }

    #[test]
    fn control_characters_are_dropped() {
        let xml = response(&"a\u{1}b\u{1f}c\td\ne\u{ffff}".into()).expect("a response");
        assert!(xml.contains("<string>abc\td\ne</string>"), "{xml}");
    }

    #[test]
    fn a_fault_has_a_number_or_a_text_as_code() {
        let xml = fault(&AnyValue::Int(2), "a < b");
        assert!(
            xml.contains("<name>faultCode</name><value><int>2</int></value>"),
            "{xml}"
        );
        assert!(
            xml.contains("<name>faultString</name><value><string>a &lt; b</string></value>"),
            "{xml}"
        );
        let xml = fault(&"warning -- UserError\n\nx".into(), "");
        assert!(
            xml.contains("<value><string>warning -- UserError\n\nx</string></value>"),
            "{xml}"
        );
        assert!(xml.contains("<value><string></string></value>"), "{xml}");
    }
}
