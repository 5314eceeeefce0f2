//! Telling Odoo's processes to forget what they remember of records that were changed here.
//!
//! An Odoo 18.0 counts a sequence up for each kind of memory, after the commit; each of its processes
//! looks at them with every request and forgets what is older.

use crate::backend::Backend;
use crate::dialect;

/// A set of memories, as bits.
pub type Caches = u8;

/// What most is remembered in.
const DEFAULT: Caches = 1;
/// What hangs on groups.
const GROUPS: Caches = 2;

/// The sequence of each.
const SEQUENCES: [(Caches, &str); 2] = [
    (DEFAULT, "base_cache_signaling_default"),
    (GROUPS, "base_cache_signaling_groups"),
];

/// In which memories Odoo may hold something of a model.
pub fn of_model(model: &str) -> Caches {
    match model {
        "res.groups" | "res.users" => DEFAULT | GROUPS,
        "ir.config_parameter"
        | "ir.model.data"
        | "mail.alias.domain"
        | "mail.message.subtype"
        | "res.company"
        | "res.lang" => DEFAULT,
        _ => 0,
    }
}

/// Counts up what `caches` names. Committed work is not undone when that fails; it is logged.
pub async fn signal(backend: &Backend, caches: Caches) {
    let names: Vec<String> = SEQUENCES
        .iter()
        .filter(|(cache, _)| caches & cache != 0)
        .map(|(_, name)| (*name).to_owned())
        .collect();
    // A sequence that is not there belongs to an Odoo that has yet to start.
    let mut sql = backend.database().sql(
        "SELECT nextval(oid::regclass) FROM pg_class WHERE relkind = 'S' \
         AND relnamespace = current_schema()::regnamespace AND relname",
    );
    dialect::in_texts(&mut sql, &names);
    // The first row is enough, and all are worked out.
    let told = backend.database().row(sql).await;
    if let Err(error) = told {
        tracing::warn!(%error, caches = ?names, "Odoo could not be told of a change, and may use what it remembers of before until it is started again");
    }
}
