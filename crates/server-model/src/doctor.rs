//! The doctor: goes the way of a mail step by step, from the host name to the FROM filters, and says of each step whether
//! it works, what was found, and what to do. Nothing is sent, and nothing in a mailbox is changed.
//!
//! No transaction is open while a server or provider is waited for. Tokens are renewed on the way, as they would be before
//! the next mail.

mod incoming;
mod line;
mod outgoing;
mod permission;
mod report;
mod senders;

use std::sync::Arc;
use std::time::Duration;

use mail::server::Timeouts;

pub use report::Check;
pub use senders::uncovered_senders;

use report::Report;

use words::{Text, say};

use crate::backend::Backend;
use crate::database::Intent;
use crate::domain::Domain;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::{fetchmail_server, ir_mail_server};
use crate::orm::{access, search};
use crate::outbox::choose::{Carrier, Directory};
use crate::registry::entry;
use crate::schema::{Operation, OutsideCall};
use crate::value::{AnyValue, Id, Ids};

/// How long each step may take: somebody waits for the answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who wants to know how many servers were examined, and of how many.
pub type Examined<'a> = &'a (dyn Fn(usize, usize) + Send + Sync);

/// `ir.mail_server.postern_doctor`: examines the servers, and at the end who may send by which of all of them.
///
/// # Errors
/// When the caller may not read the servers, one does not exist, or the database fails. What is wrong with a server is
/// no error but in the answer.
pub async fn outgoing(call: &OutsideCall<'_>) -> Result<AnyValue> {
    let ids = examined(call).await?;
    let checks = examine(call.caller, &ids, &[], &|_, _| {}).await?;
    Ok(checks
        .into_iter()
        .map(AnyValue::from)
        .collect::<Vec<_>>()
        .into())
}

/// `fetchmail.server.postern_doctor`: examines the mailboxes.
///
/// # Errors
/// As for [`outgoing`].
pub async fn incoming(call: &OutsideCall<'_>) -> Result<AnyValue> {
    let ids = examined(call).await?;
    let mut report = Report::new(call.caller.reader().await?);
    for id in ids {
        incoming_server(call.caller, id, &mut report).await?;
    }
    let checks = report.finish();
    Ok(checks
        .into_iter()
        .map(AnyValue::from)
        .collect::<Vec<_>>()
        .into())
}

/// The servers that the call names, which the caller may read.
async fn examined(call: &OutsideCall<'_>) -> Result<Ids> {
    let env = call.caller.begin(Intent::Read).await?;
    let checked = async {
        access::check_records(&env, call.model, &call.ids, Operation::Read).await?;
        search::existing(&env, call.model, &call.ids).await
    }
    .await;
    env.end_reading();
    let known = checked?;
    match call.ids.iter().find(|id| !known.contains(id)) {
        Some(id) => Err(crate::orm::write::missing(call.model, *id)),
        None => Ok(call.ids.clone()),
    }
}

/// Examines what `server` names: `ir.mail_server:3`, `fetchmail.server:2`, or the name of servers; all active ones
/// without it. `examined` is told how far it is. For the command line, which asks for no user.
///
/// # Errors
/// [`Error::User`] when there is no such server, or when the database fails.
pub async fn run(
    backend: &Arc<Backend>,
    server: Option<&str>,
    examined: Examined<'_>,
) -> Result<Vec<Check>> {
    let caller = Caller::superuser(Arc::clone(backend));
    let env = caller.begin(Intent::Read).await?;
    let found = find(&env, server).await;
    env.end_reading();
    let (outgoing, incoming) = found?;
    if server.is_some() && outgoing.is_empty() && incoming.is_empty() {
        return Err(Error::User(
            say!("error-doctor-no-server", server = ?server.unwrap_or_default()),
        ));
    }
    if server.is_some() && outgoing.is_empty() {
        let mut report = Report::default();
        let servers = incoming.len();
        for (done, id) in incoming.into_iter().enumerate() {
            examined(done, servers);
            incoming_server(&caller, id, &mut report).await?;
        }
        return Ok(report.finish());
    }
    examine(&caller, &outgoing, &incoming, examined).await
}

async fn find(env: &Env, server: Option<&str>) -> Result<(Ids, Ids)> {
    let options = search::Options::default();
    let ids = async |model: &str, domain: &Domain| {
        search::ids(env, entry(model)?, domain, &options).await
    };
    let Some(server) = server else {
        let active = Domain::eq("active", true);
        let outgoing = ids("ir.mail_server", &active).await?;
        return Ok((outgoing, ids("fetchmail.server", &active).await?));
    };
    if let Some((model, id)) = server.split_once(':')
        && let Ok(id) = id.trim().parse::<Id>()
    {
        let found = match model.trim() {
            model @ ("ir.mail_server" | "fetchmail.server") => {
                search::existing(env, entry(model)?, &[id]).await?
            }
            _ => Ids::new(),
        };
        return Ok(match model.trim() {
            "ir.mail_server" => (found, Ids::new()),
            _ => (Ids::new(), found),
        });
    }
    let named = Domain::eq("name", server);
    let outgoing = ids("ir.mail_server", &named).await?;
    Ok((outgoing, ids("fetchmail.server", &named).await?))
}

/// Examines these servers, and who may send by which.
async fn examine(
    caller: &Caller,
    outgoing: &[Id],
    incoming: &[Id],
    examined: Examined<'_>,
) -> Result<Vec<Check>> {
    let mut report = Report::new(caller.reader().await?);
    let env = caller.begin(Intent::Read).await?;
    let read = async {
        let rows = ir_mail_server::rows(&env.sudo(), outgoing).await?;
        let directory = Directory::load(&env).await?;
        let senders = senders::read(&env, &directory).await?;
        let user_email = env.user().await?.email.clone();
        Ok::<_, Error>((rows, directory, senders, user_email))
    }
    .await;
    env.end_reading();
    let (rows, directory, senders, user_email) = read?;
    let rows = outgoing
        .iter()
        .filter_map(|id| rows.iter().find(|row| row.id == *id));
    let mut carriers: Vec<Carrier> = rows
        .map(|row| Carrier::Server(Arc::new(row.clone())))
        .collect();
    let own = caller.backend().own_server();
    if directory.is_empty() && own.host.as_deref().is_some_and(|host| !host.is_empty()) {
        carriers.push(Carrier::Own);
    }
    let servers = carriers.len() + incoming.len();
    let mut done = 0..;
    let mut begin = || examined(done.next().unwrap_or_default(), servers);
    for carrier in carriers {
        begin();
        let place = match carrier.id() {
            Some(id) => Text::quote(format!("ir.mail_server:{id} {}", carrier.name())),
            None => Text::quote(carrier.name()),
        };
        report.open(&place);
        let address = outgoing::address(&carrier, &directory, user_email.as_deref());
        outgoing::examine(caller, &carrier, address, &mut report).await;
    }
    for id in incoming {
        begin();
        incoming_server(caller, *id, &mut report).await?;
    }
    report.open(&say!("doctor-all-outgoing"));
    senders::judge(&senders, &directory, &mut report);
    Ok(report.finish())
}

async fn incoming_server(caller: &Caller, id: Id, report: &mut Report) -> Result<()> {
    let env = caller.begin(Intent::Read).await?;
    let rows = fetchmail_server::rows(&env.sudo(), &[id]).await;
    env.end_reading();
    if let Some(server) = rows?.pop() {
        let place = format!("fetchmail.server:{id} {}", server.name);
        report.open(&Text::quote(place));
        incoming::examine(caller, &server, report).await;
    }
    Ok(())
}

fn timeouts() -> Timeouts {
    Timeouts::all(PATIENCE)
}
