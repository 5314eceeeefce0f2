//! Passwords found right a moment ago, so that a client which sends one with every call need not
//! wait for the key derivation each time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rand::Rng;
use secrecy::{ExposeSecret, SecretString};

use crate::{hex, mac};

/// More users than this at once are not remembered.
const ROOM: usize = 10_000;

/// What is remembered: for each user the stored hash and a keyed checksum of the password that was
/// found right for it. The key lives in this memory only, so a copy of the memory of one process
/// is of no use against another, and an entry is worth nothing once the stored hash is another.
pub struct Remembered {
    key: SecretString,
    entries: Mutex<HashMap<i32, (String, [u8; mac::LEN])>>,
}

impl Default for Remembered {
    fn default() -> Remembered {
        let key: [u8; 32] = rand::rng().random();
        Remembered {
            key: SecretString::from(hex::encode(&key)),
            entries: Mutex::default(),
        }
    }
}

impl Remembered {
    /// Whether `password` was found right for the user while `stored` was the stored hash.
    pub fn knows(&self, uid: i32, stored: &str, password: &SecretString) -> bool {
        let checksum = self.checksum(password);
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .get(&uid)
            .is_some_and(|(hash, known)| hash == stored && mac::equal(known, &checksum))
    }

    /// Remembers that `password` was found right for `stored`.
    pub fn remember(&self, uid: i32, stored: String, password: &SecretString) {
        let checksum = self.checksum(password);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ROOM {
            entries.clear();
        }
        entries.insert(uid, (stored, checksum));
    }

    fn checksum(&self, password: &SecretString) -> [u8; mac::LEN] {
        mac::sign(&self.key, "password/1", &[password.expose_secret()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_for_the_same_hash_and_user_is_known() {
        let memory = Remembered::default();
        let (right, wrong) = (SecretString::from("right"), SecretString::from("wrong"));
        assert!(!memory.knows(2, "hash", &right));
        memory.remember(2, "hash".into(), &right);
        assert!(memory.knows(2, "hash", &right));
        assert!(!memory.knows(2, "hash", &wrong));
        assert!(!memory.knows(2, "another hash", &right));
        assert!(!memory.knows(3, "hash", &right));
    }
}
