//! Outgoing mail servers: the list, the form, its buttons.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use server_model::error::Error;
use server_model::value::{AnyValue, Id, Key, Map, map};

use super::id;
use super::outlook::{self, Connection};
use crate::failure::{Result, for_form};
use crate::form::{Filled, Form, label_of};
use crate::records::{Records, Search};
use crate::redirect::see_other;
use crate::shell::{Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const MODEL: &str = "ir.mail_server";

/// The encryption stands before the sign-in method, as choosing a method sets the encryption that
/// its provider wants.
static FORM: Form = Form {
    model: MODEL,
    fields: &[
        "name",
        "smtp_encryption",
        "smtp_authentication",
        "smtp_host",
        "smtp_port",
        "smtp_user",
        "from_filter",
        "sequence",
    ],
    secrets: &["smtp_pass"],
};

#[derive(Template)]
#[template(path = "mail_servers.html")]
struct ListPage {
    shell: Shell,
    servers: Vec<Line>,
}

struct Line {
    id: Id,
    name: String,
    address: String,
    method: String,
    user: String,
    from_filter: String,
    outlook: bool,
    connected: bool,
    active: bool,
    unverified: bool,
}

#[derive(Template)]
#[template(path = "mail_server.html")]
struct FormPage {
    shell: Shell,
    /// 0 for a new one.
    id: Id,
    form: Filled,
    active: bool,
    has_password: bool,
    /// What is stored, not what is chosen in the form just now.
    outlook: bool,
    connection: Connection,
    /// What is to be said of a certificate that nobody verifies.
    tls_warning: String,
}

/// Shows all servers in the order in which they are tried.
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor.caller, MODEL);
    let fields = [
        "name",
        "smtp_host",
        "smtp_port",
        "smtp_authentication",
        "smtp_user",
        "from_filter",
        "active",
        "postern_tls_warning",
    ];
    let search = Search {
        order: "active desc, sequence, id",
        ..Search::default()
    };
    let found = records.list(search, &fields).await?;
    let connected = records
        .with_value("microsoft_outlook_refresh_token")
        .await?;
    let servers = found
        .into_iter()
        .map(|server| {
            let method = server.text("smtp_authentication");
            Line {
                id: server.id(),
                name: server.text("name"),
                address: address(&server.text("smtp_host"), server.number("smtp_port")),
                outlook: method == "outlook",
                method: label_of(MODEL, "smtp_authentication", &method),
                user: server.text("smtp_user"),
                from_filter: server.text("from_filter"),
                connected: connected.contains(&server.id()),
                active: server.has("active"),
                unverified: server.has("postern_tls_warning"),
            }
        })
        .collect();
    let shell = Shell::around(&visitor, Section::Outgoing).await?;
    let shell = shell.done(&query);
    page(StatusCode::OK, &ListPage { shell, servers })
}

/// Host and port as one text.
pub fn address(host: &str, port: i64) -> String {
    match (host, port) {
        ("", _) => String::new(),
        (host, 0) => host.to_owned(),
        (host, port) => format!("{host}:{port}"),
    }
}

/// Shows an empty form, filled in for one way to sign in when the address asks for it
/// (`?smtp_authentication=outlook`).
pub async fn new(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor.caller, MODEL);
    let method = query.get("smtp_authentication").map(String::as_str);
    let method = method
        .filter(|method| *method == "outlook")
        .unwrap_or("login");
    let record = records
        .opened(FORM.fields, "default_smtp_authentication", method)
        .await?;
    let shell = Shell::around(&visitor, Section::Outgoing).await?;
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
    let made = match new_values(&form.fields) {
        Ok(values) => records.create(values).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(id) => Ok(see_other(&format!("/odoo/{MODEL}/{id}?done=created"))),
        Err(error) => {
            let error = for_form(error)?;
            let shell = Shell::around(&form.visitor, Section::Outgoing).await?;
            new_page(shell.error(error), FORM.typed(&form.fields))
        }
    }
}

/// Shows one server.
pub async fn show(visitor: Visitor, path: Path<String>, query: Query) -> Result<HttpResponse> {
    let id = id(&path)?;
    let shell = Shell::around(&visitor, Section::Outgoing).await?;
    record_page(&visitor, id, shell.done(&query), None).await
}

/// Does what the pressed button says.
pub async fn submit(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let records = Records::of(&form.visitor.caller, MODEL);
    let action = form.fields.get("action").map(String::as_str);
    let activity = |active: bool| map([("active", active.into())]);
    let (outcome, done) = match action {
        Some("archive") => (records.write(id, activity(false)).await, "archived"),
        Some("restore") => (records.write(id, activity(true)).await, "restored"),
        _ => (save(records, id, &form.fields).await, "saved"),
    };
    if let Err(error) = outcome {
        let error = for_form(error)?;
        let shell = Shell::around(&form.visitor, Section::Outgoing).await?;
        let typed = FORM.typed(&form.fields);
        return record_page(&form.visitor, id, shell.error(error), Some(typed)).await;
    }
    if action != Some("test") {
        return Ok(see_other(&format!("/odoo/{MODEL}/{id}?done={done}")));
    }
    match records.run("test_smtp_connection", id).await {
        Ok(_) => Ok(see_other(&format!("/odoo/{MODEL}/{id}?done=tested"))),
        Err(error) => {
            let error = for_form(error)?;
            let shell = Shell::around(&form.visitor, Section::Outgoing).await?;
            record_page(&form.visitor, id, shell.error(error), None).await
        }
    }
}

async fn save(records: Records<'_>, id: Id, typed: &Fields) -> Result<(), Error> {
    records.write(id, values(typed)?).await
}

/// What to write. Accounts of a provider have no password, and the form does not show one for
/// them, so one stored from before is dropped when the way to sign in is changed.
fn values(typed: &Fields) -> Result<Map, Error> {
    let mut values = FORM.values(typed)?;
    let method = typed.get("smtp_authentication").map(String::as_str);
    if matches!(method, Some("outlook" | "gmail")) {
        let password = values.entry(Key::Borrowed("smtp_pass"));
        password.or_insert(AnyValue::FALSE);
    }
    Ok(values)
}

/// What to make a new server of. A provider's account may send only as itself, so that is what it
/// is for unless something else was typed, as it is in Odoo's form.
fn new_values(typed: &Fields) -> Result<Map, Error> {
    let mut values = values(typed)?;
    let method = typed.get("smtp_authentication").map(String::as_str);
    let is_empty = |name: &str| values.get(name).is_none_or(AnyValue::is_falsy);
    if matches!(method, Some("outlook" | "gmail"))
        && is_empty("from_filter")
        && let Some(user) = values.get("smtp_user").cloned()
    {
        values.insert(Key::Borrowed("from_filter"), user);
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
    let fields = [
        FORM.fields,
        &outlook::FIELDS,
        &["active", "postern_tls_warning"],
    ]
    .concat();
    let record = records.read(id, &fields).await?;
    let page_ = FormPage {
        id,
        active: record.has("active"),
        tls_warning: record.text("postern_tls_warning"),
        has_password: records.has_value(id, "smtp_pass").await?,
        outlook: record.text("smtp_authentication") == "outlook",
        connection: Connection::of(records, &record).await?,
        form: typed.unwrap_or_else(|| FORM.filled(&record)),
        shell,
    };
    page(page_.shell.status(), &page_)
}
