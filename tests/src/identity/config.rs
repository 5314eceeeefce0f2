//! What the double knows when it starts: applications, accounts, tenants and how long things live.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The organisation that accounts and applications belong to unless they say otherwise.
pub const HOME_TENANT: &str = "5f0c3a52-7f4e-4c8f-9c64-2b1d8e7a9b10";

/// The tenant that Microsoft files personal accounts under, a constant of its platform.
pub const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Everything [`Identity::start`](super::Identity::start) wants to know. `IdentityConfig::default()` is a provider on
/// a free loopback port that knows nobody yet; the control API adds applications and accounts while it runs.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    /// Where to listen; a free port of 127.0.0.1 when absent.
    pub listen: Option<SocketAddr>,
    /// The registered applications.
    pub clients: Vec<Client>,
    /// The accounts that can sign in.
    pub users: Vec<User>,
    /// The tenants that exist beside [`HOME_TENANT`], by GUID or by domain name.
    pub tenants: Vec<String>,
    /// How long an access token is good. Microsoft picks 60 to 90 minutes at random; here it is exact.
    pub access_token_lifetime: Duration,
    /// How long a refresh token is good; Microsoft: 90 days, counted anew for each token.
    pub refresh_token_lifetime: Duration,
    /// How long an authorization code is good; Microsoft: about ten minutes.
    pub code_lifetime: Duration,
    /// What happens to a refresh token once it has been used.
    pub rotation: Rotation,
    /// Length in characters of access tokens. Microsoft's are longer than a mail header line and longer than many a
    /// column, but with user name and base64 the default stays below the 2048 bytes that Postfix reads of an AUTH line.
    pub access_token_length: usize,
    /// Length in characters of refresh tokens.
    pub refresh_token_length: usize,
    /// Who may ask for introspection (HTTP basic authentication): the mail server.
    pub introspection_client: (String, String),
    /// The key that protects the control API; a random one when absent.
    pub control_key: Option<String>,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            listen: None,
            clients: Vec::new(),
            users: Vec::new(),
            tenants: Vec::new(),
            access_token_lifetime: Duration::from_secs(3600),
            refresh_token_lifetime: Duration::from_secs(90 * 24 * 3600),
            code_lifetime: Duration::from_secs(600),
            rotation: Rotation::default(),
            access_token_length: 1200,
            refresh_token_length: 1000,
            introspection_client: ("dovecot".to_owned(), super::random_token(32)),
            control_key: None,
        }
    }
}

/// What becomes of a refresh token that was exchanged for a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// It stays good until it expires, as at Microsoft.
    #[default]
    KeepOld,
    /// It is spent; showing it again ends the whole grant (RFC 9700 section 4.14.2), as stricter providers do.
    RevokeOld,
}

/// An application registration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    /// The application (client) id.
    pub id: String,
    /// Its client secrets, any of which is accepted.
    pub secrets: Vec<String>,
    /// Its redirect URIs, compared character by character.
    pub redirect_uris: Vec<String>,
    /// Who may sign in to it.
    #[serde(default)]
    pub audience: Audience,
    /// Whether it is a public client, which must not send a secret.
    #[serde(default)]
    pub public: bool,
    /// Its certificates (PEM), with whose keys it may sign in place of showing a secret.
    #[serde(default)]
    pub certificates: Vec<String>,
    /// The mailbox that an administrator has opened to the application itself. At Microsoft there may be many; here a
    /// mail server is told of one.
    #[serde(default)]
    pub mailbox: Option<String>,
}

impl Client {
    /// An application that takes accounts of every kind.
    pub fn new(
        id: impl Into<String>,
        secret: impl Into<String>,
        redirect_uri: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            secrets: vec![secret.into()],
            redirect_uris: vec![redirect_uri.into()],
            audience: Audience::default(),
            public: false,
            certificates: Vec::new(),
            mailbox: None,
        }
    }

    /// The same application, open to the accounts of one tenant only.
    #[must_use]
    pub fn single_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.audience = Audience::SingleTenant(tenant.into());
        self
    }
}

/// Microsoft's "supported account types" of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Accounts of this tenant only; `/common` and `/organizations` are refused with AADSTS50194.
    SingleTenant(String),
    /// Accounts of any organisation, no personal ones.
    Organizations,
    /// Any organisation and personal accounts.
    #[default]
    Everyone,
    /// Personal accounts only.
    Personal,
}

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// The name it signs in with, which is its mail address; compared without regard to case.
    pub login: String,
    /// The tenant it lives in; [`PERSONAL_TENANT`] for a personal account.
    pub tenant: String,
    /// Whether an administrator has switched it off (AADSTS50057).
    #[serde(default)]
    pub disabled: bool,
}

impl User {
    /// A work account in [`HOME_TENANT`].
    pub fn new(login: impl Into<String>) -> Self {
        Self {
            login: login.into(),
            tenant: HOME_TENANT.to_owned(),
            disabled: false,
        }
    }

    /// A personal account.
    pub fn personal(login: impl Into<String>) -> Self {
        Self {
            tenant: PERSONAL_TENANT.to_owned(),
            ..Self::new(login)
        }
    }
}
