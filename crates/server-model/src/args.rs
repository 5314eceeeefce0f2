//! The arguments of a method call, bound to the names its declaration gives them.

use crate::error::{Error, Result};
use crate::schema::Method;
use crate::value::{AnyValue, Id, Ids, Key, Map};

/// Arguments by name. A parameter `**` in the declaration lets any other name through.
#[derive(Clone, Debug, Default)]
pub struct Args(Map);

impl Args {
    /// Binds positional and named arguments to the parameters of `method`.
    ///
    /// # Errors
    /// [`Error::Type`] for a missing, unknown, doubled or surplus argument, with its name.
    pub fn bind(method: &Method, positional: Vec<AnyValue>, named: Map) -> Result<Args> {
        let open = method.params.contains(&"**");
        let params = method.params.iter().filter(|p| **p != "**");
        let accepted = params.clone().count();
        if positional.len() > accepted {
            return Err(Error::Type(format!(
                "{}() takes at most {accepted} arguments beside the records, but {} were given.",
                method.name,
                positional.len()
            )));
        }
        let mut bound = Map::with_capacity(accepted);
        for (param, value) in params.clone().zip(positional) {
            bound.insert(Key::Borrowed(param.trim_end_matches('?')), value);
        }
        for (name, value) in named {
            let declared = params
                .clone()
                .find(|param| param.trim_end_matches('?') == name);
            if declared.is_none() && !open {
                return Err(Error::Type(format!(
                    "{}() has no argument named {name:?}.",
                    method.name
                )));
            }
            if bound.contains_key(&name) {
                return Err(Error::Type(format!(
                    "{}() was given the argument {name:?} twice, by place and by name.",
                    method.name
                )));
            }
            bound.insert(name, value);
        }
        if let Some(missing) = params
            .clone()
            .find(|param| !param.ends_with('?') && !bound.contains_key(**param))
        {
            return Err(Error::Type(format!(
                "{}() needs the argument {missing:?}.",
                method.name
            )));
        }
        Ok(Args(bound))
    }

    /// The argument, unless it was left out.
    pub fn get(&self, name: &str) -> Option<&AnyValue> {
        self.0.get(name)
    }

    /// Takes the argument out; `None` as a value counts as left out.
    pub fn take(&mut self, name: &str) -> Option<AnyValue> {
        self.0
            .shift_remove(name)
            .filter(|value| *value != AnyValue::Null)
    }

    /// Takes the argument out, or Odoo's "no value" when it was left out.
    pub fn take_or_false(&mut self, name: &str) -> AnyValue {
        self.take(name).unwrap_or(AnyValue::FALSE)
    }

    /// Takes a mapping out.
    ///
    /// # Errors
    /// [`Error::Type`] when the argument is something else.
    pub fn take_map(&mut self, name: &str) -> Result<Map> {
        match self.take(name) {
            None | Some(AnyValue::Bool(false)) => Ok(Map::new()),
            Some(AnyValue::Map(map)) => Ok(map),
            Some(other) => Err(wrong_type(name, "a mapping of names to values", &other)),
        }
    }

    /// Takes a list of texts out; left out and `False` give `None`.
    ///
    /// # Errors
    /// [`Error::Type`] when the argument is something else.
    pub fn take_names(&mut self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match value {
            AnyValue::Bool(false) => Ok(None),
            AnyValue::List(items) => items
                .into_iter()
                .map(|item| match item {
                    AnyValue::Text(text) => Ok(text),
                    other => Err(wrong_type(name, "a list of names", &other)),
                })
                .collect::<Result<Vec<_>>>()
                .map(Some),
            other => Err(wrong_type(name, "a list of names", &other)),
        }
    }

    /// Takes a text out; left out and `False` give `None`.
    ///
    /// # Errors
    /// [`Error::Type`] when the argument is something else.
    pub fn take_text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None | Some(AnyValue::Bool(false)) => Ok(None),
            Some(AnyValue::Text(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, "a text", &other)),
        }
    }

    /// Takes a whole number out; a numeral as text is read, as in Odoo's `limit="1"`.
    ///
    /// # Errors
    /// [`Error::Type`] when the argument is something else.
    pub fn take_int(&mut self, name: &str) -> Result<Option<i64>> {
        match self.take(name) {
            None | Some(AnyValue::Bool(false)) => Ok(None),
            Some(AnyValue::Text(text)) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(wrong_type(name, "a whole number", &AnyValue::Text(text))),
            },
            Some(other) => match other.as_int() {
                Some(number) => Ok(Some(number)),
                None => Err(wrong_type(name, "a whole number", &other)),
            },
        }
    }

    /// What is left, for methods that take any name.
    pub fn into_rest(self) -> Map {
        self.0
    }
}

fn wrong_type(name: &str, wanted: &str, got: &AnyValue) -> Error {
    Error::Type(format!(
        "The argument {name:?} must be {wanted}, not {}.",
        got.type_name()
    ))
}

/// Reads the records a method is called on: one id, a list of ids, or nothing.
///
/// Ids that cannot exist (beyond 32 bits, zero, `False`) are left out: nothing is found under them.
///
/// # Errors
/// [`Error::Type`] when an item is no id at all.
pub fn read_ids(value: &AnyValue) -> Result<Ids> {
    match value {
        AnyValue::Null | AnyValue::Bool(false) => Ok(Vec::new()),
        AnyValue::Int(_) => Ok(value.as_id().into_iter().collect()),
        AnyValue::List(items) => {
            let mut ids: Vec<Id> = Vec::with_capacity(items.len());
            for item in items {
                match item {
                    AnyValue::Int(_) => ids.extend(item.as_id()),
                    AnyValue::Bool(false) | AnyValue::Null => {}
                    other => {
                        return Err(Error::Type(format!(
                            "Record ids are whole numbers, not {}.",
                            other.type_name()
                        )));
                    }
                }
            }
            Ok(ids)
        }
        other => Err(Error::Type(format!(
            "Records are given as a list of ids, not {}.",
            other.type_name()
        ))),
    }
}
