//! The one list of models, with their fields and methods ready to be looked up by name.

mod told;

use std::collections::HashMap;
use std::sync::LazyLock;

use indexmap::IndexMap;
use words::{Text, say};

use crate::error::{Error, Result};
use crate::models;
use crate::orm;
use crate::schema::{Field, Method, Model};

/// A declared model with everything found by name, inherited fields included.
pub struct Entry {
    /// The declaration.
    pub model: &'static Model,
    /// The fields in declared order, inherited ones last.
    pub fields: IndexMap<&'static str, Field>,
    /// The methods: the model's own before the common ones.
    pub methods: HashMap<&'static str, Method>,
}

impl Entry {
    /// The field of that name.
    ///
    /// # Errors
    /// [`Error::Value`] that names the model.
    pub fn field(&self, name: &str) -> Result<&Field> {
        self.fields.get(name).ok_or_else(|| {
            Error::Value(say!("error-no-such-field", ?name, model = ?self.model.name))
        })
    }

    /// The table.
    pub fn table(&self) -> &'static str {
        self.model.table
    }

    /// The name of the model.
    pub fn name(&self) -> &'static str {
        self.model.name
    }

    /// What a person calls the model.
    pub fn title(&self) -> Text {
        let key = format!("model-{}", self.name().replace('.', "-"));
        Text::label(key, self.model.description)
    }

    /// True when records can be archived.
    pub fn has_active(&self) -> bool {
        self.fields.get("active").is_some_and(|f| f.column)
    }

    /// True when the table keeps who made and changed a record, and when.
    pub fn keeps_log(&self) -> bool {
        self.fields.get("write_date").is_some_and(|f| f.column)
    }
}

/// The key under which a language has what is told of a field.
pub fn field_key(model: &str, field: &str) -> String {
    format!("{}-{field}", model.replace('.', "-"))
}

/// All models by name.
pub struct Registry {
    entries: IndexMap<&'static str, Entry>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::build(models::ALL));

/// The registry of this program.
pub fn registry() -> &'static Registry {
    &REGISTRY
}

impl Registry {
    fn build(declared: &'static [&'static Model]) -> Registry {
        let by_name: HashMap<&str, &'static Model> =
            declared.iter().map(|model| (model.name, *model)).collect();
        let entries = declared
            .iter()
            .map(|model| {
                let entry = Entry {
                    model,
                    fields: collect_fields(model, &by_name),
                    methods: collect_methods(model),
                };
                (model.name, entry)
            })
            .collect();
        Registry { entries }
    }

    /// The model of that name.
    ///
    /// # Errors
    /// [`Error::UnknownModel`].
    pub fn get(&self, name: &str) -> Result<&Entry> {
        self.entries
            .get(name)
            .ok_or_else(|| Error::unknown_model(name))
    }

    /// All models in declared order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}

/// The model of that name in the registry of this program.
///
/// # Errors
/// [`Error::UnknownModel`].
pub fn entry(name: &str) -> Result<&'static Entry> {
    registry().get(name)
}

fn collect_fields(
    model: &'static Model,
    by_name: &HashMap<&str, &'static Model>,
) -> IndexMap<&'static str, Field> {
    let mut fields: IndexMap<&'static str, Field> = model
        .columns
        .iter()
        .chain(model.mixin)
        .chain(model.virtuals)
        .map(|field| (field.name, *field))
        .collect();
    if !fields.contains_key("display_name") {
        fields.insert("display_name", orm::names::DISPLAY_NAME);
    }
    for (parent, through) in model.inherits {
        let Some(parent) = by_name.get(parent) else {
            continue;
        };
        for (name, field) in collect_fields(parent, by_name) {
            fields.entry(name).or_insert(Field {
                column: false,
                compute: None,
                inverse: None,
                search: None,
                // The path lives as long as the registry, which is as long as the program.
                related: Some(Box::leak(format!("{through}.{name}").into_boxed_str())),
                inherited: true,
                ..field
            });
        }
    }
    fields
}

fn collect_methods(model: &'static Model) -> HashMap<&'static str, Method> {
    let common = [orm::METHODS, orm::web::METHODS, orm::group::METHODS];
    let mut methods: HashMap<&'static str, Method> =
        common.into_iter().flatten().map(|m| (m.name, *m)).collect();
    methods.extend(model.methods.iter().map(|m| (m.name, *m)));
    methods
}
