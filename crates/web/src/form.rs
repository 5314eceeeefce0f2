//! Forms over a model's fields: what they show, and how what was typed is read.
//!
//! The kind of an input, its choices and its name in messages come from the declaration of the
//! field, so a form cannot offer what the model does not know.

use std::collections::HashMap;

use server_model::error::Result;
use server_model::registry;
use server_model::schema::{Field, Kind};
use server_model::value::{AnyValue, Key, Map};

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
    pub label: &'static str,
    /// Whether it is the one chosen.
    pub chosen: bool,
}

impl Form {
    /// The values to write, from what was typed.
    ///
    /// # Errors
    /// [`server_model::error::Error::Value`] when a number is none, with the name of its field.
    pub fn values(&self, typed: &Fields) -> Result<Map> {
        let mut values = Map::new();
        for name in self.fields {
            let field = self.field(name)?;
            let text = typed.get(*name).map(|text| text.trim()).unwrap_or_default();
            values.insert(Key::Borrowed(name), value(&field, text)?);
        }
        for name in self.secrets {
            if let Some(secret) = typed.get(*name).filter(|secret| !secret.is_empty()) {
                values.insert(Key::Borrowed(name), secret.as_str().into());
            }
        }
        Ok(values)
    }

    /// The form as it was typed, passwords left out.
    pub fn typed(&'static self, typed: &Fields) -> Filled {
        let texts = self
            .fields
            .iter()
            .map(|name| (*name, typed.get(*name).cloned().unwrap_or_default()))
            .collect();
        Filled { form: self, texts }
    }

    /// The form with the values of a record.
    pub fn filled(&'static self, record: &Record) -> Filled {
        let texts = self
            .fields
            .iter()
            .map(|name| (*name, record.text(name)))
            .collect();
        Filled { form: self, texts }
    }

    fn field(&self, name: &str) -> Result<Field> {
        Ok(*registry::entry(self.model)?.field(name)?)
    }
}

fn value(field: &Field, text: &str) -> Result<AnyValue> {
    if field.kind == Kind::Boolean {
        return Ok((!text.is_empty()).into());
    }
    if text.is_empty() {
        return Ok(AnyValue::FALSE);
    }
    if field.kind != Kind::Integer {
        return Ok(text.into());
    }
    match text.parse::<i32>() {
        Ok(number) => Ok(number.into()),
        Err(_) => Err(server_model::error::Error::Value(format!(
            "“{}” must be a whole number, not “{text}”.",
            field.label
        ))),
    }
}

/// A form with texts in its inputs.
#[derive(Debug)]
pub struct Filled {
    form: &'static Form,
    texts: HashMap<&'static str, String>,
}

impl Filled {
    /// The text in an input.
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether a box is ticked.
    pub fn ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
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
            .map(|(value, label)| Choice {
                value,
                label,
                chosen: self.text(name) == *value,
            })
            .collect()
    }
}

/// The label of a selection's value; the value itself when it is not declared.
pub fn label_of(model: &str, field: &str, value: &str) -> String {
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
        fields: &["name", "smtp_port", "smtp_encryption", "active"],
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
            ("smtp_pass", " with spaces "),
            ("smtp_user", "not in the form"),
        ]);
        let values = FORM.values(&typed).expect("all of it can be read");
        let expected: [(&str, AnyValue); 5] = [
            ("name", "Office".into()),
            ("smtp_port", 587.into()),
            ("smtp_encryption", "starttls".into()),
            ("active", true.into()),
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
            .values(&typed(&[("smtp_pass", "")]))
            .expect("nothing to misread");
        assert!(!values.contains_key("smtp_pass"));
        assert_eq!(values["active"], AnyValue::FALSE);
        assert_eq!(values["name"], AnyValue::FALSE);
    }

    #[test]
    fn a_port_that_is_no_number_is_refused_with_its_name_and_value() {
        let error = FORM
            .values(&typed(&[("smtp_port", "smtp")]))
            .expect_err("a word is no port")
            .to_string();
        assert!(
            error.contains("SMTP Port") && error.contains("“smtp”"),
            "{error}"
        );
    }

    #[test]
    fn a_password_is_not_shown_again_after_an_error() {
        static STATIC: Form = FORM;
        let filled = STATIC.typed(&typed(&[("name", "Office"), ("smtp_pass", "hidden")]));
        assert_eq!(filled.text("name"), "Office");
        assert_eq!(filled.text("smtp_pass"), "");
    }
}
