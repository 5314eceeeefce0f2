//! The administrator's first password, where none was given.

use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::SecretString;

/// What the password is made of: no character that is taken for another (0 o, 1 i l).
const ALPHABET: [u8; 31] = *b"abcdefghjkmnpqrstuvwxyz23456789";
/// With 31 characters to choose from this makes 118 bits.
const LENGTH: usize = 24;

/// A new password, from the randomness of the operating system.
///
/// # Errors
/// If the operating system has none to give.
pub fn generate() -> Result<SecretString, std::io::Error> {
    let mut password = String::with_capacity(LENGTH);
    while password.len() < LENGTH {
        let mut bytes = [0_u8; LENGTH];
        OsRng
            .try_fill_bytes(&mut bytes)
            .map_err(std::io::Error::other)?;
        // Five bits number 32 places; the one without a character is drawn again, so that each
        // character is equally likely.
        let letters = bytes
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
            .map(|letter| char::from(*letter));
        password.extend(letters.take(LENGTH - password.len()));
    }
    Ok(password.into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use secrecy::ExposeSecret;

    use super::{ALPHABET, LENGTH, generate};

    #[test]
    fn a_generated_password_is_long_unambiguous_and_new_each_time() {
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let password = generate().expect("the system has randomness");
            let password = password.expose_secret().to_owned();
            assert_eq!(password.len(), LENGTH);
            assert!(password.bytes().all(|letter| ALPHABET.contains(&letter)));
            assert!(seen.insert(password));
        }
    }
}
