//! Forms over a model's fields: what they show, and how what was typed is read.
//!
//! The kind of an input and its choices come from the declaration of the field, so a form cannot
//! offer what the model does not know. What a person reads of it stands in `locales` under the model
//! and the field, with a hyphen for each dot: the label of `smtp_host` of `ir.mail_server` is the
//! message `ir-mail_server-smtp_host`, its attribute `hint` the line below the input, and an
//! attribute `is-<value>` the name of a choice.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use server_model::error::{Error, Result};
use server_model::registry;
use server_model::schema::{Field, Kind};
use server_model::value::{AnyValue, Key, Map};

use crate::failure::{self, Failure};
use crate::lang::Lang;
use crate::records::Record;
use crate::visitor::Fields;

/// Which fields of which model a form shows.
#[derive(Debug)]
pub struct Form {
    /// The model.
    pub model: &'static str,
    /// The fields, passwords left out.
    pub fields: &'static [&'static str],
    /// The fields that are typed but never shown; left empty they keep their value.
    pub secrets: &'static [&'static str],
}

/// One choice of a selection.
#[derive(Debug)]
pub struct Choice {
    /// What is stored.
    pub value: &'static str,
    /// What a person reads.
    pub label: String,
    /// Whether it is the one chosen.
    pub chosen: bool,
}

/// Why a form was not taken.
#[derive(Debug)]
pub enum Refusal {
    /// What was typed in one field cannot be used.
    Typed(Problem),
    /// The model refused.
    Model(Error),
}

/// What to say above a form.
#[derive(Debug, Default)]
pub struct Problem {
    /// The field that is to blame, where it is one.
    pub field: Option<&'static str>,
    /// What was wrong and what to do.
    pub message: String,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Model(error)
    }
}

impl Refusal {
    /// What was typed in this field cannot be used.
    pub fn typed(field: &'static str, message: String) -> Refusal {
        Refusal::Typed(Problem {
            field: Some(field),
            message,
        })
    }

    /// What to say above the form; other failures have a page of their own.
    ///
    /// # Errors
    /// The failure to show instead of the form.
    pub fn shown(self) -> failure::Result<Problem> {
        match self {
            Refusal::Typed(problem) => Ok(problem),
            Refusal::Model(error) => {
                let text = error.text();
                let (field, message) = (text.field(), text.told());
                let failure = Failure::Model(error);
                match failure.status() {
                    StatusCode::UNPROCESSABLE_ENTITY => Ok(Problem { field, message }),
                    _ => Err(failure),
                }
            }
        }
    }
}

impl Form {
    /// The values to write, from what was typed.
    ///
    /// # Errors
    /// [`Refusal::Typed`] when a number is none.
    pub fn values(&self, typed: &Fields, lang: Lang) -> Result<Map, Refusal> {
        let mut values = Map::new();
        for name in self.fields {
            let field = self.field(name)?;
            let text = typed.get(*name).map(|text| text.trim()).unwrap_or_default();
            let value = value(&field, text).ok_or_else(|| {
                let label = label(lang, self.model, name);
                let texts = [("label", label.as_str()), ("text", text)];
                Refusal::typed(name, lang.with_all("not-a-number", &texts))
            })?;
            values.insert(Key::Borrowed(name), value);
        }
        for name in self.secrets {
            if let Some(secret) = typed.get(*name).filter(|secret| !secret.is_empty()) {
                values.insert(Key::Borrowed(name), secret.as_str().into());
            }
        }
        Ok(values)
    }

    /// The form as it was typed, passwords left out.
    pub fn typed(&'static self, typed: &Fields, lang: Lang) -> Filled {
        let texts = self
            .fields
            .iter()
            .map(|name| (*name, typed.get(*name).cloned().unwrap_or_default()))
            .collect();
        Filled::new(self, texts, lang)
    }

    /// The form with the values of a record.
    pub fn filled(&'static self, record: &Record, lang: Lang) -> Filled {
        let text = |name: &&'static str| match self.field(name).map(|field| field.kind) {
            // What is stored of a link is the number.
            Ok(Kind::Many2one(_)) => {
                let id = record.ids(name).first().map(ToString::to_string);
                id.unwrap_or_default()
            }
            _ => record.text(name),
        };
        let texts = self.fields.iter().map(|name| (*name, text(name)));
        Filled::new(self, texts.collect(), lang)
    }

    fn field(&self, name: &str) -> Result<Field> {
        Ok(*registry::entry(self.model)?.field(name)?)
    }
}

/// What was typed as a value of the field; `None` when it should be a number and is none.
fn value(field: &Field, text: &str) -> Option<AnyValue> {
    if field.kind == Kind::Boolean {
        return Some((!text.is_empty()).into());
    }
    if text.is_empty() {
        return Some(AnyValue::FALSE);
    }
    match field.kind {
        Kind::Integer | Kind::Many2one(_) => Some(text.parse::<i32>().ok()?.into()),
        Kind::Float => {
            let number = text.replace(',', ".").parse::<f64>().ok()?;
            number.is_finite().then(|| AnyValue::Float(number))
        }
        _ => Some(text.into()),
    }
}

/// A form with texts in its inputs.
#[derive(Debug)]
pub struct Filled {
    form: &'static Form,
    texts: HashMap<&'static str, String>,
    lang: Lang,
    wrong: Option<&'static str>,
}

impl Filled {
    fn new(form: &'static Form, texts: HashMap<&'static str, String>, lang: Lang) -> Filled {
        Filled {
            form,
            texts,
            lang,
            wrong: None,
        }
    }

    /// The same with a mark at the field that is to blame.
    #[must_use]
    pub fn marked(mut self, problem: &Problem) -> Filled {
        self.wrong = problem.field;
        self
    }

    /// The text in an input.
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// What the field is called.
    pub fn label(&self, name: &str) -> String {
        label(self.lang, self.form.model, name)
    }

    /// The line below the input; empty for none.
    pub fn hint(&self, name: &str) -> String {
        let key = key(self.form.model, name);
        self.lang.attribute(&key, "hint").unwrap_or_default()
    }

    /// Another message in the form's language.
    pub fn say(&self, key: &str) -> String {
        self.lang.say(key)
    }

    /// Whether the field is to blame for the error above the form.
    pub fn is_wrong(&self, name: &str) -> bool {
        self.wrong == Some(name)
    }

    /// The ids of what describes the input (`aria-describedby`): the error above the form and the line below it.
    pub fn described_by(&self, name: &str) -> String {
        let mut ids = Vec::new();
        if self.is_wrong(name) {
            ids.push("problem".to_owned());
        }
        if !self.hint(name).is_empty() {
            ids.push(format!("{name}-hint"));
        }
        ids.join(" ")
    }

    /// The choices of a selection. A stored value that is no choice any more is left out.
    pub fn choices(&self, name: &str) -> Vec<Choice> {
        let Ok(Field {
            kind: Kind::Selection(choices),
            ..
        }) = self.form.field(name)
        else {
            return Vec::new();
        };
        choices
            .iter()
            .map(|(value, _)| Choice {
                value,
                label: label_of(self.lang, self.form.model, name, value),
                chosen: self.text(name) == *value,
            })
            .collect()
    }
}

/// The key under which a field stands in the texts.
fn key(model: &str, field: &str) -> String {
    format!("{}-{field}", model.replace('.', "-"))
}

/// What a field is called: in the texts, else in its declaration.
pub fn label(lang: Lang, model: &str, field: &str) -> String {
    lang.known(&key(model, field)).unwrap_or_else(|| {
        let declared = registry::entry(model).and_then(|entry| entry.field(field));
        declared.map_or(field, |field| field.label).to_owned()
    })
}

/// What a value of a selection is called: in the texts, else in its declaration; the value itself when it is not
/// declared.
pub fn label_of(lang: Lang, model: &str, field: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let attribute = format!("is-{value}");
    if let Some(label) = lang.attribute(&key(model, field), &attribute) {
        return label;
    }
    let kind = registry::entry(model)
        .and_then(|entry| entry.field(field))
        .map(|field| field.kind);
    let Ok(Kind::Selection(choices)) = kind else {
        return value.to_owned();
    };
    let found = choices.iter().find(|(known, _)| *known == value);
    found.map_or(value, |(_, label)| label).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form {
        model: "ir.mail_server",
        fields: &[
            "name",
            "smtp_port",
            "smtp_encryption",
            "active",
            "max_email_size",
        ],
        secrets: &["smtp_pass"],
    };

    fn typed(fields: &[(&str, &str)]) -> Fields {
        fields
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn what_was_typed_is_read_by_the_kind_of_the_field() {
        let typed = typed(&[
            ("name", "  Office "),
            ("smtp_port", "587"),
            ("smtp_encryption", "starttls"),
            ("active", "on"),
            ("max_email_size", "7,5"),
            ("smtp_pass", " with spaces "),
            ("smtp_user", "not in the form"),
        ]);
        let values = FORM
            .values(&typed, Lang::English)
            .expect("all of it can be read");
        let expected: [(&str, AnyValue); 6] = [
            ("name", "Office".into()),
            ("smtp_port", 587.into()),
            ("smtp_encryption", "starttls".into()),
            ("active", true.into()),
            ("max_email_size", AnyValue::Float(7.5)),
            ("smtp_pass", " with spaces ".into()),
        ];
        assert_eq!(values.len(), expected.len());
        for (name, value) in expected {
            assert_eq!(values[name], value, "{name}");
        }
    }

    #[test]
    fn an_empty_password_keeps_the_stored_one_and_an_empty_box_means_no() {
        let values = FORM
            .values(&typed(&[("smtp_pass", "")]), Lang::English)
            .expect("nothing to misread");
        assert!(!values.contains_key("smtp_pass"));
        assert_eq!(values["active"], AnyValue::FALSE);
        assert_eq!(values["name"], AnyValue::FALSE);
    }

    #[test]
    fn a_port_that_is_no_number_is_refused_with_its_name_and_value() {
        for (lang, label) in [
            (Lang::English, "SMTP port"),
            (Lang::Vietnamese, "Cổng SMTP"),
        ] {
            let refusal = FORM
                .values(&typed(&[("smtp_port", "smtp")]), lang)
                .expect_err("a word is no port");
            let problem = refusal.shown().expect("shown above the form");
            assert_eq!(problem.field, Some("smtp_port"));
            assert!(
                problem.message.contains(label) && problem.message.contains("“smtp”"),
                "{problem:?}"
            );
        }
    }

    #[test]
    fn a_password_is_not_shown_again_after_an_error() {
        static STATIC: Form = FORM;
        let typed = typed(&[("name", "Office"), ("smtp_pass", "hidden")]);
        let filled = STATIC.typed(&typed, Lang::English);
        assert_eq!(filled.text("name"), "Office");
        assert_eq!(filled.text("smtp_pass"), "");
    }
}
