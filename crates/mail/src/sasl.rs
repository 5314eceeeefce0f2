//! The ways to sign in (SASL), shared by SMTP, IMAP and POP3.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use secrecy::{ExposeSecret, SecretString};

use words::{Text, say};

use crate::transport_error::printable;

/// Who signs in, and how.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A user with a password.
    Password {
        /// The user name.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// A user with an OAuth 2.0 access token (XOAUTH2).
    OAuth {
        /// For SMTP the account that the token was given to; for IMAP the mailbox to open.
        user: String,
        /// The access token.
        token: SecretString,
    },
}

impl Credentials {
    /// A user with a password.
    pub fn password(user: impl Into<String>, password: SecretString) -> Self {
        Credentials::Password {
            user: user.into(),
            password,
        }
    }

    /// A user with an access token.
    pub fn oauth(user: impl Into<String>, token: SecretString) -> Self {
        Credentials::OAuth {
            user: user.into(),
            token,
        }
    }
}

/// The XOAUTH2 response, not yet base64 (Google's "XOAUTH2 mechanism", also Microsoft's):
/// `user=…^Aauth=Bearer …^A^A`.
///
/// # Errors
/// A sentence, if the user or the token holds a control character: it would forge fields.
pub fn xoauth2(user: &str, token: &SecretString) -> Result<SecretString, Text> {
    refuse_controls(Credential::User, user)?;
    refuse_controls(Credential::Token, token.expose_secret())?;
    Ok(SecretString::from(format!(
        "user={user}\x01auth=Bearer {}\x01\x01",
        token.expose_secret()
    )))
}

/// The PLAIN response, not yet base64 (RFC 4616), with an empty authorization identity.
///
/// # Errors
/// A sentence, if the user or the password holds a control character.
pub fn plain(user: &str, password: &SecretString) -> Result<SecretString, Text> {
    refuse_controls(Credential::User, user)?;
    refuse_controls(Credential::Password, password.expose_secret())?;
    Ok(SecretString::from(format!(
        "\0{user}\0{}",
        password.expose_secret()
    )))
}

/// The CRAM-MD5 response to a decoded challenge, not yet base64 (RFC 2195).
///
/// # Errors
/// A sentence, if the user holds a control character.
pub fn cram_md5(user: &str, password: &SecretString, challenge: &[u8]) -> Result<String, Text> {
    refuse_controls(Credential::User, user)?;
    let mut mac = Hmac::<Md5>::new_from_slice(password.expose_secret().as_bytes())
        .map_err(|error| say!("transport-password-as-key", why = %error))?;
    mac.update(challenge);
    let digest: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(format!("{user} {digest}"))
}

/// Base64, as every SASL exchange wants it. The result is as secret as the input.
pub(crate) fn encode(secret: &str) -> SecretString {
    SecretString::from(STANDARD.encode(secret))
}

/// Every form in which a secret travels while signing in, for cutting echoes out of replies.
pub(crate) fn travelling_forms(user: &str, secret: &SecretString) -> Vec<SecretString> {
    let mut forms = vec![secret.clone(), encode(secret.expose_secret())];
    forms.extend(
        [plain(user, secret), xoauth2(user, secret)]
            .into_iter()
            .flatten()
            .map(|response| encode(response.expose_secret())),
    );
    // The longest first, or a short one would leave the rest of a long one behind.
    forms.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
    forms
}

/// The bytes of a base64 challenge; an empty one is no bytes.
pub(crate) fn decode(challenge: &str) -> Option<Vec<u8>> {
    STANDARD.decode(challenge.trim()).ok()
}

/// Control characters end a command or a field early, and no server allows them in credentials.
pub(crate) fn refuse_controls(what: Credential, value: &str) -> Result<(), Text> {
    if !value.chars().any(char::is_control) {
        return Ok(());
    }
    Err(match what {
        Credential::User => say!("transport-control-in-user"),
        Credential::Password => say!("transport-control-in-password"),
        Credential::Token => say!("transport-control-in-token"),
    })
}

/// What is checked before it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Credential {
    User,
    Password,
    Token,
}

/// What a server says about a refused token before its final refusal: with XOAUTH2 a base64
/// JSON object such as `{"status":"401","schemes":"bearer","scope":"mail"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Usually an HTTP status: `400`, `401`.
    pub status: Option<String>,
    /// The accepted schemes, usually `bearer`.
    pub schemes: Option<String>,
    /// The scope that a token would need.
    pub scope: Option<String>,
    /// The whole decoded text, in one line, at most 1000 characters.
    pub text: String,
}

impl Challenge {
    /// Decodes the text after SMTP's `334 ` or the `+ ` of IMAP and POP3.
    /// None if it is empty or not base64 of text.
    pub fn decode(base64: &str) -> Option<Self> {
        let text = String::from_utf8(decode(base64)?).ok()?;
        if text.trim().is_empty() {
            return None;
        }
        Some(Challenge {
            status: member(&text, "status"),
            schemes: member(&text, "schemes"),
            scope: member(&text, "scope"),
            text: printable(&text),
        })
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A string or number member of a flat JSON object. JSON proper belongs to the wire of RPC; this
/// one object has three members, and whatever else comes is still shown as text.
fn member(object: &str, name: &str) -> Option<String> {
    let after_name = object.split_once(&format!("\"{name}\""))?.1;
    let value = after_name.trim_start().strip_prefix(':')?.trim_start();
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?.0,
        None => value.split([',', '}']).next()?.trim(),
    };
    Some(printable(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn xoauth2_is_written_as_google_and_microsoft_print_it() {
        let response = xoauth2("someuser@example.com", &secret("ya29.vF9dft4q")).expect("clean");
        assert_eq!(
            response.expose_secret(),
            "user=someuser@example.com\u{1}auth=Bearer ya29.vF9dft4q\u{1}\u{1}"
        );
    }

    #[test]
    fn plain_has_an_empty_authorization_identity() {
        let response = plain("tim", &secret("tanstaaftanstaaf")).expect("clean");
        assert_eq!(response.expose_secret(), "\0tim\0tanstaaftanstaaf");
    }

    #[test]
    fn cram_md5_matches_the_example_of_rfc_2195() {
        let response = cram_md5(
            "tim",
            &secret("tanstaaftanstaaf"),
            b"<1896.697170952@postoffice.reston.mci.net>",
        )
        .expect("clean");
        assert_eq!(response, "tim b913a602c7eda7a495b4e6e7334d3890");
    }

    #[test]
    fn a_control_character_cannot_forge_a_field() {
        assert!(xoauth2("a\u{1}auth=Bearer x", &secret("t")).is_err());
        assert!(xoauth2("a", &secret("t\r\n")).is_err());
        assert!(plain("a\0b", &secret("p")).is_err());
        assert!(cram_md5("a\r\nb", &secret("p"), b"").is_err());
    }

    #[test]
    fn dovecots_challenge_is_understood() {
        let challenge = Challenge::decode(
            "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJtYWlsIn0=",
        )
        .expect("base64");
        assert_eq!(challenge.status.as_deref(), Some("401"));
        assert_eq!(challenge.schemes.as_deref(), Some("bearer"));
        assert_eq!(challenge.scope.as_deref(), Some("mail"));
    }

    #[test]
    fn an_odd_challenge_is_still_shown() {
        let challenge =
            Challenge::decode(&STANDARD.encode("{ \"status\" : 400 }\r\n")).expect("text");
        assert_eq!(challenge.status.as_deref(), Some("400"));
        assert_eq!(challenge.scope, None);
        assert_eq!(challenge.text, "{ \"status\" : 400 }");
        assert_eq!(Challenge::decode(""), None);
        assert_eq!(Challenge::decode("no base64!"), None);
    }

    #[test]
    fn credentials_do_not_show_their_secret() {
        let shown = format!("{:?}", Credentials::password("joe", secret("hunter2")));
        assert!(
            shown.contains("joe") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
