//! The address functions against the recorded answers of Odoo 18.

mod oracle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail::address::{
    Charset, email_domain_extract, email_domain_normalize, email_normalize, email_normalize_all,
    email_normalize_first, email_split, email_split_and_format, email_split_tuples,
    encapsulate_email, extract_rfc2822_addresses, formataddr, parse_contact_from_email,
};
use mail::parse::decode_header;
use serde_json::{Value, json};

#[test]
fn oracle_addresses() {
    oracle::check_table("addresses.jsonl", answer, |_, recorded| recorded);
}

fn answer(input: &Value) -> Value {
    let text_of = |key: &str| input[key].as_str();
    match text_of("op").expect("every case names its operation") {
        "text" => text(text_of("text").unwrap_or_default()),
        "domain_normalize" => {
            json!({"value": email_domain_normalize(text_of("domain").unwrap_or_default())})
        }
        "formataddr" => {
            let charset = match text_of("charset") {
                Some("ascii") => Charset::Ascii,
                Some("latin-1") => Charset::Latin1,
                Some("utf-8") => Charset::Utf8,
                other => panic!("no charset for {other:?}"),
            };
            let (name, address) = (text_of("name"), text_of("address"));
            match formataddr(
                name.unwrap_or_default(),
                address.unwrap_or_default(),
                charset,
            ) {
                Ok(value) => json!({"value": value}),
                Err(error) => json!({"value": {"error": error_class(error)}}),
            }
        }
        "encapsulate" => json!({"value": encapsulate_email(text_of("old"), text_of("new"))}),
        "decode_header" => {
            let raw = STANDARD
                .decode(text_of("raw_b64").expect("a raw header block"))
                .expect("valid base64");
            let (header, separator) = (text_of("header"), text_of("separator"));
            json!({"value": decode_header(&raw, header.expect("a header"), separator.expect("a separator"))})
        }
        other => panic!("no operation {other}"),
    }
}

fn text(text: &str) -> Value {
    let tuples: Vec<[String; 2]> = email_split_tuples(text)
        .into_iter()
        .map(|mailbox| [mailbox.name, mailbox.addr_spec])
        .collect();
    json!({
        "normalize_strict": email_normalize(text),
        "normalize_first": email_normalize_first(text),
        "normalize_all": email_normalize_all(text),
        "split": email_split(text),
        "split_tuples": tuples,
        "split_and_format": email_split_and_format(text),
        "domain_extract": email_domain_extract(text),
        "rfc2822": extract_rfc2822_addresses(text),
        "parse_contact": parse_contact_from_email(text),
    })
}

/// The table names the classes of the library that Odoo uses.
fn error_class(error: mail::address::IdnError) -> &'static str {
    use mail::address::IdnError;
    match error {
        IdnError::InvalidCodepoint => "InvalidCodepoint",
        IdnError::InvalidContext => "InvalidCodepointContext",
        IdnError::Bidi => "IDNABidiError",
        IdnError::Empty | IdnError::TooLong | IdnError::Hyphen | IdnError::NotComposed => {
            "IDNAError"
        }
    }
}
