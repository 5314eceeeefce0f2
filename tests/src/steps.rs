//! Steps that several tests take on the way to a mailbox that is connected.

use serde_json::{Value, json};
use url::Url;

use crate::identity::{Control, User};
use crate::lab::{Described, MailPorts};
use crate::person::{Decision, Person};
use crate::postern::Postern;
use crate::rpc_client::{Page, Rpc, RpcError};

/// What can go wrong on the way.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The provider's orders.
    #[error(transparent)]
    Identity(#[from] crate::identity::Error),
    /// The person at the provider.
    #[error(transparent)]
    Person(#[from] crate::person::Error),
    /// Something that is no URL.
    #[error("not an address: {0}")]
    NoAddress(Value),
    /// Something that holds no API key.
    #[error("no key is in: {0}")]
    NoKey(Value),
}

/// Makes an account of its own for a test at the double; its mailbox exists, as every mailbox does.
///
/// # Errors
/// When the double cannot be reached.
pub async fn new_account(lab: &Described, purpose: &str) -> Result<String, Error> {
    let login = format!("{purpose}-{}@{}", uuid::Uuid::new_v4().simple(), lab.domain);
    lab.identity.control.add_user(User::new(&login)).await?;
    Ok(login)
}

/// Where to ask for tokens, and as whom.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// The parameter `microsoft_outlook.endpoint`.
    pub endpoint: &'a str,
    /// The client id.
    pub id: &'a str,
    /// The client secret.
    pub secret: &'a str,
}

impl<'a> Application<'a> {
    /// The lab's application.
    #[must_use]
    pub fn of(lab: &'a Described) -> Self {
        Self {
            endpoint: &lab.identity.endpoint,
            id: &lab.identity.client_id,
            secret: &lab.identity.client_secret,
        }
    }
}

/// Fills in the settings form as an administrator does, and says where Postern and the provider are.
///
/// # Errors
/// When a call is refused.
pub async fn enter_application(
    admin: &Rpc,
    postern: &Postern,
    application: Application<'_>,
) -> Result<Value, RpcError> {
    admin.set_param("web.base.url", &postern.base_url()).await?;
    admin.set_param("web.base.url.freeze", "True").await?;
    admin
        .set_param("microsoft_outlook.endpoint", application.endpoint)
        .await?;
    let settings = json!({
        "external_email_server_default": true,
        "microsoft_outlook_client_identifier": application.id,
        "microsoft_outlook_client_secret": application.secret,
    });
    let form = admin.create("res.config.settings", settings).await?;
    admin
        .call("res.config.settings", "execute", json!([[form]]))
        .await
}

/// Registers Postern's redirect URI for the lab's application.
///
/// # Errors
/// When the double cannot be reached.
pub async fn register(lab: &Described, postern: &Postern) -> Result<(), crate::identity::Error> {
    let control: &Control = &lab.identity.control;
    control
        .add_redirect_uri(&lab.identity.client_id, &postern.redirect_uri())
        .await
}

/// Creates an outgoing Outlook server for a mailbox.
///
/// # Errors
/// When it is refused.
pub async fn outgoing_server(
    admin: &Rpc,
    (host, ports): (&str, &MailPorts),
    mailbox: &str,
) -> Result<i64, RpcError> {
    let values = json!({
        "name": "Outlook",
        "smtp_authentication": "outlook",
        "smtp_encryption": "starttls",
        "smtp_host": host,
        "smtp_port": ports.submission,
        "smtp_user": mailbox,
        "from_filter": mailbox,
    });
    admin.create("ir.mail_server", values).await
}

/// Creates an incoming Outlook server for a mailbox.
///
/// # Errors
/// When it is refused.
pub async fn incoming_server(
    admin: &Rpc,
    (host, ports): (&str, &MailPorts),
    mailbox: &str,
) -> Result<i64, RpcError> {
    let values = json!({
        "name": "Outlook inbox",
        "server_type": "outlook",
        "is_ssl": true,
        "server": host,
        "port": ports.imaps,
        "user": mailbox,
    });
    admin.create("fetchmail.server", values).await
}

/// The address of the consent, by the button of the form.
///
/// # Errors
/// When the call is refused or answers no address.
pub async fn consent_address(admin: &Rpc, model: &str, id: i64) -> Result<Url, Error> {
    let action = admin
        .button(model, "open_microsoft_outlook_uri", id)
        .await?;
    let url = action["url"].as_str().and_then(|url| Url::parse(url).ok());
    url.ok_or(Error::NoAddress(action))
}

/// Presses the button, signs in as `mailbox` at the double, consents and comes back to Postern.
///
/// # Errors
/// When any step before the way back fails; what Postern then answers is the result.
pub async fn connect(admin: &Rpc, model: &str, id: i64, mailbox: &str) -> Result<Page, Error> {
    let address = consent_address(admin, model, id).await?;
    let back = Person::new()
        .consent_at_double(&address, mailbox, Decision::Yes)
        .await?;
    Ok(admin.get(&path_of(&back)).await?)
}

/// Path and query of an address.
#[must_use]
pub fn path_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// A parameter of an address; empty when it is missing.
#[must_use]
pub fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(key, _)| key == name);
    found
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Creates a mail and sends it; answers its id.
///
/// # Errors
/// When a call is refused.
pub async fn send_mail(admin: &Rpc, values: Value) -> Result<i64, RpcError> {
    let mail = admin.create("mail.mail", values).await?;
    admin.call("mail.mail", "send", json!([[mail]])).await?;
    Ok(mail)
}

/// The tokens that a connected server holds: refresh token, access token, and when that ends (seconds since 1970).
///
/// # Errors
/// When the call is refused.
pub async fn tokens(admin: &Rpc, model: &str, id: i64) -> Result<Tokens, RpcError> {
    const FIELDS: [&str; 3] = [
        "microsoft_outlook_refresh_token",
        "microsoft_outlook_access_token",
        "microsoft_outlook_access_token_expiration",
    ];
    let row = admin.read(model, id, &FIELDS).await?;
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    Ok(Tokens {
        refresh: text(FIELDS[0]),
        access: text(FIELDS[1]),
        expires: row[FIELDS[2]].as_i64().unwrap_or_default(),
    })
}

/// What [`tokens`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Empty when there is none.
    pub refresh: String,
    /// Empty when there is none.
    pub access: String,
    /// 0 when there is none.
    pub expires: i64,
}

/// Makes an API key for the user who is signed in, as the web client does: a form, the password once more, the key.
///
/// # Errors
/// When a call is refused or no key comes.
pub async fn api_key(user: &Rpc, password: &str) -> Result<String, Error> {
    let form = "res.users.apikeys.description";
    let check = "res.users.identitycheck";
    let values = json!({"name": "a program", "duration": "1"});
    let saved = user.call(form, "web_save", json!([[], values, {}])).await?;
    let mut action = user
        .call(form, "make_key", json!([[saved[0]["id"]]]))
        .await?;
    if action["res_model"] == check {
        let id = action["res_id"].take();
        let typed = json!([[id], {"password": password}]);
        user.call(check, "write", typed).await?;
        action = user.call(check, "run_check", json!([[id]])).await?;
    }
    match action["context"]["default_key"].as_str() {
        Some(key) => Ok(key.to_owned()),
        None => Err(Error::NoKey(action)),
    }
}
