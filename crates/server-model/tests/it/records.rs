//! Reading and changing records, and what is answered about those that are not there.

use server_model::error::Error;
use server_model::value::AnyValue;

use crate::support::{dict, leaf, list, on_each_database, rows};

const SERVERS: &str = "ir.mail_server";
const PARTNERS: &str = "res.partner";
const GONE: i64 = 99_999_999;

#[tokio::test]
async fn a_missing_record_has_its_id_and_nothing_else() {
    on_each_database(async |client| {
        let ids = list([GONE.into()]);
        let echoed = client
            .call(PARTNERS, "read", vec![ids.clone(), list(["id".into()])])
            .await;
        assert_eq!(rows(echoed), [[GONE.into()]]);
        let read = client
            .call(PARTNERS, "read", vec![ids, list(["name".into()])])
            .await;
        assert_eq!(rows(read), Vec::<Vec<AnyValue>>::new());
    })
    .await;
}

#[tokio::test]
async fn zero_and_false_read_as_a_record_that_is_not_made_yet() {
    on_each_database(async |client| {
        for nothing in [AnyValue::FALSE, 0.into()] {
            let args = vec![
                list([nothing.clone(), 1.into()]),
                list(["name".into(), "color".into()]),
            ];
            let read = rows(client.call(PARTNERS, "read", args).await);
            assert_eq!(read[0], [nothing, AnyValue::FALSE, 0.into()]);
            assert_eq!(read[1][0], 1.into());
        }
    })
    .await;
}

#[tokio::test]
async fn only_where_record_rules_are_asked_a_missing_record_is_an_error() {
    on_each_database(async |client| {
        let gone = || list([GONE.into()]);
        let name = dict([("name", "x".into())]);
        let written = client
            .call(SERVERS, "write", vec![gone(), name.clone().into()])
            .await;
        assert_eq!(written, true.into());
        let partner = client.create(PARTNERS, dict([("name", "a".into())])).await;
        let both = list([partner.clone(), GONE.into()]);
        let refused = client
            .try_call(PARTNERS, "write", vec![both, name.into()])
            .await;
        assert!(matches!(refused, Err(Error::Missing(_))), "{refused:?}");
        assert_eq!(client.value(PARTNERS, &partner, "name").await, "a".into());
        let refused = client.try_call(PARTNERS, "unlink", vec![gone()]).await;
        assert!(matches!(refused, Err(Error::Missing(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn only_a_whole_number_links_a_record() {
    on_each_database(async |client| {
        let company = client.create(PARTNERS, dict([("name", "Co".into())])).await;
        let child = client
            .create(
                PARTNERS,
                dict([("name", "Kid".into()), ("parent_id", company.clone())]),
            )
            .await;
        let pair = list([company.clone(), "Co".into()]);
        for value in [pair, "abc".into()] {
            for (given, kept) in [(company.clone(), true), (value, false)] {
                let values = dict([("parent_id", given)]);
                let args = vec![list([child.clone()]), values.into()];
                client.call(PARTNERS, "write", args).await;
                let parent = client.value(PARTNERS, &child, "parent_id").await;
                assert_eq!(!parent.is_falsy(), kept);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn lists_are_changed_by_commands_and_unknown_ones_are_passed_by() {
    on_each_database(async |client| {
        let company = client.create(PARTNERS, dict([("name", "Co".into())])).await;
        let change = async |command: AnyValue| {
            let values = dict([("child_ids", list([command]))]);
            let args = vec![list([company.clone()]), values.into()];
            client.call(PARTNERS, "write", args).await;
            let children = client.value(PARTNERS, &company, "child_ids").await;
            children.as_list().unwrap_or_default().to_vec()
        };
        let made = change(list([
            0.into(),
            0.into(),
            dict([("name", "A".into())]).into(),
        ]))
        .await;
        let [first] = made.as_slice() else {
            panic!("one child, not {made:?}")
        };
        let renamed = dict([("name", "B".into())]);
        change(list([1.into(), first.clone(), renamed.into()])).await;
        assert_eq!(client.value(PARTNERS, first, "name").await, "B".into());
        assert_eq!(change(list([9.into(), 0.into(), 0.into()])).await, made);
        assert_eq!(change(list([3.into(), first.clone(), 0.into()])).await, []);
        assert_eq!(
            change(list([4.into(), first.clone(), 0.into()])).await,
            made
        );
        assert_eq!(change(list([5.into(), 0.into(), 0.into()])).await, []);
        let these = list([first.clone()]);
        assert_eq!(change(list([6.into(), 0.into(), these])).await, made);
        assert_eq!(change(list([2.into(), first.clone(), 0.into()])).await, []);
        let gone = client
            .search(PARTNERS, list([leaf("id", "=", first.clone())]))
            .await;
        assert_eq!(gone, list([]));
    })
    .await;
}

#[tokio::test]
async fn a_value_of_one_company_is_not_shown_in_another() {
    on_each_database(async |client| {
        let values = dict([("name", "x".into()), ("barcode", "b1".into())]);
        let id = client.create(PARTNERS, values).await;
        assert_eq!(client.value(PARTNERS, &id, "barcode").await, "b1".into());
        let other = client.with_context(dict([("allowed_company_ids", list([77.into()]))]));
        assert_eq!(other.value(PARTNERS, &id, "barcode").await, AnyValue::FALSE);
        let found = list([leaf("barcode", "=", "b1"), leaf("id", "=", id.clone())]);
        assert_eq!(client.search(PARTNERS, found).await, list([id]));
    })
    .await;
}

#[tokio::test]
async fn values_of_the_wrong_type_raise_what_odoo_raises() {
    on_each_database(async |client| {
        let server = |field, value| dict([("name", "x".into()), (field, value)]).into();
        let create = async |values: AnyValue| {
            client
                .try_call(SERVERS, "create", vec![values])
                .await
                .expect_err("a bad value")
        };
        let error = create(server("smtp_port", "abc".into())).await;
        assert!(matches!(error, Error::Value(_)), "{error:?}");
        let error = create(server("smtp_port", list([1.into()]))).await;
        assert!(matches!(error, Error::Type(_)), "{error:?}");
        let error = create(server("smtp_ssl_certificate", AnyValue::Bytes(vec![1]))).await;
        assert!(matches!(error, Error::Type(_)), "{error:?}");
        let error = create("abc".into()).await;
        assert!(matches!(error, Error::Attribute(_)), "{error:?}");
        let error = create(list([list([dict([]).into()])])).await;
        assert!(matches!(error, Error::Attribute(_)), "{error:?}");
        let bad_id = client
            .try_call(SERVERS, "read", vec![list(["x".into()])])
            .await;
        assert!(
            matches!(&bad_id, Err(Error::Data { condition, .. }) if condition == "InvalidTextRepresentation"),
            "{bad_id:?}"
        );
        let no_ids = client.try_call(SERVERS, "read", vec![]).await;
        assert!(matches!(no_ids, Err(Error::Index(_))), "{no_ids:?}");
    })
    .await;
}

#[tokio::test]
async fn a_record_put_away_is_found_only_by_those_who_look_for_it() {
    on_each_database(async |client| {
        let id = client.create(PARTNERS, dict([("name", "x".into())])).await;
        let mine = || list([leaf("id", "=", id.clone())]);
        let told = client
            .call(PARTNERS, "action_archive", vec![list([id.clone()])])
            .await;
        assert_eq!(told, AnyValue::Null);
        assert_eq!(client.search(PARTNERS, mine()).await, list([]));
        let all = client.with_archived();
        assert_eq!(all.search(PARTNERS, mine()).await, list([id.clone()]));
        client
            .call(PARTNERS, "toggle_active", vec![list([id.clone()])])
            .await;
        assert_eq!(client.search(PARTNERS, mine()).await, list([id.clone()]));
    })
    .await;
}

#[tokio::test]
async fn the_size_of_a_binary_column_is_that_of_its_base64_text() {
    on_each_database(async |client| {
        let values = dict([
            ("name", "x".into()),
            ("smtp_ssl_certificate", "MDEyMzQ1Njc4OQ==".into()),
        ]);
        let id = client.create(SERVERS, values).await;
        let content = client.value(SERVERS, &id, "smtp_ssl_certificate").await;
        assert_eq!(content, "MDEyMzQ1Njc4OQ==".into());
        let sizes = client.with_context(dict([("bin_size", true.into())]));
        let size = sizes.value(SERVERS, &id, "smtp_ssl_certificate").await;
        assert_eq!(size, "16 bytes".into());
    })
    .await;
}

#[tokio::test]
async fn a_copied_file_has_the_content_of_the_first() {
    on_each_database(async |client| {
        let file = dict([("name", "a.txt".into()), ("datas", "aGVsbG8=".into())]);
        let id = client.create("ir.attachment", file).await;
        let copies = client.call("ir.attachment", "copy", vec![list([id])]).await;
        let [copy] = copies.as_list().unwrap_or_default() else {
            panic!("one copy, not {copies:?}")
        };
        let content = client.value("ir.attachment", copy, "datas").await;
        assert_eq!(content, "aGVsbG8=".into());
    })
    .await;
}

#[tokio::test]
async fn external_ids_are_told_by_the_numbers_of_their_records() {
    on_each_database(async |client| {
        let partner = client.create(PARTNERS, dict([("name", "a".into())])).await;
        let both = list([1.into(), partner.clone()]);
        let told = client.call(PARTNERS, "get_external_id", vec![both]).await;
        let number = partner.as_id().unwrap_or_default().to_string();
        let told = told.as_map().expect("a dictionary");
        assert_eq!(told.get("1"), Some(&"base.main_partner".into()));
        assert_eq!(told.get(number.as_str()), Some(&"".into()));
    })
    .await;
}
