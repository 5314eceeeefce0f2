//! A record of each model that belongs to none of the visitors, for their calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::ConnectionTrait;
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::value::{AnyValue, Map};

use crate::support::{Client, dict, list};

/// What is put into the values of new records so that no two are called the same.
static NUMBER: AtomicI64 = AtomicI64::new(0);

/// Models whose records are the program's own and cannot be made.
const GIVEN: &[&str] = &[
    "ir.model",
    "ir.model.access",
    "ir.model.fields",
    "ir.module.module",
    "ir.rule",
];
/// Models without records.
const EMPTY: &[&str] = &["mail.thread", "microsoft.outlook.mixin", "postern.mailbox"];

/// A model and the record that calls are made on.
pub struct Subject {
    system: Caller,
    model: &'static str,
    server: AnyValue,
    message: AnyValue,
}

impl Subject {
    /// A subject of the model; the program itself makes its records.
    pub async fn of(client: &Client, model: &'static str) -> Subject {
        let system = Caller::superuser(Arc::clone(client.caller().backend()));
        let search = |model: &'static str| {
            let system = system.clone();
            async move {
                let args = vec![list([]), 0.into(), 1.into(), "id".into()];
                let found = call_kw(&system, model, "search", args, Map::new()).await;
                match found.expect("the program searches everything") {
                    AnyValue::List(mut ids) => ids.pop().unwrap_or_default(),
                    other => panic!("search gave {other:?}"),
                }
            }
        };
        let mut subject = Subject {
            server: search("ir.mail_server").await,
            message: search("mail.message").await,
            system,
            model,
        };
        // What its records are on.
        match model {
            "postern.handoff" => subject.server = subject.made("fetchmail.server").await,
            "postern.mail.budget" => subject.server = subject.made("ir.mail_server").await,
            "postern.handoff.mail" => {
                let mut handoff = subject.like("postern.handoff");
                handoff.server = subject.made("fetchmail.server").await;
                subject.server = handoff.call("create", vec![handoff.values().into()]).await;
            }
            _ => {}
        }
        subject
    }

    /// The server that its records are on, or any.
    pub fn server(&self) -> AnyValue {
        self.server.clone()
    }

    /// A record; `None` for a model without any.
    pub async fn record(&self) -> Option<AnyValue> {
        if EMPTY.contains(&self.model) {
            return None;
        }
        if GIVEN.contains(&self.model) {
            let args = vec![list([]), 0.into(), 1.into()];
            let found = self.call("search", args).await;
            return found.as_list().and_then(|ids| ids.first()).cloned();
        }
        if self.model == "res.users.apikeys.description" {
            // Its create() is no method of the model; what is read back is the form with its id.
            let args = vec![list([]), self.values().into(), dict([]).into()];
            return match self.call("web_save", args).await {
                AnyValue::Records(records) => records.rows.first().map(|row| row[0].clone()),
                other => panic!("web_save gave {other:?}"),
            };
        }
        if self.model == "postern.quarantine" {
            // Nobody makes these but the gateway.
            let connection = self.system.backend().database().connection();
            let insert = "INSERT INTO postern_quarantine (reason, attempts) VALUES ('x', 1)";
            connection
                .execute_unprepared(insert)
                .await
                .expect("the database takes a row");
            let latest = vec![list([]), 0.into(), 1.into(), "id desc".into()];
            let found = self.call("search", latest).await;
            return found.as_list().and_then(|ids| ids.first()).cloned();
        }
        let mut values = self.values();
        // What visitors make is their own; this is on a record that only administrators reach.
        if matches!(self.model, "ir.attachment" | "mail.message") {
            let name = if self.model == "mail.message" {
                "model"
            } else {
                "res_model"
            };
            values.extend(dict([
                (name, "ir.mail_server".into()),
                ("res_id", self.server.clone()),
            ]));
        }
        // Each mailbox has one place for its mails and each server one budget, so that each record
        // needs one of its own.
        if self.model == "postern.handoff" {
            let mailbox = self.made("fetchmail.server").await;
            values.extend(dict([("fetchmail_server_id", mailbox)]));
        }
        if self.model == "postern.mail.budget" {
            let server = self.made("ir.mail_server").await;
            values.extend(dict([("mail_server_id", server)]));
        }
        Some(self.call("create", vec![values.into()]).await)
    }

    /// The same for another model.
    fn like(&self, model: &'static str) -> Subject {
        Subject {
            system: self.system.clone(),
            model,
            server: self.server.clone(),
            message: self.message.clone(),
        }
    }

    async fn made(&self, model: &'static str) -> AnyValue {
        let other = self.like(model);
        other.call("create", vec![other.values().into()]).await
    }

    /// True when the record is still there.
    pub async fn is_there(&self, record: &AnyValue) -> bool {
        let found = self.call("exists", vec![list([record.clone()])]).await;
        found.as_list().is_some_and(|ids| !ids.is_empty())
    }

    async fn call(&self, method: &str, args: Vec<AnyValue>) -> AnyValue {
        call_kw(&self.system, self.model, method, args, Map::new())
            .await
            .unwrap_or_else(|error| panic!("{}.{method} by the program: {error}", self.model))
    }

    /// A name that no record has yet.
    pub fn name(&self) -> String {
        format!("subject{}", NUMBER.fetch_add(1, Ordering::Relaxed))
    }

    /// Values for a new record.
    pub fn values(&self) -> Map {
        let name: AnyValue = self.name().into();
        let (host, port) = ("127.0.0.1".into(), 1.into());
        match self.model {
            "fetchmail.server" => dict([
                ("name", name),
                ("server", host),
                ("port", port),
                ("server_type", "imap".into()),
            ]),
            "ir.actions.server" | "ir.cron" => dict([("name", name), ("model_id", 1.into())]),
            "ir.config_parameter" => dict([("key", name), ("value", "x".into())]),
            "ir.mail_server" => dict([("name", name), ("smtp_host", host), ("smtp_port", port)]),
            "ir.model.data" => dict([
                ("module", "test".into()),
                ("name", name),
                ("model", "res.partner".into()),
                ("res_id", 3.into()),
            ]),
            "mail.alias" => dict([("alias_name", name), ("alias_model_id", 1.into())]),
            "mail.blacklist" | "mail.gateway.allowed" => dict([(
                "email",
                format!("{}@example.com", name.to_python_text()).into(),
            )]),
            "mail.followers" => dict([
                ("res_model", "ir.mail_server".into()),
                ("res_id", self.server.clone()),
                ("partner_id", 3.into()),
            ]),
            // A mail without a document nobody may delete.
            "mail.mail" => dict([
                ("subject", name),
                ("model", "res.partner".into()),
                ("res_id", 3.into()),
            ]),
            "mail.message" => dict([("body", name)]),
            "mail.notification" => dict([
                ("mail_message_id", self.message.clone()),
                ("res_partner_id", 2.into()),
            ]),
            "postern.handoff" => dict([
                ("name", name),
                ("fetchmail_server_id", self.server.clone()),
                ("kind", "webhook".into()),
                ("url", "https://hook.example".into()),
            ]),
            "postern.handoff.mail" => dict([
                ("handoff_id", self.server.clone()),
                ("key", name),
                ("state", "waiting".into()),
                ("next_at", "2026-01-01 00:00:00".into()),
            ]),
            "postern.mail.budget" => dict([
                ("mail_server_id", self.server.clone()),
                ("connections", 3.into()),
            ]),
            "postern.audit" => dict([
                ("record", name),
                ("act", "write".into()),
                ("model", "res.users".into()),
                ("res_id", 1.into()),
                ("user_id", 2.into()),
            ]),
            "postern.quarantine" => dict([("attempts", 1.into())]),
            "res.config.settings" | "res.users.identitycheck" => dict([]),
            model if EMPTY.contains(&model) => dict([]),
            "res.currency" => dict([("name", name), ("symbol", "x".into())]),
            "res.lang" => dict([
                ("name", name.clone()),
                ("code", name.clone()),
                ("url_code", name),
            ]),
            "res.users" => dict([("name", name.clone()), ("login", name)]),
            "res.users.apikeys" => dict([("name", name), ("user_id", 3.into())]),
            "res.users.apikeys.description" => dict([("name", name), ("duration", "1".into())]),
            _ => dict([("name", name)]),
        }
    }
}
