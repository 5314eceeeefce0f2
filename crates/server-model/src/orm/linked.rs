//! Reading one2many and many2many fields: the records behind them, each list in its model's order.

use std::collections::HashMap;

use super::{access, condition, convert, search};
use crate::dialect;
use crate::domain::Domain;
use crate::env::Env;
use crate::error::Result;
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, Operation};
use crate::value::{AnyValue, Id, Ids};

/// The lists of linked records for each id, in the order of their model, without those archived
/// or out of the caller's reach.
///
/// # Errors
/// When a rule cannot be worked out or the database fails.
pub async fn lists(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    field: &Field,
) -> Result<Vec<AnyValue>> {
    let Some(comodel) = field.kind.comodel() else {
        return Ok(Vec::new());
    };
    let comodel = entry(comodel)?;
    let mut sql = env.sql("SELECT ");
    match field.kind {
        Kind::One2many { inverse, .. } => {
            sql.column("t0", inverse)
                .push(", t0.id FROM ")
                .name(comodel.table());
            sql.push(" t0 WHERE ").column("t0", inverse);
            dialect::in_ids(&mut sql, ids);
            if let Kind::Many2oneReference(model_field) = comodel.field(inverse)?.kind {
                sql.push(" AND ")
                    .column("t0", model_field)
                    .push(" = ")
                    .bind(model.name());
            }
        }
        Kind::Many2many {
            table, this, that, ..
        } => {
            sql.column("link", this)
                .push(", t0.id FROM ")
                .name(table)
                .push(" link JOIN ");
            sql.name(comodel.table())
                .push(" t0 ON t0.id = ")
                .column("link", that);
            sql.push(" WHERE ").column("link", this);
            dialect::in_ids(&mut sql, ids);
        }
        _ => return Ok(Vec::new()),
    }
    let mut domain = access::rule_domain(env, comodel, Operation::Read).await?;
    if env.active_test() && comodel.has_active() {
        domain = domain.and(Domain::eq("active", true));
    }
    sql.push(" AND ");
    condition::push(&env.sudo(), comodel, &mut sql, "t0", &domain).await?;
    let mut links: HashMap<Id, Ids> = HashMap::new();
    let mut all = Ids::new();
    for row in env.rows(sql).await? {
        if let (Some(this), Some(that)) =
            (convert::get::<Id>(&row, 0)?, convert::get::<Id>(&row, 1)?)
        {
            links.entry(this).or_default().push(that);
            all.push(that);
        }
    }
    let order = ordered(env, comodel, all).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let mut list = links.remove(id).unwrap_or_default();
            list.sort_by_key(|linked| order.get(linked).copied().unwrap_or(usize::MAX));
            AnyValue::ids(&list)
        })
        .collect())
}

async fn ordered(env: &Env, model: &'static Entry, mut ids: Ids) -> Result<HashMap<Id, usize>> {
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > 1 {
        let env = env.sudo().with("active_test", false);
        ids = search::ids(&env, model, &Domain::ids(&ids), &search::Options::default()).await?;
    }
    Ok(ids
        .into_iter()
        .enumerate()
        .map(|(at, id)| (id, at))
        .collect())
}
