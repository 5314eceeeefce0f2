//! The atlas of what fails when something is handed over: for each failure a stable code, and whether it passes by itself.

/// One known failure.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its stable name, such as `remote.denied`.
    pub code: &'static str,
    /// What it is recognised by, in words.
    pub sign: &'static str,
    /// Whether somebody has to change something before it works.
    pub needs_change: bool,
}

pub(super) const UNREACHABLE: Entry = Entry {
    code: "remote.unreachable",
    sign: "no name, no connection, no trusted certificate, or no answer within a minute",
    needs_change: false,
};
pub(super) const BUSY: Entry = Entry {
    code: "remote.busy",
    sign: "HTTP status 408, 425, 429 or 5xx",
    needs_change: false,
};
pub(super) const FAILED: Entry = Entry {
    code: "remote.failed",
    sign: "a fault of an Odoo that tells of an error inside",
    needs_change: false,
};
pub(super) const ADDRESS: Entry = Entry {
    code: "remote.address",
    sign: "an address that is incomplete, unprotected or not connected to",
    needs_change: true,
};
pub(super) const DENIED: Entry = Entry {
    code: "remote.denied",
    sign: "HTTP status 401 or 403, or an Odoo that does not know the login",
    needs_change: true,
};
pub(super) const GARBLED: Entry = Entry {
    code: "remote.garbled",
    sign: "a redirection, HTTP status 404 or 405, or an answer that is no XML-RPC",
    needs_change: true,
};
pub(super) const REFUSED: Entry = Entry {
    code: "remote.refused",
    sign: "another HTTP status from 400 on, or a fault of an Odoo that tells a user something",
    needs_change: true,
};
pub(super) const NOWHERE: Entry = Entry {
    code: "remote.nowhere",
    sign: "a fault of an Odoo with a ValueError",
    needs_change: true,
};

const ENTRIES: [&Entry; 8] = [
    &UNREACHABLE,
    &BUSY,
    &FAILED,
    &ADDRESS,
    &DENIED,
    &GARBLED,
    &REFUSED,
    &NOWHERE,
];

/// All that is known.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.into_iter()
}
