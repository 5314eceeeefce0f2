//! Who connects a mailbox, and with which account.

use serde_json::json;
use tests::lab::Database;
use tests::person::{Decision, Person};
use tests::rpc_client::Rpc;
use tests::steps;

use crate::world::{INCOMING, OUTGOING, World};

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
