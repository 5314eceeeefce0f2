//! XML-RPC calls as values.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::NaiveDateTime;
use quick_xml::Reader;
use quick_xml::events::Event;
use server_model::value::{AnyValue, Key, Map};

use crate::wire::MOST_VALUES;

/// How deep arrays and structs may be nested, as in JSON.
const DEEPEST: u32 = 128;

/// What was wrong with a call, as the end of a sentence.
type Wrong = String;

/// Reads a `methodCall`: the method's name and its arguments.
///
/// # Errors
/// What is not XML, not a call, nested deeper than 128 levels, longer than two million values, or
/// has a document type (which only attacks on parsers have).
pub fn call(text: &str) -> Result<(String, Vec<AnyValue>), Wrong> {
    let mut tokens = Tokens::new(text);
    tokens.open("methodCall")?;
    tokens.open("methodName")?;
    let method = tokens.text_until_end()?.trim().to_owned();
    let mut args = Vec::new();
    if tokens.opens("params")? {
        while tokens.opens("param")? {
            tokens.open("value")?;
            args.push(tokens.value(DEEPEST)?);
            tokens.close()?;
        }
        tokens.close()?;
    }
    tokens.close()?;
    Ok((method, args))
}

/// One step through the document.
enum Token {
    Open(String),
    Close,
    Text(String),
    End,
}

/// The document as elements and runs of text, entities put in.
struct Tokens<'a> {
    reader: Reader<&'a [u8]>,
    /// A token looked at and put back.
    ahead: Option<Token>,
    values_left: u32,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Tokens<'a> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Tokens {
            reader,
            ahead: None,
            values_left: MOST_VALUES,
        }
    }

    fn next(&mut self) -> Result<Token, Wrong> {
        if let Some(token) = self.ahead.take() {
            return Ok(token);
        }
        let mut run = String::new();
        loop {
            let token = match self
                .reader
                .read_event()
                .map_err(|error| error.to_string())?
            {
                Event::Text(text) => {
                    run.push_str(&text.xml10_content());
                    continue;
                }
                Event::CData(text) => {
                    run.push_str(&text.xml10_content());
                    continue;
                }
                Event::GeneralRef(reference) => {
                    run.push(entity(&reference)?);
                    continue;
                }
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                Event::DocType(_) => return Err("it has a document type".into()),
                Event::Start(tag) | Event::Empty(tag) => {
                    Token::Open(tag.local_name().into_inner().to_owned())
                }
                Event::End(_) => Token::Close,
                Event::Eof => Token::End,
            };
            if run.is_empty() {
                return Ok(token);
            }
            self.ahead = Some(token);
            return Ok(Token::Text(run));
        }
    }

    /// The next element's start or end; white space between elements is skipped.
    fn next_tag(&mut self) -> Result<Token, Wrong> {
        match self.next()? {
            Token::Text(text) if text.trim().is_empty() => self.next(),
            Token::Text(_) => Err("there is text between the elements".into()),
            token => Ok(token),
        }
    }

    fn open(&mut self, name: &str) -> Result<(), Wrong> {
        match self.next_tag()? {
            Token::Open(found) if found == name => Ok(()),
            _ => Err(format!("<{name}> is missing")),
        }
    }

    /// Whether the next element is `name`; if so it is entered.
    fn opens(&mut self, name: &str) -> Result<bool, Wrong> {
        match self.next_tag()? {
            Token::Open(found) if found == name => Ok(true),
            Token::Open(found) => Err(format!("<{found}> stands where <{name}> should")),
            token => {
                self.ahead = Some(token);
                Ok(false)
            }
        }
    }

    fn close(&mut self) -> Result<(), Wrong> {
        match self.next_tag()? {
            Token::Close => Ok(()),
            _ => Err("an element does not end where it should".into()),
        }
    }

    /// The text up to the end of the element, which has nothing else in it.
    fn text_until_end(&mut self) -> Result<String, Wrong> {
        match self.next()? {
            Token::Close => Ok(String::new()),
            Token::Text(text) => match self.next()? {
                Token::Close => Ok(text),
                _ => Err("there is an element where only text may be".into()),
            },
            _ => Err("there is no text where it should be".into()),
        }
    }

    /// A value whose `<value>` was just entered, up to and with `</value>`.
    fn value(&mut self, levels: u32) -> Result<AnyValue, Wrong> {
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or_else(|| format!("it holds more than {MOST_VALUES} values"))?;
        let levels = levels
            .checked_sub(1)
            .ok_or_else(|| format!("it is nested deeper than {DEEPEST} levels"))?;
        let kind = match self.next()? {
            Token::Close => return Ok(AnyValue::Text(String::new())),
            Token::Open(kind) => kind,
            Token::Text(text) => match self.next()? {
                // Without an element the value is the text itself, white space and all.
                Token::Close => return Ok(AnyValue::Text(text)),
                Token::Open(kind) if text.trim().is_empty() => kind,
                _ => return Err("a value has text beside its element".into()),
            },
            Token::End => return Err("a value does not end".into()),
        };
        let value = match kind.as_str() {
            "array" => self.array(levels)?,
            "struct" => self.members(levels)?,
            kind => scalar(kind, self.text_until_end()?)?,
        };
        self.close()?;
        Ok(value)
    }

    fn array(&mut self, levels: u32) -> Result<AnyValue, Wrong> {
        let mut items = Vec::new();
        self.open("data")?;
        while self.opens("value")? {
            items.push(self.value(levels)?);
        }
        self.close()?;
        self.close()?;
        Ok(AnyValue::List(items))
    }

    fn members(&mut self, levels: u32) -> Result<AnyValue, Wrong> {
        let mut map = Map::new();
        while self.opens("member")? {
            self.open("name")?;
            let name = self.text_until_end()?;
            self.open("value")?;
            map.insert(Key::Owned(name), self.value(levels)?);
            self.close()?;
        }
        self.close()?;
        Ok(AnyValue::Map(map))
    }
}

fn scalar(kind: &str, text: String) -> Result<AnyValue, Wrong> {
    let wrong = || format!("a value of <{kind}> cannot be read");
    let trimmed = text.trim();
    Ok(match kind {
        "string" => AnyValue::Text(text),
        "int" | "i1" | "i2" | "i4" | "i8" | "biginteger" => {
            AnyValue::Int(trimmed.parse().map_err(|_| wrong())?)
        }
        "boolean" => match trimmed {
            "0" => AnyValue::Bool(false),
            "1" => AnyValue::Bool(true),
            _ => return Err(wrong()),
        },
        "double" | "float" => AnyValue::Float(trimmed.parse().map_err(|_| wrong())?),
        "dateTime.iso8601" => AnyValue::Datetime(moment(trimmed).ok_or_else(wrong)?),
        "base64" => {
            // Encoders break the lines.
            let packed: String = text.split_ascii_whitespace().collect();
            AnyValue::Bytes(BASE64_STANDARD.decode(packed).map_err(|_| wrong())?)
        }
        "nil" if trimmed.is_empty() => AnyValue::Null,
        _ => return Err(format!("there is no type <{kind}>")),
    })
}

fn moment(text: &str) -> Option<NaiveDateTime> {
    ["%Y%m%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|shape| NaiveDateTime::parse_from_str(text, shape).ok())
}

/// The five entities of XML and references to characters. There are no others without a document
/// type.
fn entity(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, Wrong> {
    if let Some(c) = reference
        .resolve_char_ref()
        .map_err(|error| error.to_string())?
    {
        return Ok(c);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        other => Err(format!("there is no entity &{other};")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn arg(value: &str) -> Result<AnyValue, Wrong> {
        let text = format!(
            "<?xml version='1.0'?>\n<methodCall>\n<methodName>m</methodName>\n<params>\n<param>\n{value}\n</param>\n</params>\n</methodCall>\n"
        );
        call(&text).map(|(_, mut args)| args.remove(0))
    }

    #[test]
    fn every_type_is_read() {
        let moment = NaiveDate::from_ymd_opt(2030, 1, 2)
            .and_then(|day| day.and_hms_opt(3, 4, 5))
            .expect("a moment");
        let cases = [
            ("<value>bare text</value>", AnyValue::from("bare text")),
            ("<value/>", "".into()),
            ("<value> <int> 5 </int> </value>", 5.into()),
            ("<value><i4>-1</i4></value>", (-1).into()),
            (
                "<value><i8>3000000000</i8></value>",
                3_000_000_000_i64.into(),
            ),
            ("<value><boolean>1</boolean></value>", true.into()),
            ("<value><double>2.5</double></value>", 2.5.into()),
            ("<value><string/></value>", "".into()),
            (
                "<value><string> a&lt;b &#x1F642;<![CDATA[<c>]]></string></value>",
                " a<b 🙂<c>".into(),
            ),
            ("<value><nil/></value>", AnyValue::Null),
            ("<value><ex:nil/></value>", AnyValue::Null),
            (
                "<value><base64>\naGVs\nbG8=\n</base64></value>",
                AnyValue::Bytes(b"hello".to_vec()),
            ),
            (
                "<value><dateTime.iso8601>20300102T03:04:05</dateTime.iso8601></value>",
                moment.into(),
            ),
            (
                "<value><array><data></data></array></value>",
                AnyValue::List(vec![]),
            ),
            (
                "<value><array><data/></array></value>",
                AnyValue::List(vec![]),
            ),
            ("<value><struct/></value>", AnyValue::Map(Map::new())),
            (
                "<value><array><data> <value>a</value> <!-- b --> <value><int>2</int></value> </data></array></value>",
                AnyValue::List(vec!["a".into(), 2.into()]),
            ),
        ];
        for (xml, expected) in cases {
            assert_eq!(arg(xml), Ok(expected), "{xml}");
        }
    }

    #[test]
    fn a_call_may_have_no_params() {
        let text = "<?xml version='1.0'?><methodCall><methodName>version</methodName></methodCall>";
        assert_eq!(call(text), Ok(("version".into(), vec![])));
    }

    #[test]
    fn garbage_is_refused_and_never_panics() {
        let good = "<methodCall><methodName>m</methodName><params><param><value><struct><member><name>a</name><value><array><data><value><int>1</int></value></data></array></value></member></struct></value></param></params></methodCall>";
        assert!(call(good).is_ok());
        for (end, _) in good.char_indices() {
            assert!(call(&good[..end]).is_err(), "{}", &good[..end]);
        }
        for text in [
            "",
            "hello",
            "<methodCall><nope",
            "<?xml version='1.0'?><a/>",
            "<methodCall/>",
            "<methodCall></methodName></methodCall>",
            "<methodCall>x<methodName>m</methodName></methodCall>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><methodCall><methodName>&b;</methodName></methodCall>",
            "<methodCall><methodName>&nope;</methodName></methodCall>",
            "<methodCall><methodName>&#0;</methodName></methodCall>",
            "<methodCall><methodName>a & b</methodName></methodCall>",
            "\u{0}\u{1}",
        ] {
            assert!(call(text).is_err(), "{text:?}");
        }
        for value in [
            "<value><int></int></value>",
            "<value><int>x</int></value>",
            "<value><i8>99999999999999999999</i8></value>",
            "<value><boolean>2</boolean></value>",
            "<value><base64>*</base64></value>",
            "<value><dateTime.iso8601>now</dateTime.iso8601></value>",
            "<value><nope>1</nope></value>",
            "<value>a<int>1</int></value>",
            "<value><int>1</int>b</value>",
            "<value><int>1</int><int>2</int></value>",
            "<value><struct><member><value>1</value></member></struct></value>",
            "<value><array><value>1</value></array></value>",
        ] {
            assert!(arg(value).is_err(), "{value}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |levels: usize| {
            format!(
                "{}<value>x</value>{}",
                "<value><array><data>".repeat(levels),
                "</data></array></value>".repeat(levels)
            )
        };
        assert!(arg(&nested(127)).is_ok());
        assert!(arg(&nested(128)).is_err());
        assert!(arg(&nested(100_000)).is_err());
    }
}
