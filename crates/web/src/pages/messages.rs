//! Received messages: the list, and one message as plain text.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use server_model::value::{AnyValue, Id};

use super::id;
use crate::failure::Result;
use crate::lang::Lang;
use crate::plain_text;
use crate::records::{Record, Records, Search, condition, containing};
use crate::shell::{Part, Query, Section, Shell, page};
use crate::visitor::Visitor;

const MODEL: &str = "mail.message";

#[derive(Template)]
#[template(path = "messages.html")]
struct ListPage {
    shell: Shell,
    messages: Vec<Line>,
    /// What is looked for; empty for all.
    wanted: String,
    /// The address of this list without the number of the part.
    address: String,
    part: Part,
}

struct Line {
    id: Id,
    from: String,
    subject: String,
    date: String,
    attachments: usize,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    shell: Shell,
    message: Record,
    body: String,
    attachments: Vec<Attachment>,
}

struct Attachment {
    id: Id,
    name: String,
    mimetype: String,
    size: String,
}

/// Shows the received messages, latest first.
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let mut part = Part::asked(&query);
    let wanted = query.get("search").map(|text| text.trim().to_owned());
    let wanted = wanted.unwrap_or_default();
    let mut conditions = vec![condition("message_type", "=", "email")];
    conditions.extend(containing(&["subject", "email_from"], &wanted));
    let search = Search {
        conditions,
        order: "id desc",
        offset: part.offset(),
        limit: part.limit(),
    };
    let fields = ["email_from", "subject", "date", "attachment_ids"];
    let mut found = records.list(search, &fields).await?;
    part.cut(&mut found);
    let messages = found
        .iter()
        .map(|message| Line {
            id: message.id(),
            from: message.text("email_from"),
            subject: message.text("subject"),
            date: message.text("date"),
            attachments: message.ids("attachment_ids").len(),
        })
        .collect();
    let shell = Shell::around(&visitor, Section::Messages).await?;
    page(
        StatusCode::OK,
        &ListPage {
            shell,
            messages,
            address: super::searched_address(MODEL, &wanted),
            wanted,
            part,
        },
    )
}

/// Shows one message. Its HTML is never passed on, only the text in it.
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let fields = [
        "email_from",
        "reply_to",
        "subject",
        "date",
        "message_id",
        "message_type",
        "model",
        "res_id",
        "record_name",
        "body",
        "attachment_ids",
    ];
    let message = records.read(id(&path)?, &fields).await?;
    let attachments = attachments(&visitor, &message.ids("attachment_ids")).await?;
    let shell = Shell::around(&visitor, Section::Messages).await?;
    page(
        StatusCode::OK,
        &MessagePage {
            shell,
            body: plain_text::of_html(&message.text("body")),
            message,
            attachments,
        },
    )
}

async fn attachments(visitor: &Visitor, ids: &[Id]) -> Result<Vec<Attachment>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let search = Search {
        conditions: vec![condition("id", "in", AnyValue::ids(ids))],
        order: "id",
        ..Search::default()
    };
    let records = Records::of(visitor, "ir.attachment");
    let found = records
        .list(search, &["name", "mimetype", "file_size"])
        .await?;
    Ok(found
        .iter()
        .map(|attachment| Attachment {
            id: attachment.id(),
            name: attachment.text("name"),
            mimetype: attachment.text("mimetype"),
            size: size(visitor.lang, attachment.number("file_size")),
        })
        .collect())
}

/// A size as a person reads it.
pub fn size(lang: Lang, bytes: i64) -> String {
    match bytes {
        ..1_000 => lang.count("size-bytes", bytes),
        1_000..1_000_000 => format!("{} kB", (bytes + 500) / 1_000),
        _ => {
            let point = if lang == Lang::Vietnamese { ',' } else { '.' };
            format!(
                "{}{point}{} MB",
                bytes / 1_000_000,
                bytes % 1_000_000 / 100_000
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_for_people() {
        assert_eq!(size(Lang::English, 1), "1 byte");
        assert_eq!(size(Lang::English, 999), "999 bytes");
        assert_eq!(size(Lang::English, 12_600), "13 kB");
        assert_eq!(size(Lang::English, 1_450_000), "1.4 MB");
        assert_eq!(size(Lang::Vietnamese, 1_450_000), "1,4 MB");
    }
}
