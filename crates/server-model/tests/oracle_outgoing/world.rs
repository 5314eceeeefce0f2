//! The records that a row of the tables starts from, made on one database and taken away again.

mod mails;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDateTime;
use mail::server::Timeouts;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use secrecy::SecretString;
use serde_json::{Value, json};
use server_model::backend::{Backend, Clock, Parts};
use server_model::call::call_kw;
use server_model::database::{Database, Intent};
use server_model::env::{Caller, Env};
use server_model::outbox::choose::{Defaults, Directory};
use server_model::start::{self, OwnServer};
use server_model::value::{AnyValue, Id, Key, Map};

/// The moment of the tables.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> NaiveDateTime {
        NaiveDateTime::parse_from_str("2030-01-15 10:20:30", "%Y-%m-%d %H:%M:%S").expect("a moment")
    }
}

/// A runtime for a test.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// An empty database with the records of a first start.
pub struct Base {
    database: Database,
}

impl Base {
    /// Makes it.
    pub async fn new() -> Base {
        let database = Database::open("sqlite::memory:", 1)
            .await
            .expect("SQLite opens in memory");
        migrations::migrate(database.connection())
            .await
            .expect("the tables are made");
        let base = Base { database };
        let backend = base.backend(OwnServer::default(), Timeouts::default());
        start::install(&backend, &SecretString::from("admin"))
            .await
            .expect("the registry is written down");
        base
    }

    /// A program on it.
    fn backend(&self, own_server: OwnServer, patience: Timeouts) -> Arc<Backend> {
        Backend::new(Parts {
            database: self.database.clone(),
            clock: Arc::new(Fixed),
            trust: mail::tls::Trust::new(None).expect("the system has authorities"),
            oauth: auth::oauth::OAuthClient::new(None).expect("a client of the providers"),
            remote: auth::remote::Remote::new(None).expect("a client of other programs"),
            own_server,
            patience,
            vault: server_model::vault::Vault::default(),
            home: server_model::home::Home::default(),
        })
    }

    async fn run(&self, sql: &str) {
        let done = self.database.connection().execute_unprepared(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn largest(&self, table: &str) -> i64 {
        let sql = format!("SELECT COALESCE(MAX(id), 0) FROM {table}");
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let row = self.database.connection().query_one_raw(statement).await;
        let row = row.expect("a query").expect("a row");
        row.try_get_by_index(0).expect("a number")
    }
}

/// The tables that rows add to, each after those that refer to it.
const TABLES: [&str; 10] = [
    "mail_notification",
    "mail_mail",
    "mail_followers",
    "mail_message",
    "ir_attachment",
    "ir_mail_server",
    "res_users",
    "res_company",
    "res_partner",
    "mail_alias_domain",
];

/// The records of one row.
pub struct World<'a> {
    base: &'a Base,
    caller: Caller,
    domains: HashMap<String, Id>,
    servers: HashMap<Id, String>,
    partners: HashMap<String, Id>,
    last: HashMap<&'static str, i64>,
    parameters: Vec<String>,
}

impl<'a> World<'a> {
    /// Makes the records, with servers at this port of this machine.
    pub async fn build(base: &'a Base, told: &Value, port: u16, patience: Timeouts) -> World<'a> {
        let config = &told["config"];
        let host = match (&config["smtp_server"], text(&told["connect_fault"])) {
            (Value::Bool(false), _) => None,
            (_, Some("gaierror")) => Some("no-such-host.invalid".to_owned()),
            _ => Some("127.0.0.1".to_owned()),
        };
        let own = OwnServer {
            host,
            port,
            email_from: text(&config["email_from"]).map(str::to_owned),
            from_filter: text(&config["from_filter"]).map(str::to_owned),
            ..OwnServer::default()
        };
        let mut last = HashMap::new();
        for table in TABLES {
            last.insert(table, base.largest(table).await);
        }
        let mut world = World {
            base,
            caller: Caller::superuser(base.backend(own, patience)),
            domains: HashMap::new(),
            servers: HashMap::new(),
            partners: HashMap::new(),
            last,
            parameters: Vec::new(),
        };
        world.make_domains(told).await;
        world.make_companies(told).await;
        for server in items(told, "servers") {
            world.make_server(server, port).await;
        }
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
                world.create("mail.followers", values).await;
            }
        }
        for (key, value) in told["icp"].as_object().into_iter().flatten() {
            let value = text(value).expect("parameters are texts");
            world.set_parameter(key, value).await;
        }
        world
    }

    async fn set_parameter(&mut self, key: &str, value: &str) {
        let args = vec![key.into(), value.into()];
        call_kw(
            &self.caller,
            "ir.config_parameter",
            "set_param",
            args,
            Map::new(),
        )
        .await
        .expect("a parameter is set");
        self.parameters.push(key.to_owned());
    }

    async fn create(&self, model: &str, values: Vec<(&'static str, AnyValue)>) -> Id {
        let values: Map = values
            .into_iter()
            .map(|(name, value)| (Key::Borrowed(name), value))
            .collect();
        let made = call_kw(
            &self.caller,
            model,
            "create",
            vec![values.into()],
            Map::new(),
        )
        .await
        .unwrap_or_else(|error| panic!("{model}: {error}"));
        made.as_id().expect("an id")
    }

    async fn make_domains(&mut self, told: &Value) {
        for domain in items(told, "alias_domains") {
            let name = text(&domain["name"]).expect("a name");
            let mut values = vec![("name", name.into())];
            for key in ["bounce_alias", "catchall_alias", "default_from"] {
                match &domain[key] {
                    Value::String(local) => values.push((key, local.as_str().into())),
                    Value::Bool(false) => values.push((key, AnyValue::FALSE)),
                    _ => {}
                }
            }
            if let Some(sequence) = domain["sequence"].as_i64() {
                values.push(("sequence", sequence.into()));
            }
            let id = self.create("mail.alias.domain", values).await;
            // The model keeps small letters only; the recorded database had what the row says.
            let rename = format!("UPDATE mail_alias_domain SET name = '{name}' WHERE id = {id}");
            self.base.run(&rename).await;
            self.domains.insert(name.to_owned(), id);
        }
    }

    async fn make_companies(&mut self, told: &Value) {
        let of = |told: &Value| {
            let domain = text(&told["alias_domain"]).map(|name| self.domains[name]);
            domain.map_or("NULL".to_owned(), |id| id.to_string())
        };
        let main = of(&told["company"]);
        let name = text(&told["company"]["name"]).unwrap_or("Nordlicht");
        self.base
            .run(&format!(
                "UPDATE res_company SET alias_domain_id = {main}, name = '{name}' WHERE id = 1"
            ))
            .await;
        let mut acting = None;
        for company in items(told, "companies") {
            let name = text(&company["name"]).expect("a name");
            let id = self
                .create("res.company", vec![("name", name.into())])
                .await;
            let domain = of(company);
            self.base
                .run(&format!(
                    "UPDATE res_company SET alias_domain_id = {domain} WHERE id = {id}"
                ))
                .await;
            if text(&told["acting_company"]) == Some(name) {
                acting = Some(id);
            }
        }
        if let Some(acting) = acting {
            let mut context = Map::new();
            context.insert(
                Key::Borrowed("allowed_company_ids"),
                AnyValue::ids(&[acting]),
            );
            self.caller = self.caller.with_context(context);
        }
    }

    async fn make_server(&mut self, told: &Value, port: u16) {
        let name = text(&told["name"]).expect("a name");
        let mut values: Vec<(&'static str, AnyValue)> = vec![
            ("name", name.into()),
            ("smtp_host", "127.0.0.1".into()),
            ("smtp_port", i64::from(port).into()),
            ("sequence", told["sequence"].as_i64().unwrap_or(10).into()),
            ("active", (told["active"] != json!(false)).into()),
        ];
        if let Some(filter) = text(&told["from_filter"]) {
            values.push(("from_filter", filter.into()));
        }
        if let Some(authentication) = text(&told["auth"]) {
            values.push(("smtp_authentication", authentication.into()));
        }
        if let Some(size) = told["max_email_size"].as_f64() {
            values.push(("max_email_size", size.into()));
        }
        let id = self.create("ir.mail_server", values).await;
        self.servers.insert(id, name.to_owned());
    }

    async fn make_partner(&mut self, told: &Value) {
        let key = text(&told["key"]).expect("a key");
        let name = text(&told["name"]).unwrap_or(key);
        let mut values: Vec<(&'static str, AnyValue)> = vec![("name", name.into())];
        if let Some(email) = text(&told["email"]) {
            values.push(("email", email.into()));
        }
        let id = self.create("res.partner", values).await;
        self.partners.insert(key.to_owned(), id);
        if told["user"].is_null() {
            return;
        }
        let values = vec![
            ("login", format!("login-{key}").into()),
            ("partner_id", id.into()),
        ];
        let user = self.create("res.users", values).await;
        let share = told["user"] == json!("portal");
        self.base
            .run(&format!(
                "UPDATE res_users SET share = {share} WHERE id = {user}"
            ))
            .await;
    }

    /// The contact of that key.
    pub fn partner(&self, key: &str) -> Id {
        self.partners[key]
    }

    /// The key of a contact.
    pub fn key_of(&self, partner: Id) -> Value {
        let known = self.partners.iter().find(|(_, id)| **id == partner);
        known.map_or(Value::Null, |(key, _)| key.as_str().into())
    }

    /// The name of an alias domain.
    pub fn domain_of(&self, id: Option<Id>) -> Value {
        let known = self.domains.iter().find(|(_, known)| Some(**known) == id);
        known.map_or(Value::Null, |(name, _)| name.as_str().into())
    }

    /// The objects that a query makes.
    pub async fn rows(&self, sql: &str) -> Vec<Value> {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let connection = self.base.database.connection();
        let rows = connection.query_all_raw(statement).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
            .iter()
            .map(|row| {
                let text: String = row.try_get_by_index(0).expect("a text");
                serde_json::from_str(&text).expect("an object")
            })
            .collect()
    }

    /// Who acts.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// A transaction of whoever acts.
    pub async fn begin(&self, intent: Intent) -> Env {
        self.caller.begin(intent).await.expect("a transaction")
    }

    /// Servers and senders as they stand.
    pub async fn directory(&self) -> Directory {
        let env = self.begin(Intent::Read).await;
        let directory = Directory::load(&env).await.expect("a directory");
        env.rollback().await.expect("the transaction ends");
        directory
    }

    /// The addresses of an alias domain by its name; of none without one.
    pub fn of_domain(&self, directory: &Directory, name: &Value) -> Defaults {
        directory.of_alias_domain(text(name).map(|name| self.domains[name]))
    }

    /// The server of that name.
    pub fn server(&self, name: &str) -> Id {
        let known = self.servers.iter().find(|(_, known)| *known == name);
        *known.expect("a server").0
    }

    /// What a server is called.
    pub fn name_of(&self, server: Option<Id>) -> Value {
        server.map_or(Value::Null, |id| self.servers[&id].as_str().into())
    }

    /// Takes everything away again.
    pub async fn tear_down(self) {
        self.base
            .run("UPDATE res_company SET alias_domain_id = NULL WHERE id = 1")
            .await;
        for table in TABLES {
            let last = self.last[table];
            self.base
                .run(&format!("DELETE FROM {table} WHERE id > {last}"))
                .await;
        }
        for key in &self.parameters {
            self.base
                .run(&format!(
                    "DELETE FROM ir_config_parameter WHERE key = '{key}'"
                ))
                .await;
        }
    }
}

/// The items of a list; none when it is not there.
pub fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

/// The text, if it is one.
pub fn text(value: &Value) -> Option<&str> {
    value.as_str()
}
