//! How the queue works, from system parameters, so that all replicas work alike.

use std::time::Duration;

use crate::env::Env;
use crate::error::Result;
use crate::orm::convert;

/// How the queue works. Each is read from the parameter named, in seconds unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `postern.outbox.grace_seconds`: how long after its last change a mail is left to whoever is
    /// still writing it. Beside an Odoo that sends some mails itself as soon as they are written, it is
    /// longer unless the parameter says otherwise.
    pub grace: Duration,
    /// `postern.outbox.lease_seconds`: how long a process may be silent before others take over
    /// what it had claimed.
    pub lease: Duration,
    /// `postern.outbox.retry_seconds`: the pause before the second attempt; it doubles with each.
    pub retry: Duration,
    /// `postern.outbox.give_up_hours`: how long after the first attempt a mail is given up.
    pub give_up: Duration,
    /// `mail.mail.queue.batch.size`: how many mails `process_email_queue` takes.
    pub batch: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            grace: Duration::from_secs(10),
            lease: Duration::from_secs(60),
            retry: Duration::from_secs(60),
            give_up: Duration::from_secs(48 * 3600),
            batch: 1000,
        }
    }
}

/// How long after its last change a mail of an Odoo's is left to that: so long it may take to send it.
const ODOOS_GRACE: Duration = Duration::from_secs(60);
/// The parameter by which Odoo's notifications always go through the queue.
const FORCE_SEND_LIMIT: &str = "mail.mail.force.send.limit";
/// The shortest lease: a claim is renewed at a third of it, and a database may be slow for a moment.
const SHORTEST_LEASE: u64 = 3;
/// No time is longer than this; some of them are added to a date.
const LONGEST: u64 = 365 * 24 * 3600;

impl Settings {
    /// Reads the parameters. What is no number is as if it were not set, and is logged.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(env: &Env) -> Result<Settings> {
        let sql = env.sql(
            "SELECT key, value FROM ir_config_parameter WHERE key IN \
             ('postern.outbox.grace_seconds', 'postern.outbox.lease_seconds', \
             'postern.outbox.retry_seconds', 'postern.outbox.give_up_hours', 'mail.mail.queue.batch.size', \
             'mail.mail.force.send.limit') ORDER BY key",
        );
        let mut settings = Settings::default();
        if env.backend().home().is_odoos() {
            settings.grace = ODOOS_GRACE;
        }
        // In the order of the keys, so that what is said of the grace itself counts last.
        for row in env.rows(sql).await? {
            let key: String = convert::get(&row, 0)?.unwrap_or_default();
            let value: String = convert::get(&row, 1)?.unwrap_or_default();
            if key != FORCE_SEND_LIMIT {
                settings.set(&key, &value);
            } else if value.trim() == "0" {
                settings.grace = Settings::default().grace;
            }
        }
        Ok(settings)
    }

    fn set(&mut self, key: &str, value: &str) {
        let Ok(number) = value.trim().parse::<u64>() else {
            tracing::warn!(
                key,
                "the system parameter is no whole number, so the default counts"
            );
            return;
        };
        let seconds = Duration::from_secs(number.min(LONGEST));
        match key {
            "postern.outbox.grace_seconds" => self.grace = seconds,
            "postern.outbox.lease_seconds" => {
                self.lease = seconds.max(Duration::from_secs(SHORTEST_LEASE));
            }
            "postern.outbox.retry_seconds" => self.retry = seconds,
            "postern.outbox.give_up_hours" => {
                self.give_up = Duration::from_secs(number.saturating_mul(3600).min(LONGEST));
            }
            _ if number > 0 => self.batch = i64::try_from(number).unwrap_or(i64::MAX),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_that_are_no_numbers_or_make_no_sense_leave_the_queue_working() {
        let mut settings = Settings::default();
        settings.set("postern.outbox.grace_seconds", "soon");
        settings.set("mail.mail.queue.batch.size", "0");
        assert_eq!(settings, Settings::default());
        settings.set("postern.outbox.lease_seconds", "0");
        settings.set("postern.outbox.give_up_hours", "99999999999999999999");
        settings.set("postern.outbox.give_up_hours", "18446744073709551615");
        settings.set("postern.outbox.grace_seconds", " 3 ");
        assert_eq!(settings.lease, Duration::from_secs(SHORTEST_LEASE));
        assert_eq!(settings.give_up, Duration::from_secs(LONGEST));
        assert_eq!(settings.grace, Duration::from_secs(3));
    }
}
