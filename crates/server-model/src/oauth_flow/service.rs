//! What Outlook and Gmail differ in, and what is set up for each.

use auth::oauth::microsoft::{Cloud, Permission};
use auth::oauth::{Application, ClientCertificate, Provider, google, microsoft};

use words::say;

use crate::atlas::{CLIENT_MISSING, TENANT_MISSING};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::ir_config_parameter;

/// The client secret in use, and a new one beside it.
pub(super) const SECRET: &str = "client_secret";
pub(super) const NEXT_SECRET: &str = "client_secret_next";
/// A certificate and its private key.
pub(super) const CERTIFICATE: &str = "client_certificate";

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

    /// What is asked for in the name of a person, for the servers of a model.
    pub(super) fn scope(self, model: &str, provider: &Provider) -> String {
        let permission = match model {
            "fetchmail.server" => Permission::Read,
            _ => Permission::Send,
        };
        match self {
            Service::Outlook => Cloud::of(provider.token_endpoint()).scope(permission),
            Service::Gmail => google::MAIL.to_owned(),
        }
    }

    /// What the application asks for by itself.
    ///
    /// # Errors
    /// [`Error::Outside`] where the endpoint names no tenant, [`Error::User`] for Gmail.
    pub(super) fn application_scope(self, provider: &Provider) -> Result<String> {
        if self == Service::Gmail {
            return Err(Error::User(say!("error-gmail-by-application")));
        }
        if microsoft::is_for_many_tenants(provider) {
            return Err(TENANT_MISSING.error());
        }
        Ok(Cloud::of(provider.token_endpoint()).application_scope())
    }

    /// Whether the client id and something to prove it by are set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_configured(self, env: &Env) -> Result<bool> {
        if self.parameter(env, "client_id").await?.is_none() {
            return Ok(false);
        }
        for name in [SECRET, NEXT_SECRET, CERTIFICATE] {
            if self.parameter(env, name).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The value of a parameter of this service that is not empty.
    pub(super) async fn parameter(self, env: &Env, name: &str) -> Result<Option<String>> {
        let value = ir_config_parameter::get(env, &self.column(name)).await?;
        Ok(value.filter(|value| !value.trim().is_empty()))
    }

    /// Whom to ask: `microsoft_outlook.endpoint` as in Odoo, else what `microsoft_outlook.cloud` and
    /// `microsoft_outlook.tenant` make.
    ///
    /// # Errors
    /// [`Error::User`] when one of them cannot be used.
    pub(crate) async fn provider(self, env: &Env) -> Result<Provider> {
        match self {
            Service::Outlook => {
                let endpoint = microsoft_endpoint(env).await?;
                microsoft::provider(endpoint.as_deref())
            }
            Service::Gmail => google::provider(),
        }
        .map_err(|error| Error::User(error.text()))
    }

    /// The application as the provider knows it, once for each of the things that it can prove itself by, in
    /// the order in which they are tried: a certificate, a new secret that was entered beside the one in use,
    /// that one. There is at least one.
    pub(crate) async fn applications(self, env: &Env) -> Result<Vec<Application>> {
        let Some(id) = self.parameter(env, "client_id").await? else {
            return Err(self.unconfigured());
        };
        let redirect_uri = self.redirect_uri(env).await?;
        let unusable = |error: auth::Error| Error::User(error.text());
        let mut applications = Vec::new();
        if let Some(certificate) = self.certificate(env).await? {
            let application = Application::with_certificate(&id, certificate, &redirect_uri);
            applications.push(application.map_err(unusable)?);
        }
        for name in [NEXT_SECRET, SECRET] {
            if let Some(secret) = self.parameter(env, name).await? {
                let application = Application::new(&id, Some(secret.into()), &redirect_uri);
                applications.push(application.map_err(unusable)?);
            }
        }
        if applications.is_empty() {
            return Err(self.unconfigured());
        }
        Ok(applications)
    }

    /// The certificate that the application is known by, if there is one. Google knows none.
    pub(super) async fn certificate(self, env: &Env) -> Result<Option<ClientCertificate>> {
        let pem = match self {
            Service::Outlook => self.parameter(env, CERTIFICATE).await?,
            Service::Gmail => None,
        };
        pem.map(|pem| ClientCertificate::from_pem(&pem.into()))
            .transpose()
            .map_err(|error| Error::User(error.text()))
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
            message: say!("error-oauth-incomplete", service = %self.label(), code = %CLIENT_MISSING.code),
        }
    }
}

/// The endpoint in the settings; `None` for Microsoft's global one for all tenants.
async fn microsoft_endpoint(env: &Env) -> Result<Option<String>> {
    let read = async |key| {
        let value = ir_config_parameter::get(env, key).await?;
        Ok::<_, Error>(value.filter(|value| !value.trim().is_empty()))
    };
    if let Some(endpoint) = read("microsoft_outlook.endpoint").await? {
        return Ok(Some(endpoint));
    }
    let (tenant, cloud) = (
        read("microsoft_outlook.tenant").await?,
        read("microsoft_outlook.cloud").await?,
    );
    if tenant.is_none() && cloud.is_none() {
        return Ok(None);
    }
    let tenant = tenant.as_deref().unwrap_or("common").trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !tenant.chars().all(is_name) {
        return Err(Error::User(say!("error-oauth-tenant", ?tenant)));
    }
    let cloud = cloud.as_deref().unwrap_or("global").trim();
    let cloud =
        Cloud::named(cloud).ok_or_else(|| Error::User(say!("error-oauth-cloud", ?cloud)))?;
    Ok(Some(cloud.endpoint(tenant)))
}
