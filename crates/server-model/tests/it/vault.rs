//! Secrets in the database: what stands in the columns, and what callers read.

use std::sync::atomic::{AtomicUsize, Ordering};

use auth::vault::{Keyring, key_of, new_key};
use sea_orm::{ConnectionTrait, Statement};
use secrecy::{ExposeSecret, SecretString};
use server_model::error::Error;
use server_model::value::AnyValue;
use server_model::vault::{self, Census};

use crate::support::{Client, dict, list, on_each_lasting_database};

const SECRETS: [&str; 7] = [
    "hunter2",
    "cmVmcmVzaA==",
    "the refresh token",
    "the access token",
    "the password",
    "the client secret",
    "the webhook's secret",
];

fn key(id: &str) -> SecretString {
    new_key(id).expect("a key")
}

fn keys(lines: &[&SecretString]) -> Option<Keyring> {
    let lines: Vec<&str> = lines.iter().map(|line| line.expose_secret()).collect();
    Some(Keyring::read(&lines.join("\n")).expect("keys"))
}

/// Everything that the tables with secrets hold, as text.
async fn stored(client: &Client) -> Vec<String> {
    let connection = client.caller().backend().database().connection();
    let mut found = Vec::new();
    for (table, columns) in [
        (
            "ir_mail_server",
            "smtp_pass, smtp_ssl_private_key, microsoft_outlook_refresh_token, microsoft_outlook_access_token",
        ),
        ("fetchmail_server", "password"),
        (
            "ir_config_parameter",
            "CASE WHEN key = 'microsoft_outlook_client_secret' THEN value END",
        ),
        ("postern_handoff", "secret"),
        ("res_config_settings", "microsoft_outlook_client_secret"),
    ] {
        for column in columns.split(", ") {
            let sql = format!("SELECT {column} FROM {table}");
            let statement = Statement::from_string(connection.get_database_backend(), sql);
            let rows = connection.query_all_raw(statement).await.expect("rows");
            for row in rows {
                let text = match row.try_get_by_index::<Option<String>>(0) {
                    Ok(text) => text,
                    Err(_) => row
                        .try_get_by_index::<Option<Vec<u8>>>(0)
                        .expect("text or bytes")
                        .map(|bytes| String::from_utf8(bytes).expect("text")),
                };
                found.extend(text.filter(|text| !text.is_empty()));
            }
        }
    }
    found
}

struct Records {
    outgoing: AnyValue,
    incoming: AnyValue,
}

async fn enter(client: &Client) -> Records {
    let outgoing = client
        .create(
            "ir.mail_server",
            dict([
                ("name", "Out".into()),
                ("smtp_host", "smtp.example.com".into()),
                ("smtp_user", "kim".into()),
                ("smtp_pass", SECRETS[0].into()),
                ("smtp_ssl_private_key", SECRETS[1].into()),
            ]),
        )
        .await;
    let tokens = dict([
        ("microsoft_outlook_refresh_token", SECRETS[2].into()),
        ("microsoft_outlook_access_token", SECRETS[3].into()),
    ]);
    let args = vec![list([outgoing.clone()]), tokens.into()];
    client.call("ir.mail_server", "write", args).await;
    let incoming = client
        .create(
            "fetchmail.server",
            dict([
                ("name", "In".into()),
                ("server", "imap.example.com".into()),
                ("user", "kim".into()),
                ("password", SECRETS[4].into()),
            ]),
        )
        .await;
    let parameter = vec!["microsoft_outlook_client_secret".into(), SECRETS[5].into()];
    client
        .call("ir.config_parameter", "set_param", parameter)
        .await;
    let other = vec!["some.other".into(), "for everybody".into()];
    client.call("ir.config_parameter", "set_param", other).await;
    client
        .create(
            "postern.handoff",
            dict([
                ("name", "Hook".into()),
                ("fetchmail_server_id", incoming.clone()),
                ("kind", "webhook".into()),
                ("url", "https://hook.example.com/".into()),
                ("secret", SECRETS[6].into()),
            ]),
        )
        .await;
    // A form of the settings keeps what it shows in a table of its own.
    client.create("res.config.settings", dict([])).await;
    Records { outgoing, incoming }
}

async fn assert_readable(client: &Client, records: &Records) {
    for (model, id, field, expected) in [
        ("ir.mail_server", &records.outgoing, "smtp_pass", 0),
        (
            "ir.mail_server",
            &records.outgoing,
            "smtp_ssl_private_key",
            1,
        ),
        (
            "ir.mail_server",
            &records.outgoing,
            "microsoft_outlook_refresh_token",
            2,
        ),
        (
            "ir.mail_server",
            &records.outgoing,
            "microsoft_outlook_access_token",
            3,
        ),
        ("fetchmail.server", &records.incoming, "password", 4),
    ] {
        let value = client.value(model, id, field).await;
        assert_eq!(value.as_text(), Some(SECRETS[expected]), "{model}.{field}");
    }
    let read = client
        .call(
            "ir.config_parameter",
            "get_param",
            vec!["microsoft_outlook_client_secret".into()],
        )
        .await;
    assert_eq!(read.as_text(), Some(SECRETS[5]));
}

async fn assert_sealed(client: &Client, id: &str) {
    let stored = stored(client).await;
    assert!(stored.len() > SECRETS.len(), "{stored:?}");
    for value in &stored {
        assert_eq!(key_of(value), Some(id), "{value}");
    }
    let census = vault::census(client.caller().backend()).await;
    let expected = Census {
        sealed: [(id.to_owned(), stored.len())].into(),
        plain: 0,
    };
    assert_eq!(census.expect("counted"), expected);
}

#[tokio::test]
async fn secrets_are_sealed_as_they_are_written_and_administrators_read_what_they_entered() {
    on_each_lasting_database(async |client| {
        let one = key("one");
        let client = client.started_again(keys(&[&one])).await;
        let records = enter(&client).await;
        assert_sealed(&client, "one").await;
        assert_readable(&client, &records).await;
        // Only secrets are sealed.
        let connection = client.caller().backend().database().connection();
        let open = "SELECT value FROM ir_config_parameter WHERE key = 'some.other'";
        let open = Statement::from_string(connection.get_database_backend(), open);
        let row = connection.query_one_raw(open).await.expect("a query");
        let value: String = row.expect("a row").try_get_by_index(0).expect("a text");
        assert_eq!(value, "for everybody");
        // A copy is sealed for itself, and a value taken away is gone.
        let copied = client
            .call(
                "ir.mail_server",
                "copy",
                vec![list([records.outgoing.clone()])],
            )
            .await;
        let copied = match copied {
            AnyValue::List(ids) => ids.first().cloned().expect("a copy"),
            id => id,
        };
        let password = client.value("ir.mail_server", &copied, "smtp_pass").await;
        assert_eq!(password.as_text(), Some(SECRETS[0]));
        let nothing = dict([("smtp_pass", AnyValue::FALSE)]);
        let args = vec![list([copied.clone()]), nothing.into()];
        client.call("ir.mail_server", "write", args).await;
        let password = client.value("ir.mail_server", &copied, "smtp_pass").await;
        assert!(password.is_falsy());
        assert_readable(&client, &records).await;
    })
    .await;
}

#[tokio::test]
async fn a_database_without_keys_is_sealed_rotated_and_opened_again() {
    on_each_lasting_database(async |client| {
        let records = enter(&client).await;
        assert_readable(&client, &records).await;
        let count = stored(&client).await.len();

        let (one, two) = (key("one"), key("two"));
        let sealing = client.started_again(keys(&[&one])).await;
        // What lies open is read until it is sealed.
        assert_readable(&sealing, &records).await;
        let backend = sealing.caller().backend();
        assert_eq!(
            vault::seal_all(backend, &|_| {}).await.expect("sealed"),
            count
        );
        assert_eq!(vault::seal_all(backend, &|_| {}).await.expect("sealed"), 0);
        assert_sealed(&sealing, "one").await;
        assert_readable(&sealing, &records).await;

        let rotating = client.started_again(keys(&[&two, &one])).await;
        assert_readable(&rotating, &records).await;
        let backend = rotating.caller().backend();
        let told = AtomicUsize::new(0);
        let changed = |done: usize| assert_eq!(told.fetch_add(1, Ordering::Relaxed) + 1, done);
        let resealed = vault::reseal(backend, &changed).await.expect("sealed");
        assert_eq!((resealed, told.into_inner()), (count, count));
        assert_sealed(&rotating, "two").await;
        let rotated = client.started_again(keys(&[&two])).await;
        vault::check_keys(rotated.caller().backend())
            .await
            .expect("the old key can go");
        assert_readable(&rotated, &records).await;

        // Without the key nothing can be read, and that is said with the key's name.
        for keyless in [
            client.started_again(None).await,
            client.started_again(keys(&[&one])).await,
        ] {
            let error = vault::check_keys(keyless.caller().backend())
                .await
                .expect_err("a key is missing");
            assert!(error.to_string().contains("\"two\""), "{error}");
            let args = vec![list([records.outgoing.clone()]), list(["smtp_pass".into()])];
            let refused = keyless.try_call("ir.mail_server", "read", args).await;
            let refused = refused.expect_err("sealed");
            assert!(matches!(refused, Error::User(_)), "{refused}");
            assert!(refused.to_string().contains("\"two\""), "{refused}");
        }

        let backend = rotated.caller().backend();
        assert_eq!(
            vault::unseal_all(backend, &|_| {}).await.expect("opened"),
            count
        );
        assert_readable(&client, &records).await;
    })
    .await;
}

#[tokio::test]
async fn a_secret_copied_to_another_record_does_not_open_there() {
    on_each_lasting_database(async |client| {
        let client = client.started_again(keys(&[&key("one")])).await;
        let mut servers = Vec::new();
        for password in ["first", "second"] {
            let values = dict([
                ("name", "Out".into()),
                ("smtp_host", "smtp.example.com".into()),
                ("smtp_pass", password.into()),
            ]);
            servers.push(client.create("ir.mail_server", values).await);
        }
        let connection = client.caller().backend().database().connection();
        let theirs =
            "UPDATE ir_mail_server SET smtp_pass = (SELECT MAX(smtp_pass) FROM ir_mail_server)";
        connection.execute_unprepared(theirs).await.expect("copied");
        let mut refusals = 0;
        for server in servers {
            let args = vec![list([server]), list(["smtp_pass".into()])];
            if let Err(error) = client.try_call("ir.mail_server", "read", args).await {
                assert!(
                    error.to_string().contains("copied from another record"),
                    "{error}"
                );
                refusals += 1;
            }
        }
        assert_eq!(refusals, 1);
    })
    .await;
}
