//! Mails of which nobody knows whether a server took them: where the mailbox's folder of sent mails can be read, it
//! tells.
//!
//! A server of Microsoft 365 or Google keeps a copy of what it takes. A mail that is found there was
//! taken; one that is not found stays as it is, because other servers keep no copies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mail::imap::ImapConnection;
use mail::server::Timeouts;
use tokio_util::sync::CancellationToken;

use super::settle::{self, Fate, Settlement};
use crate::backend::Backend;
use crate::database::Intent;
use crate::dialect;
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::gateway::session;
use crate::models::fetchmail_server;
use crate::orm::convert;
use crate::retry::in_work;
use crate::value::Id;

/// When doubtful mails are looked for first: those that a crash left behind are the reason for a start.
const FIRST_LOOK: Duration = Duration::from_secs(5);
/// How often they are looked for.
const LOOK: Duration = Duration::from_secs(60);
/// How long after a look the next one into the same mail is worth it.
const AGAIN: TimeDelta = TimeDelta::minutes(5);
/// What is not in the folder after this long will not come.
const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// How many mails are looked into at once.
const BATCH: i64 = 100;
/// How long each step with the mailbox may take.
const STEP: Duration = Duration::from_secs(30);

/// Looks into doubtful mails until `stop` is cancelled.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    let caller = Caller::superuser(backend);
    let mut pause = FIRST_LOOK;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = LOOK;
        tokio::select! {
            () = stop.cancelled() => return,
            looked = look(&caller) => if let Err(error) = looked {
                tracing::warn!(%error, "doubtful mails could not be looked into");
            }
        }
    }
}

/// A doubtful mail and the incoming server of the mailbox it was sent from.
struct Doubtful {
    mail: Id,
    message_id: String,
}

/// Looks for the doubtful mails in the folders of sent mails, and settles those that are there.
///
/// # Errors
/// When the database fails. A mailbox that cannot be read is logged and tried again later.
pub async fn look(caller: &Caller) -> Result<()> {
    for (server, mails) in take(caller).await? {
        match look_into(caller, server, &mails).await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(server, code = error.code(), %error, "the folder of sent mails could not be read");
            }
        }
    }
    Ok(())
}

/// The doubtful mails that are worth a look, by incoming server; no other process looks into them
/// for a while. Only mails of one letter: the letters of a mail have the same Message-Id.
async fn take(caller: &Caller) -> Result<BTreeMap<Id, Vec<Doubtful>>> {
    in_work!(caller, |env| {
        let mut sql = env.sql(
            "SELECT o.mail_id, g.message_id, MIN(f.id) FROM postern_outbox o \
             JOIN mail_mail m ON m.id = o.mail_id JOIN mail_message g ON g.id = m.mail_message_id \
             JOIN ir_mail_server s ON s.id = o.mail_server_id \
             JOIN fetchmail_server f ON LOWER(f.\"user\") = LOWER(s.smtp_user) AND f.active AND f.server_type IN ('imap', 'outlook', 'gmail') \
             WHERE m.state = 'exception' AND g.message_id IS NOT NULL AND o.doubt_since > ",
        );
        sql.bind(env.now() - PATIENCE);
        sql.push(" AND (o.doubt_checked IS NULL OR o.doubt_checked < ")
            .bind(env.now() - AGAIN);
        sql.push(") AND (SELECT COUNT(*) FROM mail_mail_res_partner_rel r WHERE r.mail_mail_id = m.id) \
             + (CASE WHEN COALESCE(m.email_to, '') <> '' OR COALESCE(m.email_cc, '') <> '' THEN 1 ELSE 0 END) = 1 \
             GROUP BY o.mail_id, g.message_id ORDER BY o.mail_id LIMIT ")
            .bind(BATCH);
        let mut found: BTreeMap<Id, Vec<Doubtful>> = BTreeMap::new();
        let mut ids = Vec::new();
        for row in env.rows(sql).await? {
            let mail = convert::get(&row, 0)?.unwrap_or_default();
            let server: Id = convert::get(&row, 2)?.unwrap_or_default();
            found.entry(server).or_default().push(Doubtful {
                mail,
                message_id: convert::get(&row, 1)?.unwrap_or_default(),
            });
            ids.push(mail);
        }
        let mut sql = env.sql("UPDATE postern_outbox SET doubt_checked = ");
        sql.bind(env.now()).push(" WHERE mail_id");
        dialect::in_ids(&mut sql, &ids);
        env.execute(sql).await?;
        Ok(found)
    })
}

async fn look_into(caller: &Caller, server: Id, mails: &[Doubtful]) -> Result<()> {
    let env = caller.begin(Intent::Read).await?;
    let row = fetchmail_server::rows(&env, &[server]).await;
    env.end_reading();
    let Some(row) = row?.pop() else { return Ok(()) };
    let mut mailbox: ImapConnection = session::open(caller, &row, Timeouts::all(STEP)).await?;
    let told = |error| session::transport_error(&row, &error);
    if !mailbox.examine_sent().await.map_err(told)? {
        mailbox.logout().await;
        return Ok(());
    }
    let mut proved = Vec::new();
    for doubtful in mails {
        let found = mailbox.has_message_id(&doubtful.message_id).await;
        if found.map_err(told)? {
            proved.push(Settlement {
                mail: doubtful.mail,
                fate: Fate::Sent,
                code: None,
                people: Vec::new(),
                accepted: None,
                delete: false,
                // What brought the doubt is.
                has_history: true,
                server: None,
            });
        }
    }
    mailbox.logout().await;
    let proved: Vec<&Settlement> = proved.iter().collect();
    let settled: std::result::Result<_, Error> =
        in_work!(caller, |env| { settle::write(env, &proved).await });
    for id in settled? {
        tracing::info!(
            mail = id,
            "a doubtful mail is among the sent ones, so it was taken"
        );
    }
    Ok(())
}
