//! Hashes and verifies passwords and API keys in the form the `res_users` table of Odoo holds.
//!
//! The form is passlib's modular crypt format `$pbkdf2-sha512$rounds$salt$digest`: PBKDF2 (RFC
//! 8018, section 5.2) with HMAC-SHA512, salt and digest in base64 without padding whose last two
//! characters are `.` and `/`. A database of Odoo can be taken over with its users' passwords.
//!
//! The functions take a good part of a second of processor time each (API keys: milliseconds) and
//! block; in an async program, run them in a bounded `spawn_blocking`.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};

use crate::hex;

/// PBKDF2 rounds of a new password hash; Odoo 18 uses the same.
pub const PASSWORD_ROUNDS: u32 = 600_000;
/// PBKDF2 rounds of an API key's hash. Few, because a key has 160 random bits and cannot be
/// guessed, while it is checked at every call.
pub const API_KEY_ROUNDS: u32 = 6_000;
/// Number of characters at the start of an API key that are stored readable, to find its row.
pub const API_KEY_INDEX_LEN: usize = 8;

const API_KEY_BYTES: usize = 20;
const SALT_BYTES: usize = 16;
/// passlib refuses longer salts too.
const MAX_SALT_BYTES: usize = 1024;
const DIGEST_BYTES: usize = 64;
/// A stored hash with more rounds than this is taken for damaged: verifying it would occupy a
/// processor for many seconds.
const MAX_ROUNDS: u32 = 10_000_000;
const PREFIX: &str = "$pbkdf2-sha512$";

const ALPHABET: Alphabet =
    match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./") {
        Ok(alphabet) => alphabet,
        Err(_) => panic!("the alphabet has 64 different printable characters"),
    };
const PASSLIB: GeneralPurpose = GeneralPurpose::new(&ALPHABET, NO_PAD);

/// What a comparison of a password with a stored hash found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Match,
    /// The password is right, but the hash is weaker than those made today: store
    /// [`hash`] of the password anew.
    MatchNeedsRehash,
    /// The password is wrong, or what is stored is not a hash.
    Mismatch,
}

/// The hash to store for a password, with a new random salt.
pub fn hash(plain: &SecretString) -> String {
    hash_with(plain, PASSWORD_ROUNDS)
}

/// Compares a password with what is stored.
///
/// An empty password never matches. A stored value that is not a hash of this format, a password
/// stored in plain text among them, never matches either, and takes as long as a wrong password.
pub fn verify(plain: &SecretString, stored: &str) -> Verdict {
    verify_with(plain, stored, PASSWORD_ROUNDS)
}

/// Takes as long as [`verify`] and has no result: to be called for an unknown login, so that the
/// time of an answer does not tell which logins exist.
pub fn decoy(plain: &SecretString) {
    spend(plain, PASSWORD_ROUNDS);
}

/// A new API key: 40 lower-case hexadecimal characters, to be shown once.
pub fn generate_api_key() -> SecretString {
    let bytes: [u8; API_KEY_BYTES] = rand::rng().random();
    SecretString::from(hex::encode(&bytes))
}

/// The readable start of an API key by which its row is found, or `None` for a text too short to
/// be a key (or not cut at a character there).
pub fn api_key_index(key: &SecretString) -> Option<&str> {
    key.expose_secret().get(..API_KEY_INDEX_LEN)
}

/// The hash to store for an API key.
pub fn hash_api_key(key: &SecretString) -> String {
    hash_with(key, API_KEY_ROUNDS)
}

/// Whether `stored` is the hash of this API key.
pub fn verify_api_key(key: &SecretString, stored: &str) -> bool {
    verify_with(key, stored, API_KEY_ROUNDS) != Verdict::Mismatch
}

fn hash_with(plain: &SecretString, rounds: u32) -> String {
    let salt: [u8; SALT_BYTES] = rand::rng().random();
    format_hash(&salt, rounds, &derive(plain, &salt, rounds))
}

fn format_hash(salt: &[u8], rounds: u32, digest: &[u8]) -> String {
    format!(
        "{PREFIX}{rounds}${}${}",
        PASSLIB.encode(salt),
        PASSLIB.encode(digest)
    )
}

fn verify_with(plain: &SecretString, stored: &str, wanted_rounds: u32) -> Verdict {
    let Some(stored) = Stored::parse(stored) else {
        spend(plain, wanted_rounds);
        return Verdict::Mismatch;
    };
    let digest = derive(plain, &stored.salt, stored.rounds);
    let equal = aws_lc_rs::constant_time::verify_slices_are_equal(&digest, &stored.digest).is_ok();
    if !equal || plain.expose_secret().is_empty() {
        Verdict::Mismatch
    } else if stored.rounds < wanted_rounds || stored.salt.len() < SALT_BYTES {
        Verdict::MatchNeedsRehash
    } else {
        Verdict::Match
    }
}

fn derive(plain: &SecretString, salt: &[u8], rounds: u32) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    let rounds = NonZeroU32::new(rounds).unwrap_or(NonZeroU32::MIN);
    let secret = plain.expose_secret().as_bytes();
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA512,
        rounds,
        salt,
        secret,
        &mut digest,
    );
    digest
}

fn spend(plain: &SecretString, rounds: u32) {
    // The result must look needed, or an optimiser may drop the work.
    std::hint::black_box(derive(plain, &[0; SALT_BYTES], rounds));
}

/// A stored hash, taken apart.
struct Stored {
    rounds: u32,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Stored {
    fn parse(text: &str) -> Option<Stored> {
        let mut parts = text.strip_prefix(PREFIX)?.split('$');
        let (rounds, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let stored = Stored {
            rounds: parse_rounds(rounds)?,
            salt: PASSLIB.decode(salt).ok()?,
            digest: PASSLIB.decode(digest).ok()?,
        };
        let sane = stored.salt.len() <= MAX_SALT_BYTES && stored.digest.len() == DIGEST_BYTES;
        sane.then_some(stored)
    }
}

/// A decimal number as passlib writes it: digits only, no leading zero.
fn parse_rounds(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let rounds = text.parse().ok().filter(|_| plain)?;
    (1..=MAX_ROUNDS).contains(&rounds).then_some(rounds)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Made with passlib 1.7.4: `CryptContext(["pbkdf2_sha512"], pbkdf2_sha512__rounds=600000)`.
    const BY_PASSLIB: &str = "$pbkdf2-sha512$600000$Veq9dy5lzLlXCqF0rhXifA$fbT5of9L3GgE..OGlqe8Pa71S25ickaYauUiI2EK7FwhcpHBFbReGvIkXW5an562FwSsuLfdHDS80usBhLi2Vw";
    /// The same with 6000 rounds.
    const KEY_BY_PASSLIB: &str = "$pbkdf2-sha512$6000$z7mXklJKSQkhZMw559ybkw$6k7eAetN19T5Hw9Z5gMIHLtcZHlgmdV/aJ6evG/7Au3.wfLXo40vexT/WJIyYFSbqqJktz9SPeyCeaBKSzLndw";
    /// Computed with Python's `hashlib.pbkdf2_hmac` over the salt F0…FF.
    const UNICODE: &str = "$pbkdf2-sha512$6000$8PHy8/T19vf4.fr7/P3./w$T9QQbE8w4lRkgKlTgYlL.lPdQv0SjW85jwGOLp7J4Fdz9GyEm3xHrP6b77DPPWRXgJUWzwj9t9.9r5qXPqvNRA";
    const EMPTY: &str = "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$f3Ttdh1SsBtygvpzHqkH2YIfvdS.JnUxSiq7pPo7QDkSrdhje/hPRPtBitUZXvWkUHPdz0qc8jNU62IIpMBXxA";

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn a_hash_made_by_passlib_matches_its_password_alone() {
        let right = secret("correct horse battery staple");
        assert_eq!(verify(&right, BY_PASSLIB), Verdict::Match);
        let wrong = secret("correct horse battery stapler");
        assert_eq!(verify(&wrong, BY_PASSLIB), Verdict::Mismatch);
    }

    #[test]
    fn an_api_key_hashed_by_passlib_matches() {
        let key = secret("0123456789abcdef0123456789abcdef01234567");
        assert!(verify_api_key(&key, KEY_BY_PASSLIB));
        assert!(!verify_api_key(&secret("1123456789abcdef"), KEY_BY_PASSLIB));
        assert_eq!(api_key_index(&key), Some("01234567"));
        assert_eq!(api_key_index(&secret("short")), None);
        assert_eq!(api_key_index(&secret("1234567é")), None);
    }

    #[test]
    fn passwords_are_their_utf_8_bytes() {
        let password = secret("pässwörd 密码");
        assert_eq!(verify_with(&password, UNICODE, 6_000), Verdict::Match);
        let decomposed = secret("pa\u{308}sswo\u{308}rd 密码");
        assert_eq!(verify_with(&decomposed, UNICODE, 6_000), Verdict::Mismatch);
    }

    #[test]
    fn the_written_form_is_the_one_passlib_writes() {
        let salt: Vec<u8> = (0xf0..=0xff).collect();
        let digest = derive(&secret("pässwörd 密码"), &salt, 6_000);
        assert_eq!(format_hash(&salt, 6_000, &digest), UNICODE);
        let text = hash_with(&secret("x"), 10);
        let lengths: Vec<usize> = text.split('$').map(str::len).collect();
        assert_eq!(lengths, [0, "pbkdf2-sha512".len(), 2, 22, 86]);
    }

    #[test]
    fn a_new_hash_matches_and_two_hashes_of_one_password_differ() {
        let password = secret("admin");
        let (one, two) = (hash(&password), hash(&password));
        assert!(one.starts_with("$pbkdf2-sha512$600000$"));
        assert_ne!(one, two);
        assert_eq!(verify(&password, &one), Verdict::Match);
        assert_eq!(verify(&password, &two), Verdict::Match);
    }

    #[test]
    fn a_hash_with_fewer_rounds_matches_and_asks_for_a_new_one() {
        let password = secret("odoo");
        let weak = hash_with(&password, 100);
        assert_eq!(
            verify_with(&password, &weak, 101),
            Verdict::MatchNeedsRehash
        );
        assert_eq!(verify_with(&password, &weak, 100), Verdict::Match);
        assert_eq!(verify_with(&password, &weak, 99), Verdict::Match);
        assert_eq!(verify_with(&secret("Odoo"), &weak, 101), Verdict::Mismatch);
    }

    #[test]
    fn an_empty_password_never_matches() {
        // The hash is the right one for the empty text; it is refused nevertheless.
        assert_eq!(
            derive(&secret(""), b"0123456789abcdef", 1000)[..2],
            [0x7f, 0x74]
        );
        assert_eq!(verify_with(&secret(""), EMPTY, 1000), Verdict::Mismatch);
    }

    #[test]
    fn what_is_not_a_hash_never_matches_even_itself() {
        let good = hash_with(&secret("admin"), 10);
        let (head, digest) = good.rsplit_once('$').expect("four parts");
        let wrong = [
            String::new(),
            "admin".to_owned(),
            "$pbkdf2-sha512$".to_owned(),
            good.replace("sha512", "sha256"),
            good.replace("$10$", "$0$"),
            good.replace("$10$", "$010$"),
            good.replace("$10$", "$+10$"),
            good.replace("$10$", "$-10$"),
            good.replace("$10$", "$4294967295$"),
            good.replace("$10$", "$$"),
            format!("{good}$"),
            format!("{good}A"),
            format!("{good}=="),
            format!("{head}${}", &digest[..40]),
            format!("{head}$"),
            head.to_owned(),
            format!(" {good}"),
        ];
        for stored in wrong {
            for plain in ["admin", stored.as_str()] {
                let verdict = verify_with(&secret(plain), &stored, 10);
                assert_eq!(verdict, Verdict::Mismatch, "{stored:?}");
            }
        }
        assert_eq!(verify_with(&secret("admin"), &good, 10), Verdict::Match);
    }

    #[test]
    fn an_unknown_login_and_a_damaged_hash_cost_as_much_as_a_wrong_password() {
        // The best of three runs each: other tests run at the same time.
        let time = |work: &dyn Fn()| {
            let run = |_| {
                let start = Instant::now();
                work();
                start.elapsed()
            };
            (0..3).map(run).min().unwrap_or_default()
        };
        let password = secret("guess");
        let wrong = time(&|| assert_eq!(verify(&password, BY_PASSLIB), Verdict::Mismatch));
        let decoy = time(&|| decoy(&password));
        let damaged = time(&|| assert_eq!(verify(&password, "plain"), Verdict::Mismatch));
        assert!(
            wrong > Duration::from_millis(20),
            "{wrong:?} is too little work"
        );
        for other in [decoy, damaged] {
            let ratio = other.as_secs_f64() / wrong.as_secs_f64();
            assert!((0.4..2.5).contains(&ratio), "{other:?} against {wrong:?}");
        }
    }

    #[test]
    fn api_keys_are_forty_hex_characters_and_differ() {
        let (one, two) = (generate_api_key(), generate_api_key());
        assert_eq!(one.expose_secret().len(), 40);
        assert!(
            one.expose_secret()
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        );
        assert_ne!(one.expose_secret(), two.expose_secret());
        let stored = hash_api_key(&one);
        assert!(stored.starts_with("$pbkdf2-sha512$6000$"));
        assert!(verify_api_key(&one, &stored));
        assert!(!verify_api_key(&two, &stored));
    }
}
