//! What is worked out before the transaction of a call, because it takes long.
//!
//! A key derivation takes tenths of a second. Inside a transaction that writes, all other writers
//! of a SQLite file would wait for it.

use futures_util::FutureExt;
use secrecy::{ExposeSecret, SecretString};

use crate::args::Args;
use crate::credentials;
use crate::database::Intent;
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::models::res_users;
use crate::orm::access;
use crate::registry::entry;
use crate::schema::{Answer, Operation};
use crate::value::{AnyValue, Id, Map};

/// The fields of `res.users` that take a new password.
const PASSWORDS: &[&str] = &["password", "new_password"];

/// What was worked out. Whoever needs something else works it out in place.
#[derive(Clone, Default)]
pub struct Prepared {
    /// Passwords and what is stored of them, each for one user.
    hashes: Vec<(SecretString, String)>,
    /// A password that the caller gave as its own, and whether it is.
    verdict: Option<(SecretString, bool)>,
}

impl Prepared {
    /// Takes out what is to be stored of this password.
    pub fn take_hash(&mut self, password: &SecretString) -> Option<String> {
        let place = self
            .hashes
            .iter()
            .position(|(given, _)| given.expose_secret() == password.expose_secret())?;
        Some(self.hashes.swap_remove(place).1)
    }

    /// Whether this is the caller's password, if that was found out.
    pub fn verdict(&self, password: &SecretString) -> Option<bool> {
        let (given, right) = self.verdict.as_ref()?;
        (given.expose_secret() == password.expose_secret()).then_some(*right)
    }
}

/// Prepares a call of `res.users` that sets passwords.
pub fn passwords<'a>(
    caller: &'a Caller,
    method: &'a str,
    ids: &'a [Id],
    args: &'a Args,
) -> Answer<'a, Prepared> {
    async move {
        let (operation, given) = match method {
            "create" => (Operation::Create, passwords_in(args.get("vals_list"))),
            "write" | "web_save" => {
                let given = passwords_in(args.get("vals"));
                let users = ids.len();
                (Operation::Write, vec![given; users].concat())
            }
            _ => return Ok(Prepared::default()),
        };
        // Who may not do it anyway shall not keep the processor busy.
        if given.is_empty() || !may(caller, operation).await? {
            return Ok(Prepared::default());
        }
        let mut prepared = Prepared::default();
        for password in given {
            let password = SecretString::from(password);
            let hash = credentials::hash(password.clone()).await?;
            prepared.hashes.push((password, hash));
        }
        Ok(prepared)
    }
    .boxed()
}

/// Prepares a call that brings the caller's own password as proof.
pub fn own_password<'a>(
    caller: &'a Caller,
    method: &'a str,
    _: &'a [Id],
    args: &'a Args,
) -> Answer<'a, Prepared> {
    async move {
        let given = match (method, args.get("vals")) {
            ("write" | "web_save", Some(AnyValue::Map(values))) => values.get("password"),
            _ => None,
        };
        let Some(given) = given.and_then(AnyValue::as_text) else {
            return Ok(Prepared::default());
        };
        let given = SecretString::from(given);
        let right = is_own(caller, &given).await?;
        Ok(Prepared {
            verdict: Some((given, right)),
            ..Prepared::default()
        })
    }
    .boxed()
}

async fn is_own(caller: &Caller, given: &SecretString) -> Result<bool> {
    let env = caller.begin(Intent::Read).await?;
    let stored = res_users::stored_password_of(&env, caller.uid()).await;
    env.end_reading();
    let stored = stored?.unwrap_or_default();
    match credentials::check(caller.backend(), caller.uid(), stored, given).await {
        Ok(_) => Ok(true),
        Err(Error::AccessDenied(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

async fn may(caller: &Caller, operation: Operation) -> Result<bool> {
    let env = caller.begin(Intent::Read).await?;
    let may = access::may(&env, entry("res.users")?, operation).await;
    env.end_reading();
    may
}

/// The new passwords in the values of one record or of several.
fn passwords_in(values: Option<&AnyValue>) -> Vec<String> {
    let of_one = |values: &Map| -> Vec<String> {
        PASSWORDS
            .iter()
            .filter_map(|name| values.get(*name))
            .filter(|value| !value.is_falsy())
            .map(AnyValue::to_python_text)
            .collect()
    };
    match values {
        Some(AnyValue::Map(values)) => of_one(values),
        Some(AnyValue::List(records)) => records
            .iter()
            .filter_map(AnyValue::as_map)
            .flat_map(of_one)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::map;

    #[test]
    fn each_hash_is_used_for_one_user_only() {
        let password = SecretString::from("secret");
        let mut prepared = Prepared {
            hashes: vec![
                (password.clone(), "a".into()),
                (password.clone(), "b".into()),
            ],
            verdict: None,
        };
        assert_eq!(prepared.take_hash(&SecretString::from("other")), None);
        let first = prepared.take_hash(&password);
        let second = prepared.take_hash(&password);
        assert!(first.is_some() && second.is_some() && first != second);
        assert_eq!(prepared.take_hash(&password), None);
    }

    #[test]
    fn the_passwords_of_one_record_and_of_several_are_found() {
        let one: AnyValue = map([("login", "a".into()), ("password", "x".into())]).into();
        let other: AnyValue = map([("new_password", 5.into()), ("password", false.into())]).into();
        assert_eq!(passwords_in(Some(&one)), ["x"]);
        let both = AnyValue::List(vec![one, other]);
        assert_eq!(passwords_in(Some(&both)), ["x", "5"]);
        assert!(passwords_in(None).is_empty());
    }
}
