//! Access tokens as Microsoft makes them: those for work accounts and for applications are JWTs that say whose they are,
//! those for personal accounts are opaque. Nobody but the double verifies them, so that the signature is a filling.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::random_token;

/// What a token says of itself.
pub struct Subject<'a> {
    /// The resource that it is for.
    pub resource: &'a str,
    /// The account; none for a token of the application itself.
    pub login: Option<&'a str>,
    /// Scopes of the account, or roles of the application.
    pub permissions: &'a [String],
    /// The tenant.
    pub tenant: &'a str,
    /// The application.
    pub client_id: &'a str,
    /// When it ends, in seconds since 1970.
    pub expires: i64,
}

/// A token of the given length, or somewhat longer where what it says needs that.
pub fn make(subject: &Subject<'_>, length: usize) -> String {
    let mut claims = json!({
        "aud": subject.resource.trim_end_matches('/'),
        "tid": subject.tenant,
        "appid": subject.client_id,
        "exp": subject.expires,
        "ver": "1.0",
    });
    match subject.login {
        Some(login) => {
            claims["upn"] = json!(login);
            claims["scp"] = json!(subject.permissions.join(" "));
        }
        None => claims["roles"] = json!(subject.permissions),
    }
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = encoded(&json!({"typ": "JWT", "alg": "RS256", "kid": "postern-double"}));
    let text = format!("{head}.{}.", encoded(&claims));
    let rest = length.saturating_sub(text.len()).max(86);
    text + random_token(rest).as_str()
}
