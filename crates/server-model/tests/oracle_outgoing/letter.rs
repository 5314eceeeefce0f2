//! The arguments of a letter as the tables have them (`build`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeZone as _, Utc};
use mail::compose::{Attachment, Body, ComposeError, Content, Text};
use serde_json::Value;
use server_model::outbox::letters::{Texts, read_headers};
use server_model::outbox::refusal::Refusal;

use crate::world::{items, text};

/// The moment of the tables.
pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2030, 1, 15, 10, 20, 30)
        .single()
        .expect("a moment")
}

/// A letter as somebody asks for it.
pub struct Letter<'v> {
    build: &'v Value,
    to: Vec<String>,
    cc: Vec<String>,
    bcc: Vec<String>,
    judged: Vec<String>,
    references: Vec<String>,
    headers: Vec<(String, String)>,
}

impl<'v> Letter<'v> {
    /// Reads the arguments.
    ///
    /// # Errors
    /// When one of the additional headers cannot be used.
    pub fn read(build: &'v Value, judged: &Value) -> Result<Letter<'v>, Refusal> {
        let headers = build.get("headers").map(Value::to_string);
        Ok(Letter {
            build,
            to: texts(&build["email_to"]),
            cc: texts(&build["email_cc"]),
            bcc: texts(&build["email_bcc"]),
            judged: texts(judged),
            references: texts(&build["references"]),
            headers: read_headers(headers.as_deref().unwrap_or_default())?,
        })
    }

    /// What it says beside its content.
    pub fn texts(&self) -> Texts<'_> {
        Texts {
            email_from: text(&self.build["email_from"]),
            to: &self.to,
            cc: &self.cc,
            bcc: &self.bcc,
            judged: &self.judged,
            reply_to: text(&self.build["reply_to"]),
            subject: match self.build.get("subject") {
                None => Some("Hello"),
                Some(subject) => text(subject),
            },
            message_id: text(&self.build["message_id"]),
            object_id: text(&self.build["object_id"]),
            references: &self.references,
            headers: &self.headers,
        }
    }

    /// Its content.
    pub fn content(&self) -> Result<Content, ComposeError> {
        let part = |body: &Value, kind: &Value| {
            let text_of = text(body).unwrap_or_default();
            match text(kind) {
                Some("html") => Text::html(text_of),
                _ => Text::plain(text_of),
            }
        };
        let build = self.build;
        let body = Body {
            text: part(&build["body"], &build["subtype"]),
            alternative: text(&build["body_alternative"])
                .map(|_| part(&build["body_alternative"], &build["subtype_alternative"])),
        };
        let files: Vec<Attachment> = items(build, "attachments").map(file).collect();
        Content::new(&body, &files)
    }
}

fn file(told: &Value) -> Attachment {
    Attachment {
        name: text(&told["name"]).map(str::to_owned),
        mimetype: text(&told["mimetype"])
            .unwrap_or("application/octet-stream")
            .to_owned(),
        bytes: STANDARD
            .decode(text(&told["content_b64"]).expect("a content"))
            .expect("base64"),
        cid: None,
    }
}

/// One text or several.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => texts
            .iter()
            .filter_map(|value| text(value).map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}
