//! The records that a row of the table starts from, made on one database and taken away again.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value as Bound};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use server_model::backend::Backend;
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::start::{self, StartSettings};
use server_model::value::{AnyValue, Id, Key};

/// The id of no record at all.
const MISSING: Id = 99_999_999;
/// The discussion channel that messages name; there are no records of its kind.
const ROOM: Id = 7;

/// A program on an empty database with the records of a first start.
pub struct Base {
    backend: Arc<Backend>,
    caller: Caller,
}

/// Starts it.
pub async fn base() -> Base {
    let backend = start::open(StartSettings::at("sqlite::memory:"))
        .await
        .expect("SQLite opens in memory");
    migrations::migrate(backend.database().connection())
        .await
        .expect("the tables are made");
    start::install(&backend, &SecretString::from("admin"))
        .await
        .expect("the registry is written down");
    let base = Base {
        caller: Caller::superuser(Arc::clone(&backend)),
        backend,
    };
    base.run("UPDATE res_partner SET email = 'system@sys.example', email_normalized = 'system@sys.example' WHERE id = (SELECT partner_id FROM res_users WHERE id = 1)").await;
    base
}

impl Base {
    async fn run(&self, sql: &str) {
        let done = self
            .backend
            .database()
            .connection()
            .execute_unprepared(sql)
            .await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The rows of a query as objects. The database makes them, because it alone knows the types
    /// of expressions.
    async fn rows(&self, sql: &str, id: i64) -> Vec<Value> {
        let (columns, rest) = sql
            .strip_prefix("SELECT ")
            .and_then(|sql| sql.split_once(" FROM "))
            .unwrap_or_else(|| panic!("no query: {sql}"));
        let members: Vec<String> = columns
            .split(", ")
            .map(|column| {
                let (value, name) = column.split_once(" AS ").unwrap_or((column, column));
                let name = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
                format!("'{name}', {value}")
            })
            .collect();
        let sql = format!("SELECT json_object({}) FROM {rest}", members.join(", "));
        let values: Vec<Bound> = if sql.contains("$1") {
            vec![id.into()]
        } else {
            Vec::new()
        };
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, &sql, values);
        let connection = self.backend.database().connection();
        let rows = connection.query_all_raw(statement).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
            .iter()
            .map(|row| {
                let text: String = row.try_get_by_index(0).expect("a text");
                serde_json::from_str(&text).expect("an object")
            })
            .collect()
    }

    async fn largest(&self, table: &str) -> i64 {
        let rows = self
            .rows(&format!("SELECT MAX(id) AS id FROM {table}"), 0)
            .await;
        rows[0]["id"].as_i64().unwrap_or_default()
    }

    async fn create(&self, model: &str, values: Vec<(&'static str, AnyValue)>) -> Id {
        let values: server_model::value::Map = values
            .into_iter()
            .map(|(name, value)| (Key::Borrowed(name), value))
            .collect();
        let made = call_kw(
            &self.caller,
            model,
            "create",
            vec![values.into()],
            server_model::value::Map::new(),
        )
        .await
        .unwrap_or_else(|error| panic!("{model}: {error}"));
        made.as_id().expect("an id")
    }
}

/// The records of one row.
pub struct World<'a> {
    base: &'a Base,
    partners: HashMap<String, Id>,
    users: HashMap<Id, String>,
    domains: HashMap<String, Id>,
    aliases: HashMap<Id, String>,
    last: HashMap<&'static str, i64>,
}

/// The tables that rows add to, each after those that refer to it.
const TABLES: [&str; 12] = [
    "mail_notification",
    "mail_mail",
    "mail_message",
    "mail_followers",
    "mail_alias",
    "mail_blacklist",
    "mail_gateway_allowed",
    "ir_attachment",
    "res_users",
    "res_company",
    "res_partner",
    "mail_alias_domain",
];

impl<'a> World<'a> {
    /// Makes the records.
    pub async fn build(base: &'a Base, told: &Value) -> World<'a> {
        let mut last = HashMap::new();
        for table in TABLES {
            last.insert(table, base.largest(table).await);
        }
        let mut world = World {
            base,
            partners: HashMap::new(),
            users: HashMap::new(),
            domains: HashMap::new(),
            aliases: HashMap::new(),
            last,
        };
        world.make_domains(told).await;
        for partner in items(told, "partners") {
            world.make_partner(partner).await;
        }
        for follower in items(told, "followers") {
            let record = world.partner(text(&follower["record"]).expect("a record"));
            for partner in items(follower, "partners") {
                let partner = world.partner(text(partner).expect("a contact"));
                let values = vec![
                    ("res_model", "res.partner".into()),
                    ("res_id", record.into()),
                    ("partner_id", partner.into()),
                ];
                base.create("mail.followers", values).await;
            }
        }
        for alias in items(told, "aliases") {
            world.make_alias(alias).await;
        }
        for message in items(told, "messages") {
            world.make_message(message).await;
        }
        for allowed in items(told, "gateway_allowed") {
            let email = text(allowed).expect("an address").into();
            base.create("mail.gateway.allowed", vec![("email", email)])
                .await;
        }
        for (key, value) in told["icp"].as_object().into_iter().flatten() {
            let value = text(value).expect("parameters are texts").into();
            let args = vec![key.as_str().into(), value];
            call_kw(
                &base.caller,
                "ir.config_parameter",
                "set_param",
                args,
                server_model::value::Map::new(),
            )
            .await
            .expect("a parameter is set");
        }
        world
            .last
            .insert("before", base.largest("mail_message").await);
        world
    }

    async fn make_domains(&mut self, told: &Value) {
        for domain in items(told, "alias_domains") {
            let name = text(&domain["name"]).expect("a name");
            let mut values = vec![("name", name.into())];
            for key in ["bounce_alias", "catchall_alias"] {
                if let Some(local) = text(&domain[key]) {
                    values.push((key, local.into()));
                }
            }
            let id = self.base.create("mail.alias.domain", values).await;
            // The model keeps small letters only; the recorded database had what the row says.
            let rename = format!("UPDATE mail_alias_domain SET name = '{name}' WHERE id = {id}");
            self.base.run(&rename).await;
            self.domains.insert(name.to_owned(), id);
        }
        let company = &told["company"];
        let domain = text(&company["alias_domain"]).map(|name| self.domains[name]);
        let domain = domain.map_or("NULL".to_owned(), |id| id.to_string());
        let email = text(&company["email"]).map_or("NULL".to_owned(), |email| format!("'{email}'"));
        self.base
            .run(&format!(
                "UPDATE res_company SET alias_domain_id = {domain}, email = {email} WHERE id = 1"
            ))
            .await;
    }

    async fn make_partner(&mut self, told: &Value) {
        let key = text(&told["key"]).expect("a key");
        let name = text(&told["name"]).unwrap_or(key);
        let mut values: Vec<(&'static str, AnyValue)> = vec![("name", name.into())];
        if let Some(email) = text(&told["email"]) {
            values.push(("email", email.into()));
        }
        if let Some(bounces) = told["bounces"].as_i64() {
            values.push(("message_bounce", bounces.into()));
        }
        let id = self.base.create("res.partner", values).await;
        self.partners.insert(key.to_owned(), id);
        if told["user"].is_null() {
            return;
        }
        let values = vec![
            ("login", format!("login-{key}").into()),
            ("partner_id", id.into()),
        ];
        let user = self.base.create("res.users", values).await;
        self.users.insert(user, key.to_owned());
        let is_portal = told["user"] == json!("portal");
        self.base
            .run(&format!(
                "UPDATE res_users SET share = {is_portal} WHERE id = {user}"
            ))
            .await;
    }

    async fn make_alias(&mut self, told: &Value) {
        let model = text(&told["model"]).expect("a model");
        let Some(model) = self.model(model).await else {
            return;
        };
        let name = text(&told["name"]).expect("a name");
        let domain = text(&told["domain"]).map(|name| self.domains[name]);
        let mut values: Vec<(&'static str, AnyValue)> = vec![
            ("alias_name", name.into()),
            ("alias_model_id", model.into()),
            (
                "alias_domain_id",
                domain.map_or(AnyValue::FALSE, AnyValue::from),
            ),
            (
                "alias_incoming_local",
                (told["incoming_local"] == json!(true)).into(),
            ),
        ];
        if let Some(contact) = text(&told["contact"]) {
            values.push(("alias_contact", contact.into()));
        }
        if let Some(defaults) = text(&told["defaults"]) {
            values.push(("alias_defaults", defaults.into()));
        }
        match text(&told["thread"]) {
            Some("<missing>") => values.push(("alias_force_thread_id", MISSING.into())),
            Some(key) => values.push(("alias_force_thread_id", self.partner(key).into())),
            None => {}
        }
        if let Some(parent) = text(&told["parent"]) {
            let (model, id) = self.record(parent);
            let model = self.model(model).await.expect("a model");
            values.push(("alias_parent_model_id", model.into()));
            values.push(("alias_parent_thread_id", id.into()));
        }
        let id = self.base.create("mail.alias", values).await;
        let key = text(&told["key"]).unwrap_or(name);
        self.aliases.insert(id, key.to_owned());
    }

    async fn make_message(&mut self, told: &Value) {
        let message_id = text(&told["message_id"]).expect("an id");
        let kind = text(&told["type"]).unwrap_or("comment");
        let internal = told["internal"] == json!(true);
        let author = text(&told["author"]).map(|key| self.partner(key));
        let mut values: Vec<(&'static str, AnyValue)> = vec![
            ("message_id", message_id.into()),
            ("message_type", kind.into()),
            ("is_internal", internal.into()),
            ("author_id", author.map_or(AnyValue::FALSE, AnyValue::from)),
        ];
        let record = match (text(&told["record"]), text(&told["model"])) {
            (Some(key), _) => Some(self.record(key)),
            (None, Some(model)) => told["res_id"]
                .as_i64()
                .map(|id| (model, Id::try_from(id).expect("an id"))),
            (None, None) => None,
        };
        if let Some((model, id)) = record {
            values.push(("model", model.into()));
            values.push(("res_id", id.into()));
        }
        let id = self.base.create("mail.message", values).await;
        for partner in items(told, "notified") {
            let partner = self.partner(text(partner).expect("a contact"));
            let values = vec![
                ("mail_message_id", id.into()),
                ("res_partner_id", partner.into()),
                ("notification_type", "email".into()),
                ("notification_status", "sent".into()),
            ];
            self.base.create("mail.notification", values).await;
        }
    }

    fn record<'k>(&self, key: &'k str) -> (&'k str, Id) {
        match key {
            "main" => ("res.company", 1),
            "room" => ("discuss.channel", ROOM),
            key => ("res.partner", self.partner(key)),
        }
    }

    async fn model(&self, name: &str) -> Option<Id> {
        let sql = format!("SELECT id FROM ir_model WHERE model = '{name}'");
        let rows = self.base.rows(&sql, 0).await;
        rows.first()
            .and_then(|row| Id::try_from(row["id"].as_i64()?).ok())
    }

    /// The contact of that key.
    pub fn partner(&self, key: &str) -> Id {
        self.partners[key]
    }

    /// The key of a contact.
    pub fn key_of(&self, partner: i64) -> Option<String> {
        let known = self.partners.iter();
        known
            .filter(|(_, id)| i64::from(**id) == partner)
            .map(|(key, _)| key.clone())
            .next()
    }

    /// The program itself, which hands mails in.
    pub fn caller(&self) -> &Caller {
        &self.base.caller
    }

    /// The last message that was there before.
    pub fn last_message(&self) -> i64 {
        self.last["before"]
    }

    /// The rows of a query about the record of that id.
    pub async fn rows(&self, sql: &str, id: i64) -> Vec<Value> {
        self.base.rows(sql, id).await
    }

    /// The keys of the contacts that a query finds, sorted.
    pub async fn keys(&self, sql: &str, id: i64) -> Vec<String> {
        let mut keys: Vec<String> = self
            .rows(sql, id)
            .await
            .iter()
            .filter_map(|row| self.key_of(row["id"].as_i64()?))
            .collect();
        keys.sort();
        keys
    }

    /// What a record is that was made of a mail.
    pub async fn tell_record(&self, model: &str, id: i64) -> Value {
        let sql = match model {
            "res.partner" => "SELECT name, email, create_uid FROM res_partner WHERE id = $1",
            _ => "SELECT email AS name, email, create_uid FROM mail_blacklist WHERE id = $1",
        };
        let rows = self.rows(sql, id).await;
        let row = rows.first().expect("the record was made");
        let user = row["create_uid"]
            .as_i64()
            .and_then(|id| Id::try_from(id).ok());
        let user = user.and_then(|user| self.users.get(&user));
        let followers = format!(
            "SELECT partner_id AS id FROM mail_followers WHERE res_model = '{model}' AND res_id = $1"
        );
        json!({
            "name": row["name"],
            "email": row["email"],
            "followers": self.keys(&followers, id).await,
            "created_by": user.map_or("<system>", String::as_str),
        })
    }

    /// The states of the aliases that were tested.
    pub async fn alias_states(&self) -> Value {
        let sql = "SELECT id, alias_status FROM mail_alias WHERE alias_status <> 'not_tested'";
        let rows = self.rows(sql, 0).await;
        let states = rows.iter().filter_map(|row| {
            let id = Id::try_from(row["id"].as_i64()?).ok()?;
            Some((self.aliases.get(&id)?.clone(), row["alias_status"].clone()))
        });
        Value::Object(Map::from_iter(states))
    }

    /// How often mail to whom came back.
    pub async fn bounce_counts(&self) -> Value {
        let sql = "SELECT id, message_bounce FROM res_partner WHERE message_bounce > 0";
        let rows = self.rows(sql, 0).await;
        let counts = rows.iter().filter_map(|row| {
            let key = self.key_of(row["id"].as_i64()?)?;
            Some((key, row["message_bounce"].clone()))
        });
        Value::Object(Map::from_iter(counts))
    }

    /// What is noted of those who were told of the messages there were before.
    pub async fn notifications(&self) -> Vec<Value> {
        let sql = "SELECT res_partner_id, notification_status, failure_type FROM mail_notification WHERE mail_message_id <= $1 ORDER BY id";
        let rows = self.rows(sql, self.last_message()).await;
        rows.iter()
            .map(|row| {
                json!({
                    "partner": self.key_of(row["res_partner_id"].as_i64().unwrap_or_default()),
                    "status": row["notification_status"],
                    "failure_type": row["failure_type"].as_str().map_or(json!(false), Value::from),
                })
            })
            .collect()
    }

    /// Takes everything away again.
    pub async fn tear_down(self) {
        self.base
            .run("UPDATE res_company SET alias_domain_id = NULL, email = NULL")
            .await;
        for table in TABLES {
            let last = self.last[table];
            self.base
                .run(&format!("DELETE FROM {table} WHERE id > {last}"))
                .await;
        }
        self.base
            .run("DELETE FROM ir_config_parameter WHERE key LIKE 'mail.gateway.loop.%' OR key = 'mail.catchall.domain.allowed'")
            .await;
    }
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}
