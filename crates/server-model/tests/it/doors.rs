//! Who comes in, who has to wait, and where secrets are kept and where not.

use std::net::IpAddr;

use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret, SecretString};
use server_model::env::Caller;
use server_model::error::Error;
use server_model::start::ADMINISTRATOR;
use server_model::value::AnyValue;
use server_model::{credentials, sessions};

use crate::support::{Client, dict, leaf, list, on_each_database};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

async fn log_in(
    client: &Client,
    login: &str,
    password: &str,
    from: IpAddr,
) -> Result<Caller, Error> {
    let password = SecretString::from(password);
    credentials::login(client.caller().backend(), login, &password, Some(from)).await
}

async fn set_parameter(client: &Client, key: &'static str, value: &str) -> Result<AnyValue, Error> {
    let args = vec![key.into(), value.into()];
    client
        .try_call("ir.config_parameter", "set_param", args)
        .await
}

async fn parameter(client: &Client, key: &'static str) -> AnyValue {
    client
        .call("ir.config_parameter", "get_param", vec![key.into()])
        .await
}

fn told(outcome: &Result<Caller, Error>) -> Option<String> {
    outcome.as_ref().err().map(ToString::to_string)
}

fn is_denied(outcome: &Result<Caller, Error>) -> bool {
    matches!(outcome, Err(Error::AccessDenied(_)))
}

#[tokio::test]
async fn after_too_many_wrong_passwords_the_right_one_has_to_wait_as_well() {
    on_each_database(async |client| {
        set_parameter(&client, "base.login_cooldown_after", "2")
            .await
            .expect("an administrator may");
        for _ in 0..2 {
            assert!(is_denied(&log_in(&client, "admin", "wrong", HERE).await));
        }
        assert!(is_denied(&log_in(&client, "admin", "admin", HERE).await));
        // The same holds for calls that name the user by its id.
        let password = SecretString::from("admin");
        let backend = client.caller().backend();
        let by_id = credentials::check_uid(backend, ADMINISTRATOR, &password, Some(HERE)).await;
        assert!(is_denied(&by_id));
        // Who comes from elsewhere does not suffer for it.
        assert!(log_in(&client, "admin", "admin", THERE).await.is_ok());
        set_parameter(&client, "base.login_cooldown_after", "0")
            .await
            .expect("an administrator may");
        assert!(log_in(&client, "admin", "admin", HERE).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn of_many_guesses_at_once_no_more_are_looked_at_than_there_are_processors() {
    on_each_database(async |client| {
        set_parameter(&client, "base.login_cooldown_after", "1")
            .await
            .expect("an administrator may");
        // What a guess is told that was looked at, in contrast to one refused unseen.
        let seen = told(&log_in(&client, "admin", "wrong", THERE).await);
        let guesses = (0..12).map(|_| {
            let client = client.clone();
            async move { log_in(&client, "admin", "wrong", HERE).await }
        });
        let outcomes = futures_util::future::join_all(guesses).await;
        assert!(outcomes.iter().all(is_denied));
        // As many as there are processors may be looked at side by side before the first has failed.
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        let looked_at = outcomes.iter().filter(|outcome| told(outcome) == seen);
        assert!((1..=at_once).contains(&looked_at.count()));
    })
    .await;
}

#[tokio::test]
async fn a_right_password_makes_earlier_failures_forgotten() {
    on_each_database(async |client| {
        set_parameter(&client, "base.login_cooldown_after", "2")
            .await
            .expect("an administrator may");
        for _ in 0..3 {
            assert!(is_denied(&log_in(&client, "admin", "wrong", HERE).await));
            assert!(log_in(&client, "admin", "admin", HERE).await.is_ok());
        }
    })
    .await;
}

#[tokio::test]
async fn parallel_requests_and_logins_do_not_get_in_each_others_way() {
    on_each_database(async |client| {
        let backend = client.caller().backend();
        let password = SecretString::from("admin");
        let opened = sessions::sign_in(backend, "admin", &password, None, None)
            .await
            .expect("the password is right");
        let statements = "UPDATE postern_session SET last_seen_at = '2020-01-01 00:00:00'; \
            INSERT INTO postern_session (id_hash, user_id, token, created_at, last_seen_at, expires_at, data) \
            VALUES ('old', 2, '', '2020-01-01 00:00:00', '2020-01-01 00:00:00', '2020-01-01 00:00:00', '{}')";
        backend
            .database()
            .connection()
            .execute_unprepared(statements)
            .await
            .expect("the database takes it");
        let cookie = opened.cookie.expose_secret();
        let visits = (0..8).map(|_| sessions::find(backend, cookie));
        for visit in futures_util::future::join_all(visits).await {
            assert!(visit.expect("no conflict").is_some());
        }
        let (password, url) = (&password, "http://mail.example.com");
        let logins =
            (0..8).map(|_| sessions::sign_in(backend, "admin", password, Some(url), None));
        for login in futures_util::future::join_all(logins).await {
            login.map(drop).expect("no conflict");
        }
        assert_eq!(parameter(&client, "web.base.url").await, url.into());
    })
    .await;
}

#[tokio::test]
async fn passwords_given_to_users_open_the_door_whoever_sets_them() {
    on_each_database(async |client| {
        let person = |login: &'static str, password: &'static str| -> AnyValue {
            dict([
                ("name", login.into()),
                ("login", login.into()),
                ("password", password.into()),
            ])
            .into()
        };
        // Two users with one password: each has a stored form of its own.
        let both = list([person("a", "first one"), person("b", "first one")]);
        let users = client.call("res.users", "create", vec![both]).await;
        for login in ["a", "b"] {
            assert!(log_in(&client, login, "first one", HERE).await.is_ok());
        }
        let change = dict([("new_password", "second one".into())]).into();
        client.call("res.users", "write", vec![users, change]).await;
        for login in ["a", "b"] {
            assert!(log_in(&client, login, "second one", HERE).await.is_ok());
            assert!(is_denied(&log_in(&client, login, "first one", HERE).await));
        }
        let changed = client
            .call(
                "res.users",
                "change_password",
                vec!["admin".into(), "third".into()],
            )
            .await;
        assert_eq!(changed, true.into());
        assert!(log_in(&client, "admin", "third", HERE).await.is_ok());
        let wrong = vec!["admin".into(), "fourth".into()];
        let refused = client.try_call("res.users", "change_password", wrong).await;
        assert!(
            matches!(refused, Err(Error::AccessDenied(_))),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_settings_form_that_was_carried_out_holds_no_secret_any_more() {
    const MODEL: &str = "res.config.settings";
    const SECRET: &str = "microsoft_outlook_client_secret";
    on_each_database(async |client| {
        let form = client.create(MODEL, dict([(SECRET, "hush".into())])).await;
        let on_form = || vec![list([form.clone()])];
        for _ in 0..2 {
            client.call(MODEL, "execute", on_form()).await;
            assert!(client.value(MODEL, &form, SECRET).await.is_falsy());
            // Carried out once more, the form does not take the secret back.
            assert_eq!(parameter(&client, SECRET).await, "hush".into());
        }
        for emptied in [AnyValue::FALSE, "".into()] {
            let again = dict([(SECRET, "hush".into())]).into();
            client
                .call(MODEL, "write", vec![list([form.clone()]), again])
                .await;
            client.call(MODEL, "execute", on_form()).await;
            let emptied = dict([(SECRET, emptied)]).into();
            client
                .call(MODEL, "write", vec![list([form.clone()]), emptied])
                .await;
            client.call(MODEL, "execute", on_form()).await;
            assert!(parameter(&client, SECRET).await.is_falsy());
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_settings_form_ends_those_of_an_hour_ago() {
    const MODEL: &str = "res.config.settings";
    on_each_database(async |client| {
        let old = client.create(MODEL, dict([])).await;
        let recent = client.create(MODEL, dict([])).await;
        let age = format!(
            "UPDATE res_config_settings SET write_date = '2020-01-01 00:00:00' WHERE id = {}",
            old.as_id().expect("an id")
        );
        let database = client.caller().backend().database();
        let aged = database.connection().execute_unprepared(&age).await;
        aged.expect("the database takes it");
        let new = client.create(MODEL, dict([])).await;
        let left = client.search(MODEL, list([leaf("id", ">", 0)])).await;
        assert_eq!(
            left,
            AnyValue::ids(&[recent.as_id().expect("an id"), new.as_id().expect("an id")])
        );
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_could_be_guessed_is_refused() {
    const KEY: &str = "database.secret";
    on_each_database(async |client| {
        for weak in ["", "short", "fifteen letters"] {
            let refused = set_parameter(&client, KEY, weak).await;
            assert!(
                matches!(refused, Err(Error::Validation(_))),
                "{weak:?}: {refused:?}"
            );
        }
        set_parameter(&client, KEY, "sixteen letters!")
            .await
            .expect("long enough");
    })
    .await;
}
