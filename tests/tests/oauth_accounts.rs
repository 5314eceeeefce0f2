//! Every kind of application and account: known by a certificate, using a mailbox in its own name, connected with the
//! wrong account, and connected by a user who sees no settings; and the warning before a secret ends.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use tests::identity::{Client, HOME_TENANT};
use tests::lab::{Database, Described};
use tests::person::{Decision, Person};
use tests::postern::{Options, Postern};
use tests::receiver;
use tests::rpc_client::Rpc;
use tests::steps::{self, Application};

const OUTGOING: &str = "ir.mail_server";
const INCOMING: &str = "fetchmail.server";
const SECRET: &str = "microsoft_outlook_client_secret";
const CERTIFICATE: &str = "microsoft_outlook_client_certificate";
const PATIENCE: Duration = Duration::from_secs(60);

/// A Postern with an application of its own at the provider, and a mailbox that is not connected yet.
struct World {
    lab: Described,
    client: Client,
    postern: Postern,
    admin: Rpc,
    mailbox: String,
}

impl World {
    async fn start(database: Database) -> Option<Self> {
        World::with(Options::on(database), database).await
    }

    async fn with(options: Options, database: Database) -> Option<Self> {
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
    async fn register(&self) {
        let control = &self.lab.identity.control;
        control.add_client(self.client.clone()).await.unwrap();
    }

    async fn outgoing(&self) -> i64 {
        let mail = (self.lab.host.as_str(), &self.lab.mail);
        let made = steps::outgoing_server(&self.admin, mail, &self.mailbox);
        made.await.unwrap()
    }

    async fn incoming(&self) -> i64 {
        let mail = (self.lab.host.as_str(), &self.lab.mail);
        let made = steps::incoming_server(&self.admin, mail, &self.mailbox);
        made.await.unwrap()
    }

    async fn connect(&self, model: &str, server: i64, account: &str) {
        let page = steps::connect(&self.admin, model, server, account);
        let page = page.await.unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
    }

    /// Tests the outgoing server; the refusal's text when it fails.
    async fn test(&self, server: i64) -> Result<(), String> {
        let tested = self
            .admin
            .button(OUTGOING, "test_smtp_connection", server)
            .await;
        tested.map(|_| ()).map_err(|error| error.refusal().message)
    }

    async fn expire(&self, server: i64) {
        let values = json!({"microsoft_outlook_access_token_expiration": 1});
        self.admin.write(OUTGOING, server, values).await.unwrap();
    }

    async fn field(&self, model: &str, server: i64, name: &str) -> Value {
        let mut read = self.admin.read(model, server, &[name]).await.unwrap();
        read[name].take()
    }
}

/// A certificate with its key, as PEM: both together, and the certificate alone.
fn certificate(ends: Option<(i32, u8, u8)>) -> (String, String) {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut params = CertificateParams::new(vec!["postern.test".to_owned()]).unwrap();
    if let Some((year, month, day)) = ends {
        params.not_after = rcgen::date_time_ymd(year, month, day);
    }
    let alone = params.self_signed(&key).unwrap().pem();
    (format!("{alone}{}", key.serialize_pem()), alone)
}

/// Runs a test on both databases.
macro_rules! on_both {
    ($story:ident, $on_sqlite:ident, $on_postgresql:ident) => {
        #[tokio::test]
        async fn $on_sqlite() {
            $story(Database::Sqlite).await;
        }

        #[tokio::test]
        async fn $on_postgresql() {
            $story(Database::Postgres).await;
        }
    };
}

async fn known_by_certificate(database: Database) {
    let Some(mut world) = World::start(database).await else {
        return;
    };
    let (both, alone) = certificate(None);
    world.client.certificates.push(alone);
    world.client.secrets.clear();
    world.register().await;
    let admin = &world.admin;
    admin.set_param(SECRET, "").await.unwrap();
    admin.set_param(CERTIFICATE, &both).await.unwrap();

    let server = world.outgoing().await;
    world.connect(OUTGOING, server, &world.mailbox).await;
    world.test(server).await.expect("connected by certificate");
    world.expire(server).await;
    world.test(server).await.expect("renewed by certificate");
    let requests = world.lab.identity.control.token_requests().await.unwrap();
    let ours: Vec<_> = requests
        .iter()
        .filter(|request| request.client_id.as_ref() == Some(&world.client.id))
        .collect();
    assert_eq!(ours.len(), 2, "{ours:?}");
    assert!(ours.iter().all(|request| request.client_secret.is_none()));

    // Another certificate, which the provider does not know: said so, and a secret beside it goes on.
    let (unknown, _) = certificate(None);
    admin.set_param(CERTIFICATE, &unknown).await.unwrap();
    world.expire(server).await;
    let refused = world.test(server).await.expect_err("not registered");
    assert!(refused.contains("[oauth.certificate_unknown"), "{refused}");
    assert!(refused.contains("Upload the certificate"), "{refused}");
    world.client.secrets.push("a secret to fall back on".into());
    world.register().await;
    admin
        .set_param(SECRET, "a secret to fall back on")
        .await
        .unwrap();
    world.test(server).await.expect("the secret");
    assert!(!world.postern.log().contains("a secret to fall back on"));
    assert!(!world.postern.log().contains("PRIVATE KEY"));

    let nonsense = admin.set_param(CERTIFICATE, "no PEM").await;
    let refused = nonsense.expect_err("refused").refusal().message;
    assert!(refused.contains("BEGIN CERTIFICATE"), "{refused}");
}

on_both!(
    known_by_certificate,
    an_application_is_known_by_a_certificate_on_sqlite,
    an_application_is_known_by_a_certificate_on_postgresql
);

async fn in_its_own_name(database: Database) {
    let Some(mut world) = World::start(database).await else {
        return;
    };
    let by_itself = json!({"postern_oauth_grant": "application"});
    let outgoing = world.outgoing().await;
    let incoming = world.incoming().await;
    for (model, server) in [(OUTGOING, outgoing), (INCOMING, incoming)] {
        world
            .admin
            .write(model, server, by_itself.clone())
            .await
            .unwrap();
        // Nobody is asked for consent.
        assert_eq!(
            world.field(model, server, "microsoft_outlook_uri").await,
            false
        );
        assert_eq!(
            world.field(model, server, "postern_oauth_state").await,
            "none"
        );
    }
    // The endpoint for all tenants gives no such token.
    let refused = world.test(outgoing).await.expect_err("no tenant");
    assert!(refused.contains("[oauth.tenant_missing]"), "{refused}");
    let endpoint = world
        .lab
        .identity
        .endpoint
        .replace("/common/", &format!("/{HOME_TENANT}/"));
    assert_ne!(endpoint, world.lab.identity.endpoint);
    let set = world
        .admin
        .set_param("microsoft_outlook.endpoint", &endpoint);
    set.await.unwrap();
    // Nobody has opened the mailbox to the application yet.
    world.test(outgoing).await.expect_err("no role");
    world.client.mailbox = Some(world.mailbox.clone());
    world.register().await;

    world.expire(outgoing).await;
    world.test(outgoing).await.expect("the application sends");
    let mail = json!({
        "subject": "From the application",
        "body_html": "<p>x</p>",
        "email_from": world.mailbox,
        "email_to": world.mailbox,
    });
    steps::send_mail(&world.admin, mail).await.unwrap();
    let inbox = world.lab.read_inbox(&world.mailbox).unwrap();
    assert_eq!(inbox.len(), 1, "sent");
    let raw = b"From: kim@client.example\r\nSubject: For the application\r\n\r\nx\r\n";
    world.lab.deliver(&world.mailbox, raw).unwrap();
    world
        .admin
        .button(INCOMING, "button_confirm_login", incoming)
        .await
        .unwrap();
    world
        .admin
        .button(INCOMING, "fetch_mail", incoming)
        .await
        .unwrap();
    let found = world
        .admin
        .call(
            "mail.message",
            "search_count",
            json!([[["subject", "=", "For the application"]]]),
        )
        .await
        .unwrap();
    assert_eq!(found, 1);
    for (model, server) in [(OUTGOING, outgoing), (INCOMING, incoming)] {
        assert_eq!(
            world.field(model, server, "postern_oauth_state").await,
            "connected"
        );
        let token = world.field(model, server, "microsoft_outlook_refresh_token");
        assert_eq!(token.await, false);
    }
    // A token that the server turns down is replaced, and back to consent the token is forgotten.
    world.expire(outgoing).await;
    world.test(outgoing).await.expect("another token");
    let consent = json!({"postern_oauth_grant": "delegated"});
    world
        .admin
        .write(OUTGOING, outgoing, consent)
        .await
        .unwrap();
    assert_eq!(
        world.field(OUTGOING, outgoing, "postern_oauth_state").await,
        "none"
    );
    let wrong = json!({"postern_oauth_grant": "somehow"});
    world
        .admin
        .write(OUTGOING, outgoing, wrong)
        .await
        .expect_err("no such way");
}

on_both!(
    in_its_own_name,
    an_application_uses_a_mailbox_in_its_own_name_on_sqlite,
    an_application_uses_a_mailbox_in_its_own_name_on_postgresql
);

async fn wrong_account(database: Database) {
    let Some(world) = World::start(database).await else {
        return;
    };
    let other = steps::new_account(&world.lab, "other").await.unwrap();
    let outgoing = world.outgoing().await;
    world.connect(OUTGOING, outgoing, &other).await;
    assert_eq!(
        world
            .field(OUTGOING, outgoing, "postern_oauth_account")
            .await,
        other
    );
    let warning = world
        .field(OUTGOING, outgoing, "postern_oauth_warning")
        .await;
    let warning = warning.as_str().unwrap();
    assert!(
        warning.contains(&other) && warning.contains(&world.mailbox),
        "{warning}"
    );
    assert!(warning.ends_with("[oauth.token_account]"), "{warning}");
    // For a mailbox that is read it may be meant: a shared one.
    let incoming = world.incoming().await;
    world.connect(INCOMING, incoming, &other).await;
    let warning = world
        .field(INCOMING, incoming, "postern_oauth_warning")
        .await;
    assert!(
        warning.as_str().unwrap().contains("shared mailbox"),
        "{warning}"
    );
    // The right account ends the warning.
    world.connect(OUTGOING, outgoing, &world.mailbox).await;
    assert_eq!(
        world
            .field(OUTGOING, outgoing, "postern_oauth_warning")
            .await,
        false
    );
    assert_eq!(
        world
            .field(OUTGOING, outgoing, "postern_oauth_account")
            .await,
        json!(world.mailbox)
    );
}

on_both!(
    wrong_account,
    another_account_than_the_mailboxs_is_named_on_sqlite,
    another_account_than_the_mailboxs_is_named_on_postgresql
);

/// Where Postern sends people, and what it asks for there, by each of the settings for that.
async fn endpoints(database: Database) {
    let Some(world) = World::start(database).await else {
        return;
    };
    let outgoing = world.outgoing().await;
    let incoming = world.incoming().await;
    let set = async |tenant: &str, cloud: &str| {
        let admin = &world.admin;
        admin
            .set_param("microsoft_outlook.endpoint", "")
            .await
            .unwrap();
        admin
            .set_param("microsoft_outlook.tenant", tenant)
            .await
            .unwrap();
        admin
            .set_param("microsoft_outlook.cloud", cloud)
            .await
            .unwrap();
    };
    let asked = async |model, server| {
        let url = steps::consent_address(&world.admin, model, server)
            .await
            .unwrap();
        let host = url.host_str().unwrap_or_default().to_owned();
        (
            format!("{host}{}", url.path()),
            steps::parameter(&url, "scope"),
        )
    };
    let cases = [
        (
            "",
            "",
            "login.microsoftonline.com/common",
            "outlook.office.com",
        ),
        (
            "consumers",
            "",
            "login.microsoftonline.com/consumers",
            "outlook.office.com",
        ),
        (
            "contoso.example",
            "global",
            "login.microsoftonline.com/contoso.example",
            "outlook.office.com",
        ),
        (
            "t-1",
            "us_government",
            "login.microsoftonline.us/t-1",
            "outlook.office365.us",
        ),
        (
            "",
            "china",
            "login.partner.microsoftonline.cn/common",
            "partner.outlook.cn",
        ),
    ];
    for (tenant, cloud, base, exchange) in cases {
        set(tenant, cloud).await;
        let address = format!("{base}/oauth2/v2.0/authorize");
        let scope = |permission| format!("offline_access https://{exchange}/{permission}");
        assert_eq!(
            asked(OUTGOING, outgoing).await,
            (address.clone(), scope("SMTP.Send"))
        );
        assert_eq!(
            asked(INCOMING, incoming).await,
            (address, scope("IMAP.AccessAsUser.All"))
        );
    }
    for (tenant, cloud, named) in [
        ("a/b", "", "microsoft_outlook.tenant"),
        ("", "mars", "microsoft_outlook.cloud"),
    ] {
        set(tenant, cloud).await;
        let arguments = json!([[outgoing]]);
        let opened = world
            .admin
            .call(OUTGOING, "open_microsoft_outlook_uri", arguments);
        let refused = opened.await.expect_err(named).refusal().message;
        assert!(refused.contains(named), "{refused}");
    }
}

on_both!(
    endpoints,
    each_tenant_and_cloud_has_its_endpoint_on_sqlite,
    each_tenant_and_cloud_has_its_endpoint_on_postgresql
);

/// A user without access to the settings.
async fn plain_user(world: &World, login: &str) -> (i64, Rpc) {
    let values = json!({"name": login, "login": login, "password": "a long password"});
    let id = world.admin.create("res.users", values).await.unwrap();
    (
        id,
        world
            .postern
            .sign_in(login, "a long password")
            .await
            .unwrap(),
    )
}

async fn self_service(database: Database) {
    let Some(world) = World::start(database).await else {
        return;
    };
    let outgoing = world.outgoing().await;
    let (owner, user) = plain_user(&world, "owner").await;
    let (_, stranger) = plain_user(&world, "stranger").await;
    let mine = async |user: &Rpc| {
        user.call("postern.mailbox", "mine", json!([]))
            .await
            .unwrap()
    };
    let open = async |user: &Rpc| {
        let arguments = json!([OUTGOING, outgoing]);
        user.call("postern.mailbox", "open_uri", arguments).await
    };
    let consent = async |user: &Rpc, uri: &str| {
        let uri = uri.parse().unwrap();
        let back = Person::new()
            .consent_at_double(&uri, &world.mailbox, Decision::Yes)
            .await
            .unwrap();
        user.get(&steps::path_of(&back)).await.unwrap()
    };
    // Nobody's yet.
    assert_eq!(mine(&user).await, json!([]));
    open(&user).await.expect_err("not the owner yet");

    let values = json!({"postern_owner_id": owner});
    world.admin.write(OUTGOING, outgoing, values).await.unwrap();
    let shown = world.field(OUTGOING, outgoing, "postern_owner_id").await;
    assert_eq!(shown[0], owner);
    let listed = mine(&user).await;
    assert_eq!(listed[0]["id"], outgoing);
    assert_eq!(listed[0]["user"], json!(world.mailbox));
    assert_eq!(listed[0]["state"], "none");
    let uri = open(&user).await.unwrap()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = consent(&user, &uri).await;
    assert_eq!(
        (page.status, page.location.as_str()),
        (303, "/odoo/my-mailboxes")
    );
    assert_eq!(mine(&user).await[0]["state"], "connected");
    world.test(outgoing).await.expect("connected by its owner");
    // Nothing else became theirs: neither the server nor its tokens.
    user.read(OUTGOING, outgoing, &["name"])
        .await
        .expect_err("no access");

    // A stranger sees nothing, gets no address, and cannot use the owner's.
    assert_eq!(mine(&stranger).await, json!([]));
    let refused = open(&stranger).await.expect_err("not theirs").refusal();
    assert_eq!(refused.name, "odoo.exceptions.AccessError");
    let uri = open(&user).await.unwrap()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(consent(&stranger, &uri).await.status, 403);
    // The owner of one mailbox is not that of another.
    let another = world.outgoing().await;
    let arguments = json!([OUTGOING, another]);
    let refused = user.call("postern.mailbox", "open_uri", arguments).await;
    refused.expect_err("not theirs");
    // A mailbox that was taken away is connected by its former owner no more.
    let nobody = json!({"postern_owner_id": false});
    world.admin.write(OUTGOING, outgoing, nobody).await.unwrap();
    assert_eq!(consent(&user, &uri).await.status, 403);
    let wrong = json!({"postern_owner_id": 123_456});
    world
        .admin
        .write(OUTGOING, outgoing, wrong)
        .await
        .expect_err("nobody");
}

on_both!(
    self_service,
    a_user_connects_their_own_mailbox_on_sqlite,
    a_user_connects_their_own_mailbox_on_postgresql
);

async fn secret_ends(database: Database) {
    let options = Options::on(database).with_jobs();
    let Some(mut world) = World::with(options, database).await else {
        return;
    };
    let admin = &world.admin;
    let (hook, taking) = receiver::start(vec![Some(204), Some(204)]).await;
    admin
        .set_param("postern.alert.webhook", &hook)
        .await
        .unwrap();
    let day = |days: u64| (chrono::Utc::now().date_naive() + chrono::Days::new(days)).to_string();
    let wrong = admin
        .set_param("microsoft_outlook_client_secret_expires", "31.12.2027")
        .await;
    let refused = wrong.expect_err("no day").refusal().message;
    assert!(refused.contains("2027-01-31"), "{refused}");
    admin
        .set_param("microsoft_outlook_client_secret_expires", &day(7))
        .await
        .unwrap();
    let (ended, _) = certificate(Some((2020, 1, 1)));
    admin.set_param(CERTIFICATE, &ended).await.unwrap();

    let credentials = admin.call("res.config.settings", "postern_credentials", json!([]));
    let credentials = credentials.await.unwrap();
    assert_eq!(credentials[0]["parameter"], SECRET);
    assert_eq!(credentials[0]["days_left"], 7);
    assert_eq!(credentials[1]["parameter"], CERTIFICATE);
    assert_eq!(credentials[1]["ends"], "2020-01-01");
    let message = credentials[1]["message"].as_str().unwrap();
    assert!(message.contains("ended on 2020-01-01"), "{message}");

    // Told by whichever process looks first, when it starts, and by none again.
    world.postern.crash_and_restart().unwrap();
    let replicas = match database {
        Database::Sqlite => Vec::new(),
        Database::Postgres => vec![
            world.postern.replica().unwrap(),
            world.postern.replica().unwrap(),
        ],
    };
    let taken = tokio::time::timeout(PATIENCE, taking)
        .await
        .unwrap()
        .unwrap();
    let mut events: Vec<Value> = taken
        .iter()
        .map(|delivered| serde_json::from_slice(&delivered.body).unwrap())
        .collect();
    events.sort_by_key(|event| event["event"].to_string());
    assert_eq!(events[0]["event"], "credential_expired");
    assert_eq!(events[0]["model"], Value::Null);
    assert_eq!(events[1]["event"], "credential_expiring");
    assert_eq!(events[1]["code"], "oauth.credential_ends");
    assert!(events[1]["message"].as_str().unwrap().contains("in 7 days"));
    world.postern.crash_and_restart().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let log = world.postern.log();
    assert_eq!(
        log.matches("it has to be replaced soon").count(),
        1,
        "{log}"
    );
    drop(replicas);
}

on_both!(
    secret_ends,
    the_end_of_a_secret_is_told_in_time_on_sqlite,
    the_end_of_a_secret_is_told_in_time_on_postgresql
);
