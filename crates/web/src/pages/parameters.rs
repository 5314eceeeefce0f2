//! System parameters: the list, and the form of one.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use server_model::value::{AnyValue, Id, Map, map};

use super::id;
use crate::failure::Result;
use crate::form::Refusal;
use crate::lang::Lang;
use crate::records::{Record, Records, Search, condition, containing};
use crate::redirect::see_other;
use crate::shell::{Part, Query, Section, Shell, page};
use crate::visitor::{Fields, SignedForm, Visitor};

const MODEL: &str = "ir.config_parameter";
const FIELDS: [&str; 2] = ["key", "value"];

/// The parameters that the model neither lets rename nor delete.
const PROTECTED: [&str; 6] = [
    "database.secret",
    "database.uuid",
    "database.create_date",
    "web.base.url",
    "base.login_cooldown_after",
    "base.login_cooldown_duration",
];

/// How the keys of parameters end that hold something to sign in with.
const SECRET_ENDS: [&str; 5] = ["secret", "secret_next", "password", "token", "_key"];

#[derive(Template)]
#[template(path = "parameters.html")]
struct ListPage {
    shell: Shell,
    parameters: Vec<Line>,
    wanted: String,
    address: String,
    part: Part,
}

struct Line {
    id: Id,
    key: String,
    value: String,
    secret: bool,
    protected: bool,
}

#[derive(Template)]
#[template(path = "parameter.html")]
struct FormPage {
    shell: Shell,
    /// 0 for a new one.
    id: Id,
    key: String,
    /// Empty for a secret, whatever is stored.
    value: String,
    secret: bool,
    protected: bool,
}

/// Whether the value is something to sign in with, which no page shows.
pub fn is_secret(key: &str) -> bool {
    SECRET_ENDS.iter().any(|end| key.ends_with(end))
}

fn line(record: &Record) -> Line {
    let key = record.text("key");
    let secret = is_secret(&key);
    Line {
        id: record.id(),
        value: if secret {
            String::new()
        } else {
            record.text("value")
        },
        secret,
        protected: PROTECTED.contains(&key.as_str()),
        key,
    }
}

/// Shows the parameters, by key.
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let mut part = Part::asked(&query);
    let wanted = query.get("search").map(|text| text.trim().to_owned());
    let wanted = wanted.unwrap_or_default();
    let search = Search {
        conditions: containing(&["key"], &wanted),
        order: "key",
        offset: part.offset(),
        limit: part.limit(),
    };
    let mut found = records.list(search, &FIELDS).await?;
    part.cut(&mut found);
    let shell = Shell::around(&visitor, Section::Settings).await?;
    page(
        StatusCode::OK,
        &ListPage {
            shell: shell.done(&query),
            parameters: found.iter().map(line).collect(),
            address: super::searched_address(MODEL, &wanted),
            wanted,
            part,
        },
    )
}

/// Shows an empty form.
pub async fn new(visitor: Visitor) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let nothing = AnyValue::List(Vec::new());
    records
        .call("check_access", vec![nothing, "create".into()], Map::new())
        .await?;
    let shell = Shell::around(&visitor, Section::Settings).await?;
    let line = line(&Record::default());
    form_page(shell, line)
}

fn form_page(shell: Shell, line: Line) -> Result<HttpResponse> {
    page(
        shell.status(),
        &FormPage {
            shell,
            id: line.id,
            key: line.key,
            value: line.value,
            secret: line.secret,
            protected: line.protected,
        },
    )
}

/// Makes a parameter.
pub async fn create(form: SignedForm) -> Result<HttpResponse> {
    let SignedForm { visitor, fields } = form;
    let records = Records::of(&visitor, MODEL);
    let made = match values(&fields, visitor.lang, false) {
        Ok(values) => records.create(values).await.map_err(Refusal::from),
        Err(refusal) => Err(refusal),
    };
    match made {
        Ok(_) => Ok(see_other(&format!("/odoo/{MODEL}?done=saved"))),
        Err(refusal) => refused(&visitor, 0, &fields, refusal).await,
    }
}

/// Shows one parameter.
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<HttpResponse> {
    let record = Records::of(&visitor, MODEL)
        .read(id(&path)?, &FIELDS)
        .await?;
    let shell = Shell::around(&visitor, Section::Settings).await?;
    form_page(shell, line(&record))
}

/// Does what the pressed button says.
pub async fn submit(form: SignedForm, path: Path<String>) -> Result<HttpResponse> {
    let id = id(&path)?;
    let SignedForm { visitor, fields } = form;
    let records = Records::of(&visitor, MODEL);
    let deletes = fields
        .get("action")
        .is_some_and(|action| action == "delete");
    let outcome = if deletes {
        records
            .run("unlink", id)
            .await
            .map(drop)
            .map_err(Refusal::from)
    } else {
        match values(&fields, visitor.lang, true) {
            Ok(values) => records.write(id, values).await.map_err(Refusal::from),
            Err(refusal) => Err(refusal),
        }
    };
    match outcome {
        Ok(()) => {
            let done = if deletes { "deleted" } else { "saved" };
            Ok(see_other(&format!("/odoo/{MODEL}?done={done}")))
        }
        Err(refusal) => refused(&visitor, id, &fields, refusal).await,
    }
}

/// What to write. An empty value of a stored secret keeps it, as no page shows it.
fn values(typed: &Fields, lang: Lang, stored: bool) -> Result<Map, Refusal> {
    let text = |name: &str| typed.get(name).map(|text| text.trim()).unwrap_or_default();
    let key = text("key");
    if key.is_empty() {
        return Err(Refusal::typed("key", lang.say("parameter-needs-key")));
    }
    let value = text("value");
    let mut values = map([("key", key.into())]);
    if value.is_empty() && !(stored && is_secret(key)) {
        return Err(Refusal::typed("value", lang.say("parameter-needs-value")));
    }
    if !value.is_empty() {
        values.extend(map([("value", value.into())]));
    }
    Ok(values)
}

async fn refused(
    visitor: &Visitor,
    id: Id,
    typed: &Fields,
    refusal: Refusal,
) -> Result<HttpResponse> {
    let problem = refusal.shown()?;
    let shell = Shell::around(visitor, Section::Settings).await?;
    let text = |name: &str| typed.get(name).cloned().unwrap_or_default();
    let key = text("key");
    let secret = is_secret(&key);
    let value = if secret { String::new() } else { text("value") };
    let stored = match id {
        0 => String::new(),
        id => {
            let search = Search {
                conditions: vec![condition("id", "=", id)],
                ..Search::default()
            };
            let found = Records::of(visitor, MODEL).list(search, &["key"]).await?;
            found.first().map(|one| one.text("key")).unwrap_or_default()
        }
    };
    form_page(
        shell.problem(problem),
        Line {
            id,
            protected: PROTECTED.contains(&stored.as_str()),
            key,
            value,
            secret,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_could_sign_in_with_is_secret() {
        for key in [
            "database.secret",
            "microsoft_outlook_client_secret",
            "microsoft_outlook_client_secret_next",
            "discuss.tenor_api_key",
            "postern.alert.secret",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["web.base.url", "microsoft_outlook_client_id"] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
