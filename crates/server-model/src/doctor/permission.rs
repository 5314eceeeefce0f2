//! OAuth: the provider, our credentials there, the permission to use the mailbox, and what the token is good for. The
//! first three come from one renewal of the token, whose refusal says what was refused.

use auth::oauth::{Application, Cause, Claims, ErrorClass, Provider};
use secrecy::SecretString;

use words::say;

use super::report::Report;
use crate::atlas::{CLIENT_MISSING, NOT_CONNECTED, TOKEN_ACCOUNT, TOKEN_AUDIENCE, TOKEN_SCOPE};
use crate::database::Intent;
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::oauth_flow::{self, Service};
use crate::value::Id;

const ENDPOINT: &str = "oauth_endpoint";
const APPLICATION: &str = "oauth_application";
const TOKEN: &str = "oauth_token";
const SCOPES: &str = "token_scopes";

/// Names of Exchange Online in `aud`, where it is no address.
const EXCHANGE_ID: &str = "00000002-0000-0ff1-ce00-000000000000";

/// The mailbox whose permission is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mailbox<'a> {
    pub(super) service: Service,
    pub(super) model: &'static str,
    pub(super) id: Id,
    /// The user name that stands in the row.
    pub(super) user: &'a str,
}

/// Examines it. Gives the token to sign in with.
pub(super) async fn examine(
    caller: &Caller,
    mailbox: Mailbox<'_>,
    report: &mut Report,
) -> Option<SecretString> {
    let (provider, applications) = match settings(caller, mailbox.service).await {
        Ok(Some(settings)) => settings,
        Ok(None) => {
            let label = mailbox.service.label();
            report.skip(ENDPOINT, &say!("doctor-no-application"));
            report.find(
                APPLICATION,
                &say!("doctor-no-credentials", %label),
                &CLIENT_MISSING,
            );
            report.skip_all(&[TOKEN, SCOPES], &say!("doctor-no-application-to-ask"));
            return None;
        }
        Err(error) => {
            report.fail_before(ENDPOINT, &error);
            report.skip_all(
                &[APPLICATION, TOKEN, SCOPES],
                &say!("doctor-provider-not-asked"),
            );
            return None;
        }
    };
    let host = provider.token_endpoint().host_str().unwrap_or_default();
    let Mailbox {
        service, model, id, ..
    } = mailbox;
    let held = oauth_flow::access_token(caller, service, model, id, None).await;
    if let Err(error) = &held
        && error.code() == Some(NOT_CONNECTED.code)
    {
        let refused = oauth_flow::probe(caller, service, &provider, &applications).await;
        told(host, refused.as_ref(), report);
        report.find(TOKEN, &say!("doctor-not-connected"), &NOT_CONNECTED);
        report.skip(SCOPES, &say!("doctor-no-token"));
        return None;
    }
    let token = match held {
        // A token that is good for a while yet says nothing about the provider, so it is renewed all the same.
        Ok(token) => match oauth_flow::access_token(caller, service, model, id, Some(&token)).await
        {
            Ok(renewed) => {
                report.pass(ENDPOINT, say!("doctor-host-answers", %host));
                report.pass(APPLICATION, say!("doctor-credentials-accepted"));
                report.pass(TOKEN, say!("doctor-token-renewed"));
                Some(renewed)
            }
            Err(error) => {
                refused(host, &error, report);
                Some(token)
            }
        },
        Err(error) => {
            refused(host, &error, report);
            None
        }
    };
    match &token {
        Some(token) => scopes(mailbox, Claims::read(token), report),
        None => report.skip(SCOPES, &say!("doctor-no-token")),
    }
    token
}

/// Whom to ask, and as whom; `None` where the credentials are not complete.
async fn settings(
    caller: &Caller,
    service: Service,
) -> Result<Option<(Provider, Vec<Application>)>> {
    let env = caller.begin(Intent::Read).await?;
    let read = async {
        if !service.is_configured(&env).await? {
            return Ok(None);
        }
        let provider = service.provider(&env).await?;
        Ok(Some((provider, service.applications(&env).await?)))
    }
    .await;
    env.end_reading();
    read
}

/// Which step a refusal is about.
fn step(error: &Error) -> &'static str {
    let known = auth::oauth::entries().find(|entry| Some(entry.code) == error.code());
    let Some(entry) = known else {
        return TOKEN;
    };
    match (entry.code, entry.class) {
        ("oauth.redirected" | "oauth.unreadable_answer", _) | (_, ErrorClass::Transient) => {
            ENDPOINT
        }
        // Settings at the provider that are about the account rather than about our credentials.
        (
            "oauth.permissions_unfit"
            | "oauth.scope_refused"
            | "oauth.exchange_missing"
            | "oauth.admin_consent_needed"
            | "oauth.blocked_by_policy"
            | "oauth.app_untrusted"
            | "oauth.user_unassigned"
            | "oauth.user_disabled"
            | "oauth.unusable_token",
            _,
        ) => TOKEN,
        (_, ErrorClass::Permanent(Cause::Configuration)) => APPLICATION,
        (_, ErrorClass::Permanent(Cause::Reconnect)) => TOKEN,
    }
}

/// Endpoint and application, as far as a refusal tells of them.
fn told(host: &str, error: Option<&Error>, report: &mut Report) {
    match error.map(|error| (step(error), error)) {
        Some((ENDPOINT, error)) => {
            report.fail_before(ENDPOINT, error);
            report.skip(APPLICATION, &say!("doctor-provider-not-asked"));
        }
        Some((APPLICATION, error)) => {
            report.pass(ENDPOINT, say!("doctor-host-answers", %host));
            report.fail_before(APPLICATION, error);
        }
        _ => {
            report.pass(ENDPOINT, say!("doctor-host-answers", %host));
            report.pass(APPLICATION, say!("doctor-credentials-accepted"));
        }
    }
}

/// All three, for a renewal that was refused.
fn refused(host: &str, error: &Error, report: &mut Report) {
    told(host, Some(error), report);
    match step(error) {
        TOKEN => report.fail_before(TOKEN, error),
        _ => report.skip(TOKEN, &say!("doctor-not-renewed")),
    }
}

/// What the token says about itself, where it can be read. The token itself is shown to nobody.
fn scopes(mailbox: Mailbox<'_>, claims: Option<Claims>, report: &mut Report) {
    let Some(claims) = claims.filter(|_| mailbox.service == Service::Outlook) else {
        report.skip(SCOPES, &say!("doctor-token-opaque"));
        return;
    };
    let audience = claims.audience.clone().unwrap_or_default();
    let permissions = [claims.scopes, claims.roles].concat();
    let user = claims.user.unwrap_or_default();
    let permitted = permissions.join(" ");
    let message = if user.is_empty() {
        say!("doctor-token", audience = &audience, permitted)
    } else {
        say!(
            "doctor-token-of",
            audience = &audience,
            permitted,
            user = &user
        )
    };
    let is_sending = mailbox.model == "ir.mail_server";
    let wanted: [&str; 2] = if is_sending {
        ["SMTP.Send", "SMTP.SendAsApp"]
    } else {
        ["IMAP.AccessAsUser.All", "IMAP.AccessAsApp"]
    };
    let is_exchange = audience.contains("outlook.office") || audience == EXCHANGE_ID;
    if !is_exchange && !audience.is_empty() {
        report.find(SCOPES, &message, &TOKEN_AUDIENCE);
    } else if !permissions.iter().any(|one| wanted.contains(&one.as_str())) {
        report.find(SCOPES, &message, &TOKEN_SCOPE);
    } else if is_sending && !user.is_empty() && !user.eq_ignore_ascii_case(mailbox.user.trim()) {
        let found = say!("doctor-token-other-user", message, user = mailbox.user);
        report.find(SCOPES, &found, &TOKEN_ACCOUNT);
    } else {
        report.pass(SCOPES, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(
        model: &'static str,
        user: &str,
        claims: Option<Claims>,
    ) -> (Option<bool>, Option<&'static str>) {
        let mut report = Report::default();
        let mailbox = Mailbox {
            service: Service::Outlook,
            model,
            id: 1,
            user,
        };
        scopes(mailbox, claims, &mut report);
        let check = report.finish().pop().expect("a check");
        (check.ok, check.code)
    }

    fn claims(audience: &str, scope: &str, user: Option<&str>) -> Option<Claims> {
        Some(Claims {
            audience: Some(audience.to_owned()),
            scopes: vec![scope.to_owned()],
            user: user.map(str::to_owned),
            ..Claims::default()
        })
    }

    #[test]
    fn a_token_is_good_for_one_service_one_permission_and_one_account() {
        let outlook = "https://outlook.office.com";
        let graph = "https://graph.microsoft.com";
        let joe = Some("Joe@example.com");
        let sending = |claims| judged("ir.mail_server", "joe@example.com", claims);
        assert_eq!(
            sending(claims(outlook, "SMTP.Send", joe)),
            (Some(true), None)
        );
        assert_eq!(
            sending(claims(graph, "SMTP.Send", joe)),
            (Some(false), Some("oauth.token_audience"))
        );
        assert_eq!(
            sending(claims(outlook, "IMAP.AccessAsUser.All", joe)),
            (Some(false), Some("oauth.token_scope"))
        );
        assert_eq!(
            sending(claims(outlook, "SMTP.Send", Some("ann@example.com"))),
            (Some(false), Some("oauth.token_account"))
        );
        assert_eq!(sending(None), (None, None));
        // A shared mailbox is read with the token of somebody else.
        let shared = claims(outlook, "IMAP.AccessAsUser.All", Some("ann@example.com"));
        assert_eq!(
            judged("fetchmail.server", "info@example.com", shared),
            (Some(true), None)
        );
    }

    #[test]
    fn a_refusal_is_about_one_step() {
        for (code, wanted) in [
            ("oauth.timeout", ENDPOINT),
            ("oauth.unavailable", ENDPOINT),
            ("oauth.redirected", ENDPOINT),
            ("oauth.secret_expired", APPLICATION),
            ("oauth.app_unknown", APPLICATION),
            ("oauth.grant_revoked", TOKEN),
            ("oauth.blocked_by_policy", TOKEN),
        ] {
            let error = Error::Outside {
                code,
                message: words::Text::quote(""),
            };
            assert_eq!(step(&error), wanted, "{code}");
        }
    }
}
