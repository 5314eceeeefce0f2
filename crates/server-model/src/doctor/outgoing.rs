//! An outgoing server: the way to it, OAuth, signing in, and whether it takes the sender that mails go out under.

use mail::address::{email_domain_normalize, email_normalize, from_filter_parts};
use mail::sasl::Credentials;
use mail::smtp::{SmtpConnection, SmtpServer};

use words::say;

use super::permission::{self, Mailbox};
use super::report::Report;
use super::{line, timeouts};
use crate::atlas::NO_SENDER;
use crate::env::Caller;
use crate::error::Error;
use crate::oauth_flow::Service;
use crate::outbox::choose::{Carrier, Directory};
use crate::outbox::smtp::{self, Failure};

const SIGN_IN: &str = "smtp_auth";
const SEND_AS: &str = "send_as";

/// Examines it. `address` is who mails through it are from.
pub(super) async fn examine(
    caller: &Caller,
    carrier: &Carrier,
    address: Option<String>,
    report: &mut Report,
) {
    let user = carrier
        .server()
        .and_then(|server| server.smtp_user.clone())
        .unwrap_or_default();
    report.name("<mailbox>", &user);
    report.name("<address>", address.as_deref().unwrap_or_default());
    let connection = match smtp::target_of(caller, carrier, timeouts()) {
        Ok(target) => dialed(caller, carrier, &target, report).await,
        Err(error) => {
            report.fail_before(line::STEPS[0], &error);
            report.skip_all(&line::STEPS[1..], &say!("doctor-nothing-to-connect"));
            None
        }
    };
    let service = carrier
        .server()
        .and_then(|server| Some((Service::of(&server.smtp_authentication)?, server.id)));
    let credentials = match service {
        Some((service, id)) => {
            let mailbox = Mailbox {
                service,
                model: "ir.mail_server",
                id,
                user: &user,
            };
            let Some(token) = permission::examine(caller, mailbox, report).await else {
                report.skip_all(&[SIGN_IN, SEND_AS], &say!("doctor-no-token-to-sign-in"));
                return;
            };
            Ok(Some(Credentials::oauth(user, token)))
        }
        None => smtp::credentials(caller, carrier, None).await,
    };
    let Some(mut connection) = connection else {
        report.skip_all(&[SIGN_IN, SEND_AS], &say!("doctor-no-connection"));
        return;
    };
    if sign_in(&mut connection, credentials, report).await {
        send_as(&mut connection, carrier, address, report).await;
    } else {
        report.skip(SEND_AS, &say!("doctor-nobody-signed-in"));
    }
    connection.quit().await.ok();
}

async fn dialed(
    caller: &Caller,
    carrier: &Carrier,
    target: &SmtpServer,
    report: &mut Report,
) -> Option<SmtpConnection> {
    match smtp::dial(caller, carrier, target).await {
        Ok(connection) => {
            let made = line::Made {
                remote: connection.remote(),
                certificate: connection.certificate(),
                by_token: carrier
                    .server()
                    .is_some_and(|server| Service::of(&server.smtp_authentication).is_some()),
            };
            line::works(caller, &target.server, made, report).await;
            Some(connection)
        }
        Err(Failure::Session(_, error)) => {
            line::fails(&target.server, &error, report);
            None
        }
        Err(Failure::Other(error)) => {
            report.fail_before(line::STEPS[0], &error);
            report.skip_all(&line::STEPS[1..], &say!("doctor-nothing-tried"));
            None
        }
    }
}

/// Whether the session may go on.
async fn sign_in(
    connection: &mut SmtpConnection,
    credentials: Result<Option<Credentials>, Error>,
    report: &mut Report,
) -> bool {
    let offered = connection.capabilities().auth.join(", ");
    let offered = if offered.is_empty() {
        say!("doctor-offers-nothing")
    } else {
        say!("doctor-offers", offered)
    };
    match credentials {
        Ok(None) => {
            report.skip(SIGN_IN, &say!("doctor-offer-unused", offered));
            true
        }
        Ok(Some(credentials)) => match connection.authenticate(&credentials).await {
            Ok(()) => {
                report.pass(SIGN_IN, say!("doctor-offer-taken", offered));
                true
            }
            Err(error) => {
                report.fail(SIGN_IN, &error);
                false
            }
        },
        Err(error) => {
            report.fail_before(SIGN_IN, &error);
            false
        }
    }
}

async fn send_as(
    connection: &mut SmtpConnection,
    carrier: &Carrier,
    address: Option<String>,
    report: &mut Report,
) {
    let Some(address) = address else {
        report.find(SEND_AS, &say!("doctor-no-address-to-try"), &NO_SENDER);
        return;
    };
    // The mailbox itself is asked for: no foreign server is bothered.
    let own = carrier
        .server()
        .and_then(|server| email_normalize(server.smtp_user.as_deref()?));
    let recipient = own.unwrap_or_else(|| address.clone());
    match connection.try_sender(&address, &recipient).await {
        Ok(()) => {
            let is_outlook = carrier
                .server()
                .is_some_and(|server| server.smtp_authentication == "outlook");
            let taken = say!("doctor-sender-taken", address, recipient);
            report.pass(
                SEND_AS,
                if is_outlook {
                    say!(
                        "two-sentences",
                        before = taken,
                        next = say!("doctor-sender-outlook")
                    )
                } else {
                    taken
                },
            );
        }
        Err(error) => report.fail(SEND_AS, &error),
    }
}

/// The address that mails through the server are from: what its FROM filter names, else the address for notifications,
/// else the mailbox's own or the user's.
pub(super) fn address(
    carrier: &Carrier,
    directory: &Directory,
    user_email: Option<&str>,
) -> Option<String> {
    let server = carrier.server();
    let notifications = directory.of_company().from.clone();
    let mailbox = server.and_then(|server| email_normalize(server.smtp_user.as_deref()?));
    let mut known = notifications
        .into_iter()
        .chain(mailbox)
        .chain(user_email.and_then(email_normalize));
    let filter = directory.filter_of(carrier).unwrap_or_default();
    let Some(part) = from_filter_parts(&filter).next().map(str::to_owned) else {
        return known.next();
    };
    if part.contains('@') {
        return email_normalize(&part);
    }
    let domain = email_domain_normalize(&part)?;
    let is_inside = |address: &String| {
        address
            .rsplit_once('@')
            .is_some_and(|(_, of)| of.eq_ignore_ascii_case(&domain))
    };
    Some(
        known
            .find(is_inside)
            .unwrap_or_else(|| format!("noreply@{domain}")),
    )
}
