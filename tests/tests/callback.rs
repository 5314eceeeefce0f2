//! Who may come back from the provider with what: `/microsoft_outlook/confirm` against forged, stale and foreign
//! states, other people, other verbs and the provider's own refusals, on both databases.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use reqwest::Method;
use reqwest::header::COOKIE;
use secrecy::SecretString;
use serde_json::{Value, json};
use tests::identity::{Client, Fault, FaultOrder, Identity, IdentityConfig, User};
use tests::lab::{Database, Described};
use tests::person::{Decision, Person};
use tests::postern::{ADMIN, ADMIN_PASSWORD, Options, Postern};
use tests::rpc_client::{Page, Rpc};
use tests::steps::{self, Application, Tokens, parameter, path_of};
use url::Url;

const MODEL: &str = "ir.mail_server";
const MAILBOX: &str = "alice@example.test";
const APP: &str = "11111111-2222-4333-8444-555555555555";
const SECRET: &str = "s3cr~t & =+%";
const PASSWORD: &str = "another-long-password";

/// A Postern with an application, a server that waits to be connected, and a provider of its own.
struct Scene {
    identity: Identity,
    postern: Postern,
    admin: Rpc,
    server: i64,
}

impl Scene {
    /// `None` when this run leaves the database out.
    async fn start(database: Database) -> Option<Self> {
        let lab = Described::from_env();
        if !lab.databases.contains(&database) {
            return None;
        }
        let postern = Postern::start(&lab, &Options::on(database)).unwrap();
        let identity = Identity::start(IdentityConfig {
            clients: vec![Client::new(APP, SECRET, postern.redirect_uri())],
            users: vec![User::new(MAILBOX)],
            ..IdentityConfig::default()
        })
        .unwrap();
        let admin = postern.admin().await.unwrap();
        let application = Application {
            endpoint: &identity.endpoint("common"),
            id: APP,
            secret: SECRET,
        };
        steps::enter_application(&admin, &postern, application)
            .await
            .unwrap();
        let server = steps::outgoing_server(&admin, (&lab.host, &lab.mail), MAILBOX)
            .await
            .unwrap();
        Some(Self {
            identity,
            postern,
            admin,
            server,
        })
    }

    /// The address of the consent as the administrator gets it.
    async fn address(&self) -> Url {
        steps::consent_address(&self.admin, MODEL, self.server)
            .await
            .unwrap()
    }

    /// Where the provider sends a person who consents; not followed yet.
    async fn back(&self) -> Url {
        let address = self.address().await;
        Person::new()
            .consent_at_double(&address, MAILBOX, Decision::Yes)
            .await
            .unwrap()
    }

    async fn tokens(&self) -> Tokens {
        steps::tokens(&self.admin, MODEL, self.server)
            .await
            .unwrap()
    }

    /// Refused with this status, and nothing was stored nor asked of the provider.
    #[track_caller]
    fn assert_refused(&self, page: &Page, status: u16, tokens: &Tokens) {
        assert_eq!(page.status, status, "{}", page.body);
        assert_eq!(page.session, None, "a refusal opens no session");
        assert_eq!((tokens.refresh.as_str(), tokens.access.as_str()), ("", ""));
        assert_eq!(
            self.identity.counters().codes_redeemed,
            0,
            "the code was used"
        );
    }

    /// A user with the administrator's groups, or with those of every new user.
    async fn user(&self, login: &str, is_admin: bool) -> Rpc {
        let mut values = json!({"name": login, "login": login, "password": PASSWORD});
        if is_admin {
            let row = self.admin.read("res.users", 2, &["groups_id"]).await;
            values["groups_id"] = json!([[6, 0, row.unwrap()["groups_id"]]]);
        }
        self.admin.create("res.users", values).await.unwrap();
        self.postern.sign_in(login, PASSWORD).await.unwrap()
    }
}

/// The way back with another state.
fn with_state(back: &Url, change: impl FnOnce(&mut Value)) -> String {
    let mut state: Value = serde_json::from_str(&parameter(back, "state")).unwrap();
    change(&mut state);
    with_parameter(back, "state", &state.to_string())
}

fn with_parameter(back: &Url, name: &str, value: &str) -> String {
    let others: Vec<(String, String)> = back
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let mut changed = back.clone();
    changed
        .query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .append_pair(name, value);
    path_of(&changed)
}

async fn forged_states(scene: &Scene) {
    let back = scene.back().await;
    let other = steps::outgoing_server(
        &scene.admin,
        ("localhost", &Described::from_env().mail),
        MAILBOX,
    )
    .await
    .unwrap();
    let forged = [
        with_parameter(&back, "state", ""),
        with_parameter(&back, "state", "no JSON"),
        with_state(&back, |state| state["csrf_token"] = json!("")),
        with_state(&back, |state| state["csrf_token"] = json!("00".repeat(40))),
        with_state(&back, |state| {
            let token = state["csrf_token"].as_str().unwrap();
            let last = if token.ends_with('0') { "1" } else { "0" };
            state["csrf_token"] = json!(format!("{}{last}", &token[..token.len() - 1]));
        }),
        // The token carries its time, and another time makes it another token.
        with_state(&back, |state| {
            let token = state["csrf_token"].as_str().unwrap();
            let issued = i64::from_str_radix(&token[..16], 16).unwrap();
            state["csrf_token"] = json!(format!("{:016x}{}", issued + 1, &token[16..]));
        }),
        with_state(&back, |state| state["id"] = json!(other)),
        with_state(&back, |state| state["model"] = json!("fetchmail.server")),
        with_state(&back, |state| state["model"] = json!("res.users")),
    ];
    for path in forged {
        let page = scene.admin.get(&path).await.unwrap();
        scene.assert_refused(&page, 403, &scene.tokens().await);
    }
}

/// A genuine token that is too old. Made with the database's secret, which only an administrator can read: the clock of
/// a process cannot be put back from outside. That the same function gives the very token of the address shows that the
/// old one is refused for its age alone.
async fn a_stale_state(scene: &Scene) {
    let key = json!(["database.secret"]);
    let key = scene.admin.call("ir.config_parameter", "get_param", key);
    let key = SecretString::from(key.await.unwrap().as_str().unwrap());
    let now = chrono::Utc::now().timestamp();
    let dated = |time: i64| {
        let parts = [MODEL, &scene.server.to_string(), "2"];
        auth::csrf::issue(&key, "microsoft_outlook", &parts, time)
    };
    let back = scene.back().await;
    let old = with_state(&back, |state| {
        state["csrf_token"] = json!(dated(now - 86_400))
    });
    let page = scene.admin.get(&old).await.unwrap();
    scene.assert_refused(&page, 403, &scene.tokens().await);
    assert!(page.body.contains("too old"), "{}", page.body);

    let state: Value = serde_json::from_str(&parameter(&back, "state")).unwrap();
    let token = state["csrf_token"].as_str().unwrap();
    let issued = i64::from_str_radix(&token[..16], 16).unwrap();
    assert_eq!(
        dated(issued),
        token,
        "the test makes tokens as Postern does"
    );
}

async fn other_people(scene: &Scene) {
    let back = path_of(&scene.back().await);
    let colleague = scene.user("colleague", true).await;
    let page = colleague.get(&back).await.unwrap();
    scene.assert_refused(&page, 403, &scene.tokens().await);

    let clerk = scene.user("clerk", false).await;
    let page = clerk.get(&back).await.unwrap();
    scene.assert_refused(&page, 403, &scene.tokens().await);
    assert!(page.body.contains("administrator"), "{}", page.body);

    let post = scene
        .admin
        .page(Method::POST, &back, Some(&[("code", "x")]));
    scene.assert_refused(&post.await.unwrap(), 400, &scene.tokens().await);
    let head = scene.admin.page(Method::HEAD, &back, None);
    scene.assert_refused(&head.await.unwrap(), 400, &scene.tokens().await);
}

/// Whatever the provider says is shown as text, with a way back to the record.
async fn the_providers_refusals(scene: &Scene) {
    let way_back = format!("href=\"/odoo/{MODEL}/{}\"", scene.server);
    let declined = Person::new()
        .consent_at_double(&scene.address().await, MAILBOX, Decision::No)
        .await
        .unwrap();
    let page = scene.admin.get(&path_of(&declined)).await.unwrap();
    scene.assert_refused(&page, 200, &scene.tokens().await);
    assert!(page.body.contains(&way_back), "{}", page.body);
    assert!(page.body.contains("AADSTS65004"), "{}", page.body);

    let state = parameter(&declined, "state");
    let query = [
        ("error", "access_denied<script>"),
        (
            "error_description",
            "<script>alert(1)</script>\"><img src=x>",
        ),
        ("state", &state),
    ];
    let mut evil = declined.clone();
    evil.query_pairs_mut().clear().extend_pairs(query);
    let page = scene.admin.get(&path_of(&evil)).await.unwrap();
    scene.assert_refused(&page, 200, &scene.tokens().await);
    assert!(page.body.contains("&lt;script&gt;"), "{}", page.body);
    assert!(!page.body.contains("<script") && !page.body.contains("<img"));
    assert!(page.body.contains(&way_back), "{}", page.body);
    evil.query_pairs_mut()
        .clear()
        .append_pair("error", "server_error")
        .append_pair(
            "state",
            r#"{"model": "//evil.example\"", "id": 1, "csrf_token": ""}"#,
        );
    let page = scene.admin.get(&path_of(&evil)).await.unwrap();
    assert!(!page.body.contains("evil.example"), "{}", page.body);
    assert!(page.body.contains("href=\"/odoo\""), "{}", page.body);

    for (code, remedy) in [(7_000_222, "Create a new client secret"), (90_055, "again")] {
        let back = scene.back().await;
        scene
            .identity
            .queue_fault(FaultOrder::next(1, Fault::aadsts(code)));
        let page = scene.admin.get(&path_of(&back)).await.unwrap();
        scene.assert_refused(&page, 200, &scene.tokens().await);
        for part in [&format!("AADSTS{code}"), remedy, &way_back] {
            assert!(
                page.body.contains(part),
                "{part} is missing in {}",
                page.body
            );
        }
        assert!(!page.body.contains(SECRET), "{}", page.body);
    }
}

/// Without a refresh token the mailbox would be lost within the hour, so that nothing is stored.
async fn a_missing_refresh_token(scene: &Scene) {
    let back = scene.back().await;
    scene
        .identity
        .queue_fault(FaultOrder::next(1, Fault::NoRefreshToken));
    let page = scene.admin.get(&path_of(&back)).await.unwrap();
    assert!(page.body.contains("refresh token"), "{}", page.body);
    let tokens = scene.tokens().await;
    assert_eq!((tokens.refresh.as_str(), tokens.access.as_str()), ("", ""));
}

/// Nobody is signed in any more: the sign-in page leads back, and the provider's answer is still good.
async fn without_a_session(scene: &Scene) {
    let back = path_of(&scene.back().await);
    let nobody = Rpc::anonymous(&scene.postern.base_url(), scene.postern.database_name());
    let page = nobody.get(&back).await.unwrap();
    assert_eq!(page.status, 303, "{}", page.body);
    assert!(
        page.location.starts_with("/web/login?redirect="),
        "{}",
        page.location
    );
    let form = nobody.get(&page.location).await.unwrap();
    assert!(form.body.contains(" name=\"redirect\""), "{}", form.body);
    let redirect = parameter(
        &Url::parse(&format!("http://x{}", page.location)).unwrap(),
        "redirect",
    );
    let fields = [
        ("csrf_token", form.token()),
        ("redirect", &redirect),
        ("login", ADMIN),
        ("password", ADMIN_PASSWORD),
    ];
    let answer = nobody
        .request(Method::POST, "/web/login")
        .header(COOKIE, form.cookies.join("; "))
        .form(&fields)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    let location = answer.headers()["location"].to_str().unwrap();
    assert_eq!(location, back);
    let session = answer.cookies_set().expect("a session");
    let page = nobody
        .request(Method::GET, location)
        .header(COOKIE, session)
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 303);
    assert_eq!(
        page.headers()["location"],
        format!("/odoo/{MODEL}/{}", scene.server)
    );
    let tokens = scene.tokens().await;
    assert!(!tokens.refresh.is_empty() && !tokens.access.is_empty());

    // A code is good once; what is stored already stays.
    let page = scene.admin.get(&back).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("AADSTS54005"), "{}", page.body);
    assert_eq!(scene.tokens().await, tokens);
}

trait CookiesSet {
    /// The session cookie of an answer, as a browser sends it back.
    fn cookies_set(&self) -> Option<String>;
}

impl CookiesSet for reqwest::Response {
    fn cookies_set(&self) -> Option<String> {
        let cookies = self.headers().get_all("set-cookie").iter();
        let mut texts = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        texts
            .find(|cookie| cookie.starts_with("session_id="))
            .map(str::to_owned)
    }
}

async fn everything(database: Database) {
    let Some(scene) = Scene::start(database).await else {
        return;
    };
    forged_states(&scene).await;
    a_stale_state(&scene).await;
    other_people(&scene).await;
    the_providers_refusals(&scene).await;
    a_missing_refresh_token(&scene).await;
    without_a_session(&scene).await;
}

#[tokio::test]
async fn the_callback_lets_in_only_the_administrator_who_left_on_sqlite() {
    everything(Database::Sqlite).await;
}

#[tokio::test]
async fn the_callback_lets_in_only_the_administrator_who_left_on_postgresql() {
    everything(Database::Postgres).await;
}
