//! Noticing what Odoo does in the database that it shares: outgoing servers that it changes, and mails
//! that somebody puts back into the queue there. Whatever else is read anew whenever it is needed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDateTime;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::env::{Caller, Env, SUPERUSER};
use crate::error::Result;
use crate::orm::convert;
use crate::outbox;
use crate::retry::in_work;
use crate::value::{Id, Ids};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(5);

/// When each outgoing server was last changed.
type Servers = HashMap<Id, Option<NaiveDateTime>>;

/// Looks until `stop` is cancelled; ends at once in a database of Postern's own.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    if !backend.home().is_odoos() {
        return;
    }
    let caller = Caller::superuser(backend);
    let mut known: Option<Servers> = None;
    while !stop.is_cancelled() {
        match look(&caller, known.as_ref()).await {
            Ok(servers) => known = Some(servers),
            Err(error) => tracing::warn!(%error, "what Odoo changed could not be looked for"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn look(caller: &Caller, known: Option<&Servers>) -> Result<Servers> {
    let servers = in_work!(caller, |env| {
        let servers = servers(env).await?;
        if let Some(known) = known {
            let changed: Ids = servers
                .iter()
                .filter(|(id, at)| known.get(id) != Some(at))
                .map(|(id, _)| *id)
                .collect();
            if !changed.is_empty() {
                outbox::server_changed(env, &changed).await?;
            }
        }
        asked_anew(env).await?;
        Ok(servers)
    })?;
    // What is new among the mails is found by the queue itself.
    caller.backend().wake_outbox();
    Ok(servers)
}

async fn servers(env: &Env) -> Result<Servers> {
    let sql = env.sql("SELECT id, write_date FROM ir_mail_server");
    let mut servers = Servers::new();
    for row in env.rows(sql).await? {
        servers.insert(
            convert::get(&row, 0)?.unwrap_or_default(),
            convert::get(&row, 1)?,
        );
    }
    Ok(servers)
}

/// A mail that a person put back into the queue is tried at once, and as if for the first time.
async fn asked_anew(env: &Env) -> Result<()> {
    let mut sql = env.sql(
        "UPDATE postern_outbox SET next_attempt = NULL, first_attempt = NULL, attempts = 0, doubt_since = NULL, \
         doubt_checked = NULL, mail_server_id = NULL FROM mail_mail m WHERE m.id = postern_outbox.mail_id \
         AND m.state = 'outgoing' AND postern_outbox.claimed_by IS NULL AND (postern_outbox.doubt_since IS NOT NULL \
         OR (m.write_date > postern_outbox.first_attempt AND m.write_uid <> ",
    );
    sql.bind(SUPERUSER).push("))");
    env.execute(sql).await.map(|_| ())
}
