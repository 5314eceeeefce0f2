//! Ways round the front door: what a caller may not read is not learned by forms, files, notifications or addresses.

use server_model::error::Error;
use server_model::value::AnyValue;

use crate::people::{call_as, user};
use crate::support::{Client, dict, list, on_each_database};

const MESSAGES: &str = "mail.message";
const NOTIFICATIONS: &str = "mail.notification";

fn is_refused(outcome: &Result<AnyValue, Error>) -> bool {
    matches!(outcome, Err(Error::Access(_)))
}

/// A server that only administrators may read.
async fn server(client: &Client) -> AnyValue {
    let values = dict([
        ("name", "x".into()),
        ("smtp_host", "127.0.0.1".into()),
        ("smtp_pass", "hush".into()),
    ]);
    client.create("ir.mail_server", values).await
}

async fn partner_of(client: &Client, user: &AnyValue) -> AnyValue {
    let partner = client.value("res.users", user, "partner_id").await;
    partner.as_id().expect("a user is a contact").into()
}

#[tokio::test]
async fn a_form_shows_nothing_of_a_record_that_its_caller_may_not_read() {
    on_each_database(async |client| {
        let ann = user(&client, "ann", "group_user").await;
        let form = |record: &AnyValue, field: &'static str| {
            let specification = dict([(field, dict([]).into())]);
            vec![
                list([record.clone()]),
                dict([]).into(),
                list([]),
                specification.into(),
            ]
        };
        let server = server(&client).await;
        for field in ["smtp_pass", "name"] {
            let args = form(&server, field);
            let told = call_as(&client, &ann, "ir.mail_server", "onchange", args).await;
            assert!(is_refused(&told), "{field}: {told:?}");
        }
        // Her own message she may read, but not what is for administrators of it.
        let values = vec![dict([("body", "x".into())]).into()];
        let own = call_as(&client, &ann, MESSAGES, "create", values).await;
        let own = own.expect("everybody who works here writes messages");
        let told = call_as(&client, &ann, MESSAGES, "onchange", form(&own, "body")).await;
        assert!(told.is_ok(), "{told:?}");
        let told = call_as(&client, &ann, MESSAGES, "onchange", form(&own, "mail_ids")).await;
        assert!(is_refused(&told), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn a_notification_stays_with_its_message_and_its_contact() {
    on_each_database(async |client| {
        let ann = user(&client, "ann", "group_user").await;
        let partner = partner_of(&client, &ann).await;
        let on_server = dict([
            ("body", "hush".into()),
            ("model", "ir.mail_server".into()),
            ("res_id", server(&client).await),
        ]);
        let hidden = client.create(MESSAGES, on_server).await;
        let values = vec![dict([("body", "x".into())]).into()];
        let own = call_as(&client, &ann, MESSAGES, "create", values).await;
        let notify = |message: &AnyValue| {
            let values = dict([
                ("mail_message_id", message.clone()),
                ("res_partner_id", partner.clone()),
            ]);
            vec![values.into()]
        };
        let of_hidden = call_as(&client, &ann, NOTIFICATIONS, "create", notify(&hidden)).await;
        assert!(is_refused(&of_hidden), "{of_hidden:?}");
        let own = own.expect("everybody who works here writes messages");
        let of_own = call_as(&client, &ann, NOTIFICATIONS, "create", notify(&own)).await;
        let of_own = of_own.expect("of a message that she may read");
        let write = |name: &'static str, value: AnyValue| {
            vec![list([of_own.clone()]), dict([(name, value)]).into()]
        };
        let args = write("mail_message_id", hidden.clone());
        let moved = call_as(&client, &ann, NOTIFICATIONS, "write", args).await;
        assert!(is_refused(&moved), "{moved:?}");
        let args = write("is_read", true.into());
        let read = call_as(&client, &ann, NOTIFICATIONS, "write", args).await;
        assert_eq!(read.expect("that she read it"), true.into());
        let args = vec![list([hidden]), list(["body".into()])];
        let told = call_as(&client, &ann, MESSAGES, "read", args).await;
        assert!(is_refused(&told), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn only_files_that_one_may_read_are_put_on_messages() {
    on_each_database(async |client| {
        let ann = user(&client, "ann", "group_user").await;
        let on_server = dict([
            ("name", "x".into()),
            ("raw", "hush".into()),
            ("res_model", "ir.mail_server".into()),
            ("res_id", server(&client).await),
        ]);
        let hidden = client.create("ir.attachment", on_server).await;
        let values = vec![dict([("name", "y".into()), ("raw", "y".into())]).into()];
        let own = call_as(&client, &ann, "ir.attachment", "create", values).await;
        let own = own.expect("a file of her own");
        for (file, may) in [(own, true), (hidden, false)] {
            let link = list([list([4.into(), file])]);
            let values = vec![dict([("body", "x".into()), ("attachment_ids", link)]).into()];
            let made = call_as(&client, &ann, MESSAGES, "create", values).await;
            assert_eq!(is_refused(&made), !may, "{made:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn whether_somebody_out_of_reach_has_an_address_is_not_told() {
    on_each_database(async |client| {
        let pat = user(&client, "pat", "group_portal").await;
        let values = dict([("name", "x".into()), ("email", "x@example.com".into())]);
        client.create("res.partner", values).await;
        for address in ["x@example.com", "nobody@example.com"] {
            let args = vec![address.into()];
            let told = call_as(&client, &pat, "res.partner", "find_or_create", args).await;
            assert!(is_refused(&told), "{address}: {told:?}");
        }
    })
    .await;
}
