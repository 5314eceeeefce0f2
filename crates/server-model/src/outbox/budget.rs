//! How much a server takes: connections at once, messages a minute, recipients a day. What is used of it stands
//! in the database, so that all replicas together keep within it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, TimeDelta};

use super::retry;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::orm::convert;
use crate::retry::in_work;
use crate::value::Id;

/// How much a server takes; 0 for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Connections at once.
    pub connections: u32,
    /// Messages in any minute.
    pub messages_per_minute: u32,
    /// Recipients in any day.
    pub recipients_per_day: u32,
}

impl Budget {
    /// What a kind of server takes unless somebody says otherwise. Microsoft 365: 3 connections, 30
    /// messages a minute, 10,000 recipients a day (learn.microsoft.com, "SMTP submission
    /// improvements" and "Exchange Online limits").
    pub fn of_kind(authentication: &str) -> Budget {
        match authentication {
            "outlook" => Budget {
                connections: 3,
                messages_per_minute: 30,
                recipients_per_day: 10_000,
            },
            _ => Budget::default(),
        }
    }

    /// Whether messages are counted at all.
    pub fn counts(&self) -> bool {
        self.messages_per_minute > 0 || self.recipients_per_day > 0
    }
}

/// The budgets that somebody set, and the servers that asked to be left alone.
#[derive(Clone, Debug, Default)]
pub struct Budgets {
    set: HashMap<Id, Budget>,
    paused: HashMap<Id, NaiveDateTime>,
}

impl Budgets {
    /// Reads them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(env: &Env) -> Result<Budgets> {
        let mut budgets = Budgets::default();
        let sql = env.sql(
            "SELECT mail_server_id, connections, messages_per_minute, recipients_per_day FROM postern_mail_budget",
        );
        for row in env.rows(sql).await? {
            let number = |at| -> Result<u32> {
                let number = convert::get::<i32>(&row, at)?.unwrap_or_default();
                Ok(u32::try_from(number).unwrap_or_default())
            };
            let budget = Budget {
                connections: number(1)?,
                messages_per_minute: number(2)?,
                recipients_per_day: number(3)?,
            };
            let server = convert::get(&row, 0)?.unwrap_or_default();
            budgets.set.insert(server, budget);
        }
        let mut sql = env.sql(
            "SELECT mail_server_id, paused_until FROM postern_mail_budget_use WHERE paused_until > ",
        );
        sql.bind(env.now());
        for row in env.rows(sql).await? {
            let server = convert::get(&row, 0)?.unwrap_or_default();
            if let Some(until) = convert::get(&row, 1)? {
                budgets.paused.insert(server, until);
            }
        }
        Ok(budgets)
    }

    /// The budget of a server that signs in in this way.
    pub fn of(&self, server: Id, authentication: &str) -> Budget {
        self.set
            .get(&server)
            .copied()
            .unwrap_or_else(|| Budget::of_kind(authentication))
    }

    /// Until when the server wants to be left alone.
    pub fn paused_until(&self, server: Id) -> Option<NaiveDateTime> {
        self.paused.get(&server).copied()
    }
}

/// How many of the wanted messages may go now, and when the next one may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// So many of them, from the first on.
    pub granted: usize,
    /// When there is room again; for those that were not granted.
    pub next: Option<NaiveDateTime>,
}

/// Takes room for messages with so many recipients each, in this order.
///
/// # Errors
/// When the database fails; then nothing is taken.
pub async fn take(caller: &Caller, server: Id, budget: Budget, wanted: &[u32]) -> Result<Grant> {
    in_work!(caller, |env| {
        let mut sql = env.sql("INSERT INTO postern_mail_budget_use (mail_server_id) VALUES (");
        sql.bind(server).push(") ON CONFLICT DO NOTHING");
        env.execute(sql).await?;
        let mut sql = env.sql(
            "SELECT messages, recipients FROM postern_mail_budget_use WHERE mail_server_id = ",
        );
        sql.bind(server);
        dialect::for_update(&mut sql);
        let row = env.row(sql).await?;
        let counts = |at| -> Result<Counts> {
            let text = match &row {
                Some(row) => convert::get::<String>(row, at)?,
                None => None,
            };
            Ok(Counts::read(&text.unwrap_or_default()))
        };
        let (mut messages, mut recipients) = (counts(0)?, counts(1)?);
        let now = env.now().and_utc().timestamp();
        let grant = spend(&mut messages, &mut recipients, budget, wanted, now);
        let mut sql = env.sql("UPDATE postern_mail_budget_use SET messages = ");
        sql.bind(messages.written()).push(", recipients = ");
        sql.bind(recipients.written());
        sql.push(" WHERE mail_server_id = ").bind(server);
        env.execute(sql).await?;
        Ok(grant)
    })
}

/// What is used of a budget just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// Messages in this minute.
    pub messages: i64,
    /// Recipients in this day.
    pub recipients: i64,
}

/// What is used of the budgets of all servers that have one with limits.
///
/// # Errors
/// When the database fails.
pub async fn in_use(env: &Env) -> Result<HashMap<Id, InUse>> {
    let sql = env.sql("SELECT mail_server_id, messages, recipients FROM postern_mail_budget_use");
    let now = env.now().and_utc().timestamp();
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let count = |at, until| -> Result<i64> {
            let text = convert::get::<String>(&row, at)?.unwrap_or_default();
            let mut counts = Counts::read(&text);
            counts.forget_until(until);
            Ok(i64::try_from(counts.total()).unwrap_or(i64::MAX))
        };
        let used = InUse {
            messages: count(1, now - MINUTE - 1)?,
            recipients: count(2, now - DAY - HOUR)?,
        };
        found.insert(convert::get(&row, 0)?.unwrap_or_default(), used);
    }
    Ok(found)
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn spend(
    messages: &mut Counts,
    recipients: &mut Counts,
    budget: Budget,
    wanted: &[u32],
    now: i64,
) -> Grant {
    // A second or hour that has begun counts in full, so no window ever holds more than its limit.
    messages.forget_until(now - MINUTE - 1);
    recipients.forget_until(now - DAY - HOUR);
    let mut granted = 0;
    for people in wanted {
        let full_minute = budget.messages_per_minute > 0
            && messages.total() >= u64::from(budget.messages_per_minute);
        // A mail to more people than a day takes goes alone, or it would never go.
        let full_day = budget.recipients_per_day > 0
            && recipients.total() > 0
            && recipients.total() + u64::from(*people) > u64::from(budget.recipients_per_day);
        if full_minute || full_day {
            let free_again = if full_day {
                recipients.first().map(|first| first + DAY + HOUR)
            } else {
                messages.first().map(|first| first + MINUTE + 1)
            };
            let next = free_again.map(|second| second.max(now + 1));
            return Grant {
                granted,
                next: next
                    .and_then(|second| DateTime::from_timestamp(second, 0))
                    .map(|moment| moment.naive_utc()),
            };
        }
        if budget.messages_per_minute > 0 {
            messages.add(now, 1);
        }
        if budget.recipients_per_day > 0 {
            recipients.add(now - now.rem_euclid(HOUR), *people);
        }
        granted += 1;
    }
    Grant {
        granted,
        next: None,
    }
}

/// Numbers by the second in which their time began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts(BTreeMap<i64, u32>);

impl Counts {
    /// Reads what stands in the column; what cannot be read counts for nothing.
    fn read(text: &str) -> Counts {
        Counts(serde_json::from_str(text).unwrap_or_default())
    }

    fn written(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_else(|_| "{}".into())
    }

    fn forget_until(&mut self, second: i64) {
        self.0 = self.0.split_off(&(second + 1));
    }

    fn total(&self) -> u64 {
        self.0.values().map(|number| u64::from(*number)).sum()
    }

    fn first(&self) -> Option<i64> {
        self.0.keys().next().copied()
    }

    fn add(&mut self, second: i64, number: u32) {
        let count = self.0.entry(second).or_default();
        *count = count.saturating_add(number);
    }
}

/// The first pause that a throttling server gets; it doubles with each until it takes a mail again.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// Writes down that the server asked to be left alone, and gives until when it is. Answers that
/// come in while it is left alone already make that no longer.
///
/// # Errors
/// When the database fails.
pub async fn pause(caller: &Caller, server: Id) -> Result<NaiveDateTime> {
    in_work!(caller, |env| {
        let mut sql = env.sql("INSERT INTO postern_mail_budget_use (mail_server_id) VALUES (");
        sql.bind(server).push(") ON CONFLICT DO NOTHING");
        env.execute(sql).await?;
        let mut sql = env.sql(
            "SELECT paused_until, pauses FROM postern_mail_budget_use WHERE mail_server_id = ",
        );
        sql.bind(server);
        dialect::for_update(&mut sql);
        let (until, pauses): (Option<NaiveDateTime>, i32) = match env.row(sql).await? {
            Some(row) => (
                convert::get(&row, 0)?,
                convert::get(&row, 1)?.unwrap_or_default(),
            ),
            None => (None, 0),
        };
        if let Some(until) = until.filter(|until| *until > env.now()) {
            return Ok(until);
        }
        let pause = FIRST_PAUSE
            .saturating_mul(1 << pauses.clamp(0, 10))
            .min(LONGEST_PAUSE);
        let until = env.now() + retry::jittered(pause);
        let mut sql = env.sql("UPDATE postern_mail_budget_use SET paused_until = ");
        sql.bind(until);
        sql.push(", pauses = ").bind(pauses.saturating_add(1));
        sql.push(" WHERE mail_server_id = ").bind(server);
        env.execute(sql).await?;
        Ok(until)
    })
}

/// Writes down that the server takes mails again.
///
/// # Errors
/// When the database fails.
pub async fn resume(caller: &Caller, server: Id) -> Result<()> {
    in_work!(caller, |env| {
        let mut sql = env.sql(
            "UPDATE postern_mail_budget_use SET paused_until = NULL, pauses = 0 WHERE pauses > 0 AND mail_server_id = ",
        );
        sql.bind(server);
        env.execute(sql).await.map(|_| ())
    })
}

/// Takes one of the server's connections for this process; `None` when all are taken.
///
/// # Errors
/// When the database fails.
pub async fn take_slot(
    caller: &Caller,
    server: Id,
    connections: u32,
    lease: Duration,
) -> Result<Option<i32>> {
    let lease = TimeDelta::from_std(lease).unwrap_or(TimeDelta::minutes(1));
    in_work!(caller, |env| {
        let mut sql =
            env.sql("SELECT number FROM postern_mail_budget_slot WHERE mail_server_id = ");
        sql.bind(server).push(" AND held_until >= ").bind(env.now());
        let mut taken = Vec::new();
        for row in env.rows(sql).await? {
            taken.push(convert::get::<i32>(&row, 0)?.unwrap_or_default());
        }
        let last = i32::try_from(connections).unwrap_or(i32::MAX);
        for number in (1..=last).filter(|number| !taken.contains(number)) {
            let mut sql = env.sql(
                "INSERT INTO postern_mail_budget_slot (mail_server_id, number, held_by, held_until) VALUES (",
            );
            sql.bind(server).push(", ").bind(number).push(", ");
            sql.bind(env.backend().instance()).push(", ");
            sql.bind(env.now() + lease);
            sql.push(") ON CONFLICT (mail_server_id, number) DO UPDATE SET held_by = excluded.held_by, held_until = excluded.held_until WHERE postern_mail_budget_slot.held_until < ");
            sql.bind(env.now());
            // Another process may have taken it in this instant; then the next number is tried.
            if env.execute(sql).await?.rows_affected() > 0 {
                return Ok(Some(number));
            }
        }
        Ok(None)
    })
}

/// Gives a connection back.
///
/// # Errors
/// When the database fails; then it comes back when its lease ends.
pub async fn give_back_slot(caller: &Caller, server: Id, number: i32) -> Result<()> {
    in_work!(caller, |env| {
        let mut sql = env.sql("DELETE FROM postern_mail_budget_slot WHERE mail_server_id = ");
        sql.bind(server).push(" AND number = ").bind(number);
        sql.push(" AND held_by = ").bind(env.backend().instance());
        env.execute(sql).await.map(|_| ())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(messages_per_minute: u32) -> Budget {
        Budget {
            messages_per_minute,
            ..Budget::default()
        }
    }

    #[test]
    fn no_minute_holds_more_messages_than_the_budget_whenever_they_come() {
        let (mut messages, mut recipients) = (Counts::default(), Counts::default());
        let mut sent = Vec::new();
        // Ten seconds of eagerness, a pause, then eagerness again.
        for now in (0..10).chain(45..200) {
            let grant = spend(&mut messages, &mut recipients, minute(30), &[1; 7], now);
            sent.extend(std::iter::repeat_n(now, grant.granted));
        }
        for second in 0..200 {
            let in_window = sent
                .iter()
                .filter(|at| (second..=second + 60).contains(*at))
                .count();
            assert!(in_window <= 30, "{in_window} from second {second} on");
        }
        assert!(sent.len() >= 90, "{}", sent.len());
    }

    #[test]
    fn whoever_must_wait_is_told_until_when() {
        let (mut messages, mut recipients) = (Counts::default(), Counts::default());
        let grant = spend(&mut messages, &mut recipients, minute(2), &[1; 3], 1000);
        assert_eq!(grant.granted, 2);
        let next = grant.next.expect("a moment").and_utc().timestamp();
        let grant = spend(&mut messages, &mut recipients, minute(2), &[1], next);
        assert_eq!(grant.granted, 1);
    }

    #[test]
    fn a_day_of_recipients_is_counted_and_one_huge_mail_still_goes() {
        let day = Budget {
            recipients_per_day: 100,
            ..Budget::default()
        };
        let (mut messages, mut recipients) = (Counts::default(), Counts::default());
        let grant = spend(&mut messages, &mut recipients, day, &[60, 40, 1], 0);
        assert_eq!(grant.granted, 2);
        let (mut messages, mut recipients) = (Counts::default(), Counts::default());
        let grant = spend(&mut messages, &mut recipients, day, &[500, 1], 0);
        assert_eq!(grant.granted, 1);
        let later = DAY + HOUR + 1;
        assert_eq!(
            spend(&mut messages, &mut recipients, day, &[1], later).granted,
            1
        );
    }

    #[test]
    fn what_stands_in_the_column_is_read_back_and_nonsense_counts_for_nothing() {
        let mut counts = Counts::default();
        counts.add(5, 3);
        assert_eq!(Counts::read(&counts.written()), counts);
        assert_eq!(Counts::read("nonsense"), Counts::default());
    }
}
