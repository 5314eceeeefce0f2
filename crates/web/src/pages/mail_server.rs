//! The form of an outgoing mail server, and its buttons.

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;
use server_model::error::Error;
use server_model::value::{AnyValue, Id, Key, Map};

use super::buttons::{self, Buttons, Call, Outcome, Shown};
use super::connection::{self, Connection, Finding, is_provider};
use super::mail_servers::budget;
use super::{id, pem};
use crate::failure::Result;
use crate::form::{Filled, Form, Refusal};
use crate::lang::Lang;
use crate::records::{Record, Records, Search, condition};
use crate::redirect::see_other;
use crate::shell::{Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const MODEL: &str = "ir.mail_server";
const BUDGET_MODEL: &str = "postern.mail.budget";

/// The encryption stands before the sign-in method, as choosing a method sets the encryption that
/// its provider wants.
pub static FORM: Form = Form {
    model: MODEL,
    fields: &[
        "name",
        "smtp_encryption",
        "smtp_authentication",
        "smtp_host",
        "smtp_port",
        "smtp_user",
        "postern_oauth_grant",
        "postern_owner_id",
        "from_filter",
        "sequence",
        "max_email_size",
    ],
    secrets: &["smtp_pass", "smtp_ssl_certificate", "smtp_ssl_private_key"],
};

/// How much the server takes; a record of its own.
pub static BUDGET: Form = Form {
    model: BUDGET_MODEL,
    fields: &["connections", "messages_per_minute", "recipients_per_day"],
    secrets: &[],
};

const BUTTONS: Buttons = Buttons {
    form: &FORM,
    section: Section::Outgoing,
    values,
    calls: &[
        Call {
            action: "test",
            method: "test_smtp_connection",
            done: "tested",
            saves: true,
        },
        Call {
            action: "measure",
            method: "action_retrieve_max_email_size",
            done: "measured",
            saves: true,
        },
    ],
};

/// The ways to sign in that a new server can be opened with.
const METHODS: [&str; 4] = ["outlook", "gmail", "login", "certificate"];

#[derive(Template)]
#[template(path = "mail_server.html")]
struct FormPage {
    shell: Shell,
    /// 0 for a new one.
    id: Id,
    form: Filled,
    active: bool,
    stored: Secrets,
    /// What is stored, not what is chosen in the form just now.
    connection: Connection,
    /// What is to be said of a certificate that nobody verifies.
    tls_warning: String,
    last_success: String,
    budget: Filled,
    used: Vec<String>,
    findings: Vec<Finding>,
    users: Vec<Record>,
}

/// Which secrets are stored.
#[derive(Default)]
struct Secrets {
    password: bool,
    certificate: bool,
    private_key: bool,
}

/// Shows an empty form, filled in for one way to sign in when the address asks for it
/// (`?smtp_authentication=outlook`).
pub async fn new(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let asked = query.get("smtp_authentication").map(String::as_str);
    let method = METHODS.into_iter().find(|method| asked == Some(method));
    let given = "default_smtp_authentication";
    let record = records
        .opened(FORM.fields, given, method.unwrap_or("login"))
        .await?;
    let shell = Shell::around(&visitor, Section::Outgoing).await?;
    new_page(&visitor, shell, FORM.filled(&record, visitor.lang)).await
}

async fn new_page(visitor: &Visitor, shell: Shell, form: Filled) -> Result<HttpResponse> {
    let budget = BUDGET.filled(&Record::default(), shell.lang);
    page(
        shell.status(),
        &FormPage {
            shell,
            id: 0,
            form,
            active: true,
            stored: Secrets::default(),
            connection: Connection::default(),
            tls_warning: String::new(),
            last_success: String::new(),
            budget,
            used: Vec::new(),
            findings: Vec::new(),
            users: connection::users(visitor).await?,
        },
    )
}

/// Makes a server and goes on to its form.
pub async fn create(form: SignedForm) -> Result<HttpResponse> {
    let SignedForm { visitor, fields } = form;
    let made = match new_values(&fields, visitor.lang) {
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
            let shell = Shell::around(&visitor, Section::Outgoing).await?;
            new_page(&visitor, shell.problem(problem), typed).await
        }
    }
}

/// Shows one server.
pub async fn show(visitor: Visitor, path: Path<String>, query: Query) -> Result<HttpResponse> {
    let id = id(&path)?;
    let shell = Shell::around(&visitor, Section::Outgoing).await?;
    record_page(&visitor, id, Shown::record(shell.done(&query))).await
}

/// Does what the pressed button says.
pub async fn submit(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let SignedForm { visitor, fields } = form;
    let sets_budget = fields.get("action").is_some_and(|it| it == "budget");
    let outcome = match sets_budget {
        true => press_budget(&visitor, id, &fields).await?,
        false => buttons::press(&visitor, &BUTTONS, id, &fields).await?,
    };
    match outcome {
        Outcome::Leaves(answer) => Ok(answer),
        Outcome::Shows(shown) => record_page(&visitor, id, shown).await,
    }
}

/// What to write. Accounts of a provider have no password, and the form does not show one for
/// them, so one stored from before is dropped when the way to sign in is changed.
fn values(typed: &Fields, lang: Lang) -> Result<Map, Refusal> {
    let mut values = FORM.values(typed, lang)?;
    pem::encode(&mut values, "smtp_ssl_certificate");
    pem::encode(&mut values, "smtp_ssl_private_key");
    let method = typed.get("smtp_authentication").map(String::as_str);
    if method.is_some_and(is_provider) {
        let password = values.entry(Key::Borrowed("smtp_pass"));
        password.or_insert(AnyValue::FALSE);
    }
    Ok(values)
}

/// What to make a new server of. A provider's account may send only as itself, so that is what it
/// is for unless something else was typed, as it is in Odoo's form.
fn new_values(typed: &Fields, lang: Lang) -> Result<Map, Refusal> {
    let mut values = values(typed, lang)?;
    let method = typed.get("smtp_authentication").map(String::as_str);
    let is_empty = |name: &str| values.get(name).is_none_or(AnyValue::is_falsy);
    if method.is_some_and(is_provider)
        && is_empty("from_filter")
        && let Some(user) = values.get("smtp_user").cloned()
    {
        values.insert(Key::Borrowed("from_filter"), user);
    }
    Ok(values)
}

/// The record with the server's budget, if somebody set one.
async fn set_budget(visitor: &Visitor, server: Id) -> Result<Option<Record>, Error> {
    let search = Search {
        conditions: vec![condition("mail_server_id", "=", server)],
        limit: 1,
        ..Search::default()
    };
    let budgets = Records::of(visitor, BUDGET_MODEL);
    Ok(budgets.list(search, BUDGET.fields).await?.pop())
}

async fn press_budget(visitor: &Visitor, server: Id, typed: &Fields) -> Result<Outcome> {
    Ok(match save_budget(visitor, server, typed).await {
        Ok(()) => Outcome::Leaves(buttons::done_with(MODEL, server, "saved")),
        Err(refusal) => {
            let problem = refusal.shown()?;
            let shell = Shell::around(visitor, Section::Outgoing).await?;
            Outcome::Shows(Shown::record(shell.problem(problem)))
        }
    })
}

async fn save_budget(visitor: &Visitor, server: Id, typed: &Fields) -> Result<(), Refusal> {
    let mut values = BUDGET.values(typed, visitor.lang)?;
    for value in values.values_mut().filter(|value| value.is_falsy()) {
        *value = 0.into();
    }
    let budgets = Records::of(visitor, BUDGET_MODEL);
    match set_budget(visitor, server).await? {
        Some(known) => budgets.write(known.id(), values).await?,
        None => {
            values.insert(Key::Borrowed("mail_server_id"), server.into());
            budgets.create(values).await.map(drop)?;
        }
    }
    Ok(())
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
        &["active", "postern_tls_warning", "postern_last_success"],
    ]
    .concat();
    let record = records.read(id, &fields).await?;
    let glance = records.told("postern_glance", &[id]).await?.pop();
    let glance = glance.unwrap_or_default();
    let budget_set = set_budget(visitor, id).await?;
    let method = record.text("smtp_authentication");
    let page_ = FormPage {
        id,
        active: record.has("active"),
        tls_warning: record.text("postern_tls_warning"),
        last_success: record.text("postern_last_success"),
        stored: Secrets {
            password: records.has_value(id, "smtp_pass").await?,
            certificate: records.has_value(id, "smtp_ssl_certificate").await?,
            private_key: records.has_value(id, "smtp_ssl_private_key").await?,
        },
        connection: Connection::of(lang, MODEL, &record, &method),
        form: typed.unwrap_or_else(|| FORM.filled(&record, lang)),
        budget: BUDGET.filled(&budget_set.unwrap_or_else(|| glance.clone()), lang),
        used: budget(lang, &glance),
        findings,
        users: connection::users(visitor).await?,
        shell,
    };
    page(page_.shell.status(), &page_)
}
