//! How a model is declared: fields, methods, access and hooks, as plain constants.

use futures_util::future::BoxFuture;

use crate::domain::{Domain, Operator};
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::registry::Entry;
use crate::value::{AnyValue, Id, Ids, Map};

pub use crate::args::Args;

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
    /// Comma-separated groups of which a user needs one; empty for everybody.
    pub groups: &'static str,
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
        groups: "",
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

/// What a group may do with a model.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The group's external id; empty for everybody, also without group.
    pub group: &'static str,
    /// May read.
    pub read: bool,
    /// May write.
    pub write: bool,
    /// May create.
    pub create: bool,
    /// May delete.
    pub unlink: bool,
}

/// An access row: `rights` holds any of `r`, `w`, `c`, `d`.
pub const fn access(group: &'static str, rights: &'static str) -> Access {
    let mut row = Access {
        group,
        read: false,
        write: false,
        create: false,
        unlink: false,
    };
    let letters = rights.as_bytes();
    let mut at = 0;
    while at < letters.len() {
        match letters[at] {
            b'r' => row.read = true,
            b'w' => row.write = true,
            b'c' => row.create = true,
            b'd' => row.unlink = true,
            _ => panic!("rights are made of r, w, c and d"),
        }
        at += 1;
    }
    row
}

/// What is done to records, for access rows and record rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Reading and searching.
    Read,
    /// Changing.
    Write,
    /// Making.
    Create,
    /// Deleting.
    Unlink,
}

impl Operation {
    /// Odoo's word, as in `check_access('read')`.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Create => "create",
            Operation::Unlink => "unlink",
        }
    }

    /// The operation of that name.
    pub fn named(name: &str) -> Option<Operation> {
        match name {
            "read" => Some(Operation::Read),
            "write" => Some(Operation::Write),
            "create" => Some(Operation::Create),
            "unlink" => Some(Operation::Unlink),
            _ => None,
        }
    }

    /// True when the access row grants it.
    pub const fn granted_by(self, row: &Access) -> bool {
        match self {
            Operation::Read => row.read,
            Operation::Write => row.write,
            Operation::Create => row.create,
            Operation::Unlink => row.unlink,
        }
    }
}

/// A record rule: which records an operation reaches.
///
/// Rules without groups all hold at once; of the rules for the user's groups one is enough.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The groups it is for; empty for everybody.
    pub groups: &'static [&'static str],
    /// The operations it limits, as letters of `rwcd`.
    pub operations: &'static str,
    /// The rule as Odoo writes it, for the mirror in `ir.rule`.
    pub domain_force: &'static str,
    /// The same as a domain for this user.
    pub domain: for<'a> fn(&'a Env) -> Answer<'a, Domain>,
}

/// A call of a method on its way into the model.
pub struct Call<'a> {
    /// The transaction and the caller.
    pub env: &'a Env,
    /// The model called.
    pub model: &'static Entry,
    /// The records called on; empty for methods of the model.
    pub ids: Ids,
    /// The other arguments, by name.
    pub args: Args,
}

/// A call of a method that talks to the network and so opens its own transactions.
pub struct OutsideCall<'a> {
    /// Who calls; opens transactions.
    pub caller: &'a Caller,
    /// The model called.
    pub model: &'static Entry,
    /// The records called on.
    pub ids: Ids,
    /// The other arguments, by name.
    pub args: Args,
}

/// How a method is run.
#[derive(Clone, Copy)]
pub enum Run {
    /// In the transaction of the call.
    Inside(for<'a> fn(Call<'a>) -> Answer<'a>),
    /// In transactions of its own, because no transaction may be open while it waits for the network.
    Outside(for<'a> fn(OutsideCall<'a>) -> Answer<'a>),
}

/// A method that may be called from outside. What is not declared cannot be called.
#[derive(Clone, Copy)]
pub struct Method {
    /// The name, as in Odoo.
    pub name: &'static str,
    /// Whether the first argument is the records; otherwise the method is the model's.
    pub on_records: bool,
    /// The other parameters in order; a name that ends in `?` may be left out.
    pub params: &'static [&'static str],
    /// True when it changes nothing, so that the transaction need not lock for writing.
    pub reads_only: bool,
    /// Groups of which the caller needs one, beside what the records demand; empty for everybody.
    pub groups: &'static str,
    /// The code.
    pub run: Run,
}

/// A method on records, in the transaction of the call.
pub const fn method(
    name: &'static str,
    params: &'static [&'static str],
    run: for<'a> fn(Call<'a>) -> Answer<'a>,
) -> Method {
    Method {
        name,
        on_records: true,
        params,
        reads_only: false,
        groups: "",
        run: Run::Inside(run),
    }
}

/// A method of the model itself, in the transaction of the call.
pub const fn model_method(
    name: &'static str,
    params: &'static [&'static str],
    run: for<'a> fn(Call<'a>) -> Answer<'a>,
) -> Method {
    Method {
        on_records: false,
        ..method(name, params, run)
    }
}

/// A method on records that waits for the network.
pub const fn outside_method(
    name: &'static str,
    params: &'static [&'static str],
    run: for<'a> fn(OutsideCall<'a>) -> Answer<'a>,
) -> Method {
    Method {
        name,
        on_records: true,
        params,
        reads_only: false,
        groups: "",
        run: Run::Outside(run),
    }
}

impl Method {
    /// Declares that it changes nothing.
    pub const fn reads_only(self) -> Method {
        Method {
            reads_only: true,
            ..self
        }
    }
    /// Demands membership of one of these comma-separated groups.
    pub const fn groups(self, groups: &'static str) -> Method {
        Method { groups, ..self }
    }
    /// Makes it a method of the model, without records.
    pub const fn of_model(self) -> Method {
        Method {
            on_records: false,
            ..self
        }
    }
}

/// What a model does around the common operations. Each is called inside the transaction.
#[derive(Clone, Copy, Default)]
pub struct Hooks {
    /// Adds to the defaults of a new record; the names asked for are given.
    pub default_get: Option<for<'a> fn(&'a Env, &'a [&'a str], &'a mut Map) -> Answer<'a, ()>>,
    /// Completes the values of a new record, after defaults.
    pub before_create: Option<for<'a> fn(&'a Env, &'a mut Map) -> Answer<'a, ()>>,
    /// Follows the creation of a record.
    pub after_create: Option<for<'a> fn(&'a Env, Id, &'a Map) -> Answer<'a, ()>>,
    /// Looks at values about to be written, and may change them.
    pub before_write: Option<for<'a> fn(&'a Env, &'a [Id], &'a mut Map) -> Answer<'a, ()>>,
    /// Follows a write.
    pub after_write: Option<for<'a> fn(&'a Env, &'a [Id], &'a Map) -> Answer<'a, ()>>,
    /// Refuses records that do not hold together; called after create and write with what changed.
    pub check: Option<for<'a> fn(&'a Env, &'a [Id], &'a Map) -> Answer<'a, ()>>,
    /// Refuses or prepares a deletion.
    pub before_unlink: Option<for<'a> fn(&'a Env, &'a [Id]) -> Answer<'a, ()>>,
    /// Gives the names of records, one for each id in order.
    pub display_name: Option<Compute>,
    /// Changes the form values after one of them was edited; returns an advice to show.
    pub onchange: Option<for<'a> fn(&'a Env, &'a str, &'a mut Map) -> Answer<'a, Option<Map>>>,
    /// Changes the values of a copy before it is created.
    pub before_copy: Option<for<'a> fn(&'a Env, Id, &'a mut Map) -> Answer<'a, ()>>,
    /// Limits records beyond access rows and rules: gives those that the operation may reach.
    pub reachable: Option<for<'a> fn(&'a Env, &'a [Id], Operation) -> Answer<'a, Ids>>,
}

/// A model: everything that RPC, defaults, `fields_get`, access and the pages know of it.
#[derive(Clone, Copy)]
pub struct Model {
    /// The name, as in Odoo.
    pub name: &'static str,
    /// What a person calls it.
    pub description: &'static str,
    /// The table; empty for a model without one.
    pub table: &'static str,
    /// True for wizards and settings, whose records are thrown away.
    pub transient: bool,
    /// The order of search results, as Odoo writes it.
    pub order: &'static str,
    /// The field that names a record; empty for none.
    pub rec_name: &'static str,
    /// Models whose fields appear here, each with the many2one that leads to it.
    pub inherits: &'static [(&'static str, &'static str)],
    /// The fields with columns.
    pub columns: &'static [Field],
    /// The fields without.
    pub virtuals: &'static [Field],
    /// The access rows.
    pub access: &'static [Access],
    /// The record rules.
    pub rules: &'static [Rule],
    /// The methods beside the common ones.
    pub methods: &'static [Method],
    /// What it does around the common operations.
    pub hooks: Hooks,
}

/// A model named like its table, ordered by id, with the record name in `name`.
pub const fn model(name: &'static str, description: &'static str, table: &'static str) -> Model {
    Model {
        name,
        description,
        table,
        transient: false,
        order: "id",
        rec_name: "name",
        inherits: &[],
        columns: &[],
        virtuals: &[],
        access: &[],
        rules: &[],
        methods: &[],
        hooks: Hooks {
            default_get: None,
            before_create: None,
            after_create: None,
            before_write: None,
            after_write: None,
            check: None,
            before_unlink: None,
            display_name: None,
            onchange: None,
            before_copy: None,
            reachable: None,
        },
    }
}

impl Model {
    /// Sets the order of search results.
    pub const fn order(self, order: &'static str) -> Model {
        Model { order, ..self }
    }
    /// Sets the field that names a record.
    pub const fn rec_name(self, rec_name: &'static str) -> Model {
        Model { rec_name, ..self }
    }
    /// Makes its records short-lived.
    pub const fn transient(self) -> Model {
        Model {
            transient: true,
            ..self
        }
    }
    /// Takes over the fields of other models through many2ones.
    pub const fn inherits(self, inherits: &'static [(&'static str, &'static str)]) -> Model {
        Model { inherits, ..self }
    }
    /// Sets the fields with columns.
    pub const fn columns(self, columns: &'static [Field]) -> Model {
        Model { columns, ..self }
    }
    /// Sets the fields without columns.
    pub const fn virtuals(self, virtuals: &'static [Field]) -> Model {
        Model { virtuals, ..self }
    }
    /// Sets the access rows.
    pub const fn access(self, access: &'static [Access]) -> Model {
        Model { access, ..self }
    }
    /// Sets the record rules.
    pub const fn rules(self, rules: &'static [Rule]) -> Model {
        Model { rules, ..self }
    }
    /// Sets the methods beside the common ones.
    pub const fn methods(self, methods: &'static [Method]) -> Model {
        Model { methods, ..self }
    }
    /// Sets what it does around the common operations.
    pub const fn hooks(self, hooks: Hooks) -> Model {
        Model { hooks, ..self }
    }
}
