//! What the parser promises, on small messages.

use chrono::NaiveDate;

use super::*;

fn context() -> ParseContext {
    ParseContext {
        now: NaiveDate::from_ymd_opt(2030, 1, 15)
            .and_then(|day| day.and_hms_opt(10, 20, 30))
            .expect("a valid moment"),
        bounce_addresses: vec!["bounce@corp.example".to_owned()],
    }
}

fn parse(raw: &str) -> Incoming {
    parse_message(raw.as_bytes(), &context())
}

const HEADER: &str = "From: =?utf-8?q?K=C3=ADm?= <kim@client.example>\n\
    To: sales@corp.example, \"B\" <b@corp.example>\n\
    Cc: \"Lee, L\" <lee@client.example>\n\
    Subject: =?utf-8?b?xbvDs8WCdGE=?=\n\
    Date: Tue, 14 Mar 2028 09:30:00 +0100\n\
    Message-Id: <m1@client.example>\n\
    References: <r1@corp.example>,<r2@corp.example>\n\
    In-Reply-To: <r2@corp.example>\n\
    MIME-Version: 1.0\n";

fn multipart(kind: &str, parts: &[&str]) -> Incoming {
    let parts: String = parts.iter().map(|part| format!("--B\n{part}\n")).collect();
    parse(&format!(
        "{HEADER}Content-Type: multipart/{kind}; boundary=B\n\n{parts}--B--\n"
    ))
}

const PLAIN: &str = "Content-Type: text/plain; charset=utf-8\n\nplain part";
const HTML: &str = "Content-Type: text/html; charset=utf-8\n\n<p>html part</p>";
const PDF: &str = "Content-Type: application/pdf; name=\"a.pdf\"\nContent-Transfer-Encoding: base64\n\
    Content-Disposition: attachment; filename=\"a.pdf\"\nContent-Id: <pdf@x>\n\nJVBERi0xLjQgeA==\n";

#[test]
fn the_header_is_read_into_its_fields() {
    let incoming = parse(&format!("{HEADER}\nHello <there> & you\n"));
    assert_eq!(incoming.message_id.as_deref(), Some("<m1@client.example>"));
    assert_eq!(incoming.subject, "Żółta");
    assert_eq!(incoming.email_from, "\"Kím\" <kim@client.example>");
    assert_eq!(
        incoming.to,
        ["sales@corp.example", "\"B\" <b@corp.example>"]
    );
    assert_eq!(incoming.cc, ["\"Lee, L\" <lee@client.example>"]);
    assert_eq!(incoming.recipients.len(), 3);
    assert_eq!(
        incoming.reference_ids(),
        ["<r1@corp.example>", "<r2@corp.example>"]
    );
    assert_eq!(incoming.in_reply_to, "<r2@corp.example>");
    let date = incoming.date.map(|date| date.to_string());
    assert_eq!(date.as_deref(), Some("2028-03-14 08:30:00"));
    assert_eq!(incoming.body_kind, BodyKind::Pre);
    assert_eq!(
        incoming.body_html.trim_end(),
        "<pre>Hello &lt;there&gt; &amp; you\n</pre>"
    );
    assert!(!incoming.is_bounce);
}

#[test]
fn html_is_preferred_to_its_plain_alternative() {
    let incoming = multipart("alternative", &[PLAIN, HTML]);
    assert_eq!(incoming.body_kind, BodyKind::Html);
    assert_eq!(incoming.body_html.trim(), "<p>html part</p>");
    assert_eq!(incoming.attachments, []);
}

#[test]
fn files_become_attachments_with_their_bytes() {
    let incoming = multipart("mixed", &[PLAIN, PDF]);
    assert_eq!(incoming.body_kind, BodyKind::Pre);
    assert_eq!(
        incoming.attachments,
        [Attachment {
            name: "a.pdf".to_owned(),
            mimetype: "application/pdf".to_owned(),
            bytes: b"%PDF-1.4 x".to_vec(),
            cid: Some("pdf@x".to_owned()),
            charset: None,
        }]
    );
}

#[test]
fn several_texts_of_a_mixed_message_are_one_body() {
    let incoming = multipart("mixed", &[PLAIN, HTML]);
    assert_eq!(incoming.body_kind, BodyKind::Pre);
    assert_eq!(
        incoming.body_html.trim(),
        "<pre>plain part</pre>\n<p>html part</p>"
    );
}

#[test]
fn a_message_in_the_message_is_attached_and_its_text_shown() {
    let inner = "Content-Type: message/rfc822\nContent-Disposition: attachment; filename=\"in.eml\"\n\n\
        Subject: inner\nMessage-Id: <in@x.example>\n\ninner body";
    let incoming = multipart("mixed", &[PLAIN, inner]);
    assert!(
        incoming.body_html.contains("inner body"),
        "{}",
        incoming.body_html
    );
    let [attached] = incoming.attachments.as_slice() else {
        panic!("one attachment: {:?}", incoming.attachments);
    };
    assert_eq!(attached.mimetype, "message/rfc822");
    assert_eq!(attached.name, "in.eml");
    assert_eq!(
        String::from_utf8_lossy(&attached.bytes).trim_end(),
        "Subject: inner\nMessage-Id: <in@x.example>\n\ninner body"
    );
}

#[test]
fn a_delivery_report_names_who_was_not_reached_and_why() {
    let status = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.client.example\n\n\
        Final-Recipient: RFC822; KIM@client.example\nAction: failed\nStatus: 5.1.1\n";
    let original = "Content-Type: message/rfc822\n\nFrom: ana@corp.example\nMessage-Id: <orig-1@corp.example>\n\nbody";
    let incoming = multipart(
        "report; report-type=delivery-status",
        &[PLAIN, status, original],
    );
    assert!(incoming.is_bounce);
    assert_eq!(
        incoming.bounce,
        BounceReport {
            bounced_email: Some("kim@client.example".to_owned()),
            bounced_msg_ids: vec!["<orig-1@corp.example>".to_owned()],
            status: Some("5.1.1".to_owned()),
        }
    );
    assert_eq!(incoming.attachments, []);
    assert_eq!(incoming.body_html.trim(), "<pre>plain part</pre>");
}

#[test]
fn mail_to_the_bounce_address_or_from_the_mailer_daemon_is_a_bounce() {
    assert!(parse("From: kim@client.example\nTo: Bounce@CORP.example\n\nx").is_bounce);
    assert!(parse("From: MAILER-DAEMON@mx.example\nTo: ana@corp.example\n\nx").is_bounce);
    assert!(
        !parse("From: \"mailer-daemon\" <kim@client.example>\nTo: ana@corp.example\n\nx").is_bounce
    );
    assert!(!parse("From: kim@client.example\nCc: bounce@corp.example\n\nx").is_bounce);
}

#[test]
fn a_missing_date_is_none_and_an_unreadable_one_is_now() {
    assert_eq!(parse("Subject: x\n\ny").date, None);
    for bad in [
        "yesterday",
        "Mon, 13 Foo 2028 20:00:00 +0100",
        "Mon, 13 Mar 2028 25:00:00 +0100",
    ] {
        let date = parse(&format!("Date: {bad}\n\ny")).date;
        assert_eq!(date, Some(context().now), "{bad}");
    }
    for (text, utc) in [
        ("Mon, 13 Mar 2028 23:59:59 GMT", "2028-03-13 23:59:59"),
        ("Mon, 13 Mar 2028 20:00:00 -0800", "2028-03-14 04:00:00"),
        ("Mon, 13 Mar 2028 20:00:00 -0000", "2028-03-13 20:00:00"),
        ("2028-03-13T20:00:00+01:00", "2028-03-13 19:00:00"),
        ("Fri, 13 Mar 2028 20:00:00 +0100", "2028-03-13 19:00:00"),
    ] {
        let date = parse(&format!("Date: {text}\n\ny")).date;
        assert_eq!(
            date.map(|date| date.to_string()).as_deref(),
            Some(utc),
            "{text}"
        );
    }
}

#[test]
fn an_unknown_charset_keeps_the_mail_readable() {
    let incoming = parse("Subject: x\nContent-Type: text/plain; charset=x-nowhere\n\nhello ż\n");
    assert_eq!(incoming.body_html.trim_end(), "<pre>hello ż\n</pre>");
}

#[test]
fn stored_html_cannot_run_anything() {
    let dirty = "<p onclick=\"x()\" style=\"color: red; position: fixed\">a<script>alert(1)</script>\
        <a href=\"javascript:x()\">b</a><iframe src=\"https://dark.example\"></iframe>\
        <img src=\"cid:img1@x\" onerror=\"x()\"><form action=\"/web\"><input></form>";
    let clean = sanitize_html(dirty);
    for evil in [
        "script",
        "onclick",
        "onerror",
        "javascript",
        "iframe",
        "form",
        "position",
    ] {
        assert!(!clean.contains(evil), "{evil} in {clean}");
    }
    assert!(clean.contains("cid:img1@x"), "{clean}");
    assert!(
        clean.contains("color:red") || clean.contains("color: red"),
        "{clean}"
    );
}

#[test]
fn messages_nested_beyond_reason_neither_panic_nor_hang() {
    let deep = format!("{}hello", "Content-Type: message/rfc822\n\n".repeat(60_000));
    assert!(parse(&deep).attachments.len() <= 16);
    let mut multiparts = String::new();
    for level in 0..2_000 {
        multiparts.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
        ));
    }
    parse(&multiparts);
    parse(&format!("From: {}\n\n", "(".repeat(200_000)));
    parse(&format!("To: {}\n\n", "a:".repeat(100_000)));
}
