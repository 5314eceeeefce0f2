//! What Outlook and Gmail differ in, and what is set up for each.

use auth::oauth::{Application, Provider, google, microsoft};
use secrecy::SecretString;

use crate::atlas::CLIENT_MISSING;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::ir_config_parameter;

/// The client secret in use, and a new one beside it.
pub(super) const SECRET: &str = "client_secret";
pub(super) const NEXT_SECRET: &str = "client_secret_next";

/// Whose mailboxes are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Microsoft 365 and outlook.com.
    Outlook,
    /// Gmail and Google Workspace.
    Gmail,
}

impl Service {
    /// What the columns and parameters of the service start with.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Service::Outlook => "microsoft_outlook",
            Service::Gmail => "google_gmail",
        }
    }

    /// The name a person knows.
    pub const fn label(self) -> &'static str {
        match self {
            Service::Outlook => "Outlook",
            Service::Gmail => "Gmail",
        }
    }

    /// The value of `smtp_authentication` and `server_type` that stands for the service.
    pub const fn authentication(self) -> &'static str {
        match self {
            Service::Outlook => "outlook",
            Service::Gmail => "gmail",
        }
    }

    /// The service that a value of `smtp_authentication` or `server_type` stands for.
    pub fn of(authentication: &str) -> Option<Service> {
        match authentication {
            "outlook" => Some(Service::Outlook),
            "gmail" => Some(Service::Gmail),
            _ => None,
        }
    }

    pub(super) fn column(self, name: &str) -> String {
        format!("{}_{name}", self.prefix())
    }

    pub(super) fn scope(self, model: &str) -> String {
        match (self, model) {
            (Service::Outlook, "fetchmail.server") => microsoft::scope(microsoft::IMAP_ACCESS),
            (Service::Outlook, _) => microsoft::scope(microsoft::SMTP_SEND),
            (Service::Gmail, _) => google::MAIL.to_owned(),
        }
    }

    /// Whether the client id and secret are set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_configured(self, env: &Env) -> Result<bool> {
        Ok(self.credentials(env).await?.is_some())
    }

    /// The client id, and the secrets in the order in which they are tried: a new one that was entered
    /// beside the one in use comes first.
    async fn credentials(self, env: &Env) -> Result<Option<(String, Vec<SecretString>)>> {
        let id = ir_config_parameter::get(env, &self.column("client_id")).await?;
        let mut secrets = Vec::new();
        for parameter in [NEXT_SECRET, SECRET] {
            let secret = ir_config_parameter::get(env, &self.column(parameter)).await?;
            secrets.extend(secret.filter(|secret| !secret.is_empty()));
        }
        let secrets: Vec<SecretString> = secrets.into_iter().map(SecretString::from).collect();
        Ok(id
            .filter(|id| !id.is_empty() && !secrets.is_empty())
            .map(|id| (id, secrets)))
    }

    pub(crate) async fn provider(self, env: &Env) -> Result<Provider> {
        match self {
            Service::Outlook => {
                let endpoint = ir_config_parameter::get(env, "microsoft_outlook.endpoint").await?;
                microsoft::provider(endpoint.as_deref())
            }
            Service::Gmail => google::provider(),
        }
        .map_err(|error| Error::User(error.to_string()))
    }

    /// The application as the provider knows it, once for each of its secrets in the order in which they
    /// are tried; at least one.
    pub(crate) async fn applications(self, env: &Env) -> Result<Vec<Application>> {
        let (id, secrets) = self
            .credentials(env)
            .await?
            .ok_or_else(|| self.unconfigured())?;
        let redirect_uri = self.redirect_uri(env).await?;
        secrets
            .into_iter()
            .map(|secret| {
                Application::new(&id, Some(secret), &redirect_uri)
                    .map_err(|error| Error::User(error.to_string()))
            })
            .collect()
    }

    /// The address that the provider sends people back to; it must be registered there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn redirect_uri(self, env: &Env) -> Result<String> {
        let base = ir_config_parameter::base_url(env).await?;
        Ok(format!("{base}/{}/confirm", self.prefix()))
    }

    /// The refusal when client id or secret are missing.
    pub fn unconfigured(self) -> Error {
        Error::Outside {
            code: CLIENT_MISSING.code,
            message: format!(
                "The {} credentials are not complete: enter the client ID and the client secret in the settings first. [{}]",
                self.label(),
                CLIENT_MISSING.code
            ),
        }
    }
}
