//! Signing in over SMTP (RFC 4954): PLAIN, LOGIN, CRAM-MD5 and XOAUTH2.

use lettre::transport::smtp::response::Response;
use secrecy::{ExposeSecret, SecretString};
use words::Text;

use super::connection::{SmtpConnection, code, reply};
use crate::sasl::{self, Challenge, Credential, Credentials};
use crate::transport_error::{Cause, Phase, TransportError};

/// The mechanisms for a password, best first. Under TLS the plain ones work with every way of
/// storing passwords; in clear CRAM-MD5 at least does not show the password.
const UNDER_TLS: [&str; 3] = ["PLAIN", "LOGIN", "CRAM-MD5"];
const IN_CLEAR: [&str; 3] = ["CRAM-MD5", "PLAIN", "LOGIN"];

impl SmtpConnection {
    /// Signs in.
    ///
    /// A password uses the best of PLAIN, LOGIN and CRAM-MD5 that the server offers, and the next
    /// one only if the server says that it does not know the mechanism (`504`): a second try with a
    /// refused password could lock the account. A token uses XOAUTH2, and only under TLS. A
    /// refusal in two steps (`334` with a comment, then `535`) is taken to its end; the comment is
    /// [`TransportError::challenge`].
    ///
    /// # Errors
    /// In the phase Auth.
    pub async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), TransportError> {
        match credentials {
            Credentials::Password { user, password } => self.password(user, password).await,
            Credentials::OAuth { user, token } => self.xoauth2(user, token).await,
        }
    }

    async fn password(
        &mut self,
        user: &str,
        password: &SecretString,
    ) -> Result<(), TransportError> {
        let preferred = if self.is_encrypted() {
            UNDER_TLS
        } else {
            IN_CLEAR
        };
        let mut unknown = None;
        for mechanism in preferred {
            if !self.capabilities.offers(mechanism) {
                continue;
            }
            let response = match mechanism {
                "PLAIN" => self.plain(user, password).await?,
                "LOGIN" => self.login(user, password).await?,
                _ => self.cram_md5(user, password).await?,
            };
            match code(&response) {
                235 => return Ok(()),
                504 => unknown = Some(self.auth_refusal(&response, user, password)),
                _ => return Err(self.auth_refusal(&response, user, password)),
            }
        }
        Err(unknown.unwrap_or_else(|| self.no_mechanism("PLAIN, LOGIN or CRAM-MD5")))
    }

    async fn plain(
        &mut self,
        user: &str,
        password: &SecretString,
    ) -> Result<Response, TransportError> {
        let response = sasl::plain(user, password).map_err(|error| self.invalid(error))?;
        self.initial_response("PLAIN", &response).await
    }

    async fn login(
        &mut self,
        user: &str,
        password: &SecretString,
    ) -> Result<Response, TransportError> {
        for (what, value) in [
            (Credential::User, user),
            (Credential::Password, password.expose_secret()),
        ] {
            sasl::refuse_controls(what, value).map_err(|error| self.invalid(error))?;
        }
        let limit = self.server.timeouts.command;
        let asked = self.command(Phase::Auth, limit, "AUTH LOGIN\r\n").await?;
        if code(&asked) != 334 {
            return Ok(asked);
        }
        let asked = self.secret_command(limit, "", &sasl::encode(user)).await?;
        if code(&asked) != 334 {
            return Ok(asked);
        }
        self.secret_command(limit, "", &sasl::encode(password.expose_secret()))
            .await
    }

    async fn cram_md5(
        &mut self,
        user: &str,
        password: &SecretString,
    ) -> Result<Response, TransportError> {
        let limit = self.server.timeouts.command;
        let asked = self
            .command(Phase::Auth, limit, "AUTH CRAM-MD5\r\n")
            .await?;
        if code(&asked) != 334 {
            return Ok(asked);
        }
        let challenge = asked
            .first_line()
            .and_then(sasl::decode)
            .ok_or_else(|| self.garbled("the challenge of CRAM-MD5 is not base64"))?;
        let answer =
            sasl::cram_md5(user, password, &challenge).map_err(|error| self.invalid(error))?;
        self.secret_command(limit, "", &sasl::encode(&answer)).await
    }

    async fn xoauth2(&mut self, user: &str, token: &SecretString) -> Result<(), TransportError> {
        if !self.is_encrypted() {
            return Err(self.fail(Phase::Auth, Cause::TokenInClear));
        }
        if !self.capabilities.offers("XOAUTH2") {
            return Err(self.no_mechanism("XOAUTH2"));
        }
        let answer = sasl::xoauth2(user, token).map_err(|error| self.invalid(error))?;
        let mut response = self.initial_response("XOAUTH2", &answer).await?;
        let mut challenge = None;
        if code(&response) == 334 {
            // The token was refused: this is the comment on it, and an empty line asks for the verdict.
            challenge = response.first_line().and_then(Challenge::decode);
            let limit = self.server.timeouts.command;
            response = self.command(Phase::Auth, limit, "\r\n").await?;
        }
        match code(&response) {
            235 => Ok(()),
            _ => Err(self
                .auth_refusal(&response, user, token)
                .with_challenge(challenge)),
        }
    }

    /// `AUTH mechanism response`. A server that overlooks the initial response and asks for it
    /// with an empty `334` gets it again.
    async fn initial_response(
        &mut self,
        mechanism: &str,
        response: &SecretString,
    ) -> Result<Response, TransportError> {
        let limit = self.server.timeouts.command;
        let encoded = sasl::encode(response.expose_secret());
        let asked = self
            .secret_command(limit, &format!("AUTH {mechanism} "), &encoded)
            .await?;
        let is_empty = asked.first_line().is_none_or(|line| line.trim().is_empty());
        if code(&asked) == 334 && is_empty {
            return self.secret_command(limit, "", &encoded).await;
        }
        Ok(asked)
    }

    fn auth_refusal(
        &self,
        response: &Response,
        user: &str,
        secret: &SecretString,
    ) -> TransportError {
        if response.is_positive() {
            return self.refusal(Phase::Auth, response);
        }
        let reply = reply(response).without(user, secret);
        self.fail(Phase::Auth, Cause::Refused(reply))
    }

    fn no_mechanism(&self, wanted: &'static str) -> TransportError {
        self.fail(
            Phase::Auth,
            Cause::NoMechanism {
                wanted,
                offered: self.capabilities.auth.clone(),
            },
        )
    }

    fn invalid(&self, sentence: Text) -> TransportError {
        self.fail(Phase::Auth, Cause::InvalidInput(sentence))
    }

    fn garbled(&self, what: &str) -> TransportError {
        self.fail(Phase::Auth, Cause::Garbled(what.to_owned()))
    }
}
