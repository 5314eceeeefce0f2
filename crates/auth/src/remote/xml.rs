//! Just enough XML-RPC to call a method and to read a number or a fault.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::Reader;
use quick_xml::events::Event;

/// An argument of a call.
pub(super) enum Argument<'a> {
    False,
    Bool(bool),
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    List(Vec<Argument<'a>>),
    Members(Vec<(&'static str, Argument<'a>)>),
}

/// A method call as XML.
pub(super) fn call(method: &str, arguments: &[Argument<'_>]) -> String {
    let mut xml =
        format!("<?xml version=\"1.0\"?>\n<methodCall><methodName>{method}</methodName><params>");
    for argument in arguments {
        xml.push_str("<param>");
        push(&mut xml, argument);
        xml.push_str("</param>");
    }
    xml.push_str("</params></methodCall>\n");
    xml
}

fn push(xml: &mut String, argument: &Argument<'_>) {
    xml.push_str("<value>");
    match argument {
        Argument::False => xml.push_str("<boolean>0</boolean>"),
        Argument::Bool(truth) => {
            let _ = write!(xml, "<boolean>{}</boolean>", u8::from(*truth));
        }
        Argument::Int(number) => {
            let _ = write!(xml, "<int>{number}</int>");
        }
        Argument::Text(text) => {
            xml.push_str("<string>");
            push_text(xml, text);
            xml.push_str("</string>");
        }
        Argument::Bytes(bytes) => {
            xml.push_str("<base64>");
            STANDARD.encode_string(bytes, xml);
            xml.push_str("</base64>");
        }
        Argument::List(items) => {
            xml.push_str("<array><data>");
            for item in items {
                push(xml, item);
            }
            xml.push_str("</data></array>");
        }
        Argument::Members(members) => {
            xml.push_str("<struct>");
            for (name, member) in members {
                let _ = write!(xml, "<member><name>{name}</name>");
                push(xml, member);
                xml.push_str("</member>");
            }
            xml.push_str("</struct>");
        }
    }
    xml.push_str("</value>");
}

fn push_text(xml: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            // Others have no place in XML at all.
            '\t' | '\n' | '\r' => {
                let _ = write!(xml, "&#{};", u32::from(letter));
            }
            letter if letter.is_control() => {}
            letter => xml.push(letter),
        }
    }
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A number.
    Int(i64),
    /// Anything else, which nobody here needs.
    Other,
    /// The call failed.
    Fault { code: i64, text: String },
}

impl Answer {
    /// Reads a `methodResponse`.
    pub(super) fn read(body: &[u8]) -> Result<Answer, &'static str> {
        const NOT_XML: &str = "it is no answer of XML-RPC";
        let text = std::str::from_utf8(body).map_err(|_| NOT_XML)?;
        let mut reader = Reader::from_str(text);
        let mut path: Vec<String> = Vec::new();
        let mut seen = false;
        let mut is_fault = false;
        let mut values: Vec<(String, String)> = Vec::new();
        loop {
            match reader.read_event().map_err(|_| NOT_XML)? {
                Event::Start(tag) => {
                    let name = tag.local_name().into_inner().to_owned();
                    if path.is_empty() && name != "methodResponse" {
                        return Err(NOT_XML);
                    }
                    seen = true;
                    is_fault |= name == "fault";
                    if name == "value"
                        || name == "name"
                        || path.last().is_some_and(|last| last == "value")
                    {
                        values.push((name.clone(), String::new()));
                    }
                    path.push(name);
                }
                Event::End(_) => {
                    path.pop();
                }
                Event::Text(text) => {
                    if let Some((_, value)) = values.last_mut() {
                        value.push_str(&text.xml10_content());
                    }
                }
                Event::GeneralRef(reference) => {
                    if let Some((_, value)) = values.last_mut() {
                        value.push(entity(&reference).unwrap_or('\u{fffd}'));
                    }
                }
                Event::DocType(_) => return Err(NOT_XML),
                Event::Eof => break,
                _ => {}
            }
        }
        if !seen {
            return Err(NOT_XML);
        }
        if is_fault {
            return Ok(fault(&values));
        }
        let first = values.iter().find(|(kind, _)| kind != "value");
        Ok(match first {
            Some((kind, number)) if matches!(kind.as_str(), "int" | "i4" | "i8") => {
                number.trim().parse().map_or(Answer::Other, Answer::Int)
            }
            _ => Answer::Other,
        })
    }
}

fn fault(values: &[(String, String)]) -> Answer {
    // A name, its value, and within that the type with the content.
    let member = |name: &str| {
        let at = values
            .iter()
            .position(|(kind, text)| kind == "name" && text.trim() == name)?;
        let rest = values.get(at + 1..)?.iter();
        rest.take_while(|(kind, _)| kind != "name")
            .map(|(_, text)| text)
            .filter(|text| !text.trim().is_empty())
            .last()
    };
    Answer::Fault {
        code: member("faultCode")
            .and_then(|code| code.trim().parse().ok())
            .unwrap_or_default(),
        text: member("faultString").cloned().unwrap_or_default(),
    }
}

fn entity(reference: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Ok(Some(letter)) = reference.resolve_char_ref() {
        return Some(letter);
    }
    Some(match &**reference {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}
