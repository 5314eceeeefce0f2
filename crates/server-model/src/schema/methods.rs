//! The methods of a model that may be called from outside.

use super::{Answer, Args};
use crate::env::{Caller, Env};
use crate::registry::Entry;
use crate::value::Ids;

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
    /// True when it wants to see the ids as they were given, also those that no record can have:
    /// they come as the argument `ids`.
    pub raw_ids: bool,
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
        raw_ids: false,
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
        raw_ids: false,
        groups: "",
        run: Run::Outside(run),
    }
}

impl Method {
    /// Hands it the ids as they were given, beside those that a record can have.
    pub const fn with_raw_ids(self) -> Method {
        Method {
            raw_ids: true,
            ..self
        }
    }
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
