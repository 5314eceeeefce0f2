//! What is refused, and that the refusal names record and field on every database.

use server_model::error::Error;
use server_model::value::AnyValue;

use crate::support::{dict, leaf, list, on_each_database};

const PARTNERS: &str = "res.partner";
const GONE: i64 = 99_999_999;

fn told(outcome: Result<AnyValue, Error>) -> String {
    match outcome {
        Err(Error::Validation(told)) => told.to_string(),
        other => panic!("{other:?} is no refusal by a constraint"),
    }
}

#[tokio::test]
async fn a_constraint_that_does_not_hold_names_model_and_field() {
    on_each_database(async |client| {
        let domain = dict([("name", "example.com".into())]);
        let domain = client.create("mail.alias.domain", domain).await;
        let model = leaf("model", "=", PARTNERS);
        let model = client.search("ir.model", list([model])).await;
        let alias = dict([
            ("alias_name", "x".into()),
            (
                "alias_model_id",
                model.as_list().expect("a model")[0].clone(),
            ),
            ("alias_domain_id", domain.clone()),
        ]);
        client.create("mail.alias", alias).await;
        let make = |values: AnyValue| vec![values];
        let cases = [
            (
                "ir.config_parameter",
                "create",
                make(dict([("key", "database.uuid".into()), ("value", "x".into())]).into()),
                ["ir.config_parameter", "\"key\""],
            ),
            (
                "res.users",
                "create",
                make(dict([("name", "x".into()), ("login", "admin".into())]).into()),
                ["res.users", "\"login\""],
            ),
            (
                PARTNERS,
                "create",
                make(dict([("email", "x@example.com".into())]).into()),
                ["contact", "(name)"],
            ),
            (
                PARTNERS,
                "create",
                make(dict([("name", "x".into()), ("parent_id", GONE.into())]).into()),
                [PARTNERS, "\"parent_id\""],
            ),
            (
                PARTNERS,
                "write",
                vec![list([3.into()]), dict([("parent_id", GONE.into())]).into()],
                [PARTNERS, "\"parent_id\""],
            ),
            (
                "mail.alias.domain",
                "unlink",
                vec![list([domain.clone()])],
                ["mail.alias", "\"alias_domain_id\""],
            ),
        ];
        for (model, method, args, named) in cases {
            let told = told(client.try_call(model, method, args).await);
            for part in named {
                assert!(told.contains(part), "{model}.{method}: {told}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn only_relations_and_ids_have_something_below_them() {
    on_each_database(async |client| {
        for operator in ["child_of", "parent_of"] {
            let condition = list([leaf("name", operator, 1)]);
            let outcome = client.try_call(PARTNERS, "search", vec![condition]).await;
            assert!(matches!(outcome, Err(Error::Value(_))), "{outcome:?}");
        }
        let found = client
            .search(PARTNERS, list([leaf("id", "child_of", 3)]))
            .await;
        assert_eq!(found, list([3.into()]));
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_of_records_that_are_gone_is_refused() {
    on_each_database(async |client| {
        let gone = || list([GONE.into()]);
        let names = list(["name".into()]);
        let calls = [
            ("ir.mail_server", "export_data", vec![gone(), names]),
            ("ir.mail_server", "action_archive", vec![gone()]),
            ("ir.mail_server", "toggle_active", vec![gone()]),
            (PARTNERS, "has_access", vec![gone(), "write".into()]),
            (PARTNERS, "check_access", vec![gone(), "write".into()]),
            (PARTNERS, "check_access_rule", vec![gone(), "write".into()]),
        ];
        for (model, method, args) in calls {
            let outcome = client.try_call(model, method, args).await;
            assert!(
                matches!(outcome, Err(Error::Missing(_))),
                "{model}.{method}: {outcome:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn numbers_of_another_kind_are_the_same_numbers() {
    on_each_database(async |client| {
        let values = dict([("name", "x".into()), ("color", 5.into())]);
        let partner = client.create(PARTNERS, values).await;
        // In one connection and by one statement, first with whole numbers and then with others.
        for (operator, value, is_found) in [
            ("=", AnyValue::from(5), true),
            ("=", 5.0.into(), true),
            ("=", 5.5.into(), false),
            ("<", 5.into(), false),
            ("<", 5.5.into(), true),
            ("<", 4.5.into(), false),
        ] {
            let told = format!("{operator} {}", value.to_python_text());
            let condition = list([
                leaf("id", "=", partner.clone()),
                leaf("color", operator, value),
            ]);
            let found = client.search(PARTNERS, condition).await;
            assert_eq!(!found.is_falsy(), is_found, "{told}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_text_with_a_nul_character_is_nothing_to_look_for() {
    on_each_database(async |client| {
        for operator in ["=", "!=", "ilike", "=like", "<"] {
            let condition = list([leaf("name", operator, "a\0b")]);
            let outcome = client.try_call(PARTNERS, "search", vec![condition]).await;
            assert!(
                matches!(outcome, Err(Error::Value(_))),
                "{operator}: {outcome:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn names_may_be_searched_by_numbers_and_lists() {
    on_each_database(async |client| {
        let partner = client
            .create(PARTNERS, dict([("name", "Room 5".into())]))
            .await;
        for (name, operator) in [
            (AnyValue::from(5), "ilike"),
            (list(["Room 5".into()]), "in"),
        ] {
            let args = vec![
                name,
                list([leaf("id", "=", partner.clone())]),
                operator.into(),
            ];
            let found = client.call(PARTNERS, "name_search", args).await;
            assert_eq!(found, list([list([partner.clone(), "Room 5".into()])]));
        }
    })
    .await;
}
