//! The fields that conversations add to a model.

use std::collections::HashMap;

use futures_util::FutureExt;

use words::say;

use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::by_id;
use crate::orm::{convert, search};
use crate::registry::entry;
use crate::schema::{Field, Kind, computed, field};
use crate::value::{AnyValue, Id, Ids};

use super::follow;

/// How many fields [`fields`] gives.
pub const COUNT: usize = 10;

/// A model whose records are conversations.
pub trait Conversation: 'static {
    /// The name of the model.
    const MODEL: &'static str;
}

/// The fields of a conversation.
pub const fn fields<T: Conversation>() -> [Field; COUNT] {
    [
        field(
            "message_ids",
            "Messages",
            Kind::One2many {
                model: "mail.message",
                inverse: "res_id",
            },
        ),
        field(
            "message_follower_ids",
            "Followers",
            Kind::One2many {
                model: "mail.followers",
                inverse: "res_id",
            },
        )
        .groups("base.group_user"),
        computed(
            "message_partner_ids",
            "Followers (Partners)",
            PARTNERS,
            &["message_follower_ids"],
            |env, ids| partners::<T>(env, ids).boxed(),
        )
        .help("The contacts that follow the record.")
        .inverse(|env, ids, value| set_partners::<T>(env, ids, value).boxed())
        .search(|env, operator, value| search_partners::<T>(env, operator, value).boxed())
        .groups("base.group_user"),
        computed(
            "message_is_follower",
            "Is Follower",
            Kind::Boolean,
            &["message_follower_ids"],
            |env, ids| is_follower::<T>(env, ids).boxed(),
        )
        .help("Whether you follow the record yourself.")
        .search(|env, operator, value| search_following::<T>(env, operator, value).boxed()),
        computed(
            "has_message",
            "Has Message",
            Kind::Boolean,
            &["message_ids"],
            |env, ids| has_message::<T>(env, ids).boxed(),
        )
        .search(|env, operator, value| {
            search_records::<T>(env, ANY_MESSAGE, operator, value).boxed()
        }),
        computed(
            "message_needaction",
            "Action Needed",
            Kind::Boolean,
            &["message_ids"],
            |env, ids| truths::<T>(env, UNREAD, ids).boxed(),
        )
        .help("True while there are messages on the record that you have not read.")
        .search(|env, operator, value| search_records::<T>(env, UNREAD, operator, value).boxed()),
        computed(
            "message_needaction_counter",
            "Number of Actions",
            Kind::Integer,
            &["message_ids"],
            |env, ids| numbers::<T>(env, UNREAD, ids).boxed(),
        )
        .help("How many messages on the record you have not read."),
        computed(
            "message_has_error",
            "Message Delivery error",
            Kind::Boolean,
            &["message_ids"],
            |env, ids| truths::<T>(env, FAILED, ids).boxed(),
        )
        .help("True when a message of yours on the record did not reach somebody.")
        .search(|env, operator, value| search_records::<T>(env, FAILED, operator, value).boxed()),
        computed(
            "message_has_error_counter",
            "Number of errors",
            Kind::Integer,
            &["message_ids"],
            |env, ids| numbers::<T>(env, FAILED, ids).boxed(),
        )
        .help("How many messages of yours on the record did not reach somebody."),
        computed(
            "message_attachment_count",
            "Attachment Count",
            Kind::Integer,
            &[],
            |env, ids| attachments::<T>(env, ids).boxed(),
        )
        .groups("base.group_user"),
    ]
}

const PARTNERS: Kind = Kind::Many2many {
    model: "res.partner",
    table: "mail_followers",
    this: "res_id",
    that: "partner_id",
};

/// Which messages count: a condition on `mail_message m` with the caller's partner to bind.
#[derive(Clone, Copy)]
struct Which {
    condition: &'static str,
    of_caller: bool,
}

const ANY_MESSAGE: Which = Which {
    condition: "m.message_type <> 'user_notification'",
    of_caller: false,
};
const UNREAD: Which = Which {
    condition: "EXISTS (SELECT 1 FROM mail_notification n WHERE n.mail_message_id = m.id \
                AND COALESCE(n.is_read, FALSE) = FALSE AND n.res_partner_id = ",
    of_caller: true,
};
const FAILED: Which = Which {
    condition: "EXISTS (SELECT 1 FROM mail_notification n WHERE n.mail_message_id = m.id \
                AND n.notification_status IN ('bounce', 'exception') AND m.author_id = ",
    of_caller: true,
};

async fn numbers<T: Conversation>(env: &Env, which: Which, ids: &[Id]) -> Result<Vec<AnyValue>> {
    Ok(by_id::counts(
        ids,
        &messages(env, T::MODEL, which, Some(ids)).await?,
    ))
}

async fn truths<T: Conversation>(env: &Env, which: Which, ids: &[Id]) -> Result<Vec<AnyValue>> {
    Ok(by_id::truths(
        ids,
        &messages(env, T::MODEL, which, Some(ids)).await?,
    ))
}

async fn has_message<T: Conversation>(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    truths::<T>(env, ANY_MESSAGE, ids).await
}

/// How many such messages are on each of the records, or on any record.
async fn messages(
    env: &Env,
    model: &str,
    which: Which,
    ids: Option<&[Id]>,
) -> Result<HashMap<Id, i64>> {
    let mut sql = env.sql("SELECT m.res_id, COUNT(*) FROM mail_message m WHERE m.model = ");
    sql.bind(model).push(" AND ").push(which.condition);
    if which.of_caller {
        sql.bind(env.user().await?.partner_id).push(")");
    }
    sql.push(" AND m.res_id");
    match ids {
        Some(ids) => dialect::in_ids(&mut sql, ids),
        None => {
            sql.push(" > 0");
        }
    }
    sql.push(" GROUP BY m.res_id");
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        if let (Some(id), Some(count)) = (convert::get(&row, 0)?, convert::get(&row, 1)?) {
            found.insert(id, count);
        }
    }
    Ok(found)
}

async fn search_records<T: Conversation>(
    env: &Env,
    which: Which,
    operator: Operator,
    value: &AnyValue,
) -> Result<Domain> {
    let ids: Ids = messages(env, T::MODEL, which, None)
        .await?
        .into_keys()
        .collect();
    yes_or_no(operator, value, &ids)
}

/// A condition on a truth in terms of the records for which it holds.
///
/// # Errors
/// [`Error::Value`] for an operator other than `=` and `!=`.
pub fn yes_or_no(operator: Operator, value: &AnyValue, ids: &[Id]) -> Result<Domain> {
    let wanted = match operator {
        Operator::Eq => !value.is_falsy(),
        Operator::Ne => value.is_falsy(),
        _ => {
            return Err(Error::Value(say!("error-search-truth")));
        }
    };
    let operator = if wanted {
        Operator::In
    } else {
        Operator::NotIn
    };
    Ok(Domain::leaf("id", operator, AnyValue::ids(ids)))
}

async fn partners<T: Conversation>(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT res_id, partner_id FROM mail_followers WHERE res_model = ");
    sql.bind(T::MODEL).push(" AND res_id");
    dialect::in_ids(&mut sql, ids);
    sql.push(" ORDER BY partner_id");
    let mut found: HashMap<Id, Ids> = HashMap::new();
    for row in env.rows(sql).await? {
        if let (Some(id), Some(partner)) = (convert::get(&row, 0)?, convert::get(&row, 1)?) {
            found.entry(id).or_default().push(partner);
        }
    }
    Ok(by_id::linked(ids, &found))
}

/// Takes the commands of a list; what they leave follows the record.
async fn set_partners<T: Conversation>(env: &Env, ids: &[Id], value: &AnyValue) -> Result<()> {
    let commands = value.as_list().unwrap_or_default();
    for id in ids {
        for command in commands {
            let parts = command.as_list().unwrap_or_default();
            let number = parts.first().and_then(AnyValue::as_int);
            let linked = parts.get(1).and_then(AnyValue::as_id);
            match (number, linked) {
                (Some(4), Some(partner)) => {
                    follow::subscribe(env, T::MODEL, &[*id], &[partner], None).await?;
                }
                (Some(2 | 3), Some(partner)) => {
                    follow::unsubscribe(env, T::MODEL, &[*id], Some(&[partner])).await?;
                }
                (Some(5), _) => follow::unsubscribe(env, T::MODEL, &[*id], None).await?,
                (Some(6), _) => {
                    let wanted: Ids = parts
                        .get(2)
                        .and_then(AnyValue::as_list)
                        .unwrap_or_default()
                        .iter()
                        .filter_map(AnyValue::as_id)
                        .collect();
                    follow::unsubscribe(env, T::MODEL, &[*id], None).await?;
                    follow::subscribe(env, T::MODEL, &[*id], &wanted, None).await?;
                }
                _ => {
                    return Err(Error::Value(say!("error-followers-commands")));
                }
            }
        }
    }
    Ok(())
}

async fn search_partners<T: Conversation>(
    env: &Env,
    operator: Operator,
    value: &AnyValue,
) -> Result<Domain> {
    let followers = entry("mail.followers")?;
    let negative = operator.is_negative();
    let positive = if negative {
        operator.negated().unwrap_or(operator)
    } else {
        operator
    };
    let domain =
        Domain::eq("res_model", T::MODEL).and(Domain::leaf("partner_id", positive, value.clone()));
    let env = env.sudo();
    let rows = search::unchecked(&env, followers, &domain).await?;
    let records = by_id::values::<Id>(
        &env,
        "SELECT id, res_id FROM mail_followers WHERE id",
        &rows,
    )
    .await?
    .into_values()
    .collect::<Ids>();
    let operator = if negative {
        Operator::NotIn
    } else {
        Operator::In
    };
    Ok(Domain::leaf("id", operator, AnyValue::ids(&records)))
}

async fn followed<T: Conversation>(env: &Env) -> Result<Ids> {
    let mut sql = env.sql("SELECT res_id FROM mail_followers WHERE res_model = ");
    sql.bind(T::MODEL)
        .push(" AND res_id IS NOT NULL AND partner_id = ");
    sql.bind(env.user().await?.partner_id);
    search::collect_ids(env, sql).await
}

async fn is_follower<T: Conversation>(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let followed = followed::<T>(env).await?;
    Ok(ids
        .iter()
        .map(|id| AnyValue::Bool(followed.contains(id)))
        .collect())
}

async fn search_following<T: Conversation>(
    env: &Env,
    operator: Operator,
    value: &AnyValue,
) -> Result<Domain> {
    yes_or_no(operator, value, &followed::<T>(env).await?)
}

async fn attachments<T: Conversation>(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT res_id, COUNT(*) FROM ir_attachment WHERE res_model = ");
    sql.bind(T::MODEL).push(" AND res_id");
    dialect::in_ids(&mut sql, ids);
    sql.push(" GROUP BY res_id");
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        if let (Some(id), Some(count)) = (convert::get(&row, 0)?, convert::get(&row, 1)?) {
            found.insert(id, count);
        }
    }
    Ok(by_id::counts(ids, &found))
}
