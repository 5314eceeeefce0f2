//! What a client's rights are from call to call: those that stand in the database, at once.

use std::sync::Arc;

use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret, SecretString};
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::error::Error;
use server_model::start::ADMINISTRATOR;
use server_model::value::{AnyValue, Map};
use server_model::{credentials, sessions};

use crate::support::{Client, on_each_database};

/// Only the group of settings may read them.
async fn read_settings(caller: &Caller) -> Result<AnyValue, Error> {
    let (model, domain) = ("ir.config_parameter", AnyValue::List(vec![]));
    call_kw(caller, model, "search", vec![domain], Map::new()).await
}

/// Changes the database as another program would.
async fn behind_the_back(client: &Client, statement: &str) {
    client
        .caller()
        .backend()
        .database()
        .connection()
        .execute_unprepared(statement)
        .await
        .expect("the database takes the statement");
}

const LEAVE_THE_GROUPS: &str = "DELETE FROM res_groups_users_rel WHERE uid = 2 AND gid IN \
    (SELECT res_id FROM ir_model_data WHERE module = 'base' AND name IN ('group_system', 'group_erp_manager'))";

async fn signed_in(client: &Client) -> String {
    let backend = client.caller().backend();
    let password = SecretString::from("admin");
    let opened = sessions::sign_in(backend, "admin", &password, None, None)
        .await
        .expect("the password is right");
    opened.cookie.expose_secret().to_owned()
}

async fn by_cookie(client: &Client, cookie: &str) -> Option<Caller> {
    sessions::find(client.caller().backend(), cookie)
        .await
        .expect("the database answers")
}

async fn by_password(client: &Client) -> Result<Caller, Error> {
    let password = SecretString::from("admin");
    credentials::check_uid(client.caller().backend(), ADMINISTRATOR, &password, None).await
}

#[tokio::test]
async fn a_right_that_another_program_takes_away_is_gone_with_the_next_call() {
    on_each_database(async |client| {
        let cookie = signed_in(&client).await;
        let caller = by_cookie(&client, &cookie).await.expect("a session");
        read_settings(&caller).await.expect("an administrator may");
        let caller = by_password(&client).await.expect("the password is right");
        read_settings(&caller).await.expect("an administrator may");
        behind_the_back(&client, LEAVE_THE_GROUPS).await;
        let caller = by_cookie(&client, &cookie).await.expect("a session");
        let refused = read_settings(&caller).await;
        assert!(matches!(refused, Err(Error::Access(_))), "{refused:?}");
        let caller = by_password(&client).await.expect("the password is right");
        let refused = read_settings(&caller).await;
        assert!(matches!(refused, Err(Error::Access(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn what_was_read_of_a_user_at_the_door_is_used_for_one_call_only() {
    on_each_database(async |client| {
        let cookie = signed_in(&client).await;
        let caller = by_cookie(&client, &cookie).await.expect("a session");
        read_settings(&caller).await.expect("an administrator may");
        behind_the_back(&client, LEAVE_THE_GROUPS).await;
        let refused = read_settings(&caller).await;
        assert!(matches!(refused, Err(Error::Access(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_with_the_password_and_with_the_user() {
    on_each_database(async |client| {
        for end in [
            "UPDATE res_users SET password = 'another' WHERE id = 2",
            "UPDATE res_users SET active = FALSE WHERE id = 2",
        ] {
            let cookie = signed_in(&client).await;
            assert!(by_cookie(&client, &cookie).await.is_some());
            behind_the_back(&client, "CREATE TABLE kept AS SELECT password FROM res_users WHERE id = 2").await;
            behind_the_back(&client, end).await;
            assert!(by_cookie(&client, &cookie).await.is_none(), "{end}");
            behind_the_back(
                &client,
                "UPDATE res_users SET active = TRUE, password = (SELECT password FROM kept) WHERE id = 2",
            )
            .await;
            behind_the_back(&client, "DROP TABLE kept").await;
            assert!(by_cookie(&client, &cookie).await.is_some());
        }
    })
    .await;
}

#[tokio::test]
async fn the_user_of_a_call_has_the_groups_and_companies_of_the_database() {
    on_each_database(async |client| {
        let caller = by_password(&client).await.expect("the password is right");
        for (group, is_member) in [
            ("base.group_system", true),
            // Implied by the one above.
            ("base.group_user", true),
            ("base.group_portal", false),
        ] {
            let args = vec![ADMINISTRATOR.into(), group.into()];
            let found = call_kw(&caller, "res.users", "has_group", args, Map::new()).await;
            assert_eq!(found.expect("anyone may ask"), is_member.into(), "{group}");
        }
        let fresh = Caller::new(Arc::clone(client.caller().backend()), ADMINISTRATOR);
        let read = |caller: Caller| async move {
            call_kw(&caller, "res.users", "context_get", vec![], Map::new()).await
        };
        let (fresh, met) = (read(fresh).await, read(caller).await);
        assert_eq!(fresh.expect("a context"), met.expect("a context"));
    })
    .await;
}
