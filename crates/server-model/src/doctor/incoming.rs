//! A mailbox: the way to its server, OAuth, signing in, and opening it.

use mail::imap::ImapConnection;
use mail::pop3::Pop3Connection;
use mail::sasl::Credentials;

use words::say;

use super::permission::{self, Mailbox};
use super::report::Report;
use super::{line, timeouts};
use crate::env::Caller;
use crate::gateway::fetch::{Protocol, protocol};
use crate::gateway::session::{self, Session};
use crate::models::fetchmail_server::Model as FetchServer;
use crate::oauth_flow::Service;
use crate::outbox::smtp::Failure;

/// Examines it.
pub(super) async fn examine(caller: &Caller, server: &FetchServer, report: &mut Report) {
    match protocol(server) {
        Ok(Protocol::Imap) => {
            let steps = ["imap_auth", "imap_select"];
            through::<ImapConnection>(caller, server, steps, report).await;
        }
        Ok(Protocol::Pop) => {
            let steps = ["pop3_auth", "pop3_stat"];
            through::<Pop3Connection>(caller, server, steps, report).await;
        }
        Err(error) => report.skip(line::STEPS[1], &error.text()),
    }
}

async fn through<S: Session>(
    caller: &Caller,
    server: &FetchServer,
    [sign_in, open]: [&'static str; 2],
    report: &mut Report,
) {
    let user = server.user.clone().unwrap_or_default();
    report.name("<mailbox>", &user);
    let session = dialed::<S>(caller, server, report).await;
    let credentials = match Service::of(&server.server_type) {
        Some(service) => {
            let mailbox = Mailbox {
                service,
                model: "fetchmail.server",
                id: server.id,
                user: &user,
            };
            let Some(token) = permission::examine(caller, mailbox, report).await else {
                report.skip_all(&[sign_in, open], &say!("doctor-no-token-to-sign-in"));
                return;
            };
            Ok(Credentials::oauth(user, token))
        }
        None => session::credentials(caller, server, None).await,
    };
    let Some(mut session) = session else {
        report.skip_all(&[sign_in, open], &say!("doctor-no-connection"));
        return;
    };
    let credentials = match credentials {
        Ok(credentials) => credentials,
        Err(error) => {
            report.fail_before(sign_in, &error);
            report.skip(open, &say!("doctor-nobody-signed-in"));
            return;
        }
    };
    match session.sign_in(&credentials).await {
        Ok(()) => {
            report.pass(sign_in, say!("doctor-let-in"));
            match session.look().await {
                Ok(found) => report.pass(open, found),
                Err(error) => report.fail(open, &error),
            }
        }
        Err(error) => {
            report.fail(sign_in, &error);
            report.skip(open, &say!("doctor-nobody-signed-in"));
        }
    }
    session.leave().await;
}

async fn dialed<S: Session>(
    caller: &Caller,
    server: &FetchServer,
    report: &mut Report,
) -> Option<S> {
    let target = match session::endpoint(server, timeouts()) {
        Ok(target) => target,
        Err(error) => {
            report.fail_before(line::STEPS[0], &error);
            report.skip_all(&line::STEPS[1..], &say!("doctor-nothing-to-connect"));
            return None;
        }
    };
    match session::dial::<S>(caller, server, &target).await {
        Ok(session) => {
            let made = line::Made {
                remote: session.remote(),
                certificate: session.certificate(),
                by_token: Service::of(&server.server_type).is_some(),
            };
            line::works(caller, &target, made, report).await;
            Some(session)
        }
        Err(Failure::Session(_, error)) => {
            line::fails(&target, &error, report);
            None
        }
        Err(Failure::Other(error)) => {
            report.fail_before(line::STEPS[0], &error);
            report.skip_all(&line::STEPS[1..], &say!("doctor-nothing-tried"));
            None
        }
    }
}
