//! A new database for each test, and short ways to call models on it.

use std::sync::Arc;

use auth::vault::Keyring;
use migrations::migrate;
use sea_orm::ConnectionTrait;
use secrecy::SecretString;
use server_model::backend::Backend;
use server_model::call::call_kw;
use server_model::database::Database;
use server_model::env::Caller;
use server_model::error::Error;
use server_model::start::{self, ADMINISTRATOR, StartSettings};
use server_model::value::{AnyValue, Key, Map};

/// Runs a test on every kind of database there is.
pub async fn on_each_database(test: impl AsyncFn(Client)) {
    on_each_of("sqlite::memory:", test).await;
}

/// Like [`on_each_database`], for a test in which the program is started again.
pub async fn on_each_lasting_database(test: impl AsyncFn(Client)) {
    let file = std::env::temp_dir().join(format!("orm-{}.sqlite", uuid::Uuid::new_v4().simple()));
    on_each_of(&format!("sqlite://{}", file.display()), test).await;
    std::fs::remove_file(file).expect("the file is there");
}

async fn on_each_of(sqlite: &str, test: impl AsyncFn(Client)) {
    test(Client::new(sqlite).await).await;
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told by its environment where a server is"
    )]
    let server = std::env::var("POSTERN_TEST_PG").ok();
    if let Some(server) = server {
        let name = format!("orm_{}", uuid::Uuid::new_v4().simple());
        let admin = Database::open(&server, 1)
            .await
            .expect("the server that POSTERN_TEST_PG names answers");
        // The C collation is what Odoo's databases sort and fold by, and the harder case.
        let create = format!(
            "CREATE DATABASE {name} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING 'UTF8'"
        );
        admin
            .connection()
            .execute_unprepared(&create)
            .await
            .expect("a database can be made");
        let mut url = url::Url::parse(&server).expect("the server's address is one");
        url.set_path(&name);
        test(Client::new(url.as_str()).await).await;
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        admin
            .connection()
            .execute_unprepared(&drop)
            .await
            .expect("the database can be dropped again");
    }
}

async fn open(database_url: &str, keys: Option<Keyring>) -> Result<Arc<Backend>, Error> {
    start::open(StartSettings {
        connections: 2,
        vault_keys: keys,
        ..StartSettings::at(database_url)
    })
    .await
}

/// The administrator of a database of its own.
#[derive(Clone)]
pub struct Client {
    caller: Caller,
    database_url: String,
}

impl Client {
    async fn new(database_url: &str) -> Client {
        let backend = open(database_url, None).await.expect("the database opens");
        migrate(backend.database().connection())
            .await
            .expect("the tables are made");
        start::install(&backend, &SecretString::from("admin"))
            .await
            .expect("the registry is written down");
        Client {
            caller: Caller::new(Arc::clone(&backend), ADMINISTRATOR),
            database_url: database_url.to_owned(),
        }
    }

    /// Another process on the same database, as far as the database can tell.
    pub async fn beside(&self) -> Arc<Backend> {
        open(&self.database_url, None)
            .await
            .expect("the database opens")
    }

    /// The administrator after the program was started again, with these keys for its vault.
    pub async fn started_again(&self, keys: Option<Keyring>) -> Client {
        let backend = open(&self.database_url, keys)
            .await
            .expect("the database opens");
        Client {
            caller: Caller::new(backend, ADMINISTRATOR),
            database_url: self.database_url.clone(),
        }
    }

    /// Who it calls as.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The same client with a context.
    pub fn with_context(&self, context: Map) -> Client {
        Client {
            caller: self.caller.with_context(context),
            database_url: self.database_url.clone(),
        }
    }

    /// The same client, who sees archived records as well.
    pub fn with_archived(&self) -> Client {
        self.with_context(dict([("active_test", false.into())]))
    }

    /// Calls a method with arguments by place.
    pub async fn try_call(
        &self,
        model: &str,
        method: &str,
        args: Vec<AnyValue>,
    ) -> Result<AnyValue, Error> {
        call_kw(&self.caller, model, method, args, Map::new()).await
    }

    /// Calls a method that must succeed.
    pub async fn call(&self, model: &str, method: &str, args: Vec<AnyValue>) -> AnyValue {
        self.try_call(model, method, args)
            .await
            .unwrap_or_else(|error| panic!("{model}.{method}: {error}"))
    }

    /// Makes a record.
    pub async fn create(&self, model: &str, values: Map) -> AnyValue {
        self.call(model, "create", vec![values.into()]).await
    }

    /// The ids that a domain finds, in their order.
    pub async fn search(&self, model: &str, domain: AnyValue) -> AnyValue {
        let args = vec![domain, 0.into(), AnyValue::FALSE, "id".into()];
        self.call(model, "search", args).await
    }

    /// One field of one record.
    pub async fn value(&self, model: &str, id: &AnyValue, field: &str) -> AnyValue {
        let args = vec![list([id.clone()]), list([field.into()])];
        match self.call(model, "read", args).await {
            AnyValue::Records(mut records) => records
                .rows
                .pop()
                .and_then(|mut row| row.pop())
                .expect("the record has the field"),
            other => panic!("read gave {other:?}"),
        }
    }
}

/// A list.
pub fn list<const N: usize>(items: [AnyValue; N]) -> AnyValue {
    AnyValue::List(items.into())
}

/// A condition of a domain.
pub fn leaf(path: &str, operator: &str, value: impl Into<AnyValue>) -> AnyValue {
    list([path.into(), operator.into(), value.into()])
}

/// A mapping.
pub fn dict<const N: usize>(members: [(&'static str, AnyValue); N]) -> Map {
    members
        .into_iter()
        .map(|(name, value)| (Key::Borrowed(name), value))
        .collect()
}

/// The rows of what `read` gave.
pub fn rows(read: AnyValue) -> Vec<Vec<AnyValue>> {
    match read {
        AnyValue::Records(records) => records.rows,
        other => panic!("{other:?} are no records"),
    }
}
