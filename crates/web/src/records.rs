//! Records as pages read and write them: calls of the model with the visitor's rights.

use server_model::call::call_kw;
use server_model::error::{Error, Result};
use server_model::value::{AnyValue, Id, Key, Map, datetime_text, map};

use words::say;

use crate::visitor::Visitor;

/// One record, or any mapping of names to values.
#[derive(Clone, Debug, Default)]
pub struct Record(Map);

impl Record {
    /// The id; 0 for a record that is not stored.
    pub fn id(&self) -> Id {
        self.0.get("id").and_then(AnyValue::as_id).unwrap_or(0)
    }

    /// The value as a person reads it; empty for "no value". A record is read as its name.
    pub fn text(&self, name: &str) -> String {
        match self.0.get(name) {
            None | Some(AnyValue::Null | AnyValue::Bool(false)) => String::new(),
            Some(AnyValue::Text(text)) => text.clone(),
            Some(AnyValue::Datetime(moment)) => datetime_text(moment),
            Some(AnyValue::List(pair)) => {
                let name = pair.get(1).and_then(AnyValue::as_text);
                name.unwrap_or_default().to_owned()
            }
            Some(other) => other.to_python_text(),
        }
    }

    /// True unless the value is empty, zero or false.
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_falsy())
    }

    /// The whole number; 0 when there is none.
    pub fn number(&self, name: &str) -> i64 {
        self.0.get(name).and_then(AnyValue::as_int).unwrap_or(0)
    }

    /// The texts of a list.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let items = self.0.get(name).and_then(AnyValue::as_list);
        let texts = items.unwrap_or_default().iter();
        texts
            .filter_map(AnyValue::as_text)
            .map(str::to_owned)
            .collect()
    }

    /// The mappings of a list.
    pub fn records(&self, name: &str) -> Vec<Record> {
        let items = self.0.get(name).and_then(AnyValue::as_list);
        let maps = items
            .unwrap_or_default()
            .iter()
            .filter_map(AnyValue::as_map);
        maps.cloned().map(Record).collect()
    }

    /// The ids of a list of records.
    pub fn ids(&self, name: &str) -> Vec<Id> {
        let items = self.0.get(name).and_then(AnyValue::as_list);
        let items = items.unwrap_or_default();
        items.iter().filter_map(AnyValue::as_id).collect()
    }
}

impl From<Map> for Record {
    fn from(members: Map) -> Record {
        Record(members)
    }
}

/// A model as one user reaches it.
#[derive(Clone, Copy)]
pub struct Records<'a> {
    visitor: &'a Visitor,
    model: &'static str,
}

/// What to look for, and how much of it.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The conditions, all of which must hold.
    pub conditions: Vec<AnyValue>,
    /// The order as Odoo writes it; the model's own when empty.
    pub order: &'static str,
    /// How many records to skip.
    pub offset: i64,
    /// How many records to give at most; 0 for all.
    pub limit: i64,
}

impl<'a> Records<'a> {
    /// The records of `model` as the visitor reaches them.
    pub fn of(visitor: &'a Visitor, model: &'static str) -> Records<'a> {
        Records { visitor, model }
    }

    /// How many records meet all conditions, archived ones included.
    pub async fn count(&self, conditions: Vec<AnyValue>) -> Result<i64> {
        let positional = vec![AnyValue::List(conditions)];
        let found = self
            .call("search_count", positional, with_archived())
            .await?;
        Ok(found.as_int().unwrap_or(0))
    }

    /// The records found, archived ones included.
    pub async fn list(&self, search: Search, fields: &[&'static str]) -> Result<Vec<Record>> {
        let mut named = with_archived();
        named.extend(map([
            ("domain", AnyValue::List(search.conditions)),
            ("fields", names(fields)),
            ("offset", search.offset.into()),
        ]));
        if search.limit > 0 {
            named.insert(Key::Borrowed("limit"), search.limit.into());
        }
        if !search.order.is_empty() {
            named.insert(Key::Borrowed("order"), search.order.into());
        }
        Ok(rows(self.call("search_read", Vec::new(), named).await?))
    }

    /// Whether a record has a value in `field`, which itself is not read.
    pub async fn has_value(&self, id: Id, field: &'static str) -> Result<bool> {
        let conditions = vec![
            condition("id", "=", id),
            condition(field, "!=", AnyValue::FALSE),
        ];
        Ok(self.count(conditions).await? > 0)
    }

    /// The values a form opens with: the defaults, with one of them given, and what follows from
    /// them. `given` is the name of a context member, as in `default_server_type`.
    ///
    /// # Errors
    /// [`Error::Access`] when the user may not make such records, before anything is typed.
    pub async fn opened(
        &self,
        fields: &[&'static str],
        given: &'static str,
        value: &str,
    ) -> Result<Record> {
        let nothing = || AnyValue::List(Vec::new());
        self.call("check_access", vec![nothing(), "create".into()], Map::new())
            .await?;
        let shown = fields
            .iter()
            .map(|name| (Key::Borrowed(*name), Map::new().into()))
            .collect::<Map>();
        let positional = vec![nothing(), Map::new().into(), nothing(), shown.into()];
        let named = in_context(given, value);
        match self.call("onchange", positional, named).await? {
            AnyValue::Map(mut answer) => match answer.shift_remove("value") {
                Some(AnyValue::Map(values)) => Ok(Record(values)),
                _ => Ok(Record::default()),
            },
            _ => Ok(Record::default()),
        }
    }

    /// One record.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none with this id.
    pub async fn read(&self, id: Id, fields: &[&'static str]) -> Result<Record> {
        let positional = vec![AnyValue::ids(&[id]), names(fields)];
        let found = rows(self.call("read", positional, Map::new()).await?);
        found
            .into_iter()
            .next()
            .ok_or_else(|| Error::Missing(say!("error-no-record-here", %id)))
    }

    /// Makes a record and gives its id.
    pub async fn create(&self, values: Map) -> Result<Id> {
        let made = self.call("create", vec![values.into()], Map::new()).await?;
        made.as_id()
            .ok_or_else(|| Error::Internal("A record was made, but its id is unknown.".into()))
    }

    /// Changes a record.
    pub async fn write(&self, id: Id, values: Map) -> Result<()> {
        let positional = vec![AnyValue::ids(&[id]), values.into()];
        self.call("write", positional, Map::new()).await.map(drop)
    }

    /// Calls a method on one record.
    pub async fn run(&self, method: &str, id: Id) -> Result<AnyValue> {
        self.call(method, vec![AnyValue::ids(&[id])], Map::new())
            .await
    }

    /// Calls any method, in the visitor's language.
    pub async fn call(
        &self,
        method: &str,
        positional: Vec<AnyValue>,
        mut named: Map,
    ) -> Result<AnyValue> {
        let context = named
            .entry(Key::Borrowed("context"))
            .or_insert_with(|| Map::new().into());
        if let AnyValue::Map(context) = context {
            context.insert(Key::Borrowed("lang"), self.visitor.lang.code().into());
        }
        call_kw(&self.visitor.caller, self.model, method, positional, named).await
    }

    /// Calls a method that answers a list of mappings, one for each of these records.
    pub async fn told(&self, method: &str, ids: &[Id]) -> Result<Vec<Record>> {
        let answer = self
            .call(method, vec![AnyValue::ids(ids)], Map::new())
            .await?;
        Ok(rows(answer))
    }
}

/// A method that answers one mapping as a record.
pub fn one(answer: AnyValue) -> Record {
    match answer {
        AnyValue::Map(members) => Record(members),
        _ => Record::default(),
    }
}

/// What a method answered, as records.
pub fn many(answer: AnyValue) -> Vec<Record> {
    rows(answer)
}

/// One condition of a search.
pub fn condition(
    field: &'static str,
    operator: &'static str,
    value: impl Into<AnyValue>,
) -> AnyValue {
    AnyValue::List(vec![field.into(), operator.into(), value.into()])
}

/// The conditions, in prefix notation, under which one of the fields contains a text; none for an empty text.
pub fn containing(fields: &[&'static str], text: &str) -> Vec<AnyValue> {
    if text.is_empty() {
        return Vec::new();
    }
    let ors = fields.iter().skip(1).map(|_| AnyValue::from("|"));
    let leaves = fields.iter().map(|field| condition(field, "ilike", text));
    ors.chain(leaves).collect()
}

/// A list of names, as an argument.
pub fn names(of: &[&'static str]) -> AnyValue {
    AnyValue::List(of.iter().map(|name| AnyValue::from(*name)).collect())
}

fn with_archived() -> Map {
    in_context("active_test", false)
}

fn in_context(name: &'static str, value: impl Into<AnyValue>) -> Map {
    map([("context", map([(name, value.into())]).into())])
}

fn rows(found: AnyValue) -> Vec<Record> {
    match found {
        AnyValue::Records(records) => records.into_maps().into_iter().map(Record).collect(),
        AnyValue::List(items) => items
            .into_iter()
            .filter_map(|item| match item {
                AnyValue::Map(members) => Some(Record(members)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
