//! Incoming mail servers: the list, the form, its buttons.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use server_model::error::Error;
use server_model::value::{AnyValue, Id, Key, Map, map};

use super::id;
use super::mail_server::address;
use super::outlook::{self, Connection};
use crate::failure::{Result, for_form};
use crate::form::{Filled, Form, label_of};
use crate::records::{Records, Search};
use crate::redirect::see_other;
use crate::shell::{Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const MODEL: &str = "fetchmail.server";

static FORM: Form = Form {
    model: MODEL,
    fields: &["name", "is_ssl", "server_type", "server", "port", "user"],
    secrets: &["password"],
};

#[derive(Template)]
#[template(path = "fetchmail_servers.html")]
struct ListPage {
    shell: Shell,
    servers: Vec<Line>,
}

struct Line {
    id: Id,
    name: String,
    address: String,
    kind: String,
    user: String,
    fetched: String,
    outlook: bool,
    connected: bool,
    confirmed: bool,
    active: bool,
    unverified: bool,
}

#[derive(Template)]
#[template(path = "fetchmail_server.html")]
struct FormPage {
    shell: Shell,
    /// 0 for a new one.
    id: Id,
    form: Filled,
    active: bool,
    confirmed: bool,
    fetched: String,
    has_password: bool,
    /// What is stored, not what is chosen in the form just now.
    outlook: bool,
    connection: Connection,
    /// What is to be said of a certificate that nobody verifies.
    tls_warning: String,
}

/// Shows all servers.
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor.caller, MODEL);
    let fields = [
        "name",
        "server",
        "port",
        "server_type",
        "user",
        "date",
        "state",
        "active",
        "postern_tls_warning",
    ];
    let search = Search {
        order: "active desc, priority, id",
        ..Search::default()
    };
    let found = records.list(search, &fields).await?;
    let connected = records
        .with_value("microsoft_outlook_refresh_token")
        .await?;
    let servers = found
        .into_iter()
        .map(|server| {
            let kind = server.text("server_type");
            Line {
                id: server.id(),
                name: server.text("name"),
                address: address(&server.text("server"), server.number("port")),
                outlook: kind == "outlook",
                kind: label_of(MODEL, "server_type", &kind),
                user: server.text("user"),
                fetched: server.text("date"),
                connected: connected.contains(&server.id()),
                confirmed: server.text("state") == "done",
                active: server.has("active"),
                unverified: server.has("postern_tls_warning"),
            }
        })
        .collect();
    let shell = Shell::around(&visitor, Section::Incoming).await?;
    let shell = shell.done(&query);
    page(StatusCode::OK, &ListPage { shell, servers })
}

/// Shows an empty form, filled in for one type when the address asks for it
/// (`?server_type=outlook`).
pub async fn new(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor.caller, MODEL);
    let kind = query.get("server_type").map(String::as_str);
    let kind = kind.filter(|kind| *kind == "outlook").unwrap_or("imap");
    let record = records
        .opened(FORM.fields, "default_server_type", kind)
        .await?;
    let shell = Shell::around(&visitor, Section::Incoming).await?;
    new_page(shell, FORM.filled(&record))
}

fn new_page(shell: Shell, form: Filled) -> Result<HttpResponse> {
    page(
        shell.status(),
        &FormPage {
            shell,
            id: 0,
            form,
            active: true,
            confirmed: false,
            fetched: String::new(),
            has_password: false,
            outlook: false,
            connection: Connection::default(),
            tls_warning: String::new(),
        },
    )
}

/// Makes a server and goes on to its form.
pub async fn create(form: SignedForm) -> Result<HttpResponse> {
    let records = Records::of(&form.visitor.caller, MODEL);
    let made = match values(&form.fields) {
        Ok(values) => records.create(values).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(id) => Ok(see_other(&format!("/odoo/{MODEL}/{id}?done=created"))),
        Err(error) => {
            let error = for_form(error)?;
            let shell = Shell::around(&form.visitor, Section::Incoming).await?;
            new_page(shell.error(error), FORM.typed(&form.fields))
        }
    }
}

/// Shows one server.
pub async fn show(visitor: Visitor, path: Path<String>, query: Query) -> Result<HttpResponse> {
    let id = id(&path)?;
    let shell = Shell::around(&visitor, Section::Incoming).await?;
    record_page(&visitor, id, shell.done(&query), None).await
}

/// Does what the pressed button says.
pub async fn submit(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let records = Records::of(&form.visitor.caller, MODEL);
    let action = form.fields.get("action").map(String::as_str);
    let activity = |active: bool| map([("active", active.into())]);
    // A test is one of what the form shows; fetching goes on with what was confirmed.
    let (stored, done) = match action {
        Some("archive") => (records.write(id, activity(false)).await, "archived"),
        Some("restore") => (records.write(id, activity(true)).await, "restored"),
        Some("reset" | "fetch") => (Ok(()), ""),
        _ => (save(records, id, &form.fields).await, "saved"),
    };
    if let Err(error) = stored {
        let error = for_form(error)?;
        let shell = Shell::around(&form.visitor, Section::Incoming).await?;
        let typed = FORM.typed(&form.fields);
        return record_page(&form.visitor, id, shell.error(error), Some(typed)).await;
    }
    let (called, done) = match action {
        Some("confirm") => (records.run("button_confirm_login", id).await, "confirmed"),
        Some("fetch") => (records.run("fetch_mail", id).await, "fetched"),
        Some("reset") => (records.run("set_draft", id).await, "reset"),
        _ => (Ok(AnyValue::Null), done),
    };
    match called {
        Ok(_) => Ok(see_other(&format!("/odoo/{MODEL}/{id}?done={done}"))),
        Err(error) => {
            let error = for_form(error)?;
            let shell = Shell::around(&form.visitor, Section::Incoming).await?;
            record_page(&form.visitor, id, shell.error(error), None).await
        }
    }
}

async fn save(records: Records<'_>, id: Id, typed: &Fields) -> Result<(), Error> {
    records.write(id, values(typed)?).await
}

/// What to write. Accounts of a provider have no password, and the form does not show one for
/// them, so one stored from before is dropped when the type is changed.
fn values(typed: &Fields) -> Result<Map, Error> {
    let mut values = FORM.values(typed)?;
    let kind = typed.get("server_type").map(String::as_str);
    if matches!(kind, Some("outlook" | "gmail")) {
        let password = values.entry(Key::Borrowed("password"));
        password.or_insert(AnyValue::FALSE);
    }
    Ok(values)
}

/// The form of a stored server, with what was typed when that could not be saved.
async fn record_page(
    visitor: &Visitor,
    id: Id,
    shell: Shell,
    typed: Option<Filled>,
) -> Result<HttpResponse> {
    let records = Records::of(&visitor.caller, MODEL);
    let fields = [FORM.fields, &outlook::FIELDS, &["active", "state", "date"]].concat();
    let record = records.read(id, &fields).await?;
    let page_ = FormPage {
        id,
        active: record.has("active"),
        tls_warning: record.text("postern_tls_warning"),
        confirmed: record.text("state") == "done",
        fetched: record.text("date"),
        has_password: records.has_value(id, "password").await?,
        outlook: record.text("server_type") == "outlook",
        connection: Connection::of(records, &record).await?,
        form: typed.unwrap_or_else(|| FORM.filled(&record)),
        shell,
    };
    page(page_.shell.status(), &page_)
}
