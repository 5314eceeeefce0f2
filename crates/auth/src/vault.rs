//! Secrets at rest: sealed with XChaCha20-Poly1305 under a key that is kept outside the database.
//!
//! A sealed value is text, `postern:v1:<key id>:<base64 of nonce and ciphertext>`. The place it is
//! kept in (table, column and record) is authenticated with it, so that a value copied to another
//! record or column does not open there. The nonce is random: with 192 bits, no two are the same
//! however many values one key seals (draft-irtf-cfrg-xchacha, section 3.1).
//!
//! A [`Keyring`] holds the key that seals and older ones that only open, which is how a key is
//! replaced.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::SecretString;
use words::{Text, say};

/// What every sealed value begins with.
const PREFIX: &str = "postern:v1:";
const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;
/// Long enough for a date or a name.
const LONGEST_ID: usize = 32;

/// Where a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The record's id.
    pub record: i64,
}

impl Place<'_> {
    /// What is authenticated. No name of a table or column has a slash in it.
    fn associated_data(&self) -> String {
        format!("{}/{}/{}", self.table, self.column, self.record)
    }
}

impl Place<'_> {
    /// Where it is, in words.
    pub fn text(&self) -> Text {
        let (table, column) = (self.table, self.column);
        say!("vault-place", table, column, record = %self.record)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{} of record {}",
            self.table, self.column, self.record
        )
    }
}

struct Key {
    id: String,
    cipher: XChaCha20Poly1305,
}

/// The keys: the first one seals, all of them open.
#[derive(Clone)]
pub struct Keyring {
    keys: Arc<[Key]>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(|key| &key.id))
            .finish()
    }
}

/// Why keys cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is none.
    #[error("it holds no key; `postern vault key` makes one")]
    Empty,
    /// A line is no key. The line itself is not told: it may be a key with a slip in it.
    #[error(
        "line {0} is no key; one is written `<id>:<44 characters of base64>`, as `postern vault key` prints it"
    )]
    Line(usize),
    /// Two keys have one id.
    #[error("line {0} has the id of an earlier key; each key needs an id of its own")]
    Twice(usize),
}

/// Why a sealed value does not open.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum OpenError {
    /// The key is not there.
    UnknownKey(String),
    /// The key is there, and the value is not what was sealed for this place.
    Forged,
}

impl OpenError {
    /// What is wrong, in words.
    pub fn text(&self) -> Text {
        match self {
            OpenError::UnknownKey(id) => say!("vault-unknown-key", ?id),
            OpenError::Forged => say!("vault-forged"),
        }
    }
}

impl Keyring {
    /// Reads keys, one a line: `<id>:<base64 of 32 bytes>`, the one that seals first. Empty lines and
    /// lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// Which line is no key.
    pub fn read(text: &str) -> Result<Keyring, KeyringError> {
        let mut keys: Vec<Key> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = Key::read(line).ok_or(KeyringError::Line(number))?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(KeyringError::Twice(number));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(KeyringError::Empty);
        }
        Ok(Keyring { keys: keys.into() })
    }

    /// The id of the key that seals.
    pub fn sealing_key(&self) -> &str {
        self.keys.first().map_or("", |key| &key.id)
    }

    /// Whether there is a key of this id.
    pub fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    /// Seals a value for its place. `None` when it is larger than the cipher takes (256 GiB).
    #[must_use]
    pub fn seal(&self, place: &Place<'_>, secret: &str) -> Option<String> {
        let key = self.keys.first()?;
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let associated = place.associated_data();
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: associated.as_bytes(),
        };
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        let bytes = [&nonce[..], &sealed].concat();
        Some(format!("{PREFIX}{}:{}", key.id, STANDARD.encode(bytes)))
    }

    /// Opens what was sealed for a place.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn open(&self, place: &Place<'_>, sealed: &str) -> Result<SecretString, OpenError> {
        let (id, content) = parts(sealed).ok_or(OpenError::Forged)?;
        let key = self
            .keys
            .iter()
            .find(|key| key.id == id)
            .ok_or_else(|| OpenError::UnknownKey(id.to_owned()))?;
        let bytes = STANDARD.decode(content).map_err(|_| OpenError::Forged)?;
        let (nonce, sealed) = bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(OpenError::Forged)?;
        let associated = place.associated_data();
        let payload = Payload {
            msg: sealed,
            aad: associated.as_bytes(),
        };
        let opened = key
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| OpenError::Forged)?;
        let text = String::from_utf8(opened).map_err(|_| OpenError::Forged)?;
        Ok(SecretString::from(text))
    }
}

impl Key {
    fn read(line: &str) -> Option<Key> {
        let (id, content) = line.split_once(':')?;
        let bytes = STANDARD.decode(content.trim()).ok()?;
        let bytes: [u8; KEY_BYTES] = bytes.try_into().ok()?;
        is_id(id).then(|| Key {
            id: id.to_owned(),
            cipher: XChaCha20Poly1305::new(&bytes.into()),
        })
    }
}

fn is_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(allowed)
}

fn parts(sealed: &str) -> Option<(&str, &str)> {
    let (id, content) = sealed.strip_prefix(PREFIX)?.split_once(':')?;
    is_id(id).then_some((id, content))
}

/// The id of the key that a value is sealed with; `None` for a value that is not sealed.
pub fn key_of(value: &str) -> Option<&str> {
    parts(value).map(|(id, _)| id)
}

/// A new key, as a line for [`Keyring::read`].
pub fn new_key(id: &str) -> Option<SecretString> {
    let bytes: [u8; KEY_BYTES] = rand::random();
    is_id(id).then(|| SecretString::from(format!("{id}:{}", STANDARD.encode(bytes))))
}

#[cfg(test)]
mod tests;
