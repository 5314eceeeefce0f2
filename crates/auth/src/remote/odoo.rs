//! A running Odoo (or another Postern): mail is handed in by `mail.thread.message_process` over XML-RPC,
//! which carries any bytes.

use secrecy::{ExposeSecret, SecretString};

use super::xml::{Answer, Argument, call};
use super::{Address, Remote, RemoteError};

/// Who hands in.
#[derive(Clone, Debug)]
pub enum Account {
    /// The login name, which is looked up.
    Login(String),
    /// The id of the user.
    User(i64),
}

/// How to sign in to a running Odoo.
#[derive(Clone, Debug)]
pub struct OdooLogin {
    /// Where it is.
    pub address: Address,
    /// The name of the database.
    pub database: String,
    /// The user.
    pub account: Account,
    /// The password or an API key.
    pub key: SecretString,
}

/// A mail to be handed in.
#[derive(Clone, Copy, Debug)]
pub struct Handing<'a> {
    /// The model for a mail that is no reply and meant for no alias.
    pub model: Option<&'a str>,
    /// The mail as it came.
    pub raw: &'a [u8],
    /// Keeps the whole mail as a file too.
    pub save_original: bool,
    /// Leaves out the files.
    pub strip_attachments: bool,
}

impl Remote {
    /// Hands a mail in. Odoo recognises a mail that it has by its Message-Id.
    ///
    /// # Errors
    /// Why it was not taken, or why nobody knows whether it was.
    pub async fn hand_in(&self, login: &OdooLogin, mail: &Handing<'_>) -> Result<(), RemoteError> {
        let user = match &login.account {
            Account::User(id) => *id,
            Account::Login(name) => self.user(login, name).await?,
        };
        let model = mail.model.map_or(Argument::False, Argument::Text);
        let arguments = [
            Argument::Text(&login.database),
            Argument::Int(user),
            Argument::Text(login.key.expose_secret()),
            Argument::Text("mail.thread"),
            Argument::Text("message_process"),
            Argument::List(vec![model, Argument::Bytes(mail.raw)]),
            Argument::Members(vec![
                ("save_original", Argument::Bool(mail.save_original)),
                ("strip_attachments", Argument::Bool(mail.strip_attachments)),
            ]),
        ];
        self.ask(login, "xmlrpc/2/object", call("execute_kw", &arguments))
            .await
            .map(drop)
    }

    async fn user(&self, login: &OdooLogin, name: &str) -> Result<i64, RemoteError> {
        let arguments = [
            Argument::Text(&login.database),
            Argument::Text(name),
            Argument::Text(login.key.expose_secret()),
            Argument::Members(Vec::new()),
        ];
        match self
            .ask(login, "xmlrpc/2/common", call("authenticate", &arguments))
            .await?
        {
            Answer::Int(id) if id > 0 => Ok(id),
            _ => Err(RemoteError::Denied {
                host: login.address.host(),
            }),
        }
    }

    async fn ask(
        &self,
        login: &OdooLogin,
        path: &str,
        body: String,
    ) -> Result<Answer, RemoteError> {
        let host = login.address.host();
        let url = login.address.join(path);
        let headers = [("content-type", "text/xml; charset=utf-8")];
        let answer = self.post(url, &host, &headers, body.into_bytes()).await?;
        match Answer::read(&answer.body) {
            Ok(Answer::Fault { code, text }) => Err(refusal(host, code, &text)),
            Ok(answer) => Ok(answer),
            Err(reason) => Err(RemoteError::Garbled {
                host,
                reason: reason.to_owned(),
            }),
        }
    }
}

/// What a fault means. Odoo numbers them: 1 for what went wrong inside, with a traceback; 2 for what it
/// tells the user; 3 for a wrong login; 4 for missing rights.
fn refusal(host: String, code: i64, text: &str) -> RemoteError {
    let reason = last_line(text);
    match code {
        2 => RemoteError::Refused { host, reason },
        3 => RemoteError::Denied { host },
        // A mail that belongs nowhere is a ValueError.
        1 if text.contains("ValueError") => RemoteError::Nowhere { host, reason },
        _ => RemoteError::Failed { host, reason },
    }
}

/// The end of a traceback tells what went wrong. Where it is a Postern, the number of its log entry
/// stands behind that.
fn last_line(text: &str) -> String {
    const LONGEST: usize = 500;
    let lines = text.lines().map(str::trim);
    let mut telling = lines.filter(|line| !line.is_empty() && !line.starts_with("correlation "));
    let last = telling.next_back();
    last.unwrap_or_default().chars().take(LONGEST).collect()
}
