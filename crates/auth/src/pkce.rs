//! Proof Key for Code Exchange (RFC 7636), method S256, without a table of pending sign-ins.
//!
//! The verifier is computed from a key of ours and the token in the `state`. Whoever sees the
//! authorize URL has the token but not the key, so the verifier stays secret; when the provider
//! sends the browser back with the same `state`, we compute it again.

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

use crate::mac;

/// The only challenge method in use, as it is called on the wire (RFC 7636, section 4.3).
pub const METHOD: &str = "S256";

/// The verifier that belongs to `csrf_token`: 43 characters of the unreserved set, which carry
/// 256 bits (RFC 7636, section 4.1).
pub fn verifier(key: &SecretString, csrf_token: &str) -> SecretString {
    SecretString::from(BASE64_URL_SAFE_NO_PAD.encode(mac::sign(key, "pkce/1", &[csrf_token])))
}

/// The S256 challenge of a verifier (RFC 7636, section 4.2), to be sent with the authorize URL.
pub fn challenge(verifier: &SecretString) -> String {
    let hash = digest::digest(&digest::SHA256, verifier.expose_secret().as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_agrees_with_rfc_7636_appendix_b() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(
            challenge(&verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn the_verifier_follows_the_token_and_the_key_and_has_the_prescribed_form() {
        let key = SecretString::from("key");
        let one = verifier(&key, "token");
        assert_eq!(one.expose_secret(), verifier(&key, "token").expose_secret());
        assert_ne!(one.expose_secret(), verifier(&key, "tokem").expose_secret());
        let other = SecretString::from("other");
        assert_ne!(
            one.expose_secret(),
            verifier(&other, "token").expose_secret()
        );
        assert_eq!(one.expose_secret().len(), 43);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        assert!(one.expose_secret().chars().all(allowed));
    }
}
