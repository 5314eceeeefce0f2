//! How a model is declared: fields, methods, access and hooks, as plain constants.

mod methods;
mod models;
mod rights;

use futures_util::future::BoxFuture;

use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::Result;
use crate::value::{AnyValue, Id};

pub use crate::args::Args;
pub use methods::{Call, Method, OutsideCall, Run, method, model_method, outside_method};
pub use models::{
    Choices, ChoicesHook, CopyHook, CreatedHook, DefaultsHook, EditHook, Hooks, Model, NewHook,
    ReachHook, UnlinkHook, WriteHook, WrittenHook, model,
};
pub use rights::{Access, Operation, Rule, access};

/// A future result of a method.
pub type Answer<'a, T = AnyValue> = BoxFuture<'a, Result<T>>;

/// Values of a selection field with their labels.
pub type Selection = &'static [(&'static str, &'static str)];

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A line of text.
    Char,
    /// Text of any length.
    Text,
    /// Text with HTML markup.
    Html,
    /// A whole number of 32 bits.
    Integer,
    /// A floating point number.
    Float,
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
    /// A moment in UTC.
    Datetime,
    /// Bytes, shown as base64 text.
    Binary,
    /// One of a few texts.
    Selection(Selection),
    /// The id of one record of that model.
    Many2one(&'static str),
    /// The records of `model` whose field `inverse` names this record.
    One2many {
        /// The model of the records.
        model: &'static str,
        /// Its many2one, or many2one_reference, that points here.
        inverse: &'static str,
    },
    /// Records of `model`, linked through `table`.
    Many2many {
        /// The model of the records.
        model: &'static str,
        /// The table of links.
        table: &'static str,
        /// Its column for this side.
        this: &'static str,
        /// Its column for the other side.
        that: &'static str,
    },
    /// The id of a record of the model that the named field names.
    Many2oneReference(&'static str),
}

impl Kind {
    /// Odoo's word for the type, as `fields_get` shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Char => "char",
            Kind::Text => "text",
            Kind::Html => "html",
            Kind::Integer => "integer",
            Kind::Float => "float",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::Datetime => "datetime",
            Kind::Binary => "binary",
            Kind::Selection(_) => "selection",
            Kind::Many2one(_) => "many2one",
            Kind::One2many { .. } => "one2many",
            Kind::Many2many { .. } => "many2many",
            Kind::Many2oneReference(_) => "many2one_reference",
        }
    }

    /// The model on the other side of a relation.
    pub const fn comodel(self) -> Option<&'static str> {
        match self {
            Kind::Many2one(model)
            | Kind::One2many { model, .. }
            | Kind::Many2many { model, .. } => Some(model),
            _ => None,
        }
    }

    /// True for the two kinds that hold a list of records.
    pub const fn is_x2many(self) -> bool {
        matches!(self, Kind::One2many { .. } | Kind::Many2many { .. })
    }

    /// True for the kinds stored as text.
    pub const fn is_textual(self) -> bool {
        matches!(
            self,
            Kind::Char | Kind::Text | Kind::Html | Kind::Selection(_)
        )
    }
}

/// The value of a field in a new record when none is given.
#[derive(Clone, Copy)]
pub enum Default {
    /// None.
    Absent,
    /// A fixed text.
    Text(&'static str),
    /// A fixed number.
    Int(i64),
    /// A fixed truth.
    Bool(bool),
    /// Found out at the time.
    Call(for<'a> fn(&'a Env) -> Answer<'a>),
}

/// Gives the values of a computed field, one for each id in order.
pub type Compute = for<'a> fn(&'a Env, &'a [Id]) -> Answer<'a, Vec<AnyValue>>;
/// Takes a value written to a computed field to where it is kept.
pub type Inverse = for<'a> fn(&'a Env, &'a [Id], &'a AnyValue) -> Answer<'a, ()>;
/// Puts a condition on a computed field in terms of stored ones.
pub type Search = for<'a> fn(&'a Env, Operator, &'a AnyValue) -> Answer<'a, Domain>;

/// A field of a model. Built by [`field`] and the methods below, or by `#[derive(OdooFields)]`.
#[derive(Clone, Copy)]
pub struct Field {
    /// The name, as in Odoo.
    pub name: &'static str,
    /// The label a person reads.
    pub label: &'static str,
    /// What the field is for; empty when the label says it all.
    pub help: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// True when the model's own table has a column of this name.
    pub column: bool,
    /// True when a record must have it.
    pub required: bool,
    /// True when forms do not edit it. A write over RPC is not refused, as in Odoo.
    pub readonly: bool,
    /// True when `copy` takes it over.
    pub copied: bool,
    /// True for texts kept in one jsonb object with a member a language.
    pub translate: bool,
    /// True for values kept in one jsonb object with a member a company.
    pub company_dependent: bool,
    /// Comma-separated groups of which a user needs one; empty for everybody.
    pub groups: &'static str,
    /// True for a secret, which is sealed in its column (see [`crate::vault`]).
    pub secret: bool,
    /// The longest text allowed; 0 for any.
    pub size: u32,
    /// The value in a new record.
    pub default: Default,
    /// Where the values come from when there is no column.
    pub compute: Option<Compute>,
    /// Where a written value goes when there is no column.
    pub inverse: Option<Inverse>,
    /// How to search when there is no column.
    pub search: Option<Search>,
    /// A dotted path whose end this field shows and writes.
    pub related: Option<&'static str>,
    /// True when the field came from a model that this one inherits from.
    pub inherited: bool,
    /// The fields a computed one is made from.
    pub depends: &'static [&'static str],
    /// True for a computed field whose value the model's hooks keep in its column.
    pub kept: bool,
}

/// A field without a column: the start of a `.virtuals` line.
pub const fn field(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field {
        name,
        label,
        help: "",
        kind,
        column: false,
        required: false,
        readonly: false,
        copied: !matches!(kind, Kind::One2many { .. }),
        translate: false,
        company_dependent: false,
        groups: "",
        secret: false,
        size: 0,
        default: Default::Absent,
        compute: None,
        inverse: None,
        search: None,
        related: None,
        inherited: false,
        depends: &[],
        kept: false,
    }
}

/// A field whose value is worked out from others; it cannot be written.
pub const fn computed(
    name: &'static str,
    label: &'static str,
    kind: Kind,
    depends: &'static [&'static str],
    compute: Compute,
) -> Field {
    Field {
        readonly: true,
        copied: false,
        depends,
        compute: Some(compute),
        ..field(name, label, kind)
    }
}

/// A field that shows the end of a dotted path.
pub const fn related(
    name: &'static str,
    label: &'static str,
    kind: Kind,
    path: &'static str,
) -> Field {
    Field {
        readonly: true,
        copied: false,
        related: Some(path),
        ..field(name, label, kind)
    }
}

impl Field {
    /// Says what the field is for.
    pub const fn help(self, help: &'static str) -> Field {
        Field { help, ..self }
    }
    /// Shows and takes the field only for members of one of these groups.
    pub const fn groups(self, groups: &'static str) -> Field {
        Field { groups, ..self }
    }
    /// Lets a computed field be written.
    pub const fn inverse(self, inverse: Inverse) -> Field {
        Field {
            inverse: Some(inverse),
            readonly: false,
            ..self
        }
    }
    /// Lets a computed field be searched.
    pub const fn search(self, search: Search) -> Field {
        Field {
            search: Some(search),
            ..self
        }
    }
    /// Gives a value to new records.
    pub const fn default(self, default: Default) -> Field {
        Field { default, ..self }
    }
    /// Demands a value.
    pub const fn required(self) -> Field {
        Field {
            required: true,
            ..self
        }
    }
    /// Keeps forms from editing it.
    pub const fn readonly(self) -> Field {
        Field {
            readonly: true,
            ..self
        }
    }
    /// Lets forms edit it.
    pub const fn editable(self) -> Field {
        Field {
            readonly: false,
            ..self
        }
    }
    /// Keeps it out of copies.
    pub const fn no_copy(self) -> Field {
        Field {
            copied: false,
            ..self
        }
    }
    /// True when the value lives in the database, in a column or a table of links.
    pub const fn is_stored(&self) -> bool {
        self.column || (self.kind.is_x2many() && self.compute.is_none() && self.related.is_none())
    }
    /// True when a domain may name the field.
    pub const fn is_searchable(&self) -> bool {
        self.is_stored() || self.search.is_some() || self.related.is_some()
    }
}
