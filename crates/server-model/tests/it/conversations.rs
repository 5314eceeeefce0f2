//! Messages on records: who is told, who may read them, and what answers belong to.

use server_model::call::call_kw;
use server_model::error::Error;
use server_model::value::AnyValue;

use crate::people::{call_as, user};
use crate::support::{Client, dict, leaf, list, on_each_database, rows};

const PARTNERS: &str = "res.partner";
const MESSAGES: &str = "mail.message";
const COMMENT: &str = "mail.mt_comment";
const NOTE: &str = "mail.mt_note";

async fn contact(client: &Client, name: &str, email: &str) -> AnyValue {
    let values = dict([("name", name.into()), ("email", email.into())]);
    client.create(PARTNERS, values).await
}

/// Posts a text and gives the message.
async fn post(client: &Client, record: &AnyValue, body: &str, kind: &str) -> AnyValue {
    let named = dict([
        ("body", body.into()),
        ("message_type", "comment".into()),
        ("subtype_xmlid", kind.into()),
    ]);
    let ids = vec![list([record.clone()])];
    match call_kw(client.caller(), PARTNERS, "message_post", ids, named).await {
        Ok(AnyValue::List(mut made)) => made.pop().expect("a message was made"),
        other => panic!("message_post gave {other:?}"),
    }
}

async fn follow(client: &Client, record: &AnyValue, followers: Vec<AnyValue>) {
    let args = vec![list([record.clone()]), AnyValue::List(followers)];
    client.call(PARTNERS, "message_subscribe", args).await;
}

/// Who was told of a message, how, and what became of it.
async fn told(client: &Client, message: &AnyValue) -> Vec<Vec<AnyValue>> {
    let fields = [
        "res_partner_id",
        "notification_type",
        "notification_status",
        "failure_type",
    ];
    let args = vec![
        list([leaf("mail_message_id", "=", message.clone())]),
        list(fields.map(AnyValue::from)),
        0.into(),
        AnyValue::FALSE,
        "res_partner_id".into(),
    ];
    rows(client.call("mail.notification", "search_read", args).await)
        .into_iter()
        .map(|row| row[2..].to_vec())
        .collect()
}

async fn partner_of(client: &Client, user: &AnyValue) -> AnyValue {
    let partner = client.value("res.users", user, "partner_id").await;
    partner.as_list().expect("a user has a contact")[0].clone()
}

#[tokio::test]
async fn followers_are_told_by_mail_or_in_their_inbox() {
    on_each_database(async |client| {
        let record = contact(&client, "Record", "").await;
        let with_address = contact(&client, "A", "a@x.test").await;
        let without = contact(&client, "B", "").await;
        let ann = user(&client, "ann", "group_user").await;
        let inbox: AnyValue = dict([("notification_type", "inbox".into())]).into();
        client
            .call("res.users", "write", vec![list([ann.clone()]), inbox])
            .await;
        let ann = partner_of(&client, &ann).await;
        follow(&client, &record, vec![with_address.clone(), without, ann]).await;
        let message = post(&client, &record, "Hello", COMMENT).await;
        let mut told = told(&client, &message).await;
        told.sort_by_key(|row| format!("{row:?}"));
        let row =
            |kind: &str, status: &str, failure: AnyValue| vec![kind.into(), status.into(), failure];
        assert_eq!(
            told,
            [
                row("email", "exception", "mail_email_missing".into()),
                row("email", "ready", AnyValue::FALSE),
                row("inbox", "sent", AnyValue::FALSE),
            ]
        );
        let args = vec![
            list([leaf("mail_message_id", "=", message)]),
            list(["recipient_ids".into(), "state".into()]),
        ];
        let mails = rows(client.call("mail.mail", "search_read", args).await);
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0][1..], [list([with_address]), "outgoing".into()]);
    })
    .await;
}

#[tokio::test]
async fn a_note_stays_among_those_who_work_here() {
    on_each_database(async |client| {
        let pia = user(&client, "pia", "group_portal").await;
        let record = partner_of(&client, &pia).await;
        follow(&client, &record, vec![record.clone()]).await;
        let note = post(&client, &record, "Between us", NOTE).await;
        let comment = post(&client, &record, "For you", COMMENT).await;
        assert_eq!(told(&client, &note).await.len(), 0);
        assert_eq!(told(&client, &comment).await.len(), 1);
        let read = |message: &AnyValue| vec![list([message.clone()]), list(["body".into()])];
        let refused = call_as(&client, &pia, MESSAGES, "read", read(&note)).await;
        assert!(matches!(refused, Err(Error::Access(_))), "{refused:?}");
        let seen = call_as(&client, &pia, MESSAGES, "read", read(&comment)).await;
        assert_eq!(
            rows(seen.expect("a comment"))[0][1],
            "<p>For you</p>".into()
        );
    })
    .await;
}

#[tokio::test]
async fn all_messages_of_a_record_answer_its_first() {
    on_each_database(async |client| {
        let record = contact(&client, "Record", "").await;
        let first = post(&client, &record, "one", COMMENT).await;
        for body in ["two", "three"] {
            let next = post(&client, &record, body, COMMENT).await;
            let parent = client.value(MESSAGES, &next, "parent_id").await;
            assert_eq!(parent.as_list().map(|pair| &pair[0]), Some(&first));
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_on_no_record_is_deleted_by_nobody_but_the_program() {
    on_each_database(async |client| {
        let alone = client.create(MESSAGES, dict([("body", "x".into())])).await;
        let refused = client
            .try_call(MESSAGES, "unlink", vec![list([alone])])
            .await;
        assert!(matches!(refused, Err(Error::Access(_))), "{refused:?}");
        let record = contact(&client, "Record", "").await;
        let on_record = post(&client, &record, "y", COMMENT).await;
        let deleted = client
            .call(MESSAGES, "unlink", vec![list([on_record])])
            .await;
        assert_eq!(deleted, true.into());
    })
    .await;
}

#[tokio::test]
async fn followers_can_be_searched_and_leave() {
    on_each_database(async |client| {
        let record = contact(&client, "Record", "").await;
        let follower = contact(&client, "F", "f@x.test").await;
        follow(&client, &record, vec![follower.clone()]).await;
        let condition = || list([leaf("message_partner_ids", "in", list([follower.clone()]))]);
        assert_eq!(
            client.search(PARTNERS, condition()).await,
            list([record.clone()])
        );
        let args = vec![list([record.clone()]), list([follower.clone()])];
        client.call(PARTNERS, "message_unsubscribe", args).await;
        assert_eq!(client.search(PARTNERS, condition()).await, list([]));
        let left = client.value(PARTNERS, &record, "message_partner_ids").await;
        assert_eq!(left, list([]));
    })
    .await;
}

#[tokio::test]
async fn what_was_read_needs_no_action_any_more() {
    on_each_database(async |client| {
        let ann = user(&client, "ann", "group_user").await;
        let inbox: AnyValue = dict([("notification_type", "inbox".into())]).into();
        client
            .call("res.users", "write", vec![list([ann.clone()]), inbox])
            .await;
        let record = contact(&client, "Record", "").await;
        let partner = partner_of(&client, &ann).await;
        follow(&client, &record, vec![partner]).await;
        let message = post(&client, &record, "Look", COMMENT).await;
        let waiting = || vec![list([leaf("needaction", "=", true)])];
        let found = call_as(&client, &ann, MESSAGES, "search", waiting()).await;
        assert_eq!(
            found.expect("messages can be searched"),
            list([message.clone()])
        );
        let done = vec![list([message])];
        call_as(&client, &ann, MESSAGES, "set_message_done", done)
            .await
            .expect("one may be done with a message");
        let found = call_as(&client, &ann, MESSAGES, "search", waiting()).await;
        assert_eq!(found.expect("messages can be searched"), list([]));
    })
    .await;
}

#[tokio::test]
async fn a_mail_takes_its_message_along_and_is_deleted_by_who_may_delete_that() {
    const MAILS: &str = "mail.mail";
    on_each_database(async |client| {
        let is_there = async |model: &str, id: &AnyValue| {
            let found = client.search(model, list([leaf("id", "=", id.clone())]));
            !found.await.is_falsy()
        };
        // A message on no record is the program's alone to delete, as it is in Odoo: not even an administrator may.
        let alone = client.create(MAILS, dict([("subject", "x".into())])).await;
        let refused = client.try_call(MAILS, "unlink", vec![list([alone.clone()])]);
        let refused = refused.await;
        assert!(matches!(refused, Err(Error::Access(_))), "{refused:?}");
        assert!(is_there(MAILS, &alone).await);
        client
            .call(MAILS, "cancel", vec![list([alone.clone()])])
            .await;
        assert_eq!(client.value(MAILS, &alone, "state").await, "cancel".into());

        let kim = contact(&client, "Kim", "kim@example.test").await;
        let on_record = dict([("model", PARTNERS.into()), ("res_id", kim)]);
        let mail = client.create(MAILS, on_record).await;
        let message = client.value(MAILS, &mail, "mail_message_id_int").await;
        client
            .call(MAILS, "unlink", vec![list([mail.clone()])])
            .await;
        assert!(!is_there(MAILS, &mail).await && !is_there(MESSAGES, &message).await);

        // One that tells of a message leaves it alone.
        let message = dict([("subject", "x".into())]);
        let message = client.create(MESSAGES, message).await;
        let notice = dict([("mail_message_id", message.clone())]);
        let notice = client.create(MAILS, notice).await;
        client
            .call(MAILS, "unlink", vec![list([notice.clone()])])
            .await;
        assert!(!is_there(MAILS, &notice).await && is_there(MESSAGES, &message).await);
    })
    .await;
}
