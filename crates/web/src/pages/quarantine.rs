//! Received mails that could not be stored: the list, one of them, and its bytes.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::Path;
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use server_model::value::{AnyValue, Id};

use super::id;
use super::messages::size;
use crate::failure::{Failure, Result};
use crate::form::Refusal;
use crate::lang::Lang;
use crate::records::{Record, Records, Search};
use crate::redirect::see_other;
use crate::shell::{Part, Query, Section, Shell, page};
use crate::visitor::{SignedForm, Visitor};

const MODEL: &str = "postern.quarantine";
/// How much of a mail a page shows, in bytes; the rest is in the file.
const SHOWN: usize = 50_000;

#[derive(Template)]
#[template(path = "quarantine.html")]
struct ListPage {
    shell: Shell,
    mails: Vec<Line>,
    part: Part,
}

struct Line {
    id: Id,
    server: String,
    folder: String,
    reason: String,
    attempts: i64,
    created: String,
}

#[derive(Template)]
#[template(path = "quarantined.html")]
struct MailPage {
    shell: Shell,
    mail: Line,
    /// What the server calls it.
    uid: String,
    /// The beginning of the mail as it came; empty when it was not fetched.
    source: String,
    size: String,
    cut: bool,
}

fn line(record: &Record) -> Line {
    Line {
        id: record.id(),
        server: record.text("fetchmail_server_id"),
        folder: record.text("folder"),
        reason: record.text("reason"),
        attempts: record.number("attempts"),
        created: record.text("create_date"),
    }
}

const FIELDS: [&str; 5] = [
    "fetchmail_server_id",
    "folder",
    "reason",
    "attempts",
    "create_date",
];

/// Shows what waits, latest first.
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let mut part = Part::asked(&query);
    let search = Search {
        order: "id desc",
        offset: part.offset(),
        limit: part.limit(),
        ..Search::default()
    };
    let mut found = records.list(search, &FIELDS).await?;
    part.cut(&mut found);
    let shell = Shell::around(&visitor, Section::Messages).await?;
    page(
        StatusCode::OK,
        &ListPage {
            shell: shell.done(&query),
            mails: found.iter().map(line).collect(),
            part,
        },
    )
}

/// Shows one mail: why it is here, and how it came.
pub async fn show(visitor: Visitor, path: Path<String>, query: Query) -> Result<HttpResponse> {
    let shell = Shell::around(&visitor, Section::Messages).await?;
    mail_page(&visitor, id(&path)?, shell.done(&query)).await
}

async fn mail_page(visitor: &Visitor, id: Id, shell: Shell) -> Result<HttpResponse> {
    let fields = [&FIELDS[..], &["uid", "raw"]].concat();
    let record = Records::of(visitor, MODEL).read(id, &fields).await?;
    let bytes = bytes(&record);
    let (source, size, cut) = shown(visitor.lang, &bytes);
    let page_ = MailPage {
        shell,
        mail: line(&record),
        uid: record.text("uid"),
        source,
        size,
        cut,
    };
    page(page_.shell.status(), &page_)
}

fn bytes(record: &Record) -> Vec<u8> {
    STANDARD.decode(record.text("raw")).unwrap_or_default()
}

fn shown(lang: Lang, bytes: &[u8]) -> (String, String, bool) {
    let beginning = &bytes[..bytes.len().min(SHOWN)];
    let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    (
        String::from_utf8_lossy(beginning).into_owned(),
        size(lang, length),
        bytes.len() > SHOWN,
    )
}

/// Answers with the mail as it came, as a file: a browser is not to show what strangers wrote.
pub async fn raw(visitor: Visitor, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let record = Records::of(&visitor, MODEL).read(id, &["raw"]).await?;
    if !record.has("raw") {
        return Err(Failure::NoRecord(path.into_inner()));
    }
    Ok(HttpResponse::Ok()
        .content_type("message/rfc822")
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"quarantine-{id}.eml\""),
        ))
        .body(bytes(&record)))
}

/// Does what the pressed button says.
pub async fn submit(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let visitor = form.visitor;
    let records = Records::of(&visitor, MODEL);
    let outcome = match form.fields.get("action").map(String::as_str) {
        Some("replay") => records.run("replay", id).await.map_err(Refusal::from),
        Some("discard") => records.run("discard", id).await.map_err(Refusal::from),
        _ => {
            let message = visitor.lang.say("no-such-button");
            Err(Refusal::Typed(crate::form::Problem {
                field: None,
                message,
            }))
        }
    };
    let replays = form.fields.get("action").is_some_and(|a| a == "replay");
    match outcome {
        Ok(AnyValue::Bool(false)) => Ok(see_other(&format!("/odoo/{MODEL}/{id}?done=kept"))),
        Ok(_) if replays => Ok(see_other(&format!("/odoo/{MODEL}?done=replayed"))),
        Ok(_) => Ok(see_other(&format!("/odoo/{MODEL}?done=discarded"))),
        Err(refusal) => {
            let problem = refusal.shown()?;
            let shell = Shell::around(&visitor, Section::Messages).await?;
            mail_page(&visitor, id, shell.problem(problem)).await
        }
    }
}
