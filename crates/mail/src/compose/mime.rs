//! The tree of MIME parts.

use std::borrow::Borrow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};

use super::check::{check_length, check_value};
use super::{Attachment, Body, ComposeError, Text, TextKind};
use crate::text::html_to_text;

/// Octets a line of base64 holds (RFC 2045 section 6.8).
const BASE64_LINE: usize = 76;

pub(super) fn body<A: Borrow<Attachment>>(
    body: &Body,
    attachments: &[A],
) -> Result<MimePart<'static>, ComposeError> {
    let given = body
        .alternative
        .as_ref()
        .filter(|alternative| !alternative.text.is_empty());
    let alternative = match (given, body.text.kind) {
        (Some(given), _) => Some(text_part(given.kind, &given.text)),
        (None, TextKind::Html) => Some(text_part(TextKind::Plain, &html_to_text(&body.text.text))),
        (None, TextKind::Plain) => None,
    };
    let Text { kind, text } = &body.text;
    let text = text_part(*kind, text);
    let text = match alternative {
        Some(alternative) => MimePart::new("multipart/alternative", vec![alternative, text]),
        None => text,
    };
    if attachments.is_empty() {
        return Ok(text);
    }
    let mut parts = vec![text];
    for attachment in attachments {
        parts.push(attachment_part(attachment.borrow())?);
    }
    Ok(MimePart::new("multipart/mixed", parts))
}

/// How many bytes a content takes that needs little encoding: a plain text beside the HTML, attachments a
/// third longer than they are, and some lines around each part. One that needs more grows.
pub(super) fn usual_length<A: Borrow<Attachment>>(body: &Body, attachments: &[A]) -> usize {
    let text = body.text.text.len();
    let alternative = body
        .alternative
        .as_ref()
        .map_or(text, |given| given.text.len());
    let files = attachments
        .iter()
        .map(|attachment| attachment.borrow().bytes.len());
    (text + alternative) / 16 * 17 + files.sum::<usize>() / 8 * 11 + (2 + attachments.len()) * 512
}

/// Text ends with a line end, as the last line of a text does.
fn text_part(kind: TextKind, text: &str) -> MimePart<'static> {
    let mimetype = match kind {
        TextKind::Plain => "text/plain",
        TextKind::Html => "text/html",
    };
    let mut lines = String::with_capacity(text.len() + text.len() / 32 + 2);
    let mut rest = text;
    while let Some(end) = memchr::memchr2(b'\r', b'\n', rest.as_bytes()) {
        lines.push_str(&rest[..end]);
        lines.push_str("\r\n");
        let line_end = if rest[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + line_end..];
    }
    if !rest.is_empty() || text.is_empty() {
        lines.push_str(rest);
        lines.push_str("\r\n");
    }
    MimePart::new(mimetype, BodyPart::Text(lines.into()))
}

fn attachment_part(attachment: &Attachment) -> Result<MimePart<'static>, ComposeError> {
    let place = "the name of an attachment";
    let mut disposition = ContentType::new(if attachment.cid.is_some() {
        "inline"
    } else {
        "attachment"
    });
    if let Some(name) = &attachment.name {
        check_value(place, name)?;
        disposition = disposition.attribute("filename", name.clone());
    }
    let encoded = STANDARD.encode(&attachment.bytes);
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / BASE64_LINE * 2 + 2);
    for line in encoded.as_bytes().chunks(BASE64_LINE) {
        lines.extend(line.iter().copied().map(char::from));
        lines.push_str("\r\n");
    }
    let mut part = MimePart::new(
        media_type(&attachment.mimetype),
        BodyPart::Binary(lines.into_bytes().into()),
    )
    .transfer_encoding("base64")
    .header("Content-Disposition", disposition);
    if let Some(cid) = attachment.cid.as_deref() {
        let cid = cid.trim_matches(['<', '>', ' ']);
        check_value("the Content-Id of an attachment", cid)?;
        check_length("the Content-Id of an attachment", cid, 900)?;
        if cid.is_empty()
            || !cid
                .bytes()
                .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'))
        {
            return Err(ComposeError::MessageId {
                place: "the Content-Id of an attachment".to_owned(),
            });
        }
        part = part.header("Content-ID", Raw::new(format!("<{cid}>")));
    }
    Ok(part)
}

/// A declared media type with its parameters; `application/octet-stream` for what is none.
fn media_type(declared: &str) -> ContentType<'static> {
    let mut pieces = declared.split(';');
    let essence = pieces
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_valid = essence.len() <= 127
        && essence
            .split_once('/')
            .is_some_and(|(main, sub)| is_token(main) && is_token(sub));
    if !is_valid {
        return ContentType::new("application/octet-stream");
    }
    let mut media_type = ContentType::new(essence);
    for piece in pieces {
        if let Some((key, value)) = piece.split_once('=') {
            let (key, value) = (key.trim(), value.trim().trim_matches('"'));
            // A parameter that would need quoting or folding is none that a media type is known by.
            if is_token(key) && is_token(value) && key.len() + value.len() < 100 {
                media_type = media_type.attribute(key.to_ascii_lowercase(), value.to_owned());
            }
        }
    }
    media_type
}

/// RFC 2045 section 5.1, without the tspecials.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
}
