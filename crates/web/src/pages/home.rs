//! The start: what is set up, what is not, and the next step.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use server_model::error::Error;
use server_model::value::Map;

use crate::failure::{Failure, Result};
use crate::records::{Records, Search, condition};
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
    /// Where Microsoft sends people back to.
    redirect_uri: String,
    outgoing: i64,
    /// Outgoing servers of a provider without a token.
    outgoing_unconnected: i64,
    incoming: i64,
    /// Incoming servers of a provider without a token.
    incoming_unconnected: i64,
    confirmed: i64,
    queued: i64,
    failed: i64,
    sent: i64,
    quarantined: i64,
    broken: Vec<Broken>,
}

/// A server whose provider has refused for good.
#[derive(Debug)]
struct Broken {
    path: String,
    name: String,
    error: String,
}

/// The steps of the guide: five at Microsoft and in the settings, then a server for each direction, and a mail.
const STEPS: i64 = 9;

impl Setup {
    /// The number of the first step that is not done: 1 to 9; 10 when all are.
    fn next_step(&self, received: i64) -> i64 {
        let outgoing_ready = self.outgoing > 0 && self.outgoing_unconnected == 0;
        let incoming_ready =
            self.incoming > 0 && self.incoming_unconnected == 0 && self.confirmed > 0;
        match () {
            () if !self.registered && self.outgoing + self.incoming == 0 => 1,
            () if !outgoing_ready => 6,
            () if !incoming_ready => 7,
            () if self.sent == 0 => 8,
            () if received == 0 => 9,
            () => STEPS + 1,
        }
    }
}

impl HomePage {
    fn next_step(&self) -> i64 {
        self.setup
            .as_ref()
            .map_or(STEPS + 1, |setup| setup.next_step(self.received))
    }

    /// Above the steps: where one stands.
    fn standing(&self) -> String {
        let (step, steps) = (self.next_step().to_string(), STEPS.to_string());
        let texts = [("step", step.as_str()), ("steps", steps.as_str())];
        self.shell.lang.with_all("steps-to-go", &texts)
    }

    /// As in "1 of 2 not connected".
    fn of(&self, key: &str, some: &i64, all: &i64) -> String {
        let (some, all) = (some.to_string(), all.to_string());
        let texts = [("some", some.as_str()), ("all", all.as_str())];
        self.shell.lang.with_all(key, &texts)
    }
}

/// Shows the start.
pub async fn show(visitor: Visitor) -> Result<HttpResponse> {
    let setup = match setup(&visitor).await {
        Ok(setup) => Some(setup),
        Err(Error::Access(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let messages = Records::of(&visitor, "mail.message");
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
    let parameters = Records::of(visitor, "ir.config_parameter");
    let known = [
        "microsoft_outlook_client_id",
        "microsoft_outlook_client_secret",
    ];
    let mut registered = true;
    for key in known {
        let conditions = vec![condition("key", "=", key), condition("value", "!=", false)];
        registered &= parameters.count(conditions).await? > 0;
    }
    let base_url = parameters
        .call("get_param", vec!["web.base.url".into()], Map::new())
        .await?;
    let base_url = base_url.as_text().unwrap_or_default();
    let outgoing = Records::of(visitor, "ir.mail_server");
    let incoming = Records::of(visitor, "fetchmail.server");
    let mails = Records::of(visitor, "mail.mail");
    let active = || condition("active", "=", true);
    let state = |state: &'static str| vec![condition("state", "=", state)];
    let (outgoing_unconnected, mut broken) = troubles(outgoing, "ir.mail_server").await?;
    let (incoming_unconnected, others) = troubles(incoming, "fetchmail.server").await?;
    broken.extend(others);
    Ok(Setup {
        registered,
        redirect_uri: format!(
            "{}/microsoft_outlook/confirm",
            base_url.trim_end_matches('/')
        ),
        outgoing: outgoing.count(vec![active()]).await?,
        outgoing_unconnected,
        incoming: incoming.count(vec![active()]).await?,
        incoming_unconnected,
        confirmed: incoming
            .count(vec![active(), condition("state", "=", "done")])
            .await?,
        queued: mails.count(state("outgoing")).await?,
        failed: mails.count(state("exception")).await?,
        sent: mails.count(state("sent")).await?,
        quarantined: Records::of(visitor, "postern.quarantine")
            .count(Vec::new())
            .await?,
        broken,
    })
}

/// How many active servers of a provider have no token, and whose provider has refused for good.
async fn troubles(records: Records<'_>, model: &str) -> Result<(i64, Vec<Broken>), Error> {
    let search = Search {
        conditions: vec![condition("active", "=", true)],
        ..Search::default()
    };
    let fields = ["name", "postern_oauth_state", "postern_oauth_error"];
    let (mut unconnected, mut broken) = (0, Vec::new());
    for server in records.list(search, &fields).await? {
        match server.text("postern_oauth_state").as_str() {
            "none" => unconnected += 1,
            "reconnect" | "configuration" => broken.push(Broken {
                path: format!("/odoo/{model}/{}", server.id()),
                name: server.text("name"),
                error: server.text("postern_oauth_error"),
            }),
            _ => {}
        }
    }
    Ok((unconnected, broken))
}

/// Answers for all paths under `/odoo` that are no page, after asking for a session.
pub async fn unknown(_: Visitor, request: HttpRequest) -> Result<HttpResponse> {
    Err(Failure::NoPage(request.path().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_step_is_the_first_that_is_not_done() {
        let mut setup = Setup::default();
        assert_eq!(setup.next_step(0), 1);
        setup.registered = true;
        assert_eq!(setup.next_step(0), 6);
        setup.outgoing = 1;
        setup.outgoing_unconnected = 1;
        assert_eq!(setup.next_step(0), 6);
        setup.outgoing_unconnected = 0;
        assert_eq!(setup.next_step(0), 7);
        setup.incoming = 1;
        assert_eq!(setup.next_step(0), 7);
        setup.confirmed = 1;
        assert_eq!(setup.next_step(0), 8);
        setup.sent = 1;
        assert_eq!(setup.next_step(0), 9);
        assert_eq!(setup.next_step(1), 10);
    }

    #[test]
    fn servers_with_a_password_need_no_application() {
        let setup = Setup {
            outgoing: 1,
            ..Setup::default()
        };
        assert_eq!(setup.next_step(0), 7);
    }
}
