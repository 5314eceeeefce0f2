//! Random input into everything that reads mail: nothing may panic, and what comes out must be usable.

use mail::address::{
    Charset, email_normalize_all, email_split_tuples, encapsulate_email, extract_rfc2822_addresses,
    formataddr, match_from_filter, parse_contact_from_email,
};
use mail::compose::{Attachment, Body, Content, Outgoing, Text, compose};
use mail::parse::{ParseContext, decode_header, parse_message, sanitize_html};
use mail::text::html_to_text;
use proptest::prelude::*;

/// Text rich in the characters that mean something in addresses and headers.
fn address_like() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            Just("@".to_owned()),
            Just("<".to_owned()),
            Just(">".to_owned()),
            Just("\"".to_owned()),
            Just("(".to_owned()),
            Just(")".to_owned()),
            Just("[".to_owned()),
            Just("]".to_owned()),
            Just(",".to_owned()),
            Just(";".to_owned()),
            Just(":".to_owned()),
            Just("\\".to_owned()),
            Just(" ".to_owned()),
            Just("\t".to_owned()),
            Just("\r\n".to_owned()),
            Just(".".to_owned()),
            Just("=?utf-8?q?".to_owned()),
            Just("=?big5?b?".to_owned()),
            Just("?=".to_owned()),
            Just("xn--".to_owned()),
            "[a-z]{1,5}",
            "[a-z]{1,5}@[a-z]{1,5}\\.example",
            "\\PC{1,3}",
        ],
        0..24,
    )
    .prop_map(|pieces| pieces.concat())
}

/// Text rich in the lines that mean something in a message.
fn message_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("--B".to_owned()),
        Just("--B--\n".to_owned()),
        Just("Content-Type: multipart/mixed; boundary=B\n\n".to_owned()),
        Just("Content-Type: multipart/alternative; boundary=B\n\n".to_owned()),
        Just("Content-Type: multipart/report; boundary=B\n\n".to_owned()),
        Just("Content-Type: message/rfc822\n\n".to_owned()),
        Just("Content-Type: message/delivery-status\n\n".to_owned()),
        Just("Content-Type: text/html; charset=utf-16\n\n".to_owned()),
        Just("Content-Type: text/plain; name*0*=utf-8''%".to_owned()),
        Just("Content-Transfer-Encoding: base64\n".to_owned()),
        Just("Content-Transfer-Encoding: quoted-printable\n".to_owned()),
        Just("Content-Disposition: attachment; filename=\"".to_owned()),
        Just("Final-Recipient: rfc822;".to_owned()),
        Just("Date: ".to_owned()),
        Just("From: ".to_owned()),
        Just("To: ".to_owned()),
        Just("Message-Id: <".to_owned()),
        Just("=C3=A9=\n".to_owned()),
        Just("w6k=\n".to_owned()),
        address_like(),
    ];
    (
        proptest::collection::vec(piece, 0..30),
        proptest::collection::vec(any::<u8>(), 0..40),
        0..40_usize,
    )
        .prop_map(|(pieces, noise, at)| {
            let mut bytes = pieces.concat().into_bytes();
            let at = at.min(bytes.len());
            bytes.splice(at..at, noise);
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn addresses_of_any_text_can_be_asked_for(text in address_like(), other in address_like()) {
        for found in email_split_tuples(&text) {
            prop_assert!(found.addr_spec.contains('@'), "{found:?}");
        }
        for address in email_normalize_all(&text) {
            let domain = address.rsplit('@').next().unwrap_or_default();
            prop_assert_eq!(domain.to_lowercase(), domain);
        }
        for address in extract_rfc2822_addresses(&text) {
            let domain = address.rsplit('@').next().unwrap_or_default();
            prop_assert!(domain.is_ascii(), "{}", address);
        }
        let _ = parse_contact_from_email(&text);
        let _ = encapsulate_email(Some(&text), Some(&other));
        let _ = match_from_filter(Some(&text), Some(&other));
        prop_assert!(match_from_filter(Some(&text), None));
        for charset in [Charset::Ascii, Charset::Latin1, Charset::Utf8] {
            let _ = formataddr(&text, &other, charset);
        }
    }

    #[test]
    fn headers_of_any_bytes_can_be_decoded(value in address_like(), noise in proptest::collection::vec(any::<u8>(), 0..20)) {
        for name in ["From", "Subject", "To"] {
            let mut raw = format!("{name}: {value}").into_bytes();
            raw.extend_from_slice(&noise);
            let _ = decode_header(&raw, name, ",");
        }
    }

    #[test]
    fn any_bytes_can_be_parsed_as_a_message(raw in message_like()) {
        let incoming = parse_message(&raw, &ParseContext::default());
        let clean = sanitize_html(&incoming.body_html);
        prop_assert!(!clean.contains("<script"));
        let _ = html_to_text(&incoming.body_html);
    }

    #[test]
    fn html_like_text_becomes_text(html in "(<[a-z/!]{0,6}[ =\"'a-z]{0,8}>?|&[a-z#0-9]{0,6};?|[a-z ]{0,4}|\\PC){0,30}") {
        let _ = html_to_text(&html);
        let _ = sanitize_html(&html);
    }

    #[test]
    fn what_can_be_composed_has_only_the_fields_it_should_have(
        subject in address_like(),
        name in address_like(),
        address in address_like(),
        header in address_like(),
        value in "\\PC{0,40}",
        body in address_like(),
    ) {
        let outgoing = Outgoing {
            from: vec![mail::address::Mailbox::new(name, "ana@corp.example")],
            to: vec![mail::address::Mailbox::new(value.clone(), address), ],
            subject,
            headers: vec![("X-Note".to_owned(), header), ("X-Other".to_owned(), value)],
            ..Outgoing::default()
        };
        let content = Content::new::<Attachment>(&Body::from(Text::plain(body)), &[])
            .expect("any text can be written");
        // With an address that is none there is nothing to check but that it is refused; so use it as a
        // name as well, where anything but a line break is welcome.
        let outgoing = match compose(&outgoing, &content, "corp.example", chrono::Utc::now()) {
            Ok(_) => outgoing,
            Err(_) => Outgoing {
                to: vec![mail::address::Mailbox::new("", "kim@client.example")],
                ..outgoing
            },
        };
        if let Ok(composed) = compose(&outgoing, &content, "corp.example", chrono::Utc::now()) {
            let text = String::from_utf8_lossy(&composed.bytes).into_owned();
            prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
            prop_assert!(text.split("\r\n").all(|line| line.len() <= 998), "{text:?}");
            let (header, _) = text.split_once("\r\n\r\n").expect("an end of the header");
            let names: Vec<&str> = header
                .split("\r\n")
                .filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split(':').next().unwrap_or_default())
                .collect();
            prop_assert_eq!(
                names,
                ["Message-Id", "Subject", "From", "To", "Date", "X-Note", "X-Other", "MIME-Version",
                 "Content-Type", "Content-Transfer-Encoding"]
            );
        }
    }
}
