//! What groups are called and imply, remembered for a moment.
//!
//! Which groups a user is in is read with every call. What those groups imply and are called
//! hardly ever changes, and working it out takes the database longer than all else about a user.
//! A change made by this process counts at once, one by another program after a second.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::backend::Backend;
use crate::dialect;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::value::Ids;

/// How long a change by another program may go unnoticed.
const FRESH: Duration = Duration::from_secs(1);
/// More combinations of groups than this are not remembered at once.
const ROOM: usize = 1000;

/// The external ids of groups and of all they imply, by the ids of the groups.
pub struct GroupNames(Mutex<Known>);

struct Known {
    since: Instant,
    /// How often everything was forgotten; what was read before that is not kept after it.
    round: u64,
    names: HashMap<String, Arc<HashSet<String>>>,
}

impl Default for GroupNames {
    fn default() -> GroupNames {
        GroupNames(Mutex::new(Known {
            since: Instant::now(),
            round: 0,
            names: HashMap::new(),
        }))
    }
}

impl GroupNames {
    /// Forgets everything, after groups were changed.
    pub fn forget(&self) {
        let mut known = self.lock();
        known.round += 1;
        known.names.clear();
    }

    /// The names, or the round in which they are to be read.
    fn known(&self, groups: &str) -> std::result::Result<Arc<HashSet<String>>, u64> {
        let mut known = self.lock();
        if known.since.elapsed() > FRESH || known.names.len() >= ROOM {
            known.since = Instant::now();
            known.names.clear();
        }
        known.names.get(groups).cloned().ok_or(known.round)
    }

    fn keep(&self, round: u64, groups: &str, names: &Arc<HashSet<String>>) {
        let mut known = self.lock();
        if known.round == round {
            known.names.insert(groups.to_owned(), Arc::clone(names));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The external ids of these groups, given as ids with commas between them, and of all they imply.
///
/// # Errors
/// When the database fails.
pub async fn of(backend: &Backend, groups: &str) -> Result<Arc<HashSet<String>>> {
    let remembered = backend.group_names();
    let round = match remembered.known(groups) {
        Ok(names) => return Ok(names),
        Err(round) => round,
    };
    let names = Arc::new(read(backend, groups).await?);
    remembered.keep(round, groups, &names);
    Ok(names)
}

async fn read(backend: &Backend, groups: &str) -> Result<HashSet<String>> {
    let ids: Ids = groups.split(',').filter_map(|id| id.parse().ok()).collect();
    let mut sql = backend
        .database()
        .sql("WITH RECURSIVE mine(gid) AS (SELECT id FROM res_groups WHERE id");
    dialect::in_ids(&mut sql, &ids);
    sql.push(
        " UNION SELECT implied.hid FROM res_groups_implied_rel implied JOIN mine ON implied.gid = mine.gid) \
         SELECT CAST(",
    );
    sql.push(dialect::json_list(sql.backend()));
    sql.push(
        "(d.module || '.' || d.name) AS text) FROM mine \
         JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = mine.gid",
    );
    // An aggregate over no rows is NULL on PostgreSQL.
    let listed: Option<String> = match backend.database().row(sql).await? {
        Some(row) => convert::get(&row, 0)?,
        None => None,
    };
    match listed {
        // As JSON, so that names cannot be mistaken for one another whatever letters they hold.
        Some(json) => serde_json::from_str(&json)
            .map_err(|error| Error::Internal(format!("The groups cannot be read: {error}"))),
        None => Ok(HashSet::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::GroupNames;

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let names = GroupNames::default();
        let round = names.known("1,2").expect_err("nothing is known yet");
        let read = Arc::new(["base.group_user".to_owned()].into());
        names.forget();
        names.keep(round, "1,2", &read);
        let round = names.known("1,2").expect_err("that was read too early");
        names.keep(round, "1,2", &read);
        assert_eq!(names.known("1,2"), Ok(Arc::clone(&read)));
        assert!(names.known("1").is_err());
        names.forget();
        assert!(names.known("1,2").is_err());
    }
}
