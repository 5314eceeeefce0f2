//! Every method of every model as public, portal and internal users and administrators call it. A method or a model
//! without a row in the tables fails the test, so that none comes in without somebody having thought about who may use
//! it.

mod own;
mod shared;
mod subject;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::error::Error;
use server_model::registry::{Entry, registry};
use server_model::value::{AnyValue, Map};

use crate::people::user;
use crate::support::{Client, dict, on_each_database};
use own::Who;
use shared::Need;
use subject::Subject;

const KINDS: [&str; 4] = ["public", "portal", "internal", "administrator"];
const PUBLIC_USER: i32 = 4;
/// Who exports, of the four.
const EXPORTERS: Who = [false, false, false, true];

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The rights sufficed, whatever the method then made of the arguments.
    Let,
    /// They did not.
    Refused,
}

/// What the tables say of a method: who may call it, and with which arguments.
struct Case {
    who: Who,
    /// It needs a record, so that there is nothing to ask of a model without any.
    about_record: bool,
    args: fn(&Subject) -> Vec<AnyValue>,
}

fn case(model: &shared::Model, method: &str) -> Option<Case> {
    let own = own::METHODS
        .iter()
        .find(|row| (row.0, row.1) == (model.name, method));
    if let Some((_, _, who, args)) = own {
        return Some(Case {
            who: *who,
            about_record: false,
            args: *args,
        });
    }
    let (_, need, args) = shared::METHODS.iter().find(|row| row.0 == method)?;
    let mut who = [false; 4];
    for (at, may) in who.iter_mut().enumerate() {
        let (model, record) = (model.rights[at], model.record[at]);
        *may = match need {
            Need::Nothing => true,
            Need::Model(right) => model.contains(*right),
            Need::Record(right) => record.contains(*right),
            Need::Copy => record.contains('r') && model.contains('c'),
            Need::Export => record.contains('r') && EXPORTERS[at],
        };
    }
    let about_record = matches!(need, Need::Record(_) | Need::Copy | Need::Export);
    Some(Case {
        who,
        about_record,
        args: *args,
    })
}

fn outcome(method: &str, answer: &Result<AnyValue, Error>) -> Outcome {
    let refused = match answer {
        Err(Error::Access(_) | Error::AccessDenied(_)) => true,
        // Odoo gives some refusals by another name: of the group of those who export, and whatever
        // comes up while a connection is tested.
        Err(Error::User(told)) => {
            method == "export_data" || told.to_string().starts_with("You may not")
        }
        Err(_) => false,
        Ok(told) if method == "has_access" => told.is_falsy(),
        // A refused row is told like any other that cannot be stored.
        Ok(told) if method == "load" => format!("{told:?}").contains("You may not"),
        Ok(_) => false,
    };
    if refused {
        Outcome::Refused
    } else {
        Outcome::Let
    }
}

async fn visitors(client: &Client) -> [Caller; 4] {
    let portal = user(client, "portal-visitor", "group_portal").await;
    let internal = user(client, "internal-visitor", "group_user").await;
    let caller = |uid| Caller::new(Arc::clone(client.caller().backend()), uid);
    [
        caller(PUBLIC_USER),
        caller(portal.as_id().expect("an id")),
        caller(internal.as_id().expect("an id")),
        client.caller().clone(),
    ]
}

/// Calls all methods of a model as all visitors; what came out otherwise than the tables say.
async fn ask(
    entry: &'static Entry,
    model: &shared::Model,
    subject: &Subject,
    visitors: &[Caller; 4],
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut record = subject.record().await;
    let methods: BTreeSet<&str> = entry.methods.keys().copied().collect();
    for method in methods {
        let Some(case) = case(model, method) else {
            wrong.push(format!(
                "{}.{method} has no row: say in tests/it/rights/own.rs (or shared.rs, if other models have it too) who may call it",
                model.name
            ));
            continue;
        };
        if record.is_none() && case.about_record {
            continue;
        }
        for ((visitor, kind), may) in visitors.iter().zip(KINDS).zip(case.who) {
            let mut args = (case.args)(subject);
            if entry.methods[method].on_records {
                // What makes records is called on none.
                let on = record.clone().filter(|_| method != "create");
                args.insert(0, AnyValue::List(on.into_iter().collect()));
            }
            let answer = call_kw(visitor, model.name, method, args, Map::new()).await;
            let expected = if may { Outcome::Let } else { Outcome::Refused };
            if outcome(method, &answer) != expected {
                wrong.push(format!(
                    "{}.{method} by the {kind} user should be {expected:?}, but gave {answer:?}",
                    model.name
                ));
            }
            // What a call took away is made again for the next.
            if let Some(made) = &record
                && !subject.is_there(made).await
            {
                record = subject.record().await;
            }
        }
    }
    wrong
}

#[tokio::test]
async fn every_method_of_every_model_lets_in_only_those_it_is_for() {
    on_each_database(async |client| {
        let visitors = visitors(&client).await;
        let server = dict([("name", "x".into()), ("smtp_host", "127.0.0.1".into())]);
        client.create("ir.mail_server", server).await;
        // On a contact, which those who work here may read.
        let on_contact = [("model", "res.partner".into()), ("res_id", 3.into())];
        client.create("mail.message", dict(on_contact)).await;
        let mut wrong = Vec::new();
        let known: HashMap<&str, &shared::Model> =
            shared::MODELS.iter().map(|row| (row.name, row)).collect();
        for entry in registry().iter() {
            let Some(model) = known.get(entry.name()) else {
                wrong.push(format!(
                    "{} has no row: say in tests/it/rights/shared.rs who may do what with its records, and in subject.rs how one is made",
                    entry.name()
                ));
                continue;
            };
            let subject = Subject::of(&client, model.name).await;
            wrong.extend(ask(entry, model, &subject, &visitors).await);
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

#[test]
fn no_row_is_about_a_model_or_method_that_is_gone() {
    let has = |model: &str, method: &str| {
        let entry = registry().get(model).ok();
        entry.is_some_and(|entry| entry.methods.contains_key(method))
    };
    let models = shared::MODELS.iter().map(|row| row.name);
    let gone: Vec<_> = models
        .filter(|name| registry().get(name).is_err())
        .collect();
    assert!(gone.is_empty(), "no such models: {gone:?}");
    let own = own::METHODS.iter().map(|row| (row.0, row.1));
    let gone: Vec<_> = own.filter(|(model, method)| !has(model, method)).collect();
    assert!(gone.is_empty(), "no such methods: {gone:?}");
    let shared = shared::METHODS.iter().map(|row| row.0);
    let gone: Vec<_> = shared
        .filter(|method| !registry().iter().any(|entry| has(entry.name(), method)))
        .collect();
    assert!(gone.is_empty(), "no model has the methods {gone:?}");
}
