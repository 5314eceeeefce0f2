//! Outgoing mails: the list by state, one mail and its fate, and a form to write one.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use server_model::error::Error;
use server_model::value::{AnyValue, Id, Key, Map};
use url::form_urlencoded;

use words::say;

use super::id;
use crate::failure::Result;
use crate::form::{Filled, Form, Refusal, label_of};
use crate::lang::Lang;
use crate::plain_text;
use crate::records::{Record, Records, Search, condition, containing};
use crate::redirect::see_other;
use crate::shell::{Part, Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const MODEL: &str = "mail.mail";
/// The states that have a list of their own, those that want attention first.
const STATES: [&str; 4] = ["exception", "outgoing", "sent", "cancel"];
/// What a search looks through.
const SEARCHED: [&str; 4] = ["subject", "email_to", "email_from", "failure_reason"];
/// How many failed mails are put back into the queue at once.
const MOST_RETRIED: i64 = 5000;

pub static FORM: Form = Form {
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
    /// What is looked for; empty for all.
    wanted: String,
    /// The address of this list without the number of the part.
    address: String,
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
    story: Record,
    people: Vec<Person>,
    history: Vec<Attempt>,
    body: String,
    attachments: usize,
}

/// Somebody whom the mail notifies.
struct Person {
    name: String,
    status: String,
    reason: String,
}

/// What became of an attempt.
struct Attempt {
    at: String,
    server: String,
    class: &'static str,
    outcome: String,
    reason: String,
    next: String,
}

/// Shows the mails, of one state when the address names it (`?state=exception`) and with a text in
/// them when it says which (`&search=offer`), latest first.
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let lang = visitor.lang;
    let records = Records::of(&visitor, MODEL);
    let asked = query.get("state").map(String::as_str);
    let state = STATES.into_iter().find(|state| asked == Some(state));
    let wanted = query.get("search").map(|text| text.trim().to_owned());
    let wanted = wanted.unwrap_or_default();
    let mut part = Part::asked(&query);
    let mut conditions: Vec<_> = state
        .map(|state| condition("state", "=", state))
        .into_iter()
        .collect();
    conditions.extend(containing(&SEARCHED, &wanted));
    let search = Search {
        conditions,
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
            label: label_of(lang, MODEL, "state", state),
            count: records.count(vec![condition("state", "=", state)]).await?,
        });
    }
    let mails = found.iter().map(|mail| line(lang, mail)).collect();
    let shell = Shell::around(&visitor, Section::Mails).await?;
    let state = state.unwrap_or_default().to_owned();
    page(
        StatusCode::OK,
        &ListPage {
            shell: shell.done(&query),
            tabs,
            address: list_address(&state, &wanted),
            state,
            wanted,
            mails,
            part,
        },
    )
}

/// The address of a list, ready for one more parameter.
fn list_address(state: &str, wanted: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("state", state), ("search", wanted)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    match query.finish() {
        query if query.is_empty() => format!("/odoo/{MODEL}?"),
        query => format!("/odoo/{MODEL}?{query}&"),
    }
}

fn line(lang: Lang, mail: &Record) -> Line {
    let state = mail.text("state");
    let partners = mail.ids("recipient_ids").len() as i64;
    let contacts = || lang.count("contacts", partners);
    let to = match (mail.text("email_to"), partners) {
        (to, 0) => to,
        (to, _) if to.is_empty() => contacts(),
        (to, _) => format!("{to}, {}", contacts()),
    };
    Line {
        id: mail.id(),
        subject: mail.text("subject"),
        to,
        created: mail.text("create_date"),
        state_label: label_of(lang, MODEL, "state", &state),
        state,
        reason: mail.text("failure_reason"),
    }
}

/// Shows a form for a new mail, from the account of the first outgoing server.
pub async fn new(visitor: Visitor) -> Result<HttpResponse> {
    let servers = Records::of(&visitor, "ir.mail_server");
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
    let form = FORM.typed(&typed, visitor.lang);
    new_page(shell, form, &typed)
}

fn new_page(shell: Shell, form: Filled, typed: &Fields) -> Result<HttpResponse> {
    page(
        shell.status(),
        &NewPage {
            shell,
            form,
            body: typed.get("body").cloned().unwrap_or_default(),
        },
    )
}

/// Makes a mail, sends it at once, and goes on to its page, which tells how that went.
pub async fn create(form: SignedForm) -> Result<HttpResponse> {
    let SignedForm { visitor, fields } = form;
    let records = Records::of(&visitor, MODEL);
    match make(records, &fields, visitor.lang).await {
        Ok(id) => {
            records.run("send", id).await?;
            Ok(see_other(&format!("/odoo/{MODEL}/{id}")))
        }
        Err(refusal) => {
            let problem = refusal.shown()?;
            let form = FORM.typed(&fields, visitor.lang).marked(&problem);
            let shell = Shell::around(&visitor, Section::Mails).await?;
            new_page(shell.problem(problem), form, &fields)
        }
    }
}

async fn make(records: Records<'_>, typed: &Fields, lang: Lang) -> Result<Id, Refusal> {
    let mut values = FORM.values(typed, lang)?;
    for (name, message) in [
        ("email_from", "mail-needs-sender"),
        ("email_to", "mail-needs-recipient"),
    ] {
        if values.get(name).is_none_or(|value| value.is_falsy()) {
            return Err(Refusal::typed(name, lang.say(message)));
        }
    }
    let body = typed.get("body").map(String::as_str).unwrap_or_default();
    let html = plain_text::to_html(body);
    values.insert(Key::Borrowed("body_html"), html.into());
    // Whoever writes a mail here wants to see afterwards what became of it.
    values.insert(Key::Borrowed("auto_delete"), false.into());
    Ok(records.create(values).await?)
}

/// Shows one mail and its fate.
pub async fn show(visitor: Visitor, path: Path<String>, query: Query) -> Result<HttpResponse> {
    let shell = Shell::around(&visitor, Section::Mails).await?;
    mail_page(&visitor, id(&path)?, shell.done(&query)).await
}

async fn mail_page(visitor: &Visitor, id: Id, shell: Shell) -> Result<HttpResponse> {
    let lang = visitor.lang;
    let records = Records::of(visitor, MODEL);
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
    let story = records.told("postern_story", &[id]).await?.pop();
    let story = story.unwrap_or_default();
    let line = line(lang, &mail);
    let page_ = MailPage {
        shell,
        id,
        to: line.to,
        state: line.state,
        state_label: line.state_label,
        failure: failure(lang, &mail.text("failure_type")),
        people: people(lang, &story),
        history: history(lang, &story),
        story,
        body: plain_text::of_html(&mail.text("body_html")),
        attachments: mail.ids("attachment_ids").len(),
        mail,
    };
    page(page_.shell.status(), &page_)
}

fn people(lang: Lang, story: &Record) -> Vec<Person> {
    let people = story.records("people");
    let person = |person: &Record| Person {
        name: person.text("name"),
        status: label_of(
            lang,
            "mail.notification",
            "notification_status",
            &person.text("status"),
        ),
        reason: person.text("reason"),
    };
    people.iter().map(person).collect()
}

fn history(lang: Lang, story: &Record) -> Vec<Attempt> {
    let attempt = |attempt: &Record| {
        let (class, key) = match attempt.text("outcome").as_str() {
            "sent" => ("good", "outcome-sent"),
            "later" => ("warn", "outcome-later"),
            "doubt" => ("warn", "outcome-doubt"),
            _ => ("bad", "outcome-failed"),
        };
        Attempt {
            at: attempt.text("at"),
            server: attempt.text("server"),
            class,
            outcome: lang.say(key),
            reason: attempt.text("reason"),
            next: attempt.text("next_attempt"),
        }
    };
    story.records("history").iter().map(attempt).collect()
}

/// The kind of failure; empty where the label would only say that it is not known.
fn failure(lang: Lang, kind: &str) -> String {
    match kind {
        "" | "unknown" => String::new(),
        kind => label_of(lang, MODEL, "failure_type", kind),
    }
}

/// Does what the pressed button says.
pub async fn submit(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let visitor = form.visitor;
    let records = Records::of(&visitor, MODEL);
    let outcome = match form.fields.get("action").map(String::as_str) {
        Some("send") => records.run("send", id).await,
        Some("retry") => match records.run("mark_outgoing", id).await {
            Ok(_) => records.run("send", id).await,
            Err(error) => Err(error),
        },
        Some("cancel") => records.run("cancel", id).await,
        _ => Err(Error::User(say!("no-such-button").for_reader(visitor.lang))),
    };
    match outcome {
        Ok(_) => Ok(see_other(&format!("/odoo/{MODEL}/{id}"))),
        Err(error) => {
            let problem = Refusal::Model(error).shown()?;
            let shell = Shell::around(&visitor, Section::Mails).await?;
            mail_page(&visitor, id, shell.problem(problem)).await
        }
    }
}

/// Puts all that failed back into the queue.
pub async fn submit_list(form: SignedForm) -> Result<HttpResponse> {
    let visitor = form.visitor;
    let records = Records::of(&visitor, MODEL);
    let search = Search {
        conditions: vec![condition("state", "=", "exception")],
        order: "id",
        limit: MOST_RETRIED,
        ..Search::default()
    };
    let failed = records.list(search, &["id"]).await?;
    let ids: Vec<Id> = failed.iter().map(Record::id).collect();
    let positional = vec![AnyValue::ids(&ids)];
    records.call("action_retry", positional, Map::new()).await?;
    Ok(see_other(&format!(
        "/odoo/{MODEL}?state=outgoing&done=retried"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_goes_into_the_address_as_one_value() {
        assert_eq!(list_address("", ""), "/odoo/mail.mail?");
        assert_eq!(
            list_address("sent", "a&page=9 ü"),
            "/odoo/mail.mail?state=sent&search=a%26page%3D9+%C3%BC&"
        );
    }
}
