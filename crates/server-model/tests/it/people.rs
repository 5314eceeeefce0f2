//! Users, groups, companies and aliases: what follows from a change, and what is refused.

use std::sync::Arc;

use secrecy::SecretString;
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::error::Error;
use server_model::start;
use server_model::value::{AnyValue, Map};

use crate::support::{Client, dict, leaf, list, on_each_database, rows};

const USERS: &str = "res.users";
const PARTNERS: &str = "res.partner";

/// Calls a method as somebody else.
pub async fn call_as(
    client: &Client,
    uid: &AnyValue,
    model: &str,
    method: &str,
    args: Vec<AnyValue>,
) -> Result<AnyValue, Error> {
    let uid = uid.as_id().expect("a user has an id");
    let caller = Caller::new(Arc::clone(client.caller().backend()), uid);
    call_kw(&caller, model, method, args, Map::new()).await
}

/// The id of a group.
pub async fn group(client: &Client, name: &str) -> AnyValue {
    let args = vec!["base".into(), name.into()];
    match client
        .call("ir.model.data", "check_object_reference", args)
        .await
    {
        AnyValue::List(mut found) => found.pop().expect("a reference has an id"),
        other => panic!("{name} is {other:?}"),
    }
}

/// A user of one kind.
pub async fn user(client: &Client, login: &str, kind: &str) -> AnyValue {
    let only = list([6.into(), 0.into(), list([group(client, kind).await])]);
    let values = dict([
        ("name", login.into()),
        ("login", login.into()),
        ("groups_id", list([only])),
    ]);
    client.create(USERS, values).await
}

#[tokio::test]
async fn users_change_their_own_preferences_and_nothing_else() {
    on_each_database(async |client| {
        let ann = user(&client, "ann", "group_user").await;
        let bob = user(&client, "bob", "group_user").await;
        let tz: AnyValue = dict([("tz", "Asia/Tokyo".into())]).into();
        let write = |who: &AnyValue, values: AnyValue| vec![list([who.clone()]), values];
        let own = call_as(&client, &ann, USERS, "write", write(&ann, tz.clone())).await;
        assert_eq!(own.expect("one's own preferences"), true.into());
        assert_eq!(client.value(USERS, &ann, "tz").await, "Asia/Tokyo".into());
        let others = call_as(&client, &ann, USERS, "write", write(&bob, tz)).await;
        assert!(matches!(others, Err(Error::Access(_))), "{others:?}");
        let login: AnyValue = dict([("login", "root".into())]).into();
        let renamed = call_as(&client, &ann, USERS, "write", write(&ann, login)).await;
        assert!(matches!(renamed, Err(Error::Access(_))), "{renamed:?}");
    })
    .await;
}

#[tokio::test]
async fn members_of_a_group_are_members_of_what_it_implies() {
    on_each_database(async |client| {
        let ann = user(&client, "ann", "group_user").await;
        let settings = group(&client, "group_system").await;
        let join = list([list([4.into(), ann.clone()])]);
        let values: AnyValue = dict([("users", join)]).into();
        client
            .call("res.groups", "write", vec![list([settings]), values])
            .await;
        for implied in ["base.group_erp_manager", "base.group_system"] {
            let args = vec![list([ann.clone()]), implied.into()];
            assert_eq!(
                client.call(USERS, "has_group", args).await,
                true.into(),
                "{implied}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_is_internal_and_portal_at_once() {
    on_each_database(async |client| {
        let ann = user(&client, "ann", "group_user").await;
        assert_eq!(client.value(USERS, &ann, "share").await, false.into());
        let portal = group(&client, "group_portal").await;
        let also: AnyValue = dict([("groups_id", list([list([4.into(), portal.clone()])]))]).into();
        let refused = client
            .try_call(USERS, "write", vec![list([ann.clone()]), also])
            .await;
        assert!(matches!(refused, Err(Error::Validation(_))), "{refused:?}");
        let instead: AnyValue = dict([(
            "groups_id",
            list([list([6.into(), 0.into(), list([portal])])]),
        )])
        .into();
        client
            .call(USERS, "write", vec![list([ann.clone()]), instead])
            .await;
        assert_eq!(client.value(USERS, &ann, "share").await, true.into());
    })
    .await;
}

#[tokio::test]
async fn portal_users_see_themselves_and_their_organisation() {
    on_each_database(async |client| {
        let pia = user(&client, "pia", "group_portal").await;
        let everybody = vec![list([])];
        let seen = call_as(&client, &pia, USERS, "search", everybody.clone()).await;
        assert_eq!(seen.expect("users can be searched"), list([pia.clone()]));
        let contact = client.value(USERS, &pia, "partner_id").await;
        let contact = contact.as_list().expect("a contact").first().cloned();
        let seen = call_as(&client, &pia, PARTNERS, "search", everybody).await;
        assert_eq!(
            seen.expect("contacts can be searched"),
            list([contact.expect("the contact has an id")])
        );
    })
    .await;
}

#[tokio::test]
async fn full_names_follow_the_company_all_the_way_down() {
    on_each_database(async |client| {
        let company = dict([("name", "Co".into()), ("is_company", true.into())]);
        let company = client.create(PARTNERS, company).await;
        let below = |name: &str, parent: &AnyValue| {
            dict([("name", name.into()), ("parent_id", parent.clone())])
        };
        let kid = client.create(PARTNERS, below("Kid", &company)).await;
        let grand = client.create(PARTNERS, below("Grand", &kid)).await;
        let name = async |id: &AnyValue| client.value(PARTNERS, id, "complete_name").await;
        assert_eq!(name(&grand).await, "Co, Grand".into());
        let renamed: AnyValue = dict([("name", "Inc".into())]).into();
        client
            .call(PARTNERS, "write", vec![list([company]), renamed])
            .await;
        assert_eq!(name(&kid).await, "Inc, Kid".into());
        assert_eq!(name(&grand).await, "Inc, Grand".into());
    })
    .await;
}

#[tokio::test]
async fn the_first_domain_serves_all_companies_and_the_second_none() {
    on_each_database(async |client| {
        let domain = |name: &str| dict([("name", name.into())]);
        let model = client
            .search("ir.model", list([leaf("model", "=", PARTNERS)]))
            .await;
        let model = model.as_list().expect("a list").first().cloned();
        let alias = dict([
            ("alias_name", "sales".into()),
            (
                "alias_model_id",
                model.clone().expect("the model is listed"),
            ),
        ]);
        let alias = client.create("mail.alias", alias).await;
        client.create("mail.alias.domain", domain("one.test")).await;
        let second = client.create("mail.alias.domain", domain("two.test")).await;
        let company = client
            .value("res.company", &1.into(), "catchall_email")
            .await;
        assert_eq!(company, "catchall@one.test".into());
        let full = client.value("mail.alias", &alias, "alias_full_name").await;
        assert_eq!(full, "sales@one.test".into());
        let taken = dict([
            ("alias_name", "Bounce".into()),
            ("alias_domain_id", second),
            ("alias_model_id", model.expect("the model is listed")),
        ]);
        let refused = client
            .try_call("mail.alias", "create", vec![taken.into()])
            .await;
        assert!(matches!(refused, Err(Error::Validation(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_company_and_its_contact_have_one_name() {
    on_each_database(async |client| {
        let values = dict([("name", "Nord".into()), ("email", "n@nord.test".into())]);
        let company = client.create("res.company", values).await;
        let contact = client.value("res.company", &company, "partner_id").await;
        let contact = contact.as_list().expect("a contact")[0].clone();
        assert_eq!(
            client.value(PARTNERS, &contact, "email").await,
            "n@nord.test".into()
        );
        let renamed: AnyValue = dict([("name", "Nordlicht".into())]).into();
        client
            .call(PARTNERS, "write", vec![list([contact]), renamed])
            .await;
        let name = client.value("res.company", &company, "name").await;
        assert_eq!(name, "Nordlicht".into());
    })
    .await;
}

#[tokio::test]
async fn the_mirror_is_written_once_and_shows_who_may_what() {
    on_each_database(async |client| {
        let count = async |model: &str| client.call(model, "search_count", vec![list([])]).await;
        let shown = [
            "ir.model",
            "ir.model.fields",
            "ir.model.access",
            "ir.rule",
            "ir.cron",
        ];
        let mut before = Vec::new();
        for model in shown {
            before.push(count(model).await);
        }
        let backend = client.caller().backend();
        start::install(backend, &SecretString::from("another"))
            .await
            .expect("a second start");
        for (model, before) in shown.iter().zip(before) {
            assert_eq!(count(model).await, before, "{model}");
            assert_ne!(before, 0.into(), "{model}");
        }
        let field = list([
            leaf("model", "=", "ir.mail_server"),
            leaf("name", "=", "smtp_pass"),
        ]);
        let args = vec![field, list(["ttype".into(), "groups".into()])];
        let field = rows(client.call("ir.model.fields", "search_read", args).await);
        let settings = group(&client, "group_system").await;
        assert_eq!(field[0][1..], ["char".into(), list([settings])]);
        let values: AnyValue = dict([("name", "x".into()), ("model", "x_x".into())]).into();
        let refused = client.try_call("ir.model", "create", vec![values]).await;
        assert!(matches!(refused, Err(Error::User(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_contact_speaks_a_language_in_use_and_lives_in_a_known_time_zone() {
    on_each_database(async |client| {
        let choices = async |model: &str, field: &'static str| {
            let args = vec![list([field.into()]), list(["selection".into()])];
            match client.call(model, "fields_get", args).await {
                AnyValue::Map(mut told) => told
                    .shift_remove(field)
                    .and_then(|field| field.as_map().cloned())
                    .and_then(|mut told| told.shift_remove("selection"))
                    .expect("the choices"),
                other => panic!("fields_get gave {other:?}"),
            }
        };
        let write = async |name: &'static str, value: &str| {
            let args = vec![list([3.into()]), dict([(name, value.into())]).into()];
            client.try_call(PARTNERS, "write", args).await
        };
        let vietnamese = leaf("code", "=", "vi_VN");
        let language = client
            .with_archived()
            .search("res.lang", list([vietnamese]))
            .await;
        for is_active in [false, true] {
            let change = dict([("active", is_active.into())]).into();
            client
                .call("res.lang", "write", vec![language.clone(), change])
                .await;
            let taken = write("lang", "vi_VN").await;
            assert_eq!(taken.is_ok(), is_active, "{taken:?}");
            for model in [PARTNERS, USERS] {
                let listed = choices(model, "lang").await;
                assert_eq!(listed.to_python_text().contains("'vi_VN'"), is_active);
            }
            // A caller whose language is not in use speaks English.
            let client = client.with_context(dict([("lang", "vi_VN".into())]));
            let made = client.create(PARTNERS, dict([("name", "x".into())])).await;
            let expected = if is_active { "vi_VN" } else { "en_US" };
            assert_eq!(client.value(PARTNERS, &made, "lang").await, expected.into());
        }
        let zone = list(["Asia/Ho_Chi_Minh".into(), "Asia/Ho_Chi_Minh".into()]);
        let listed = choices(USERS, "tz").await;
        assert!(listed.as_list().is_some_and(|zones| zones.contains(&zone)));
        assert!(write("tz", "Asia/Ho_Chi_Minh").await.is_ok());
        let refused = write("tz", "Asia/Nowhere").await;
        assert!(matches!(refused, Err(Error::Value(_))), "{refused:?}");
    })
    .await;
}
