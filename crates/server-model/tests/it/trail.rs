//! The trail of administrative acts, and what is deleted because it is old.

use sea_orm::ConnectionTrait;
use server_model::env::Caller;
use server_model::error::Error;
use server_model::retention;
use server_model::value::{AnyValue, Map};
use tokio_util::sync::CancellationToken;

use crate::people;
use crate::support::{Client, dict, leaf, list, on_each_database, rows};

/// The newest entries about a model: act, record, login, address and changes.
async fn entries(client: &Client, model: &str) -> Vec<Vec<String>> {
    let fields = ["act", "record", "login", "address", "changes"].map(AnyValue::from);
    let args = vec![
        list([leaf("model", "=", model)]),
        AnyValue::List(fields.into()),
        0.into(),
        false.into(),
        "id".into(),
    ];
    let found = client.call("postern.audit", "search_read", args).await;
    rows(found)
        .into_iter()
        // The id comes first.
        .map(|row| {
            row[row.len() - 5..]
                .iter()
                .map(AnyValue::to_python_text)
                .collect()
        })
        .collect()
}

#[tokio::test]
async fn it_tells_who_changed_what_and_never_a_secret() {
    on_each_database(async |client| {
        let values = dict([
            ("name", "Notifications".into()),
            ("smtp_host", "mail.corp.example".into()),
            ("smtp_authentication", "login".into()),
            ("smtp_user", "kim".into()),
            ("smtp_pass", "hunter2".into()),
        ]);
        let server = client.create("ir.mail_server", values).await;
        let change = dict([
            ("smtp_host", "smtp.corp.example".into()),
            ("smtp_user", "kim".into()),
            ("smtp_pass", "hunter3".into()),
        ]);
        client
            .call(
                "ir.mail_server",
                "write",
                vec![list([server.clone()]), change.into()],
            )
            .await;
        client
            .call("ir.mail_server", "unlink", vec![list([server])])
            .await;

        let told = entries(&client, "ir.mail_server").await;
        let acts: Vec<&str> = told.iter().map(|entry| &*entry[0]).collect();
        assert_eq!(acts, ["create", "write", "unlink"]);
        assert!(
            told.iter()
                .all(|entry| entry[1] == "Notifications" && entry[2] == "admin")
        );
        assert!(told[0][4].contains("mail.corp.example"), "{told:?}");
        // What was written and stayed the same is no change.
        let changes: serde_json::Value = serde_json::from_str(&told[1][4]).expect("JSON");
        let expected = serde_json::json!([
            {"field": "smtp_host", "old": "mail.corp.example", "new": "smtp.corp.example"},
            {"field": "smtp_pass", "secret": true},
        ]);
        assert_eq!(changes, expected);
        assert!(!format!("{told:?}").contains("hunter"), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn a_parameter_is_as_secret_as_its_key_says() {
    on_each_database(async |client| {
        for (key, value) in [
            ("microsoft_outlook_client_id", "1-2-3"),
            ("microsoft_outlook_client_secret", "s3cret"),
            ("their.api_key", "k3y"),
        ] {
            client
                .call(
                    "ir.config_parameter",
                    "set_param",
                    vec![key.into(), value.into()],
                )
                .await;
        }
        // Its key may change together with its value.
        let renamed = client
            .search(
                "ir.config_parameter",
                list([leaf("key", "=", "their.api_key")]),
            )
            .await;
        let values = dict([("key", "their.name".into()), ("value", "open".into())]);
        client
            .call("ir.config_parameter", "write", vec![renamed, values.into()])
            .await;
        let told = entries(&client, "ir.config_parameter").await;
        let of = |key: &str| {
            told.iter()
                .find(|entry| entry[1] == key)
                .expect("it is told")[4]
                .clone()
        };
        assert!(of("microsoft_outlook_client_id").contains("1-2-3"));
        let all = format!("{told:?}");
        assert!(!all.contains("s3cret") && !all.contains("k3y"), "{all}");
        assert!(of("their.api_key").contains(r#""secret":true"#));
    })
    .await;
}

#[tokio::test]
async fn passwords_keys_and_groups_are_told_and_the_address_they_came_from() {
    on_each_database(async |client| {
        let caller = client
            .caller()
            .clone()
            .from_address("192.0.2.7".parse().ok());
        let values = dict([
            ("name", "Kim".into()),
            ("login", "kim".into()),
            ("password", "first-Word".into()),
        ]);
        let made = server_model::call::call_kw(
            &caller,
            "res.users",
            "create",
            vec![values.into()],
            Map::new(),
        )
        .await;
        made.expect("an administrator makes users");
        let told = entries(&client, "res.users").await;
        let last = told.last().expect("it is told");
        assert_eq!(
            (&*last[0], &*last[1], &*last[3]),
            ("create", "Kim", "192.0.2.7")
        );
        assert!(
            last[4].contains(r#"{"field":"password","secret":true}"#),
            "{last:?}"
        );
        assert!(!last[4].contains("first-Word"));
    })
    .await;
}

#[tokio::test]
async fn nobody_writes_it_and_only_administrators_read_it() {
    on_each_database(async |client| {
        client
            .call(
                "ir.config_parameter",
                "set_param",
                vec!["a".into(), "b".into()],
            )
            .await;
        let entry = client.search("postern.audit", list([])).await;
        let forged = dict([
            ("act", "write".into()),
            ("model", "x".into()),
            ("res_id", 1.into()),
            ("user_id", 2.into()),
        ]);
        for (method, args) in [
            ("create", vec![forged.into()]),
            (
                "write",
                vec![entry.clone(), dict([("login", "x".into())]).into()],
            ),
            ("unlink", vec![entry.clone()]),
        ] {
            let refused = client.try_call("postern.audit", method, args).await;
            assert!(
                matches!(refused, Err(Error::Access(_))),
                "{method}: {refused:?}"
            );
        }
        let kim = people::user(&client, "kim", "group_user").await;
        let refused = people::call_as(
            &client,
            &kim,
            "postern.audit",
            "search_read",
            vec![list([])],
        )
        .await;
        assert!(matches!(refused, Err(Error::Access(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn what_did_not_happen_is_not_told() {
    on_each_database(async |client| {
        let refused = client
            .try_call(
                "ir.config_parameter",
                "create",
                vec![dict([("key", "a".into())]).into()],
            )
            .await;
        assert!(refused.is_err());
        assert!(entries(&client, "ir.config_parameter").await.is_empty());
        // The program's own work is nobody's act.
        let program = Caller::superuser(client.caller().backend().clone());
        let args = vec!["a".into(), "b".into()];
        server_model::call::call_kw(
            &program,
            "ir.config_parameter",
            "set_param",
            args,
            Map::new(),
        )
        .await
        .expect("it may");
        assert!(entries(&client, "ir.config_parameter").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_older_than_it_is_to_be_kept_goes_and_nothing_else() {
    on_each_database(async |client| {
        let backend = client.caller().backend().clone();
        let connection = backend.database().connection();
        let mail = dict([("subject", "Old".into()), ("email_to", "kim@client.example".into())]);
        let mails = [
            client.create("mail.mail", mail.clone()).await,
            client.create("mail.mail", mail.clone()).await,
            client.create("mail.mail", mail).await,
        ];
        let run = async |sql: String| {
            connection.execute_unprepared(&sql).await.expect("the statement holds");
        };
        let ids = mails.each_ref().map(|mail| mail.as_id().expect("an id"));
        run(format!("UPDATE mail_mail SET state = 'sent', write_date = '2020-01-01 00:00:00' WHERE id IN ({}, {})", ids[0], ids[1])).await;
        // One that waits is never too old.
        run(format!("UPDATE mail_mail SET write_date = '2020-01-01 00:00:00' WHERE id = {}", ids[2])).await;
        run(format!("UPDATE mail_mail SET write_date = '2099-01-01 00:00:00' WHERE id = {}", ids[1])).await;
        run("INSERT INTO postern_audit (create_date, user_id, act, model, res_id) VALUES ('2020-01-01 00:00:00', 2, 'write', 'old', 1)".into()).await;

        let program = Caller::superuser(backend.clone());
        let stop = CancellationToken::new();
        retention::clear(&program, &stop).await.expect("it clears");
        let left = |found: AnyValue| match found {
            AnyValue::List(found) => found.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(left(client.search("mail.mail", list([])).await), 3, "mails are kept for ever, unless told otherwise");
        assert!(entries(&client, "old").await.is_empty(), "the trail is kept for two years");

        let key = "postern.retention.sent_mail_days";
        for wrong in ["soon", "-1", "40000"] {
            let refused = client.try_call("ir.config_parameter", "set_param", vec![key.into(), wrong.into()]).await;
            assert!(matches!(refused, Err(Error::Validation(_))), "{wrong}: {refused:?}");
        }
        let unknown = vec!["postern.retention.mail_days".into(), "3".into()];
        let refused = client.try_call("ir.config_parameter", "set_param", unknown).await;
        assert!(matches!(refused, Err(Error::Validation(_))), "{refused:?}");
        client.call("ir.config_parameter", "set_param", vec![key.into(), "30".into()]).await;
        retention::clear(&program, &stop).await.expect("it clears");
        let found = client.search("mail.mail", list([])).await;
        let mut found: Vec<_> = match found {
            AnyValue::List(found) => found.iter().filter_map(AnyValue::as_id).collect(),
            other => panic!("{other:?}"),
        };
        found.sort_unstable();
        assert_eq!(found, ids[1..]);
    })
    .await;
}
