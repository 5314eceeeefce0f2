//! What a token endpoint answers when it agrees.

use std::time::Duration;

use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Lifetime taken for an access token whose answer names none (RFC 6749, section 5.1 only
/// recommends it): ten minutes. Shorter than any provider's, so the token is refreshed in time,
/// and long enough not to refresh at each use, which Microsoft stops as a loop (AADSTS50196).
pub(super) const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);
/// Longest lifetime believed: a year. The moment of expiry is kept in a 32-bit column.
const MAX_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// The tokens of one answer.
#[derive(Debug, Clone)]
pub struct TokenSet {
    /// What SMTP and IMAP are logged in with.
    pub access_token: SecretString,
    /// What the next access token is asked with. `None` means the provider sent none: on a
    /// refresh, the one in use stays valid and must be kept.
    pub refresh_token: Option<SecretString>,
    /// How long the access token lives from the moment the request was sent; at least a second,
    /// at most a year, ten minutes if the provider does not say.
    pub expires_in: Duration,
    /// When the access token expires, in Unix seconds: the moment the request was sent plus
    /// [`expires_in`](Self::expires_in), so rather too early than too late.
    pub expires_at_unix: i64,
    /// The scopes granted, separated by blanks, if the provider names them. May differ from what
    /// was asked.
    pub scope: Option<String>,
}

impl TokenSet {
    /// The tokens of an answer to a request sent at `asked_unix`; `None` if the access token is
    /// empty, expired on arrival or of a kind other than bearer (RFC 6750), so unusable for mail.
    pub(super) fn from_reply(reply: &TokenReply, asked_unix: i64) -> Option<TokenSet> {
        let expires_in = reply
            .expires_in()
            .unwrap_or(DEFAULT_LIFETIME)
            .min(MAX_LIFETIME);
        let usable = !reply.access_token.secret().is_empty()
            && !expires_in.is_zero()
            && reply.token_type == BasicTokenType::Bearer;
        usable.then(|| TokenSet {
            access_token: reply.access_token.secret().as_str().into(),
            refresh_token: reply
                .refresh_token()
                .map(|token| token.secret().as_str().into()),
            expires_in,
            expires_at_unix: asked_unix.saturating_add_unsigned(expires_in.as_secs()),
            scope: reply.scopes().map(|scopes| {
                scopes
                    .iter()
                    .map(|scope| scope.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            }),
        })
    }
}

/// The answer's fields, read more tolerantly than the `oauth2` crate does by itself: a missing
/// `token_type` means bearer, and `expires_in` may be text.
#[derive(Debug, Deserialize, Serialize)]
#[serde(from = "RawReply")]
pub(super) struct TokenReply {
    access_token: AccessToken,
    token_type: BasicTokenType,
    /// Seconds.
    expires_in: Option<u64>,
    refresh_token: Option<RefreshToken>,
    scope: Option<Vec<Scope>>,
}

impl TokenResponse for TokenReply {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }
    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }
    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }
    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }
    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scope.as_ref()
    }
}

/// The answer as it is on the wire.
#[derive(Deserialize)]
struct RawReply {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Value>,
    refresh_token: Option<String>,
    scope: Option<String>,
}

impl From<RawReply> for TokenReply {
    fn from(raw: RawReply) -> TokenReply {
        TokenReply {
            access_token: AccessToken::new(raw.access_token),
            token_type: match raw.token_type {
                Some(kind) if !kind.eq_ignore_ascii_case("bearer") => {
                    BasicTokenType::Extension(kind)
                }
                _ => BasicTokenType::Bearer,
            },
            expires_in: raw.expires_in.as_ref().and_then(seconds),
            refresh_token: raw
                .refresh_token
                .filter(|token| !token.is_empty())
                .map(RefreshToken::new),
            scope: raw.scope.map(|scope| {
                scope
                    .split_whitespace()
                    .map(|one| Scope::new(one.to_owned()))
                    .collect()
            }),
        }
    }
}

/// Whole seconds out of `3600`, `3599.0` or `"3600"`; nothing below zero counts as zero. Anything
/// else is as if it were not there.
fn seconds(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|n| n.is_finite())?,
        _ => return None,
    };
    // The cast saturates at both ends.
    Some(number as u64)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(json: &str) -> Option<TokenSet> {
        let reply = serde_json::from_str(json).expect("an answer");
        TokenSet::from_reply(&reply, 1_800_000_000)
    }

    #[test]
    fn a_full_answer_is_read() {
        let set = read(
            r#"{"access_token": "at", "refresh_token": "rt", "expires_in": 3599,
                "ext_expires_in": 3599, "token_type": "Bearer", "scope": "a  b"}"#,
        )
        .expect("usable");
        assert_eq!(set.access_token.expose_secret(), "at");
        assert_eq!(set.refresh_token.expect("there").expose_secret(), "rt");
        assert_eq!(set.expires_in, Duration::from_secs(3599));
        assert_eq!(set.expires_at_unix, 1_800_003_599);
        assert_eq!(set.scope.as_deref(), Some("a b"));
    }

    #[test]
    fn lifetimes_are_read_from_numbers_and_text_and_bounded() {
        let year = 365 * 24 * 3600;
        let cases = [
            ("3600", 3600),
            ("3599.9", 3599),
            ("\"3600\"", 3600),
            ("null", 600),
            ("\"soon\"", 600),
            ("\"inf\"", 600),
            ("[1]", 600),
            ("1e300", year),
            ("99999999999", year),
        ];
        for (text, seconds) in cases {
            let json = format!(r#"{{"access_token": "at", "expires_in": {text}}}"#);
            let set = read(&json).expect("usable");
            assert_eq!(set.expires_in.as_secs(), seconds, "{text}");
        }
        let set = read(r#"{"access_token": "at"}"#).expect("usable");
        assert_eq!(set.expires_in, DEFAULT_LIFETIME);
        assert!(set.refresh_token.is_none() && set.scope.is_none());
    }

    #[test]
    fn a_token_that_mail_cannot_use_is_none() {
        for json in [
            r#"{"access_token": ""}"#,
            r#"{"access_token": "at", "expires_in": 0}"#,
            r#"{"access_token": "at", "expires_in": -5}"#,
            r#"{"access_token": "at", "expires_in": "0"}"#,
            r#"{"access_token": "at", "token_type": "pop"}"#,
        ] {
            assert!(read(json).is_none(), "{json}");
        }
        assert!(read(r#"{"access_token": "at", "token_type": "bEaReR"}"#).is_some());
    }

    #[test]
    fn an_empty_refresh_token_is_none_and_tokens_are_not_shown() {
        let set = read(r#"{"access_token": "at", "refresh_token": ""}"#).expect("usable");
        assert!(set.refresh_token.is_none());
        let json = r#"{"access_token": "hunter2", "refresh_token": "hunter3"}"#;
        assert!(!format!("{:?}", read(json)).contains("hunter"));
    }
}
