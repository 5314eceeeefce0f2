//! Calls of many kinds, again and again, and what becomes of the program meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::postern::resident_memory;
use crate::rpc_client::{Rpc, RpcError};

/// How many parts the run is told in.
pub const PARTS: u64 = 10;

/// What is called, and by whom.
#[derive(Clone, Debug)]
pub struct Soak {
    /// Where it listens, as in `http://127.0.0.1:8069`.
    pub base_url: String,
    /// The database's name.
    pub database: String,
    /// The administrator's id.
    pub uid: i64,
    /// The administrator's password.
    pub password: String,
    /// The number of its process.
    pub process: u32,
    /// How many calls are made.
    pub calls: u64,
    /// How many clients make them at once.
    pub clients: u64,
}

/// How things stood after a part of the calls.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Calls so far.
    pub calls: u64,
    /// Calls a second in this part.
    pub rate: f64,
    /// Calls in all that ended otherwise than they should.
    pub errors: u64,
    /// What the process holds in memory, in KiB.
    pub memory: u64,
}

impl Part {
    /// One line for a person.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{:>9} calls  {:>6.0}/s  {} errors  {:>6.1} MiB",
            self.calls,
            self.rate,
            self.errors,
            self.memory as f64 / 1024.0
        )
    }
}

/// By how much the memory grew from the second part on, in KiB; the first one fills the caches.
#[must_use]
pub fn growth(parts: &[Part]) -> u64 {
    let last = parts.last().map_or(0, |part| part.memory);
    let settled = parts.get(1).map_or(last, |part| part.memory);
    last.saturating_sub(settled)
}

impl Soak {
    /// Makes the calls, and tells after each part how things stand.
    ///
    /// # Errors
    /// The first failure that was not a wrong answer: when the program cannot be reached.
    pub async fn run(&self, mut told: impl FnMut(&Part)) -> Result<Vec<Part>, RpcError> {
        let rpc = Rpc::anonymous(&self.base_url, &self.database);
        let errors = Arc::new(AtomicU64::new(0));
        let mut parts = Vec::new();
        let mut done = 0;
        for number in 1..=PARTS {
            let until = self.calls * number / PARTS;
            let next = Arc::new(AtomicU64::new(done));
            let begin = Instant::now();
            let mut clients = JoinSet::new();
            for _ in 0..self.clients {
                let (soak, rpc) = (self.clone(), rpc.clone());
                let (next, errors) = (Arc::clone(&next), Arc::clone(&errors));
                clients.spawn(async move { soak.client(&rpc, &next, until, &errors).await });
            }
            while let Some(ended) = clients.join_next().await {
                if let Ok(outcome) = ended {
                    outcome?;
                }
            }
            let part = Part {
                calls: until,
                rate: (until - done) as f64 / begin.elapsed().as_secs_f64(),
                errors: errors.load(Ordering::Relaxed),
                memory: resident_memory(self.process),
            };
            told(&part);
            parts.push(part);
            done = until;
        }
        Ok(parts)
    }

    /// Makes calls until all of the part are made.
    async fn client(
        &self,
        rpc: &Rpc,
        next: &AtomicU64,
        until: u64,
        errors: &AtomicU64,
    ) -> Result<(), RpcError> {
        let mut made: Option<(&str, Value)> = None;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= until {
                break;
            }
            // What was made is deleted by the call after, so that the database stays as it is.
            let right = match made.take() {
                Some((model, id)) => self.call(rpc, model, "unlink", json!([[id]])).await? == true,
                None => self.one(rpc, number, &mut made).await?,
            };
            if !right && errors.fetch_add(1, Ordering::Relaxed) == 0 {
                eprintln!("call {number} was the first that ended otherwise than it should");
            }
        }
        if let Some((model, id)) = made {
            self.call(rpc, model, "unlink", json!([[id]])).await?;
        }
        Ok(())
    }

    /// Makes one call; whether it ended as it should.
    async fn one(
        &self,
        rpc: &Rpc,
        number: u64,
        made: &mut Option<(&'static str, Value)>,
    ) -> Result<bool, RpcError> {
        let me = json!([[self.uid]]);
        Ok(match number % 10 {
            0 => {
                let values =
                    json!([{"name": format!("Soak {number}"), "email": "soak@example.com"}]);
                let id = self.call(rpc, "res.partner", "create", values).await?;
                let right = id.is_i64();
                *made = right.then_some(("res.partner", id));
                right
            }
            1 => {
                let values = json!([{"name": "Soak", "smtp_host": "mail.example.com"}]);
                let id = self.call(rpc, "ir.mail_server", "create", values).await?;
                let right = id.is_i64();
                *made = right.then_some(("ir.mail_server", id));
                right
            }
            2 => {
                let domain = json!([[["active", "=", true]], ["name", "email"]]);
                self.call(rpc, "res.partner", "search_read", domain)
                    .await?
                    .is_array()
            }
            3 => self
                .call(rpc, "ir.mail_server", "fields_get", json!([]))
                .await?
                .is_object(),
            4 => self
                .call(rpc, "res.users", "context_get", json!([]))
                .await?
                .is_object(),
            5 => {
                let key = json!(["database.uuid"]);
                self.call(rpc, "ir.config_parameter", "get_param", key)
                    .await?
                    .is_string()
            }
            6 => {
                self.call(
                    rpc,
                    "res.users",
                    "has_group",
                    json!([[self.uid], "base.group_system"]),
                )
                .await?
                    == true
            }
            7 => self.refused(rpc).await?,
            8 => self
                .call(
                    rpc,
                    "res.partner",
                    "search_count",
                    json!([[["name", "ilike", "adm"]]]),
                )
                .await?
                .is_i64(),
            _ => self.call(rpc, "res.users", "read", me).await?[0]["id"] == self.uid,
        })
    }

    /// A call that has to be refused.
    async fn refused(&self, rpc: &Rpc) -> Result<bool, RpcError> {
        let answer = self
            .call(rpc, "res.partner", "no_such_method", json!([[]]))
            .await?;
        Ok(answer == "builtins.AttributeError")
    }

    /// The result, or the name of the refusal.
    async fn call(
        &self,
        rpc: &Rpc,
        model: &str,
        method: &str,
        args: Value,
    ) -> Result<Value, RpcError> {
        let who = (self.uid, self.password.as_str());
        match rpc.execute_kw(who, model, method, args, json!({})).await {
            Err(RpcError::Refused(refusal)) => Ok(Value::String(refusal.name)),
            other => other,
        }
    }
}
