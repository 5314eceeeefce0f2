//! The arguments of a method call, bound to the names its declaration gives them.

use words::{Text, say};

use crate::error::{Error, Result};
use crate::schema::Method;
use crate::value::{AnyValue, Ids, Key, Map};

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
            return Err(Error::Type(say!(
                "error-call-too-many",
                method = method.name,
                accepted,
                given = positional.len()
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
                return Err(Error::Type(say!(
                    "error-call-unknown-argument",
                    method = method.name,
                    ?name
                )));
            }
            if bound.contains_key(&name) {
                return Err(Error::Type(say!(
                    "error-call-argument-twice",
                    method = method.name,
                    ?name
                )));
            }
            bound.insert(name, value);
        }
        if let Some(missing) = params
            .clone()
            .find(|param| !param.ends_with('?') && !bound.contains_key(**param))
        {
            return Err(Error::Type(say!(
                "error-call-argument-missing",
                method = method.name,
                ?missing
            )));
        }
        Ok(Args(bound))
    }

    /// Adds an argument that the call brings from elsewhere.
    pub(crate) fn insert(&mut self, name: &'static str, value: AnyValue) {
        self.0.insert(Key::Borrowed(name), value);
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
            Some(other) => Err(wrong_type(name, say!("wanted-mapping"), &other)),
        }
    }

    /// Takes a list of texts out; left out and `False` give `None`. A text alone is the list of
    /// its letters, as it is to Python, so that it is refused by whoever looks the names up.
    ///
    /// # Errors
    /// [`Error::Type`] when the argument is something else.
    pub fn take_names(&mut self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match value {
            AnyValue::Bool(false) => Ok(None),
            AnyValue::Text(text) => Ok(Some(text.chars().map(String::from).collect())),
            AnyValue::List(items) => items
                .into_iter()
                .map(|item| match item {
                    AnyValue::Text(text) => Ok(text),
                    other => Err(wrong_type(name, say!("wanted-names"), &other)),
                })
                .collect::<Result<Vec<_>>>()
                .map(Some),
            other => Err(wrong_type(name, say!("wanted-names"), &other)),
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
            Some(other) => Err(wrong_type(name, say!("wanted-text"), &other)),
        }
    }

    /// Takes a whole number out; a numeral as text is read, as in Odoo's `limit="1"`.
    ///
    /// # Errors
    /// [`Error::Data`] for a text that is no numeral, which only Odoo's database refuses;
    /// [`Error::Type`] when the argument is something else.
    pub fn take_int(&mut self, name: &str) -> Result<Option<i64>> {
        match self.take(name) {
            None | Some(AnyValue::Bool(false) | AnyValue::Null) => Ok(None),
            // Clients write an empty text where nothing was given, and Odoo takes it for that.
            Some(AnyValue::Text(text)) if text.is_empty() => Ok(None),
            Some(AnyValue::Text(text)) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(no_numeral(say!("place-argument", ?name), &text)),
            },
            Some(other) => match other.as_int() {
                Some(number) => Ok(Some(number)),
                None => Err(wrong_type(name, say!("wanted-whole"), &other)),
            },
        }
    }

    /// What is left, for methods that take any name.
    pub fn into_rest(self) -> Map {
        self.0
    }
}

fn wrong_type(name: &str, wanted: Text, got: &AnyValue) -> Error {
    Error::Type(say!(
        "error-call-argument-kind",
        ?name,
        wanted,
        given = got.type_name()
    ))
}

/// The refusal of a text where the database wants a number.
pub(crate) fn no_numeral(place: Text, text: &str) -> Error {
    let shown: String = text.chars().take(40).collect();
    Error::Data {
        condition: "InvalidTextRepresentation".into(),
        message: say!("error-not-whole", ?shown, place),
    }
}

/// The ids as they were given: whole numbers, and `False` where nothing stands for a record.
///
/// # Errors
/// [`Error::Data`] for a text that is no numeral, [`Error::Type`] when an item is no id at all.
pub fn given_ids(value: &AnyValue) -> Result<Vec<AnyValue>> {
    let items = match value {
        AnyValue::Null | AnyValue::Bool(false) => return Ok(Vec::new()),
        AnyValue::List(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    items
        .iter()
        .map(|item| match item {
            AnyValue::Int(_) => Ok(item.clone()),
            AnyValue::Null | AnyValue::Bool(false) => Ok(AnyValue::FALSE),
            AnyValue::Text(text) => match text.trim().parse::<i64>() {
                Ok(number) => Ok(number.into()),
                Err(_) => Err(no_numeral(say!("place-id"), text)),
            },
            other => Err(Error::Type(say!(
                "error-call-ids",
                given = other.type_name()
            ))),
        })
        .collect()
}

/// Reads the records a method is called on: one id, a list of ids, or nothing.
///
/// Ids that cannot exist (beyond 32 bits, zero, `False`) are left out: nothing is found under them.
///
/// # Errors
/// As for [`given_ids`].
pub fn read_ids(value: &AnyValue) -> Result<Ids> {
    Ok(given_ids(value)?
        .iter()
        .filter_map(AnyValue::as_id)
        .collect())
}
