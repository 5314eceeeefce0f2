//! The values that fields hold and methods take and give: Python's shapes without any wire format.

use std::borrow::Cow;

use chrono::{NaiveDate, NaiveDateTime};
use indexmap::IndexMap;

/// A record's database id, as wide as Odoo's `integer` columns.
pub type Id = i32;

/// The records a method is called on, in the caller's order.
pub type Ids = Vec<Id>;

/// The name of a member: borrowed for declared fields, owned for what a caller sent.
pub type Key = Cow<'static, str>;

/// An ordered mapping, as Python's `dict` keeps its order.
pub type Map = IndexMap<Key, AnyValue>;

/// Anything that crosses the border of a model: a field's value, an argument, a result.
///
/// Odoo shows an empty field as `False` whatever its type; only booleans and numbers have no
/// empty value of their own on the wire. [`AnyValue::FALSE`] is that "nothing".
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AnyValue {
    /// Python's `None`. As a whole result it means that the method returned nothing.
    #[default]
    Null,
    /// A boolean; `false` doubles as "no value" for every type of field.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A text. Binary fields travel as base64 text, as they do in Odoo.
    Text(String),
    /// Raw bytes: what XML-RPC calls base64, and what a binary column holds.
    Bytes(Vec<u8>),
    /// A calendar day, written `YYYY-MM-DD`.
    Date(NaiveDate),
    /// A moment in UTC, written `YYYY-MM-DD HH:MM:SS`.
    Datetime(NaiveDateTime),
    /// An ordered list.
    List(Vec<AnyValue>),
    /// A mapping with text keys.
    Map(Map),
    /// Records with the same members each, kept as rows so that names are not repeated in memory.
    Records(Records),
}

/// Rows that share their member names: the result of `read`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// The member names, in the order they are written.
    pub names: Vec<Key>,
    /// One list of values a record, as long as `names`.
    pub rows: Vec<Vec<AnyValue>>,
}

impl Records {
    /// The rows as mappings, for callers inside the program.
    pub fn into_maps(self) -> Vec<Map> {
        let names = self.names;
        self.rows
            .into_iter()
            .map(|row| names.iter().cloned().zip(row).collect())
            .collect()
    }
}

impl AnyValue {
    /// Odoo's "no value".
    pub const FALSE: AnyValue = AnyValue::Bool(false);

    /// True for what Python treats as false: nothing, zero, and empty texts and collections.
    pub fn is_falsy(&self) -> bool {
        match self {
            AnyValue::Null => true,
            AnyValue::Bool(b) => !b,
            AnyValue::Int(i) => *i == 0,
            AnyValue::Float(f) => *f == 0.0,
            AnyValue::Text(t) => t.is_empty(),
            AnyValue::Bytes(b) => b.is_empty(),
            AnyValue::Date(_) | AnyValue::Datetime(_) => false,
            AnyValue::List(l) => l.is_empty(),
            AnyValue::Map(m) => m.is_empty(),
            AnyValue::Records(r) => r.rows.is_empty(),
        }
    }

    /// True for `None` and `False`, the two ways to say "no value".
    pub fn is_nothing(&self) -> bool {
        matches!(self, AnyValue::Null | AnyValue::Bool(false))
    }

    /// The text, when this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            AnyValue::Text(t) => Some(t),
            _ => None,
        }
    }

    /// The whole number, when this is one. Booleans count as 0 and 1, as in Python.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            AnyValue::Int(i) => Some(*i),
            AnyValue::Bool(b) => Some(i64::from(*b)),
            _ => None,
        }
    }

    /// The record id, when this is a positive whole number that fits one, or an `[id, name]` pair.
    pub fn as_id(&self) -> Option<Id> {
        match self {
            AnyValue::Int(i) => Id::try_from(*i).ok().filter(|id| *id > 0),
            AnyValue::List(pair) => pair.first().and_then(AnyValue::as_id),
            _ => None,
        }
    }

    /// The items, when this is a list.
    pub fn as_list(&self) -> Option<&[AnyValue]> {
        match self {
            AnyValue::List(items) => Some(items),
            _ => None,
        }
    }

    /// The members, when this is a mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            AnyValue::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Python's word for the type, for error messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            AnyValue::Null => "None",
            AnyValue::Bool(_) => "bool",
            AnyValue::Int(_) => "int",
            AnyValue::Float(_) => "float",
            AnyValue::Text(_) => "str",
            AnyValue::Bytes(_) => "bytes",
            AnyValue::Date(_) => "date",
            AnyValue::Datetime(_) => "datetime",
            AnyValue::List(_) | AnyValue::Records(_) => "list",
            AnyValue::Map(_) => "dict",
        }
    }

    /// The value as Python's `str()` writes it: what Odoo stores when another type is given
    /// for a text field.
    pub fn to_python_text(&self) -> String {
        match self {
            AnyValue::Null => "None".into(),
            AnyValue::Bool(true) => "True".into(),
            AnyValue::Bool(false) => "False".into(),
            AnyValue::Int(i) => i.to_string(),
            AnyValue::Float(f) if f.fract() == 0.0 && f.abs() < 1e16 => format!("{f:.1}"),
            AnyValue::Float(f) => f.to_string(),
            AnyValue::Text(t) => t.clone(),
            AnyValue::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
            AnyValue::Date(d) => d.to_string(),
            AnyValue::Datetime(d) => datetime_text(d),
            AnyValue::List(items) => {
                let inner: Vec<_> = items.iter().map(AnyValue::to_python_repr).collect();
                format!("[{}]", inner.join(", "))
            }
            AnyValue::Map(map) => {
                let inner: Vec<_> = map
                    .iter()
                    .map(|(k, v)| format!("'{k}': {}", v.to_python_repr()))
                    .collect();
                format!("{{{}}}", inner.join(", "))
            }
            AnyValue::Records(r) => format!("[{} records]", r.rows.len()),
        }
    }

    fn to_python_repr(&self) -> String {
        match self {
            AnyValue::Text(t) if t.contains('\'') && !t.contains('"') => format!("\"{t}\""),
            AnyValue::Text(t) => format!("'{}'", t.replace('\\', "\\\\").replace('\'', "\\'")),
            other => other.to_python_text(),
        }
    }

    /// A list of record ids.
    pub fn ids(ids: &[Id]) -> AnyValue {
        AnyValue::List(ids.iter().map(|id| AnyValue::from(*id)).collect())
    }

    /// A text, or "no value" when there is none.
    pub fn text_or_false(text: Option<String>) -> AnyValue {
        text.map_or(AnyValue::FALSE, AnyValue::Text)
    }
}

/// A moment as Odoo writes it: UTC, to the second.
pub fn datetime_text(moment: &NaiveDateTime) -> String {
    moment.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Reads a moment as Odoo reads it: `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS`, with `T` and fractions
/// of a second tolerated.
pub fn parse_datetime(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    for shape in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(text, shape) {
            return Some(moment);
        }
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .and_then(|day| day.and_hms_opt(0, 0, 0))
}

/// Builds a [`Map`] from pairs with static names.
pub fn map<const N: usize>(members: [(&'static str, AnyValue); N]) -> Map {
    members
        .into_iter()
        .map(|(name, value)| (Key::Borrowed(name), value))
        .collect()
}

macro_rules! from {
    ($($kind:ty => $make:expr),* $(,)?) => {
        $(impl From<$kind> for AnyValue {
            fn from(value: $kind) -> Self {
                ($make)(value)
            }
        })*
    };
}

from! {
    bool => AnyValue::Bool,
    i64 => AnyValue::Int,
    i32 => |i: i32| AnyValue::Int(i64::from(i)),
    f64 => AnyValue::Float,
    String => AnyValue::Text,
    &str => |t: &str| AnyValue::Text(t.to_owned()),
    Vec<AnyValue> => AnyValue::List,
    Map => AnyValue::Map,
    Records => AnyValue::Records,
    NaiveDateTime => AnyValue::Datetime,
    NaiveDate => AnyValue::Date,
    Option<String> => AnyValue::text_or_false,
}
