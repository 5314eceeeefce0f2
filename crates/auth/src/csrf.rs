//! Tokens that prove a request comes from a page we made: for forms and for the OAuth `state`.
//!
//! A token is bound to its purpose, to the parts the caller names (model, record, user, session…)
//! and to its time, and needs no storage. Odoo's own token is made of model and record alone, so
//! it is the same for every administrator and for ever; this one is not.

use secrecy::SecretString;

use crate::{hex, mac};

const DOMAIN: &str = "csrf/1";
/// The time of issue as 8 bytes big-endian, then the checksum.
const TOKEN_BYTES: usize = 8 + mac::LEN;

/// How far in the future a genuine token may lie, in seconds: clocks of two servers differ.
const CLOCK_SKEW: i64 = 60;

/// Why a token does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsrfError {
    /// Not made by us, or made for another purpose, record, user or session.
    #[error("the security token does not belong to this request; open the page again")]
    Forged,
    /// Ours, but older than the caller accepts.
    #[error("the security token is too old; open the page again")]
    Stale,
}

/// Makes a token of 80 lower-case hexadecimal digits for `purpose` and `parts`, dated `now_unix`.
///
/// The same arguments give the same token. A caller whose readers expect a token that stays the
/// same between two readings (Odoo's clients do, of the sign-in address) dates it with [`steady`].
pub fn issue(key: &SecretString, purpose: &str, parts: &[&str], now_unix: i64) -> String {
    let checksum = checksum(key, purpose, parts, now_unix);
    let mut token = hex::encode(&now_unix.to_be_bytes());
    token.push_str(&hex::encode(&checksum));
    token
}

/// Whether `token` was issued with the same key, purpose and parts, no longer than
/// `max_age_secs` ago.
///
/// # Errors
/// [`CsrfError::Forged`] before [`CsrfError::Stale`]: only a genuine token is told its age.
pub fn check(
    key: &SecretString,
    purpose: &str,
    parts: &[&str],
    token: &str,
    now_unix: i64,
    max_age_secs: i64,
) -> Result<(), CsrfError> {
    let bytes = hex::decode(token)
        .filter(|bytes| bytes.len() == TOKEN_BYTES)
        .ok_or(CsrfError::Forged)?;
    let (time, given) = bytes.split_first_chunk::<8>().ok_or(CsrfError::Forged)?;
    let issued = i64::from_be_bytes(*time);
    if !mac::equal(&checksum(key, purpose, parts, issued), given) {
        return Err(CsrfError::Forged);
    }
    let age = now_unix.saturating_sub(issued);
    if (-CLOCK_SKEW..=max_age_secs).contains(&age) {
        Ok(())
    } else {
        Err(CsrfError::Stale)
    }
}

/// `now_unix` rounded down to a multiple of `step_secs`, so that tokens issued within one step
/// are equal. A token may then look up to one step older than it is: add the step to the age
/// allowed at the check. A step below one second changes nothing.
pub fn steady(now_unix: i64, step_secs: i64) -> i64 {
    if step_secs < 1 {
        return now_unix;
    }
    now_unix - now_unix.rem_euclid(step_secs)
}

fn checksum(key: &SecretString, purpose: &str, parts: &[&str], issued: i64) -> [u8; mac::LEN] {
    let time = issued.to_string();
    let mut all = vec![purpose, time.as_str()];
    all.extend(parts);
    mac::sign(key, DOMAIN, &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const HOUR: i64 = 3600;
    const PARTS: [&str; 3] = ["ir.mail_server", "7", "user 2"];

    fn key() -> SecretString {
        SecretString::from("a key of the database")
    }

    fn token() -> String {
        issue(&key(), "oauth-state", &PARTS, NOW)
    }

    fn check_at(token: &str, now: i64) -> Result<(), CsrfError> {
        check(&key(), "oauth-state", &PARTS, token, now, HOUR)
    }

    #[test]
    fn a_token_is_lower_case_hex_and_opens_until_its_age_is_over() {
        let token = token();
        assert_eq!(token.len(), 80);
        assert!(
            token
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        );
        assert_eq!(check_at(&token, NOW), Ok(()));
        assert_eq!(check_at(&token, NOW + HOUR), Ok(()));
        assert_eq!(check_at(&token, NOW + HOUR + 1), Err(CsrfError::Stale));
    }

    #[test]
    fn a_token_from_the_future_is_accepted_only_within_the_skew_of_clocks() {
        assert_eq!(check_at(&token(), NOW - CLOCK_SKEW), Ok(()));
        assert_eq!(
            check_at(&token(), NOW - CLOCK_SKEW - 1),
            Err(CsrfError::Stale)
        );
        let far = issue(&key(), "oauth-state", &PARTS, i64::MAX);
        assert_eq!(check_at(&far, NOW), Err(CsrfError::Stale));
        let past = issue(&key(), "oauth-state", &PARTS, i64::MIN);
        assert_eq!(check_at(&past, NOW), Err(CsrfError::Stale));
    }

    #[test]
    fn another_record_user_model_purpose_or_key_is_forged() {
        let token = token();
        let others: [&[&str]; 5] = [
            &["ir.mail_server", "8", "user 2"],
            &["ir.mail_server", "7", "user 3"],
            &["fetchmail.server", "7", "user 2"],
            &["ir.mail_server", "7"],
            &["ir.mail_server7", "", "user 2"],
        ];
        for parts in others {
            let answer = check(&key(), "oauth-state", parts, &token, NOW, HOUR);
            assert_eq!(answer, Err(CsrfError::Forged), "{parts:?}");
        }
        let purpose = check(&key(), "form", &PARTS, &token, NOW, HOUR);
        assert_eq!(purpose, Err(CsrfError::Forged));
        let other_key = SecretString::from("another key");
        let answer = check(&other_key, "oauth-state", &PARTS, &token, NOW, HOUR);
        assert_eq!(answer, Err(CsrfError::Forged));
    }

    #[test]
    fn changing_any_digit_forges_the_token_even_the_digits_of_its_time() {
        let token = token();
        for at in 0..token.len() {
            let digit = if &token[at..=at] == "0" { "1" } else { "0" };
            let mut changed = token.clone();
            changed.replace_range(at..=at, digit);
            assert_eq!(
                check_at(&changed, NOW),
                Err(CsrfError::Forged),
                "digit {at}"
            );
        }
    }

    #[test]
    fn text_that_is_no_token_is_forged() {
        let token = token();
        let wrong = [
            String::new(),
            "bad".to_owned(),
            "é".repeat(40),
            token.to_uppercase(),
            token[..78].to_owned(),
            format!("{token}00"),
            format!(" {token}"),
        ];
        for text in wrong {
            assert_eq!(check_at(&text, NOW), Err(CsrfError::Forged), "{text:?}");
        }
    }

    #[test]
    fn two_readings_within_one_step_give_the_same_token() {
        let at = |now| issue(&key(), "oauth-state", &PARTS, steady(now, 600));
        assert_eq!(at(NOW), at(NOW + 599));
        assert_ne!(at(NOW), at(NOW + 600));
        assert_eq!(steady(-1, 600), -600);
        assert_eq!(steady(NOW + 5, 0), NOW + 5);
    }
}
