//! What an access token says about itself, for whoever looks for a fault. Microsoft's are JWTs (RFC 7519); Google's,
//! and those of personal Microsoft accounts, cannot be read by anybody but their maker.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Longest text of a claim that is kept, in characters.
const MAX_TEXT: usize = 200;

/// The claims that say what a token is good for. Nothing is verified: that is up to the mail server, and nobody may
/// be let in by these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The service that the token is for (`aud`), as an address or an id.
    pub audience: Option<String>,
    /// The permissions that a user gave (`scp`).
    pub scopes: Vec<String>,
    /// The permissions that an administrator gave to the app itself (`roles`).
    pub roles: Vec<String>,
    /// Who signed in (`upn`, else `preferred_username` or `unique_name`); none in a token of the app itself.
    pub user: Option<String>,
    /// The tenant (`tid`).
    pub tenant: Option<String>,
}

impl Claims {
    /// Reads a token; `None` if it is not a JWT that can be read.
    pub fn read(token: &SecretString) -> Option<Claims> {
        let mut parts = token.expose_secret().split('.');
        let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let value: Value = serde_json::from_slice(&payload).ok()?;
        let object = value.as_object()?;
        let text = |name: &str| object.get(name).and_then(first_text).map(bounded);
        Some(Claims {
            audience: text("aud"),
            scopes: object.get("scp").map(words).unwrap_or_default(),
            roles: object.get("roles").map(words).unwrap_or_default(),
            user: text("upn")
                .or_else(|| text("preferred_username"))
                .or_else(|| text("unique_name")),
            tenant: text("tid"),
        })
    }
}

/// A text, or the first one of a list: `aud` may be either.
fn first_text(value: &Value) -> Option<&str> {
    match value {
        Value::Array(list) => list.first()?.as_str(),
        other => other.as_str(),
    }
}

/// The words of a text, or the texts of a list.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_whitespace().map(bounded).collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(bounded).collect(),
        _ => Vec::new(),
    }
}

/// Foreign text on one line, in bounds.
fn bounded(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_TEXT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> SecretString {
        let payload = URL_SAFE_NO_PAD.encode(payload);
        SecretString::from(format!("e30.{payload}.c2ln"))
    }

    #[test]
    fn microsofts_token_says_what_it_is_good_for() {
        let claims = Claims::read(&token(
            r#"{"aud": "https://outlook.office.com", "scp": "SMTP.Send IMAP.AccessAsUser.All",
                "upn": "joe@example.com", "tid": "t-1", "exp": 1}"#,
        ))
        .expect("a token");
        assert_eq!(
            claims.audience.as_deref(),
            Some("https://outlook.office.com")
        );
        assert_eq!(claims.scopes, ["SMTP.Send", "IMAP.AccessAsUser.All"]);
        assert!(claims.roles.is_empty());
        assert_eq!(claims.user.as_deref(), Some("joe@example.com"));
        assert_eq!(claims.tenant.as_deref(), Some("t-1"));
    }

    #[test]
    fn the_token_of_an_app_has_roles_and_no_user() {
        let claims = Claims::read(&token(
            r#"{"aud": ["https://outlook.office365.com"], "roles": ["SMTP.SendAsApp"]}"#,
        ))
        .expect("a token");
        assert_eq!(
            claims.audience.as_deref(),
            Some("https://outlook.office365.com")
        );
        assert_eq!(
            (claims.roles, claims.user),
            (vec!["SMTP.SendAsApp".to_owned()], None)
        );
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        for text in ["", "ya29.a0Af", "EwB4A8l6", "a.b.c", "e30.W10.x"] {
            assert_eq!(Claims::read(&SecretString::from(text)), None, "{text}");
        }
    }
}
