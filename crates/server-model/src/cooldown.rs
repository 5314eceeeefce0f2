//! How often credentials were wrong lately, so that nobody can guess on and on.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{NaiveDateTime, TimeDelta};

use crate::env::Env;
use crate::error::Result;
use crate::models::ir_config_parameter;

/// More logins and addresses than this at once are not kept apart.
const ROOM: usize = 10_000;
/// `base.login_cooldown_after` and `base.login_cooldown_duration` where the database has none or
/// something that is no number, as in Odoo.
const AFTER: u32 = 5;
const SECONDS: i64 = 60;

/// The failures of this process, by login and address.
#[derive(Default)]
pub struct Failures {
    hasher: RandomState,
    entries: Mutex<HashMap<u64, Failed>>,
}

/// The failures of one login from one address since the last success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    times: u32,
    last: NaiveDateTime,
}

/// When further attempts are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    after: u32,
    duration: TimeDelta,
}

impl Failures {
    /// What counts as the same source of attempts. Logins are not kept as they were typed: people
    /// type passwords into the wrong field.
    pub fn key(&self, login: &str, address: Option<IpAddr>) -> u64 {
        self.hasher.hash_one((login, address))
    }

    /// What failed so far, if anything.
    pub fn of(&self, key: u64) -> Option<Failed> {
        self.entries().get(&key).copied()
    }

    /// Counts one more failure.
    pub fn count(&self, key: u64, now: NaiveDateTime) {
        let mut entries = self.entries();
        if entries.len() >= ROOM && !entries.contains_key(&key) {
            let oldest = entries.iter().min_by_key(|(_, failed)| failed.last);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                entries.remove(&oldest);
            }
        }
        let failed = entries.entry(key).or_insert(Failed {
            times: 0,
            last: now,
        });
        failed.times = failed.times.saturating_add(1);
        failed.last = now;
    }

    /// Forgets the failures after a success.
    pub fn forget(&self, key: u64) {
        self.entries().remove(&key);
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Failed>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limits {
    /// The limits that the parameters set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(env: &Env) -> Result<Limits> {
        let after = ir_config_parameter::get(env, "base.login_cooldown_after").await?;
        let seconds = ir_config_parameter::get(env, "base.login_cooldown_duration").await?;
        Ok(Limits::parse(after.as_deref(), seconds.as_deref()))
    }

    fn parse(after: Option<&str>, seconds: Option<&str>) -> Limits {
        let number = |text: Option<&str>| text?.trim().parse::<i64>().ok();
        let after = number(after).map_or(AFTER, |n| u32::try_from(n.max(0)).unwrap_or(u32::MAX));
        let seconds = number(seconds).unwrap_or(SECONDS).max(0);
        Limits {
            after,
            duration: TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::MAX),
        }
    }

    /// Whether whoever failed like this has to wait. Nobody has to when `after` is 0.
    pub fn refuse(self, failed: Failed, now: NaiveDateTime) -> bool {
        self.after > 0 && failed.times >= self.after && now - failed.last < self.duration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> NaiveDateTime {
        NaiveDateTime::default() + TimeDelta::seconds(seconds)
    }

    fn failed(failures: &Failures, key: u64) -> Failed {
        failures.of(key).expect("something failed")
    }

    #[test]
    fn after_so_many_failures_one_has_to_wait() {
        let (failures, limits) = (Failures::default(), Limits::parse(Some("3"), Some("60")));
        let key = failures.key("admin", None);
        assert_eq!(failures.of(key), None);
        for second in 0..3 {
            failures.count(key, at(second));
            assert_eq!(
                limits.refuse(failed(&failures, key), at(second)),
                second == 2
            );
        }
        assert!(limits.refuse(failed(&failures, key), at(61)));
        assert!(!limits.refuse(failed(&failures, key), at(62)));
    }

    #[test]
    fn a_success_and_another_login_or_address_start_afresh() {
        let failures = Failures::default();
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let key = failures.key("admin", Some(here));
        failures.count(key, at(0));
        for other in [
            failures.key("admin", Some(there)),
            failures.key("admin", None),
            failures.key("demo", Some(here)),
        ] {
            assert_eq!(failures.of(other), None);
        }
        failures.forget(key);
        assert_eq!(failures.of(key), None);
    }

    #[test]
    fn zero_turns_it_off_and_what_is_no_number_is_the_default() {
        let mut failed = Failed {
            times: 1_000,
            last: at(0),
        };
        assert!(!Limits::parse(Some("0"), Some("60")).refuse(failed, at(0)));
        assert!(!Limits::parse(Some("5"), Some("0")).refuse(failed, at(0)));
        assert_eq!(
            Limits::parse(None, Some("soon")),
            Limits::parse(Some("5"), Some("60"))
        );
        failed.times = 4;
        assert!(!Limits::parse(None, None).refuse(failed, at(0)));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let failures = Failures::default();
        for key in 0..=ROOM as u64 {
            failures.count(key, at(key as i64));
        }
        assert_eq!(failures.of(0), None);
        assert!(failures.of(1).is_some());
        assert!(failures.of(ROOM as u64).is_some());
    }
}
