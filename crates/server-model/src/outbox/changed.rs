//! What a change to an outgoing server means for the mails that wait for it.

use crate::env::Env;
use crate::error::Result;
use crate::value::Id;

/// Servers were made or changed: whatever waits because of them, or because there was no server, is
/// worth a try again. Mails that wait for their turn find out that it is not theirs yet.
///
/// # Errors
/// When the database fails.
pub async fn server_changed(env: &Env, ids: &[Id]) -> Result<()> {
    for id in ids {
        env.backend().outbox().forget_failures(*id);
    }
    let mut sql = env.sql("UPDATE postern_outbox SET next_attempt = ");
    sql.bind(env.now());
    sql.push(" WHERE claimed_by IS NULL AND next_attempt > ")
        .bind(env.now());
    sql.push(" AND (mail_server_id IS NULL OR mail_server_id = 0 OR mail_server_id");
    crate::dialect::in_ids(&mut sql, ids);
    sql.push(")");
    env.execute(sql).await?;
    env.wake_outbox();
    Ok(())
}
