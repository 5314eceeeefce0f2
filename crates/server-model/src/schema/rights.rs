//! Who may do what with a model: access rows and record rules.

use super::Answer;
use crate::domain::Domain;
use crate::env::Env;

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
