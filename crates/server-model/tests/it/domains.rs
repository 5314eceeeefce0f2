//! What domains find.

use server_model::error::Error;
use server_model::value::AnyValue;

use crate::support::{Client, dict, leaf, list, on_each_database};

const SERVERS: &str = "ir.mail_server";
const PARTNERS: &str = "res.partner";

/// Three servers: with a host and a limit, with an empty host, with neither.
async fn servers(client: &Client) -> [AnyValue; 3] {
    let full = dict([
        ("name", "Épsilon".into()),
        ("smtp_host", "mx.test".into()),
        ("smtp_port", 25.into()),
        ("max_email_size", 1.5.into()),
    ]);
    let empty = dict([
        ("name", "beta".into()),
        ("smtp_host", "".into()),
        ("smtp_port", 0.into()),
        ("max_email_size", 0.into()),
    ]);
    let unset = dict([("name", "gamma".into()), ("smtp_host", false.into())]);
    [
        client.create(SERVERS, full).await,
        client.create(SERVERS, empty).await,
        client.create(SERVERS, unset).await,
    ]
}

/// A company, a contact of it, and one of the contact's.
async fn family(client: &Client) -> [AnyValue; 3] {
    let company = client
        .create(
            PARTNERS,
            dict([("name", "Zeta Co".into()), ("is_company", true.into())]),
        )
        .await;
    let child = client
        .create(
            PARTNERS,
            dict([("name", "Zeta Kid".into()), ("parent_id", company.clone())]),
        )
        .await;
    let below = client
        .create(
            PARTNERS,
            dict([("name", "Zeta Grand".into()), ("parent_id", child.clone())]),
        )
        .await;
    [company, child, below]
}

async fn found(client: &Client, model: &str, of: &[AnyValue], condition: AnyValue) -> AnyValue {
    let domain = list([leaf("id", "in", AnyValue::List(of.to_vec())), condition]);
    client.search(model, domain).await
}

#[tokio::test]
async fn an_empty_text_and_no_text_are_found_alike() {
    on_each_database(async |client| {
        let of = servers(&client).await;
        let [full, empty, unset] = of.clone();
        for nothing in [AnyValue::FALSE, "".into()] {
            let equal = found(
                &client,
                SERVERS,
                &of,
                leaf("smtp_host", "=", nothing.clone()),
            )
            .await;
            assert_eq!(equal, list([empty.clone(), unset.clone()]), "{nothing:?}");
            let other = found(&client, SERVERS, &of, leaf("smtp_host", "!=", nothing)).await;
            assert_eq!(other, list([full.clone()]));
        }
    })
    .await;
}

#[tokio::test]
async fn a_number_that_was_never_set_counts_as_zero() {
    on_each_database(async |client| {
        let of = servers(&client).await;
        let [full, empty, unset] = of.clone();
        let blank = list([empty, unset]);
        for condition in [
            leaf("max_email_size", "=", 0),
            leaf("max_email_size", "=", false),
            leaf("max_email_size", "<", 1),
            leaf("max_email_size", "<=", 0.0),
        ] {
            let ids = found(&client, SERVERS, &of, condition.clone()).await;
            assert_eq!(ids, blank, "{condition:?}");
        }
        let above = found(&client, SERVERS, &of, leaf("max_email_size", ">", 0)).await;
        assert_eq!(above, list([full]));
    })
    .await;
}

#[tokio::test]
async fn everything_contains_the_empty_text() {
    on_each_database(async |client| {
        let of = servers(&client).await;
        let all = found(&client, SERVERS, &of, leaf("smtp_host", "ilike", "")).await;
        assert_eq!(all, AnyValue::List(of.to_vec()));
        let none = found(&client, SERVERS, &of, leaf("smtp_host", "not ilike", "")).await;
        assert_eq!(none, list([]));
    })
    .await;
}

#[tokio::test]
async fn case_is_folded_beyond_the_letters_of_ascii() {
    on_each_database(async |client| {
        let of = servers(&client).await;
        for text in ["épsilon", "ÉPS", "psil"] {
            let ids = found(&client, SERVERS, &of, leaf("name", "ilike", text)).await;
            assert_eq!(ids, list([of[0].clone()]), "{text}");
        }
        let with_case = found(&client, SERVERS, &of, leaf("name", "like", "épsilon")).await;
        assert_eq!(with_case, list([]));
    })
    .await;
}

#[tokio::test]
async fn signs_of_patterns_in_a_text_keep_their_meaning_and_can_be_escaped() {
    on_each_database(async |client| {
        let percent = client.create(SERVERS, dict([("name", "a%b_c".into())])).await;
        let plain = client.create(SERVERS, dict([("name", "aXXbYc".into())])).await;
        let of = [percent.clone(), plain.clone()];
        let both = found(&client, SERVERS, &of, leaf("name", "=like", "a%b_c")).await;
        assert_eq!(both, list([percent.clone(), plain]));
        let one = found(&client, SERVERS, &of, leaf("name", "=like", r"a\%b\_c")).await;
        assert_eq!(one, list([percent]));
        let refused = client
            .try_call(SERVERS, "search", vec![list([leaf("name", "=like", r"a\")])])
            .await;
        assert!(
            matches!(&refused, Err(Error::Data { condition, .. }) if condition == "InvalidEscapeSequence"),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_negated_path_also_holds_for_what_is_linked_to_nothing() {
    on_each_database(async |client| {
        let of = family(&client).await;
        let [company, _, below] = of.clone();
        let is_child = leaf("parent_id.name", "=", "Zeta Co");
        let domain = list([
            leaf("id", "in", AnyValue::List(of.to_vec())),
            "!".into(),
            is_child,
        ]);
        assert_eq!(
            client.search(PARTNERS, domain).await,
            list([company, below.clone()])
        );
        let other = found(
            &client,
            PARTNERS,
            &of,
            leaf("parent_id.name", "!=", "Zeta Co"),
        )
        .await;
        assert_eq!(other, list([below]));
    })
    .await;
}

#[tokio::test]
async fn a_tree_is_walked_by_id_by_name_and_along_the_field_named() {
    on_each_database(async |client| {
        let of = family(&client).await;
        let [company, child, below] = of.clone();
        for condition in [
            leaf("id", "child_of", company.clone()),
            leaf("id", "child_of", "Zeta Co"),
            leaf("parent_id", "child_of", company.clone()),
        ] {
            let ids = found(&client, PARTNERS, &of, condition.clone()).await;
            assert_eq!(ids, AnyValue::List(of.to_vec()), "{condition:?}");
        }
        let above = found(
            &client,
            PARTNERS,
            &of,
            leaf("id", "parent_of", child.clone()),
        )
        .await;
        assert_eq!(above, list([company, child]));
        let nobody = found(&client, PARTNERS, &of, leaf("id", "child_of", false)).await;
        assert_eq!(nobody, list([]));
        let some = list([leaf("name", "=", "Zeta Grand")]);
        let parents = found(&client, PARTNERS, &of, leaf("child_ids", "any", some)).await;
        assert_eq!(parents, list([of[1].clone()]));
        let childless = found(
            &client,
            PARTNERS,
            &of,
            leaf("child_ids", "not any", list([])),
        )
        .await;
        assert_eq!(childless, list([below]));
    })
    .await;
}

#[tokio::test]
async fn a_bad_domain_is_refused_with_the_exception_that_odoo_raises() {
    on_each_database(async |client| {
        let cases: [(AnyValue, &str); 14] = [
            ("name".into(), "AssertionError"),
            (5.into(), "AssertionError"),
            (AnyValue::FALSE, "AssertionError"),
            (list(["name".into(), "=".into(), "x".into()]), "IndexError"),
            (list([list([leaf("name", "=", "x")])]), "IndexError"),
            (list([list(["name".into(), "=".into()])]), "ValueError"),
            (list([leaf("name", "==", "x")]), "ValueError"),
            (list([leaf("name", "ILIKE", "x")]), "ValueError"),
            (list([leaf("nope", "=", "x")]), "ValueError"),
            (list([leaf("name", "in", "x")]), "ValueError"),
            (list(["&".into(), leaf("name", "=", "x")]), "ValueError"),
            (list([leaf("name.x", "=", "x")]), "AssertionError"),
            (list([leaf("id", "=", "abc")]), "InvalidTextRepresentation"),
            (
                list([leaf("create_date", ">", "soon")]),
                "InvalidDatetimeFormat",
            ),
        ];
        for (domain, exception) in cases {
            let error = client
                .try_call(SERVERS, "search", vec![domain.clone()])
                .await
                .expect_err("a bad domain");
            assert_eq!(exception_of(&error), exception, "{domain:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn limits_are_read_as_the_database_reads_them() {
    on_each_database(async |client| {
        let all = list([]);
        let search = async |offset: AnyValue, limit: AnyValue| {
            client
                .try_call(SERVERS, "search", vec![all.clone(), offset, limit])
                .await
                .map_err(|error| exception_of(&error).to_owned())
        };
        servers(&client).await;
        let length = |ids: AnyValue| ids.as_list().map(<[AnyValue]>::len);
        assert_eq!(search(0.into(), "1".into()).await.map(length), Ok(Some(1)));
        assert_eq!(search(0.into(), 0.into()).await.map(length), Ok(Some(3)));
        assert_eq!(
            search(2.into(), AnyValue::FALSE).await.map(length),
            Ok(Some(1))
        );
        assert_eq!(
            search(0.into(), (-1).into()).await,
            Err("InvalidRowCountInLimitClause".into())
        );
        assert_eq!(
            search((-1).into(), 1.into()).await,
            Err("InvalidRowCountInResultOffsetClause".into())
        );
        assert_eq!(
            search(0.into(), "x".into()).await,
            Err("InvalidTextRepresentation".into())
        );
    })
    .await;
}

#[tokio::test]
async fn texts_are_ordered_by_their_bytes_and_nothing_comes_last() {
    on_each_database(async |client| {
        let [full, empty, unset] = servers(&client).await;
        let ordered = async |order: &str| {
            let args = vec![list([]), 0.into(), AnyValue::FALSE, order.into()];
            client.call(SERVERS, "search", args).await
        };
        // "beta" < "gamma" < "É" by their bytes.
        assert_eq!(
            ordered("name").await,
            list([empty.clone(), unset.clone(), full.clone()])
        );
        assert_eq!(
            ordered("smtp_host").await,
            list([empty.clone(), full.clone(), unset.clone()])
        );
        assert_eq!(
            ordered("smtp_host desc").await,
            list([unset.clone(), full.clone(), empty.clone()])
        );
        assert_eq!(
            ordered("smtp_host desc nulls last").await,
            list([full, empty, unset])
        );
        for order in ["name,", "name; drop table x", "lower(name)"] {
            let args = vec![list([]), 0.into(), 0.into(), order.into()];
            let refused = client.try_call(SERVERS, "search", args).await;
            assert!(matches!(refused, Err(Error::User(_))), "{order}");
        }
    })
    .await;
}

fn exception_of(error: &Error) -> &str {
    match error {
        Error::Assertion(_) => "AssertionError",
        Error::Index(_) => "IndexError",
        Error::Value(_) => "ValueError",
        Error::Type(_) => "TypeError",
        Error::Data { condition, .. } => condition,
        _ => "another",
    }
}
