//! One keyed checksum for everything this crate signs, with no two inputs that look alike.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};

/// Length of a checksum in bytes.
pub(crate) const LEN: usize = 32;

/// HMAC-SHA256 over `domain` and `parts`.
///
/// The number of parts and each part's length go in before the text, so `["ab", "c"]` and
/// `["a", "bc"]` differ; `domain` keeps a checksum made for one purpose from serving another.
pub(crate) fn sign(key: &SecretString, domain: &str, parts: &[&str]) -> [u8; LEN] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(&(parts.len() as u64).to_be_bytes());
    for part in std::iter::once(&domain).chain(parts) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut out = [0; LEN];
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// Compares in a time that does not depend on where the two differ.
#[must_use]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_moved_between_parts_changes_the_checksum() {
        let key = SecretString::from("k");
        let all = [
            sign(&key, "d", &["ab", "c"]),
            sign(&key, "d", &["a", "bc"]),
            sign(&key, "d", &["abc"]),
            sign(&key, "d", &["abc", ""]),
            sign(&key, "dabc", &[]),
            sign(&key, "e", &["ab", "c"]),
            sign(&SecretString::from("l"), "d", &["ab", "c"]),
        ];
        for (i, left) in all.iter().enumerate() {
            for right in &all[i + 1..] {
                assert_ne!(left, right);
            }
        }
        assert_eq!(all[0], sign(&key, "d", &["ab", "c"]));
    }
}
