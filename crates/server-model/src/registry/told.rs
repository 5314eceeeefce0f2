//! What people are told of a field: its label, its help and the names of its choices, in their language.
//!
//! They are declared in English. Other languages have them under the model and the field (`res-users-login`); what
//! several models declare in the same words stands once, under the field alone (`field-create_date`), in English too, so
//! that it is known what it translates. A field that a model has from another is told as that one tells it.

use words::{Lang, Text};

use super::{Entry, entry, field_key};
use crate::schema::{Field, Kind};

impl Entry {
    /// What a person calls a field of the model.
    pub fn label(&self, field: &Field) -> Text {
        let shared = shared_key(field);
        let mut keys = self.keys(field);
        if Lang::English.known(&shared).as_deref() == Some(field.label) {
            keys.push(shared);
        }
        let is_there = |key: &String| Lang::ALL.iter().any(|lang| lang.known(key).is_some());
        let key = keys.into_iter().find(is_there);
        Text::label(key.unwrap_or_default(), field.label)
    }

    /// What a field of the model is for, in this language; empty when its label says it all.
    pub fn help(&self, field: &Field, lang: Lang) -> String {
        if lang == Lang::English || field.help.is_empty() {
            return field.help.to_owned();
        }
        // What stands below the input of a form helps as well.
        let hint = || {
            let mut keys = self.keys(field).into_iter();
            keys.find_map(|key| lang.attribute(&key, "hint"))
        };
        let help = self.part(field, lang, "help", field.help).or_else(hint);
        help.unwrap_or_else(|| field.help.to_owned())
    }

    /// The values that are declared for a selection, with what they are called in this language.
    pub fn choices(&self, field: &Field, lang: Lang) -> Vec<(&'static str, String)> {
        let Kind::Selection(values) = field.kind else {
            return Vec::new();
        };
        let named = values.iter().map(|(value, declared)| {
            let name = match lang {
                Lang::English => None,
                _ => self.part(field, lang, &choice_key(value), declared),
            };
            (*value, name.unwrap_or_else(|| (*declared).to_owned()))
        });
        named.collect()
    }

    /// What a language has of a field beside its label, under this attribute.
    fn part(&self, field: &Field, lang: Lang, attribute: &str, declared: &str) -> Option<String> {
        let mut keys = self.keys(field).into_iter();
        keys.find_map(|key| lang.attribute(&key, attribute))
            .or_else(|| {
                let shared = shared_key(field);
                let english = Lang::English.attribute(&shared, attribute)?;
                (english == declared).then(|| lang.attribute(&shared, attribute))?
            })
    }

    /// The keys that are the field's own: the model's, and those of the model that it has the field from.
    fn keys(&self, field: &Field) -> Vec<String> {
        let mut keys = vec![field_key(self.name(), field.name)];
        let path = field.related.filter(|_| field.inherited);
        if let Some((through, name)) = path.and_then(|path| path.split_once('.'))
            && let Some((parent, _)) = self.model.inherits.iter().find(|(_, by)| *by == through)
            && let Ok(parent) = entry(parent)
            && let Some(field) = parent.fields.get(name)
        {
            keys.extend(parent.keys(field));
        }
        keys
    }
}

fn shared_key(field: &Field) -> String {
    format!("field-{}", field.name)
}

/// The attribute that names a choice: `is-` and its value, with a low line for what no attribute may have in its name.
fn choice_key(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let value: String = value
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    format!("is-{value}")
}
