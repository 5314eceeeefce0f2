//! Outgoing mails: the list by state, one mail and its fate, and a form to write one.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use server_model::error::Error;
use server_model::value::{Id, Key};

use super::id;
use crate::failure::{Result, for_form};
use crate::form::{Filled, Form, label_of};
use crate::plain_text;
use crate::records::{Record, Records, Search, condition};
use crate::redirect::see_other;
use crate::shell::{Part, Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const MODEL: &str = "mail.mail";
/// The states that have a list of their own, those that want attention first.
const STATES: [&str; 4] = ["exception", "outgoing", "sent", "cancel"];

static FORM: Form = Form {
    model: MODEL,
    fields: &["email_from", "email_to", "email_cc", "subject"],
    secrets: &[],
};

#[derive(Template)]
#[template(path = "mails.html")]
struct ListPage {
    shell: Shell,
    tabs: Vec<Tab>,
    /// The chosen state; empty for all.
    state: String,
    mails: Vec<Line>,
    part: Part,
}

struct Tab {
    state: &'static str,
    label: String,
    count: i64,
}

struct Line {
    id: Id,
    subject: String,
    to: String,
    created: String,
    state: String,
    state_label: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "mail_new.html")]
struct NewPage {
    shell: Shell,
    form: Filled,
    body: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage {
    shell: Shell,
    id: Id,
    mail: Record,
    to: String,
    state: String,
    state_label: String,
    failure: String,
    body: String,
    attachments: usize,
}

/// Shows the mails, of one state when the address names it (`?state=exception`), latest first.
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor.caller, MODEL);
    let asked = query.get("state").map(String::as_str);
    let state = STATES.into_iter().find(|state| asked == Some(state));
    let mut part = Part::asked(&query);
    let search = Search {
        conditions: state
            .map(|state| condition("state", "=", state))
            .into_iter()
            .collect(),
        order: "id desc",
        offset: part.offset(),
        limit: part.limit(),
    };
    let fields = [
        "subject",
        "email_to",
        "recipient_ids",
        "create_date",
        "state",
        "failure_reason",
    ];
    let mut found = records.list(search, &fields).await?;
    part.cut(&mut found);
    let mut tabs = Vec::new();
    for state in STATES {
        tabs.push(Tab {
            state,
            label: label_of(MODEL, "state", state),
            count: records.count(vec![condition("state", "=", state)]).await?,
        });
    }
    let mails = found.iter().map(line).collect();
    let shell = Shell::around(&visitor, Section::Mails).await?;
    page(
        StatusCode::OK,
        &ListPage {
            shell: shell.done(&query),
            tabs,
            state: state.unwrap_or_default().to_owned(),
            mails,
            part,
        },
    )
}

fn line(mail: &Record) -> Line {
    let state = mail.text("state");
    let partners = mail.ids("recipient_ids").len();
    let to = match (mail.text("email_to"), partners) {
        (to, 0) => to,
        (to, partners) if to.is_empty() => format!("{partners} contacts"),
        (to, partners) => format!("{to} and {partners} contacts"),
    };
    Line {
        id: mail.id(),
        subject: mail.text("subject"),
        to,
        created: mail.text("create_date"),
        state_label: label_of(MODEL, "state", &state),
        state,
        reason: mail.text("failure_reason"),
    }
}

/// Shows a form for a new mail, from the account of the first outgoing server.
pub async fn new(visitor: Visitor) -> Result<HttpResponse> {
    let servers = Records::of(&visitor.caller, "ir.mail_server");
    let search = Search {
        conditions: vec![
            condition("active", "=", true),
            condition("smtp_user", "like", "@"),
        ],
        order: "sequence, id",
        limit: 1,
        ..Search::default()
    };
    let found = servers.list(search, &["smtp_user"]).await?;
    let from = found.first().map(|server| server.text("smtp_user"));
    let typed = Fields::from([("email_from".to_owned(), from.unwrap_or_default())]);
    let shell = Shell::around(&visitor, Section::Mails).await?;
    new_page(shell, &typed)
}

fn new_page(shell: Shell, typed: &Fields) -> Result<HttpResponse> {
    page(
        shell.status(),
        &NewPage {
            shell,
            form: FORM.typed(typed),
            body: typed.get("body").cloned().unwrap_or_default(),
        },
    )
}

/// Makes a mail, sends it at once, and goes on to its page, which tells how that went.
pub async fn create(form: SignedForm) -> Result<HttpResponse> {
    let records = Records::of(&form.visitor.caller, MODEL);
    match make(records, &form.fields).await {
        Ok(id) => send(records, id).await,
        Err(error) => {
            let error = for_form(error)?;
            let shell = Shell::around(&form.visitor, Section::Mails).await?;
            new_page(shell.error(error), &form.fields)
        }
    }
}

async fn make(records: Records<'_>, typed: &Fields) -> Result<Id, Error> {
    let mut values = FORM.values(typed)?;
    for (name, what) in [("email_from", "a sender"), ("email_to", "a recipient")] {
        if values.get(name).is_none_or(|value| value.is_falsy()) {
            return Err(Error::User(format!("A mail needs {what}.")));
        }
    }
    let body = typed.get("body").map(String::as_str).unwrap_or_default();
    let html = plain_text::to_html(body);
    values.insert(Key::Borrowed("body_html"), html.into());
    // Whoever writes a mail here wants to see afterwards what became of it.
    values.insert(Key::Borrowed("auto_delete"), false.into());
    records.create(values).await
}

async fn send(records: Records<'_>, id: Id) -> Result<HttpResponse> {
    records.run("send", id).await?;
    Ok(see_other(&format!("/odoo/{MODEL}/{id}")))
}

/// Shows one mail and its fate.
pub async fn show(visitor: Visitor, path: Path<String>, query: Query) -> Result<HttpResponse> {
    let shell = Shell::around(&visitor, Section::Mails).await?;
    mail_page(&visitor, id(&path)?, shell.done(&query)).await
}

async fn mail_page(visitor: &Visitor, id: Id, shell: Shell) -> Result<HttpResponse> {
    let records = Records::of(&visitor.caller, MODEL);
    let fields = [
        "subject",
        "email_from",
        "email_to",
        "email_cc",
        "recipient_ids",
        "create_date",
        "message_id",
        "mail_server_id",
        "state",
        "failure_type",
        "failure_reason",
        "body_html",
        "attachment_ids",
    ];
    let mail = records.read(id, &fields).await?;
    let line = line(&mail);
    let page_ = MailPage {
        shell,
        id,
        to: line.to,
        state: line.state,
        state_label: line.state_label,
        failure: failure(&mail.text("failure_type")),
        body: plain_text::of_html(&mail.text("body_html")),
        attachments: mail.ids("attachment_ids").len(),
        mail,
    };
    page(page_.shell.status(), &page_)
}

/// The kind of failure; empty where the label would only say that it is not known.
fn failure(kind: &str) -> String {
    match kind {
        "" | "unknown" => String::new(),
        kind => label_of(MODEL, "failure_type", kind),
    }
}

/// Does what the pressed button says.
pub async fn submit(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let records = Records::of(&form.visitor.caller, MODEL);
    let outcome = match form.fields.get("action").map(String::as_str) {
        Some("send") => records.run("send", id).await,
        Some("retry") => match records.run("mark_outgoing", id).await {
            Ok(_) => records.run("send", id).await,
            Err(error) => Err(error),
        },
        Some("cancel") => records.run("cancel", id).await,
        _ => Err(Error::User("This page has no such button.".into())),
    };
    match outcome {
        Ok(_) => Ok(see_other(&format!("/odoo/{MODEL}/{id}"))),
        Err(error) => {
            let error = for_form(error)?;
            let shell = Shell::around(&form.visitor, Section::Mails).await?;
            mail_page(&form.visitor, id, shell.error(error)).await
        }
    }
}
