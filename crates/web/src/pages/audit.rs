//! The trail of administrative acts: the list, and one entry with what it was before and after.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use server_model::audit::{self, Was};
use server_model::registry::{self, Entry};
use server_model::schema::{Field, Kind};
use server_model::value::Id;
use url::form_urlencoded::Serializer;

use super::id;
use crate::failure::Result;
use crate::lang::Lang;
use crate::records::{Record, Records, Search, condition, containing};
use crate::shell::{Part, Query, Section, Shell, page};
use crate::visitor::Visitor;

const MODEL: &str = "postern.audit";
const FIELDS: [&str; 9] = [
    "create_date",
    "user_id",
    "login",
    "address",
    "act",
    "model",
    "res_id",
    "record",
    "changes",
];
/// The fields in which a text is looked for.
const SEARCHED: [&str; 5] = ["record", "login", "address", "model", "changes"];
/// The models whose records have a page, under their name and id.
const WITH_PAGE: [&str; 4] = [
    "ir.mail_server",
    "fetchmail.server",
    "ir.config_parameter",
    "mail.alias.domain",
];

#[derive(Template)]
#[template(path = "audit.html")]
struct ListPage {
    shell: Shell,
    entries: Vec<Line>,
    /// What is looked for; empty for all.
    wanted: String,
    /// The kind of record that is looked for; empty for all.
    model: String,
    /// The kinds that the trail tells of, with what they are called.
    models: Vec<(&'static str, String)>,
    /// The address of this list without the number of the part.
    address: String,
    part: Part,
}

#[derive(Template)]
#[template(path = "audit_entry.html")]
struct EntryPage {
    shell: Shell,
    entry: Line,
    /// The id of the record.
    number: i64,
    /// Where the record is shown; empty when it is shown nowhere, or gone.
    page: String,
}

struct Line {
    id: Id,
    when: String,
    who: String,
    address: String,
    act: String,
    model: String,
    record: String,
    changes: Vec<Change>,
}

struct Change {
    field: String,
    label: String,
    /// Before and after; `None` for a secret.
    values: Option<[String; 2]>,
}

impl Line {
    fn of(record: &Record, lang: Lang) -> Line {
        let name = record.text("model");
        let entry = registry::entry(&name).ok();
        let act = record.text("act");
        let called = record.text("record");
        let changes = audit::changes(&record.text("changes")).into_iter();
        Line {
            id: record.id(),
            when: record.text("create_date"),
            who: match record.text("login") {
                login if login.is_empty() => lang.say("audit-on-the-machine"),
                login => login,
            },
            address: record.text("address"),
            act: lang
                .attribute("audit-act", &format!("is-{act}"))
                .unwrap_or(act),
            record: match called.is_empty() {
                true => format!("{name},{}", record.number("res_id")),
                false => called,
            },
            model: entry.map_or(name, |entry| entry.title().in_lang(lang)),
            changes: changes
                .map(|change| Change::of(change, entry, lang))
                .collect(),
        }
    }

    /// What changed, by the labels of the fields.
    fn labels(&self) -> String {
        let labels: Vec<&str> = self.changes.iter().map(|change| &*change.label).collect();
        labels.join(", ")
    }
}

impl Change {
    fn of(change: audit::Change, entry: Option<&Entry>, lang: Lang) -> Change {
        let field = entry.and_then(|entry| Some((entry, entry.field(&change.field).ok()?)));
        let label = field.map(|(entry, field)| entry.label(field).in_lang(lang));
        let values = change.values;
        Change {
            label: label.unwrap_or_else(|| change.field.clone()),
            field: change.field,
            values: values.map(|values| values.map(|value| shown(value, field, lang))),
        }
    }
}

/// A value as a person reads it.
fn shown(value: Was, field: Option<(&Entry, &Field)>, lang: Lang) -> String {
    let is_truth = field.is_none_or(|(_, field)| field.kind == Kind::Boolean);
    match value {
        Was::Truth(true) => lang.say("audit-true"),
        Was::Truth(false) if is_truth => lang.say("audit-false"),
        Was::Truth(false) | Was::Nothing => lang.say("audit-nothing"),
        Was::Text(text) if text.is_empty() => lang.say("audit-nothing"),
        Was::Text(text) => {
            let choices = field.map(|(entry, field)| entry.choices(field, lang));
            let mut choices = choices.unwrap_or_default().into_iter();
            let chosen = choices.find(|(value, _)| *value == text);
            chosen.map_or(text, |(_, name)| name)
        }
    }
}

/// The kinds of records that the trail tells of, by what they are called.
fn models(lang: Lang) -> Vec<(&'static str, String)> {
    let audited = registry::registry().iter().filter(|one| one.model.audited);
    let mut models: Vec<_> = audited
        .map(|entry| (entry.name(), entry.title().in_lang(lang)))
        .collect();
    models.sort_by(|one, other| one.1.cmp(&other.1));
    models
}

/// The address of the list, ready for one more parameter.
fn address(wanted: &str, model: &str) -> String {
    let given = [("search", wanted), ("model", model)];
    let given = given.into_iter().filter(|(_, value)| !value.is_empty());
    let query = Serializer::new(String::new()).extend_pairs(given).finish();
    match query.as_str() {
        "" => format!("/odoo/{MODEL}?"),
        query => format!("/odoo/{MODEL}?{query}&"),
    }
}

/// Shows what was done, latest first.
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let mut part = Part::asked(&query);
    let asked = |name: &str| query.get(name).map(|text| text.trim().to_owned());
    let wanted = asked("search").unwrap_or_default();
    let model = asked("model").unwrap_or_default();
    let mut conditions = containing(&SEARCHED, &wanted);
    if !model.is_empty() {
        conditions.push(condition("model", "=", model.as_str()));
    }
    let search = Search {
        conditions,
        order: "id desc",
        offset: part.offset(),
        limit: part.limit(),
    };
    let records = Records::of(&visitor, MODEL);
    let mut found = records.list(search, &FIELDS).await?;
    part.cut(&mut found);
    let lang = visitor.lang;
    page(
        StatusCode::OK,
        &ListPage {
            shell: Shell::around(&visitor, Section::Settings).await?,
            entries: found.iter().map(|entry| Line::of(entry, lang)).collect(),
            address: address(&wanted, &model),
            models: models(lang),
            wanted,
            model,
            part,
        },
    )
}

/// Shows one entry.
pub async fn show(visitor: Visitor, path: Path<String>) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let record = records.read(id(&path)?, &FIELDS).await?;
    let (model, number) = (record.text("model"), record.number("res_id"));
    let has_page = WITH_PAGE.contains(&&*model) && record.text("act") != "unlink";
    page(
        StatusCode::OK,
        &EntryPage {
            shell: Shell::around(&visitor, Section::Settings).await?,
            entry: Line::of(&record, visitor.lang),
            number,
            page: match has_page {
                true => format!("/odoo/{model}/{number}"),
                false => String::new(),
            },
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_their_field_means_them() {
        let entry = registry::entry("ir.mail_server").expect("a model of ours");
        let read = |name: &str, value| {
            let field = entry.field(name).expect("a field of the model");
            shown(value, Some((entry, field)), Lang::English)
        };
        assert_eq!(read("active", Was::Truth(false)), "No");
        assert_eq!(read("from_filter", Was::Truth(false)), "Empty");
        assert_eq!(read("smtp_encryption", Was::Text("none".into())), "None");
        assert_eq!(read("smtp_host", Was::Text("none".into())), "none");
        assert_eq!(shown(Was::Truth(false), None, Lang::English), "No");
    }

    #[test]
    fn the_address_keeps_what_is_looked_for() {
        assert_eq!(address("", ""), "/odoo/postern.audit?");
        assert_eq!(
            address("a b", "res.users"),
            "/odoo/postern.audit?search=a+b&model=res.users&"
        );
    }
}
