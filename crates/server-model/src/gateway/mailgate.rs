//! `postern mailgate`: a mail from another program on the machine is handed in to a running Postern or
//! Odoo, as that program's mail server wants it.

pub use auth::remote::Account;
use auth::remote::{Address, Handing, OdooLogin, Remote, RemoteError};
use secrecy::SecretString;

/// Where the mail is handed in, and by whom.
pub struct Target {
    /// As in `http://localhost:8069`.
    pub address: String,
    /// The name of the database.
    pub database: String,
    /// The user.
    pub account: Account,
    /// The password or an API key.
    pub key: SecretString,
    /// Authorities (PEM) to trust beside the system's.
    pub extra_roots_pem: Option<Vec<u8>>,
}

/// How the mail is taken in.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The model for a mail that is no reply and meant for no alias.
    pub model: Option<String>,
    /// Keeps the whole mail as a file too.
    pub save_original: bool,
    /// Leaves out the files.
    pub strip_attachments: bool,
}

/// Why a mail was not handed in, in the kinds that a mail server tells apart.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// The mail may be handed in later.
    #[error("{0}")]
    Later(String),
    /// Nobody takes mail for these recipients.
    #[error("{0}")]
    Nowhere(String),
    /// The mail is refused for good.
    #[error("{0}")]
    Refused(String),
}

/// Hands a mail in.
///
/// # Errors
/// Why it was not taken.
pub async fn hand_in(target: Target, raw: &[u8], wishes: &Wishes) -> Result<(), Failure> {
    let address =
        Address::parse(&target.address).map_err(|error| Failure::Settings(error.to_string()))?;
    let remote = Remote::new(target.extra_roots_pem.as_deref())
        .map_err(|error| Failure::Settings(error.to_string()))?;
    let login = OdooLogin {
        address,
        database: target.database,
        account: target.account,
        key: target.key,
    };
    let mail = Handing {
        model: wishes.model.as_deref(),
        raw,
        save_original: wishes.save_original,
        strip_attachments: wishes.strip_attachments,
    };
    remote
        .hand_in(&login, &mail)
        .await
        .map_err(|error| match error {
            RemoteError::Address(_) => Failure::Settings(error.to_string()),
            // A wrong key is the administrator's mistake and not the sender's.
            RemoteError::Nowhere { .. } => Failure::Nowhere(error.to_string()),
            error if error.is_transient() => Failure::Later(error.to_string()),
            error => Failure::Refused(error.to_string()),
        })
}
