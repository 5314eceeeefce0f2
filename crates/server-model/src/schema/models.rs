//! A whole model, and what it does around the common operations.

use super::{Access, Answer, Args, Compute, Field, Method, Operation, Rule};
use crate::env::{Caller, Env};
use crate::prepared::Prepared;
use crate::value::{Id, Ids, Map};

/// Works out what takes long for a call of a method, on records, with arguments.
pub type PrepareHook = for<'a> fn(&'a Caller, &'a str, &'a [Id], &'a Args) -> Answer<'a, Prepared>;
/// Adds to the defaults of the fields named.
pub type DefaultsHook = for<'a> fn(&'a Env, &'a [&'a str], &'a mut Map) -> Answer<'a, ()>;
/// Looks at the values of a record that is not there yet.
pub type NewHook = for<'a> fn(&'a Env, &'a mut Map) -> Answer<'a, ()>;
/// Follows the creation of a record from the values.
pub type CreatedHook = for<'a> fn(&'a Env, Id, &'a Map) -> Answer<'a, ()>;
/// Looks at values about to be written.
pub type WriteHook = for<'a> fn(&'a Env, &'a [Id], &'a mut Map) -> Answer<'a, ()>;
/// Looks at what was written.
pub type WrittenHook = for<'a> fn(&'a Env, &'a [Id], &'a Map) -> Answer<'a, ()>;
/// Looks at records about to go.
pub type UnlinkHook = for<'a> fn(&'a Env, &'a [Id]) -> Answer<'a, ()>;
/// Follows the edit of a field in a form; may give an advice to show.
pub type EditHook = for<'a> fn(&'a Env, &'a str, &'a mut Map) -> Answer<'a, Option<Map>>;
/// Looks at the values of a copy of a record.
pub type CopyHook = for<'a> fn(&'a Env, Id, &'a mut Map) -> Answer<'a, ()>;
/// The values that a selection may have and what people call them.
pub type Choices = Vec<(String, String)>;
/// Gives the choices for a selection that is declared open; nothing for other fields.
pub type ChoicesHook = for<'a> fn(&'a Env, &'a str) -> Answer<'a, Option<Choices>>;
/// Picks the records that an operation may reach.
pub type ReachHook = for<'a> fn(&'a Env, &'a [Id], Operation) -> Answer<'a, Ids>;

/// What a model does around the common operations. Each but the first is called inside the
/// transaction.
#[derive(Clone, Copy, Default)]
pub struct Hooks {
    /// Prepares a call from outside before its transaction begins.
    pub(crate) prepare: Option<PrepareHook>,
    /// Adds to the defaults of a new record; the names asked for are given.
    pub default_get: Option<DefaultsHook>,
    /// The choices for selections that are declared open, as they stand in the database.
    pub choices: Option<ChoicesHook>,
    /// Completes the values of a new record, after defaults.
    pub before_create: Option<NewHook>,
    /// Follows the creation of a record.
    pub after_create: Option<CreatedHook>,
    /// Looks at values about to be written, and may change them.
    pub before_write: Option<WriteHook>,
    /// Follows a write.
    pub after_write: Option<WrittenHook>,
    /// Refuses records that do not hold together; called after create and write with what changed.
    pub check: Option<WrittenHook>,
    /// Refuses or prepares a deletion.
    pub before_unlink: Option<UnlinkHook>,
    /// Gives the names of records, one for each id in order.
    pub display_name: Option<Compute>,
    /// Changes the form values after one of them was edited; returns an advice to show.
    pub onchange: Option<EditHook>,
    /// Changes the values of a copy before it is created.
    pub before_copy: Option<CopyHook>,
    /// Limits records beyond access rows and rules: gives those that the operation may reach.
    pub reachable: Option<ReachHook>,
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
    /// True where changes are administrative acts, of which a trail is kept.
    pub audited: bool,
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
    /// More of those, which other models have as well.
    pub mixin: &'static [Field],
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
        audited: false,
        order: "id",
        rec_name: "name",
        inherits: &[],
        columns: &[],
        virtuals: &[],
        mixin: &[],
        access: &[],
        rules: &[],
        methods: &[],
        hooks: Hooks {
            prepare: None,
            default_get: None,
            choices: None,
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
    /// Keeps a trail of what is changed, and by whom.
    pub const fn audited(self) -> Model {
        Model {
            audited: true,
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
    /// Sets the fields without columns that other models have as well.
    pub const fn mixin(self, mixin: &'static [Field]) -> Model {
        Model { mixin, ..self }
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
