//! Keeping Odoo and Postern from sending the same mail.
//!
//! Odoo sends a mail when somebody presses its button, and some as soon as they are written; it takes
//! those whose state is `outgoing`. So a mail leaves that state in the transaction that notes that it is
//! about to be handed over, as it does in Odoo while that sends it; and one whose row Odoo holds at this
//! moment, because it sends it, is left to Odoo.

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::orm::search;
use crate::value::{Id, Ids};

/// What a mail says while it is being handed over.
const UNDER_WAY: &str = "Postern is handing this mail over to a mail server.";

/// Takes mails out of Odoo's reach and gives those that are: all of them in a database of Postern's own.
///
/// # Errors
/// When the database fails.
pub async fn take(env: &Env, ids: Ids) -> Result<Ids> {
    if !env.backend().home().is_odoos() || ids.is_empty() {
        return Ok(ids);
    }
    let mut sql =
        env.sql("UPDATE mail_mail SET failure_reason = CASE WHEN state = 'outgoing' THEN ");
    sql.bind(UNDER_WAY);
    sql.push(" ELSE failure_reason END, state = 'exception' WHERE id IN (SELECT id FROM mail_mail WHERE state IN ('outgoing', 'exception') AND id");
    dialect::in_ids(&mut sql, &ids);
    sql.push(" FOR NO KEY UPDATE SKIP LOCKED) RETURNING id");
    let taken = search::collect_ids(env, sql).await?;
    if !taken.is_empty() {
        // Whatever happens now, it is looked at again.
        let mut sql = env.sql("UPDATE postern_outbox SET next_attempt = COALESCE(next_attempt, ");
        sql.bind(env.now()).push(") WHERE claimed_by = ");
        sql.bind(env.backend().instance()).push(" AND mail_id");
        dialect::in_ids(&mut sql, &taken);
        env.execute(sql).await?;
    }
    Ok(taken)
}

/// Puts mails back where Odoo sees them as waiting, if they were taken from there.
///
/// # Errors
/// When the database fails.
pub async fn give_back(env: &Env, ids: &[Id]) -> Result<()> {
    if !env.backend().home().is_odoos() || ids.is_empty() {
        return Ok(());
    }
    let mut sql = env.sql(
        "UPDATE mail_mail SET state = 'outgoing', failure_reason = NULL WHERE state = 'exception' AND failure_reason = ",
    );
    sql.bind(UNDER_WAY).push(" AND id");
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await.map(|_| ())
}
