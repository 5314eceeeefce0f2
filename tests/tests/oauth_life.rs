//! What a mailbox lives through in years: a provider with bad hours, a secret that is replaced, a grant that
//! is taken back, and several Posterns that all want a new token at once.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use auth::remote::signature;
use secrecy::SecretString;
use serde_json::{Value, json};
use tests::identity::{Client, Fault, FaultOrder, Rotation, fingerprint};
use tests::lab::{Database, Described};
use tests::postern::{Options, Postern};
use tests::receiver;
use tests::rpc_client::Rpc;
use tests::steps::{self, Application};
use tokio::sync::{Mutex, MutexGuard};

const OUTGOING: &str = "ir.mail_server";
const INCOMING: &str = "fetchmail.server";
const SECRET: &str = "microsoft_outlook_client_secret";
const NEXT_SECRET: &str = "microsoft_outlook_client_secret_next";
const PATIENCE: Duration = Duration::from_secs(60);
const VAULT_KEY: &str = "test:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=";

/// The provider's bad hours come upon all that ask it, so that these tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// A Postern whose outgoing server is connected, with an application of its own at the provider.
struct Life {
    _turn: MutexGuard<'static, ()>,
    lab: Described,
    client: String,
    secret: String,
    postern: Postern,
    admin: Rpc,
    mailbox: String,
    server: i64,
}

impl Life {
    async fn start(database: Database, options: Options) -> Option<Self> {
        let lab = Described::from_env();
        if !lab.databases.contains(&database) {
            return None;
        }
        let turn = TURN.lock().await;
        let control = &lab.identity.control;
        let postern = Postern::start(&lab, &options.with("POSTERN_VAULT_KEY", VAULT_KEY)).unwrap();
        let admin = postern.admin().await.unwrap();
        let mailbox = steps::new_account(&lab, "life").await.unwrap();
        let client = uuid::Uuid::new_v4().to_string();
        let secret = format!("first-secret-{client}");
        let registered = Client::new(&client, &secret, postern.redirect_uri());
        control.add_client(registered).await.unwrap();
        let application = Application {
            endpoint: &lab.identity.endpoint,
            id: &client,
            secret: &secret,
        };
        steps::enter_application(&admin, &postern, application)
            .await
            .unwrap();
        control.forget_token_requests().await.unwrap();
        let mail = (lab.host.as_str(), &lab.mail);
        let server = steps::outgoing_server(&admin, mail, &mailbox)
            .await
            .unwrap();
        let life = Self {
            _turn: turn,
            lab,
            client,
            secret,
            postern,
            admin,
            mailbox,
            server,
        };
        life.connect().await;
        Some(life)
    }

    async fn connect(&self) {
        let page = steps::connect(&self.admin, OUTGOING, self.server, &self.mailbox);
        let page = page.await.unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
    }

    /// Lets the stored token end so many seconds from now by Postern's clock.
    async fn expire_in(&self, seconds: i64) {
        let end = chrono::Utc::now().timestamp() + seconds;
        let values = json!({"microsoft_outlook_access_token_expiration": end});
        let written = self.admin.write(OUTGOING, self.server, values).await;
        written.unwrap();
    }

    /// Tests the connection; the refusal's text when it fails.
    async fn test(&self) -> Result<(), String> {
        let tested = self
            .admin
            .button(OUTGOING, "test_smtp_connection", self.server);
        match tested.await {
            Ok(_) => Ok(()),
            Err(error) => Err(error.refusal().message),
        }
    }

    async fn state(&self) -> (Value, String) {
        let fields = ["postern_oauth_state", "postern_oauth_error"];
        let read = self.admin.read(OUTGOING, self.server, &fields);
        let mut read = read.await.unwrap();
        let error = read["postern_oauth_error"].as_str().unwrap_or_default();
        let error = error.to_owned();
        (read["postern_oauth_state"].take(), error)
    }

    /// The provider is as it was for whoever comes next.
    async fn end(self) {
        let control = &self.lab.identity.control;
        control.clear_faults().await.unwrap();
        control.set_rotation(Rotation::default()).await.unwrap();
        control.set_access_token_lifetime(3600).await.unwrap();
    }

    /// How often the provider was asked for a new token.
    async fn refreshes(&self) -> usize {
        let requests = self.lab.identity.control.token_requests().await.unwrap();
        requests
            .iter()
            .filter(|request| request.grant_type.as_deref() == Some("refresh_token"))
            .count()
    }

    async fn parameter(&self, key: &str) -> Value {
        let call = self
            .admin
            .call("ir.config_parameter", "get_param", json!([key]));
        call.await.unwrap()
    }
}

async fn bad_hours(database: Database) {
    let Some(life) = Life::start(database, Options::on(database)).await else {
        return;
    };
    let control = &life.lab.identity.control;
    // Out twice, and then well again: nobody notices.
    let fault = FaultOrder::next(2, Fault::unavailable()).on_refresh();
    control.queue_fault(fault).await.unwrap();
    life.expire_in(-60).await;
    let before = life.refreshes().await;
    life.test().await.expect("the third time it answers");
    assert_eq!(life.refreshes().await, before + 3);
    assert_eq!(life.state().await.0, "connected");

    // It wants to be left alone for a minute, and is; the token at hand serves meanwhile.
    let fault = FaultOrder::next(1, Fault::too_many_requests(60)).on_refresh();
    control.queue_fault(fault).await.unwrap();
    life.expire_in(60).await;
    let before = life.refreshes().await;
    for _ in 0..3 {
        life.test()
            .await
            .expect("the old token is good for a while");
    }
    assert_eq!(life.refreshes().await, before + 1, "it is left alone");
    let (state, error) = life.state().await;
    assert_eq!(state, "waiting");
    assert!(error.contains("tried again"), "{error}");
    // Without a token that is good there is nothing to do but to say so.
    life.expire_in(-60).await;
    let refused = life.test().await.expect_err("no token");
    assert_eq!(refused, error);
    assert_eq!(life.refreshes().await, before + 1);
    // Connecting the mailbox anew ends the wait.
    life.connect().await;
    assert_eq!(life.state().await, ("connected".into(), String::new()));
    life.test().await.unwrap();
    life.end().await;
}

#[tokio::test]
async fn a_provider_with_bad_hours_is_asked_again_and_tokens_serve_to_their_end_on_sqlite() {
    bad_hours(Database::Sqlite).await;
}

#[tokio::test]
async fn a_provider_with_bad_hours_is_asked_again_and_tokens_serve_to_their_end_on_postgresql() {
    bad_hours(Database::Postgres).await;
}

async fn new_secret(database: Database) {
    let Some(life) = Life::start(database, Options::on(database)).await else {
        return;
    };
    let (control, client) = (&life.lab.identity.control, life.client.as_str());
    let old = life.secret.clone();
    let new = "the-new-secret-of-the-application";
    // Entered before the provider knows it: the old one goes on.
    life.admin.set_param(NEXT_SECRET, new).await.unwrap();
    life.expire_in(-60).await;
    life.test().await.expect("the old secret");
    assert_eq!(life.parameter(SECRET).await, json!(old));
    // From the moment on that the provider knows it, it is used, and takes the old one's place.
    control.add_secret(client, new).await.unwrap();
    life.expire_in(-60).await;
    life.test().await.expect("the new secret");
    assert_eq!(life.parameter(SECRET).await, json!(new));
    assert_eq!(life.parameter(NEXT_SECRET).await, json!(false));
    control.expire_secret(client, &old).await.unwrap();
    life.expire_in(-60).await;
    life.test()
        .await
        .expect("the old one is not needed any more");
    let log = life.postern.log();
    assert!(!log.contains(new) && !log.contains(&old));
}

#[tokio::test]
async fn a_client_secret_is_replaced_without_interruption_on_sqlite() {
    new_secret(Database::Sqlite).await;
}

#[tokio::test]
async fn a_client_secret_is_replaced_without_interruption_on_postgresql() {
    new_secret(Database::Postgres).await;
}

async fn broken(database: Database) {
    let options = Options::on(database).with_jobs();
    let Some(life) = Life::start(database, options).await else {
        return;
    };
    let admin = &life.admin;
    // Somebody to tell, and another server to tell them through.
    let watcher = steps::new_account(&life.lab, "watcher").await.unwrap();
    let user = admin.read("res.users", admin.uid(), &["partner_id"]).await;
    let partner = user.unwrap()["partner_id"][0].as_i64().unwrap();
    let email = json!({"email": watcher});
    admin.write("res.partner", partner, email).await.unwrap();
    let other = json!({
        "name": "Other",
        "smtp_host": life.lab.host,
        "smtp_port": life.lab.mail.submission,
        "smtp_encryption": "starttls",
        "smtp_user": watcher,
        "smtp_pass": life.lab.password,
        "sequence": 20,
    });
    admin.create(OUTGOING, other).await.unwrap();
    let (hook, taking) = receiver::start(vec![Some(503), Some(204), Some(204)]).await;
    admin
        .set_param("postern.alert.webhook", &hook)
        .await
        .unwrap();
    let shared = "shared secret";
    admin
        .set_param("postern.alert.secret", shared)
        .await
        .unwrap();

    let control = &life.lab.identity.control;
    control.revoke_grants(&life.mailbox).await.unwrap();
    for _ in 0..3 {
        life.expire_in(-60).await;
        let refused = life.test().await.expect_err("the grant was taken back");
        assert!(refused.contains("AADSTS50173"), "{refused}");
    }
    let (state, error) = life.state().await;
    assert_eq!(state, "reconnect");
    assert!(error.contains("connect the mailbox again"), "{error}");
    let told = async |subject: &str| {
        let begin = Instant::now();
        loop {
            let mails = life.lab.read_inbox(&watcher).unwrap();
            let count = mails
                .iter()
                .filter(|mail| mail.text().contains(subject))
                .count();
            if count > 0 || begin.elapsed() > PATIENCE {
                return count;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    assert_eq!(
        told("needs your attention").await,
        1,
        "once, however often it fails"
    );
    life.connect().await;
    assert_eq!(life.state().await, ("connected".into(), String::new()));
    assert_eq!(told("works again").await, 1);

    let taken = tokio::time::timeout(PATIENCE, taking)
        .await
        .unwrap()
        .unwrap();
    let mut events = Vec::new();
    for delivered in &taken {
        let timestamp: i64 = delivered.header("postern-timestamp").parse().unwrap();
        assert_eq!(
            delivered.header("postern-signature"),
            signature(&SecretString::from(shared), timestamp, &delivered.body)
        );
        let notice: Value = serde_json::from_slice(&delivered.body).unwrap();
        assert_eq!(notice["id"], json!(life.server));
        let event = notice["event"].as_str().unwrap_or_default().to_owned();
        events.push((event, delivered.header("idempotency-key")));
    }
    assert_eq!(events[0], events[1], "the same one again after a failure");
    assert_eq!(events[0].0, "mailbox_broken");
    assert_eq!(events[2].0, "mailbox_recovered");
}

#[tokio::test]
async fn a_broken_mailbox_is_told_of_once_and_so_is_its_recovery_on_sqlite() {
    broken(Database::Sqlite).await;
}

#[tokio::test]
async fn a_broken_mailbox_is_told_of_once_and_so_is_its_recovery_on_postgresql() {
    broken(Database::Postgres).await;
}

/// How long an access token is good: Postern renews what ends within two minutes, so that each serves for
/// three seconds only, as if an hour had passed.
const TOKEN_SECONDS: u64 = 123;
const REPLICAS: usize = 3;
const HOURS: Duration = Duration::from_secs(40);

/// Many hours of life at once: four processes send all the time, tokens end every few seconds, each refresh
/// token is good once, and the client secret is replaced in the middle.
#[tokio::test]
async fn four_processes_share_one_renewal_an_hour_and_no_mail_fails() {
    let options = Options::on(Database::Postgres).with_jobs();
    let Some(life) = Life::start(Database::Postgres, options).await else {
        return;
    };
    let (control, admin) = (&life.lab.identity.control, &life.admin);
    control.set_rotation(Rotation::RevokeOld).await.unwrap();
    control
        .set_access_token_lifetime(TOKEN_SECONDS)
        .await
        .unwrap();
    admin
        .set_param("postern.outbox.grace_seconds", "0")
        .await
        .unwrap();
    let budget = json!({
        "mail_server_id": life.server, "connections": 8,
        "messages_per_minute": 0, "recipients_per_day": 0,
    });
    admin.create("postern.mail.budget", budget).await.unwrap();
    life.connect().await;
    let mail = (life.lab.host.as_str(), &life.lab.mail);
    let inbox = steps::incoming_server(admin, mail, &life.mailbox);
    let inbox = inbox.await.unwrap();
    let page = steps::connect(admin, INCOMING, inbox, &life.mailbox);
    assert_eq!(page.await.unwrap().status, 303);
    let confirmed = admin.button(INCOMING, "button_confirm_login", inbox);
    confirmed.await.unwrap();
    let replicas: Vec<_> = (0..REPLICAS)
        .map(|_| life.postern.replica().unwrap())
        .collect();
    let new = "the-new-secret-of-the-application";
    let begin = Instant::now();
    let mut mails = 0;
    let mut arrived = 0;
    let mut replaced = false;
    while begin.elapsed() < HOURS {
        let batch: Vec<Value> = (0..20)
            .map(|_| {
                json!({
                    "subject": "all the time", "body_html": "<p>x</p>",
                    "email_from": life.mailbox, "email_to": "discarded@discard.test",
                })
            })
            .collect();
        mails += batch.len();
        admin
            .call("mail.mail", "create", json!([batch]))
            .await
            .unwrap();
        // Mail comes in as well, and somebody looks for it in a session of its own now and then.
        arrived += 1;
        let raw = format!(
            "From: kim@client.example\r\nSubject: arrives\r\nMessage-ID: <life-{arrived}-{inbox}@client.example>\r\n\r\nx\r\n"
        );
        life.lab.deliver(&life.mailbox, raw.as_bytes()).unwrap();
        if arrived % 5 == 0 {
            let fetched = admin.button(INCOMING, "fetch_mail", inbox);
            fetched.await.unwrap();
        }
        if !replaced && begin.elapsed() > HOURS / 2 {
            control.add_secret(&life.client, new).await.unwrap();
            admin.set_param(NEXT_SECRET, new).await.unwrap();
            replaced = true;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let count = async |state: &str| {
        let domain = json!([[["subject", "=", "all the time"], ["state", "=", state]]]);
        let count = admin.call("mail.mail", "search_count", domain).await;
        count.unwrap().as_u64().unwrap()
    };
    let begin = Instant::now();
    while count("outgoing").await > 0 && begin.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(count("exception").await, 0);
    assert_eq!(count("sent").await, mails as u64);
    let here = async || {
        let domain = json!([[["subject", "=", "arrives"], ["message_type", "=", "email"]]]);
        let count = admin.call("mail.message", "search_count", domain).await;
        count.unwrap().as_u64().unwrap()
    };
    let begin = Instant::now();
    while here().await < arrived && begin.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(here().await, arrived, "each mail once");
    let mut shown: HashMap<String, usize> = HashMap::new();
    for request in control.token_requests().await.unwrap() {
        if request.grant_type.as_deref() == Some("refresh_token")
            && request.new_refresh_token.is_some()
        {
            *shown.entry(request.refresh_token.unwrap()).or_default() += 1;
        }
    }
    assert!(shown.len() >= 8, "tokens hardly ended: {}", shown.len());
    assert!(shown.values().all(|times| *times == 1), "{shown:?}");
    assert_eq!(life.parameter(SECRET).await, json!(new));
    println!(
        "{mails} mails out, {arrived} in, {} renewals, {} processes",
        shown.len(),
        REPLICAS + 1
    );
    drop(replicas);

    // No secret in any log, of which all processes write the same.
    let tokens = steps::tokens(admin, OUTGOING, life.server).await.unwrap();
    let log = life.postern.log();
    for secret in [
        tokens.access.as_str(),
        &tokens.refresh,
        new,
        &life.secret,
        &VAULT_KEY[5..],
    ] {
        assert!(!secret.is_empty() && !log.contains(secret));
    }
    assert!(!log.contains("could not be renewed"));
    let last = fingerprint(&tokens.refresh);
    assert!(
        !shown.contains_key(&last),
        "the newest one is the one that is kept"
    );
    life.end().await;
}
