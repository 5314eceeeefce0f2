//! A Postern with an application of its own at the provider.

use serde_json::{Value, json};
use tests::identity::Client;
use tests::lab::{Database, Described};
use tests::postern::{Options, Postern};
use tests::rpc_client::Rpc;
use tests::steps::{self, Application};

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

pub const OUTGOING: &str = "ir.mail_server";
pub const INCOMING: &str = "fetchmail.server";
pub const SECRET: &str = "microsoft_outlook_client_secret";
pub const CERTIFICATE: &str = "microsoft_outlook_client_certificate";

/// A Postern with an application of its own at the provider, and a mailbox that is not connected yet.
pub struct World {
    pub lab: Described,
    pub client: Client,
    pub postern: Postern,
    pub admin: Rpc,
    pub mailbox: String,
}

impl World {
    pub async fn start(database: Database) -> Option<Self> {
        World::with(Options::on(database), database).await
    }

    pub async fn with(options: Options, database: Database) -> Option<Self> {
        let lab = Described::from_env();
        if !lab.databases.contains(&database) {
            return None;
        }
        let postern = Postern::start(&lab, &options).unwrap();
        let admin = postern.admin().await.unwrap();
        let mailbox = steps::new_account(&lab, "account").await.unwrap();
        let id = uuid::Uuid::new_v4().to_string();
        let client = Client::new(&id, format!("secret-of-{id}"), postern.redirect_uri());
        let world = Self {
            lab,
            client,
            postern,
            admin,
            mailbox,
        };
        world.register().await;
        let application = Application {
            endpoint: &world.lab.identity.endpoint,
            id: &world.client.id,
            secret: &world.client.secrets[0],
        };
        let entered = steps::enter_application(&world.admin, &world.postern, application);
        entered.await.unwrap();
        Some(world)
    }

    /// Tells the provider of the application as it is now.
    pub async fn register(&self) {
        let control = &self.lab.identity.control;
        control.add_client(self.client.clone()).await.unwrap();
    }

    pub async fn outgoing(&self) -> i64 {
        let mail = (self.lab.host.as_str(), &self.lab.mail);
        let made = steps::outgoing_server(&self.admin, mail, &self.mailbox);
        made.await.unwrap()
    }

    pub async fn incoming(&self) -> i64 {
        let mail = (self.lab.host.as_str(), &self.lab.mail);
        let made = steps::incoming_server(&self.admin, mail, &self.mailbox);
        made.await.unwrap()
    }

    pub async fn connect(&self, model: &str, server: i64, account: &str) {
        let page = steps::connect(&self.admin, model, server, account);
        let page = page.await.unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
    }

    /// Tests the outgoing server; the refusal's text when it fails.
    pub async fn test(&self, server: i64) -> Result<(), String> {
        let tested = self
            .admin
            .button(OUTGOING, "test_smtp_connection", server)
            .await;
        tested.map(|_| ()).map_err(|error| error.refusal().message)
    }

    pub async fn expire(&self, server: i64) {
        let values = json!({"microsoft_outlook_access_token_expiration": 1});
        self.admin.write(OUTGOING, server, values).await.unwrap();
    }

    pub async fn field(&self, model: &str, server: i64, name: &str) -> Value {
        let mut read = self.admin.read(model, server, &[name]).await.unwrap();
        read[name].take()
    }
}

/// A certificate with its key, as PEM: both together, and the certificate alone.
pub fn certificate(ends: Option<(i32, u8, u8)>) -> (String, String) {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut params = CertificateParams::new(vec!["postern.test".to_owned()]).unwrap();
    if let Some((year, month, day)) = ends {
        params.not_after = rcgen::date_time_ymd(year, month, day);
    }
    let alone = params.self_signed(&key).unwrap().pem();
    (format!("{alone}{}", key.serialize_pem()), alone)
}
