//! Incoming mail servers: the list, the form, its buttons.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use server_model::value::{AnyValue, Id, Key, Map};

use super::buttons::{self, Buttons, Call, Outcome, Shown};
use super::connection::{self, Connection, Finding, is_provider};
use super::id;
use super::mail_servers::{State, address};
use crate::failure::Result;
use crate::form::{Filled, Form, Refusal, label_of};
use crate::lang::Lang;
use crate::records::{Record, Records, Search, condition};
use crate::redirect::see_other;
use crate::shell::{Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const MODEL: &str = "fetchmail.server";

/// The encryption stands before the type, as choosing a type sets the encryption that its provider wants.
pub static FORM: Form = Form {
    model: MODEL,
    fields: &[
        "name",
        "is_ssl",
        "server_type",
        "server",
        "port",
        "user",
        "postern_oauth_grant",
        "postern_owner_id",
        "attach",
        "original",
        "priority",
    ],
    secrets: &["password"],
};

/// A test is one of what the form shows; fetching goes on with what was confirmed.
const BUTTONS: Buttons = Buttons {
    form: &FORM,
    section: Section::Incoming,
    values,
    calls: &[
        Call {
            action: "confirm",
            method: "button_confirm_login",
            done: "confirmed",
            saves: true,
        },
        Call {
            action: "fetch",
            method: "fetch_mail",
            done: "fetched",
            saves: false,
        },
        Call {
            action: "reset",
            method: "set_draft",
            done: "reset",
            saves: false,
        },
    ],
};

/// The types that a new server can be opened with.
const TYPES: [&str; 4] = ["outlook", "gmail", "imap", "pop"];

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
    state: State,
    confirmed: bool,
    active: bool,
    unverified: bool,
    quarantined: i64,
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
    connection: Connection,
    /// What is to be said of a certificate that nobody verifies.
    tls_warning: String,
    findings: Vec<Finding>,
    users: Vec<Record>,
}

/// Shows all servers.
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let fields = [
        "name",
        "server",
        "port",
        "server_type",
        "user",
        "date",
        "state",
        "active",
        "postern_oauth_state",
        "postern_tls_warning",
    ];
    let search = Search {
        order: "active desc, priority, id",
        ..Search::default()
    };
    let found = records.list(search, &fields).await?;
    let lang = visitor.lang;
    let mut servers = Vec::with_capacity(found.len());
    for server in &found {
        servers.push(line(&visitor, lang, server).await?);
    }
    let shell = Shell::around(&visitor, Section::Incoming).await?;
    let shell = shell.done(&query);
    page(StatusCode::OK, &ListPage { shell, servers })
}

async fn line(visitor: &Visitor, lang: Lang, server: &Record) -> Result<Line> {
    let kind = server.text("server_type");
    let quarantine = Records::of(visitor, "postern.quarantine");
    let of_server = condition("fetchmail_server_id", "=", server.id());
    Ok(Line {
        id: server.id(),
        name: server.text("name"),
        address: address(&server.text("server"), server.number("port")),
        state: State::of(lang, MODEL, server, &kind),
        kind: label_of(lang, MODEL, "server_type", &kind),
        user: server.text("user"),
        fetched: server.text("date"),
        confirmed: server.text("state") == "done",
        active: server.has("active"),
        unverified: server.has("postern_tls_warning"),
        quarantined: quarantine.count(vec![of_server]).await?,
    })
}

/// Shows an empty form, filled in for one type when the address asks for it
/// (`?server_type=outlook`).
pub async fn new(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let asked = query.get("server_type").map(String::as_str);
    let kind = TYPES.into_iter().find(|kind| asked == Some(kind));
    let record = records
        .opened(FORM.fields, "default_server_type", kind.unwrap_or("imap"))
        .await?;
    let shell = Shell::around(&visitor, Section::Incoming).await?;
    new_page(&visitor, shell, FORM.filled(&record, visitor.lang)).await
}

async fn new_page(visitor: &Visitor, shell: Shell, form: Filled) -> Result<HttpResponse> {
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
            connection: Connection::default(),
            tls_warning: String::new(),
            findings: Vec::new(),
            users: connection::users(visitor).await?,
        },
    )
}

/// Makes a server and goes on to its form.
pub async fn create(form: SignedForm) -> Result<HttpResponse> {
    let SignedForm { visitor, fields } = form;
    let made = match values(&fields, visitor.lang) {
        Ok(values) => {
            let records = Records::of(&visitor, MODEL);
            records.create(values).await.map_err(Refusal::from)
        }
        Err(refusal) => Err(refusal),
    };
    match made {
        Ok(id) => Ok(see_other(&format!("/odoo/{MODEL}/{id}?done=created"))),
        Err(refusal) => {
            let problem = refusal.shown()?;
            let typed = FORM.typed(&fields, visitor.lang).marked(&problem);
            let shell = Shell::around(&visitor, Section::Incoming).await?;
            new_page(&visitor, shell.problem(problem), typed).await
        }
    }
}

/// Shows one server.
pub async fn show(visitor: Visitor, path: Path<String>, query: Query) -> Result<HttpResponse> {
    let id = id(&path)?;
    let shell = Shell::around(&visitor, Section::Incoming).await?;
    record_page(&visitor, id, Shown::record(shell.done(&query))).await
}

/// Does what the pressed button says.
pub async fn submit(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let SignedForm { visitor, fields } = form;
    match buttons::press(&visitor, &BUTTONS, id, &fields).await? {
        Outcome::Leaves(answer) => Ok(answer),
        Outcome::Shows(shown) => record_page(&visitor, id, shown).await,
    }
}

/// What to write. Accounts of a provider have no password, and the form does not show one for
/// them, so one stored from before is dropped when the type is changed.
fn values(typed: &Fields, lang: Lang) -> Result<Map, Refusal> {
    let mut values = FORM.values(typed, lang)?;
    let kind = typed.get("server_type").map(String::as_str);
    if kind.is_some_and(is_provider) {
        let password = values.entry(Key::Borrowed("password"));
        password.or_insert(AnyValue::FALSE);
    }
    Ok(values)
}

/// The form of a stored server, with what was typed when that could not be saved.
async fn record_page(visitor: &Visitor, id: Id, shown: Shown) -> Result<HttpResponse> {
    let Shown {
        shell,
        typed,
        findings,
    } = shown;
    let lang = visitor.lang;
    let records = Records::of(visitor, MODEL);
    let fields = [
        FORM.fields,
        &connection::FIELDS,
        &["active", "state", "date", "postern_tls_warning"],
    ]
    .concat();
    let record = records.read(id, &fields).await?;
    let page_ = FormPage {
        id,
        active: record.has("active"),
        tls_warning: record.text("postern_tls_warning"),
        confirmed: record.text("state") == "done",
        fetched: record.text("date"),
        has_password: records.has_value(id, "password").await?,
        connection: Connection::of(lang, MODEL, &record, &record.text("server_type")),
        form: typed.unwrap_or_else(|| FORM.filled(&record, lang)),
        findings,
        users: connection::users(visitor).await?,
        shell,
    };
    page(page_.shell.status(), &page_)
}
