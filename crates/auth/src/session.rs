//! Session ids that cannot be guessed, what of them is stored, and what ends a session.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};

use crate::{hex, mac};

const ID_BYTES: usize = 32;
/// Characters of 32 bytes in base64 without padding.
const ID_CHARS: usize = 43;

/// The value of the cookie `session_id`: 256 random bits as 43 characters of the URL-safe base64
/// alphabet. Whoever has it is logged in, so `Debug` does not show it.
#[derive(Clone)]
pub struct SessionId(SecretString);

impl SessionId {
    /// A new id from the system's generator of random numbers.
    pub fn generate() -> SessionId {
        let bytes: [u8; ID_BYTES] = rand::rng().random();
        SessionId(SecretString::from(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a cookie's value; `None` for anything this crate would not have generated, so that
    /// no lookup is made for a value chosen by a stranger.
    pub fn from_cookie(value: &str) -> Option<SessionId> {
        if value.len() != ID_CHARS {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        (bytes.len() == ID_BYTES).then(|| SessionId(SecretString::from(value)))
    }

    /// The id itself, for the `Set-Cookie` header and nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the database keeps: SHA-256 as 64 hexadecimal digits. A copy of the table then opens
    /// no session. No salt is needed, as the id has 256 bits and cannot be tried out.
    pub fn storage_hash(&self) -> String {
        hex::encode(digest::digest(&digest::SHA256, self.expose().as_bytes()).as_ref())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// Binds a session to what must not change while it lasts: `fields` are the user's login, stored
/// password hash, active flag and the like, always in the same order. 64 hexadecimal digits.
///
/// Store it at login; compare with [`session_token_matches`] at each request. When a password is
/// changed or a user is archived, all of that user's sessions end by themselves.
pub fn session_token(key: &SecretString, session_id: &SessionId, fields: &[&str]) -> String {
    hex::encode(&checksum(key, session_id, fields))
}

/// Whether `stored`, a [`session_token`], was made of the same key, session and fields.
pub fn session_token_matches(
    key: &SecretString,
    session_id: &SessionId,
    fields: &[&str],
    stored: &str,
) -> bool {
    hex::decode(stored)
        .is_some_and(|stored| mac::equal(&stored, &checksum(key, session_id, fields)))
}

fn checksum(key: &SecretString, session_id: &SessionId, fields: &[&str]) -> [u8; mac::LEN] {
    let mut parts = vec![session_id.expose()];
    parts.extend(fields);
    mac::sign(key, "session/1", &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_pass_through_a_cookie() {
        let (one, two) = (SessionId::generate(), SessionId::generate());
        assert_ne!(one.expose(), two.expose());
        assert_ne!(one.storage_hash(), two.storage_hash());
        let back = SessionId::from_cookie(one.expose()).expect("our own id is readable");
        assert_eq!(back.storage_hash(), one.storage_hash());
    }

    #[test]
    fn foreign_cookie_values_are_no_session_ids() {
        let id = SessionId::generate();
        let wrong = [
            String::new(),
            id.expose()[1..].to_owned(),
            format!("{}A", id.expose()),
            format!("{}=", &id.expose()[1..]),
            "é".repeat(43),
            "+".repeat(43),
            // 43 characters, but the last one has bits that 32 bytes do not have.
            "_".repeat(43),
        ];
        for value in wrong {
            assert!(SessionId::from_cookie(&value).is_none(), "{value:?}");
        }
    }

    #[test]
    fn the_id_is_not_shown_by_debug_and_its_hash_is_sha_256() {
        let id = SessionId::from_cookie(&"A".repeat(43)).expect("32 zero bytes");
        assert_eq!(format!("{id:?}"), "SessionId(…)");
        // Computed with Python: hashlib.sha256(b"A" * 43).hexdigest()
        assert_eq!(
            id.storage_hash(),
            "0f007385b6f9d4b7eeb2748605afe1a984a0a3bfa3f014d09e2a784ce9e5cd1a"
        );
    }

    #[test]
    fn a_changed_password_login_or_active_flag_ends_the_session() {
        let key = SecretString::from("key");
        let id = SessionId::generate();
        let token = session_token(&key, &id, &["admin", "$pbkdf2…", "true"]);
        let holds = |fields: &[&str]| session_token_matches(&key, &id, fields, &token);
        assert!(holds(&["admin", "$pbkdf2…", "true"]));
        assert!(!holds(&["admin", "$pbkdf2-other", "true"]));
        assert!(!holds(&["admin", "$pbkdf2…", "false"]));
        assert!(!holds(&["root", "$pbkdf2…", "true"]));
        assert!(!holds(&["admin", "$pbkdf2…true"]));
        let other = SessionId::generate();
        let fields = ["admin", "$pbkdf2…", "true"];
        assert!(!session_token_matches(&key, &other, &fields, &token));
        assert!(!session_token_matches(
            &SecretString::from("k2"),
            &id,
            &fields,
            &token
        ));
        assert!(!session_token_matches(&key, &id, &fields, ""));
        assert!(!session_token_matches(
            &key,
            &id,
            &fields,
            &token.to_uppercase()
        ));
    }
}
