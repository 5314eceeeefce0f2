//! The start: what is set up, what is not, and the next step.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use server_model::error::Error;

use crate::failure::{Failure, Result};
use crate::records::{Records, condition};
use crate::shell::{Section, Shell, page};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    shell: Shell,
    /// What only administrators may see; nothing for others.
    setup: Option<Setup>,
    received: i64,
}

/// How far the installation has come.
#[derive(Debug, Default)]
struct Setup {
    /// Whether the settings hold an application's id and secret.
    registered: bool,
    outgoing: i64,
    /// Outgoing servers for Outlook without a token.
    outgoing_unconnected: i64,
    incoming: i64,
    /// Incoming servers for Outlook without a token.
    incoming_unconnected: i64,
    confirmed: i64,
    queued: i64,
    failed: i64,
    sent: i64,
}

impl Setup {
    /// The number of the first step that is not done: 1 to 5; 6 when all are.
    fn next_step(&self, received: &i64) -> u8 {
        let outgoing_ready = self.outgoing > 0 && self.outgoing_unconnected == 0;
        let incoming_ready =
            self.incoming > 0 && self.incoming_unconnected == 0 && self.confirmed > 0;
        match () {
            () if !self.registered && self.outgoing + self.incoming == 0 => 1,
            () if !outgoing_ready => 2,
            () if !incoming_ready => 3,
            () if self.sent == 0 => 4,
            () if *received == 0 => 5,
            () => 6,
        }
    }
}

/// Shows the start.
pub async fn show(visitor: Visitor) -> Result<HttpResponse> {
    let setup = match setup(&visitor).await {
        Ok(setup) => Some(setup),
        Err(Error::Access(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let messages = Records::of(&visitor.caller, "mail.message");
    let received = messages
        .count(vec![condition("message_type", "=", "email")])
        .await?;
    let shell = Shell::around(&visitor, Section::Home).await?;
    page(
        StatusCode::OK,
        &HomePage {
            shell,
            setup,
            received,
        },
    )
}

async fn setup(visitor: &Visitor) -> Result<Setup, Error> {
    let parameters = Records::of(&visitor.caller, "ir.config_parameter");
    let known = [
        "microsoft_outlook_client_id",
        "microsoft_outlook_client_secret",
    ];
    let mut registered = true;
    for key in known {
        let conditions = vec![condition("key", "=", key), condition("value", "!=", false)];
        registered &= parameters.count(conditions).await? > 0;
    }
    let outgoing = Records::of(&visitor.caller, "ir.mail_server");
    let incoming = Records::of(&visitor.caller, "fetchmail.server");
    let mails = Records::of(&visitor.caller, "mail.mail");
    let active = || condition("active", "=", true);
    let unconnected = |method: &'static str| {
        vec![
            active(),
            condition(method, "=", "outlook"),
            condition("microsoft_outlook_refresh_token", "=", false),
        ]
    };
    let state = |state: &'static str| vec![condition("state", "=", state)];
    Ok(Setup {
        registered,
        outgoing: outgoing.count(vec![active()]).await?,
        outgoing_unconnected: outgoing.count(unconnected("smtp_authentication")).await?,
        incoming: incoming.count(vec![active()]).await?,
        incoming_unconnected: incoming.count(unconnected("server_type")).await?,
        confirmed: incoming
            .count(vec![active(), condition("state", "=", "done")])
            .await?,
        queued: mails.count(state("outgoing")).await?,
        failed: mails.count(state("exception")).await?,
        sent: mails.count(state("sent")).await?,
    })
}

/// Answers for all paths under `/odoo` that are no page, after asking for a session.
pub async fn unknown(_: Visitor, request: HttpRequest) -> Result<HttpResponse> {
    Err(Failure::NotFound(format!(
        "There is no page at {}.",
        request.path()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_step_is_the_first_that_is_not_done() {
        let mut setup = Setup::default();
        assert_eq!(setup.next_step(&0), 1);
        setup.registered = true;
        assert_eq!(setup.next_step(&0), 2);
        setup.outgoing = 1;
        setup.outgoing_unconnected = 1;
        assert_eq!(setup.next_step(&0), 2);
        setup.outgoing_unconnected = 0;
        assert_eq!(setup.next_step(&0), 3);
        setup.incoming = 1;
        assert_eq!(setup.next_step(&0), 3);
        setup.confirmed = 1;
        assert_eq!(setup.next_step(&0), 4);
        setup.sent = 1;
        assert_eq!(setup.next_step(&0), 5);
        assert_eq!(setup.next_step(&1), 6);
    }

    #[test]
    fn servers_with_a_password_need_no_application() {
        let setup = Setup {
            outgoing: 1,
            ..Setup::default()
        };
        assert_eq!(setup.next_step(&0), 3);
    }
}
