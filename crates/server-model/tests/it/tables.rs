//! Records as rows of a table: `load` and `export_data`.

use server_model::value::AnyValue;

use crate::support::{Client, dict, leaf, list, on_each_database};

const SERVERS: &str = "ir.mail_server";
const PARTNERS: &str = "res.partner";

async fn load(client: &Client, model: &str, columns: AnyValue, rows: AnyValue) -> [AnyValue; 2] {
    match client.call(model, "load", vec![columns, rows]).await {
        AnyValue::Map(mut answer) => ["ids", "messages"].map(|member| {
            answer
                .shift_remove(member)
                .unwrap_or_else(|| panic!("load answers {member}"))
        }),
        other => panic!("load gave {other:?}"),
    }
}

async fn export(client: &Client, model: &str, ids: AnyValue, columns: AnyValue) -> AnyValue {
    match client.call(model, "export_data", vec![ids, columns]).await {
        AnyValue::Map(mut answer) => answer.shift_remove("datas").expect("export answers datas"),
        other => panic!("export gave {other:?}"),
    }
}

#[tokio::test]
async fn one_bad_row_keeps_all_rows_out_and_is_told_with_its_field() {
    on_each_database(async |client| {
        let columns = list(["name".into(), "smtp_port".into()]);
        let rows = list([
            list(["good".into(), "25".into()]),
            list(["bad".into(), "abc".into()]),
            list(["good too".into(), "26".into()]),
        ]);
        let [ids, messages] = load(&client, SERVERS, columns, rows).await;
        assert_eq!(ids, AnyValue::FALSE);
        let [message] = messages.as_list().expect("messages") else {
            panic!("one message, not {messages:?}")
        };
        let message = message.as_map().expect("a message");
        assert_eq!(message.get("type"), Some(&"error".into()));
        assert_eq!(message.get("record"), Some(&1.into()));
        assert_eq!(message.get("field"), Some(&"smtp_port".into()));
        assert_eq!(client.search(SERVERS, list([])).await, list([]));
    })
    .await;
}

#[tokio::test]
async fn what_was_exported_with_external_ids_can_be_loaded_again() {
    on_each_database(async |client| {
        let company = client
            .create(
                PARTNERS,
                dict([("name", "Co".into()), ("is_company", true.into())]),
            )
            .await;
        let child = client
            .create(
                PARTNERS,
                dict([("name", "Kid".into()), ("parent_id", company.clone())]),
            )
            .await;
        let columns = || list(["id".into(), "name".into(), "parent_id/id".into()]);
        let ids = list([company.clone(), child.clone()]);
        let rows = export(&client, PARTNERS, ids.clone(), columns()).await;
        let table = rows.as_list().expect("rows").to_vec();
        assert_eq!(
            table[1].as_list().map(|row| row[2].clone()),
            table[0].as_list().map(|row| row[0].clone())
        );
        let detached = dict([("parent_id", false.into()), ("name", "Other".into())]);
        client
            .call(
                PARTNERS,
                "write",
                vec![list([child.clone()]), detached.into()],
            )
            .await;
        let [loaded, messages] = load(&client, PARTNERS, columns(), rows).await;
        assert_eq!((loaded, messages), (ids, list([])));
        assert_eq!(client.value(PARTNERS, &child, "name").await, "Kid".into());
        let below = client
            .search(PARTNERS, list([leaf("parent_id", "=", company)]))
            .await;
        assert_eq!(below, list([child]));
    })
    .await;
}

#[tokio::test]
async fn lines_of_a_list_take_rows_of_their_own() {
    on_each_database(async |client| {
        let columns = || list(["name".into(), "child_ids/name".into()]);
        let rows = list([
            list(["Co".into(), "A".into()]),
            list(["".into(), "B".into()]),
            list(["Alone".into(), "".into()]),
        ]);
        let [ids, messages] = load(&client, PARTNERS, columns(), rows.clone()).await;
        assert_eq!(messages, list([]));
        assert_eq!(ids.as_list().map(<[AnyValue]>::len), Some(2));
        assert_eq!(export(&client, PARTNERS, ids, columns()).await, rows);
    })
    .await;
}

#[tokio::test]
async fn an_unticked_box_is_a_value_in_a_table_and_every_other_false_is_none() {
    on_each_database(async |client| {
        let server = client
            .create("ir.mail_server", dict([("name", "x".into())]))
            .await;
        let columns = list(["active".into(), "smtp_debug".into(), "smtp_host".into()]);
        let rows = export(&client, "ir.mail_server", list([server]), columns).await;
        assert_eq!(rows, list([list([true.into(), false.into(), "".into()])]));
    })
    .await;
}
