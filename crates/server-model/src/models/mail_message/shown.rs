//! What is worked out about messages when they are read.

use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::Result;
use crate::models::by_id;
use crate::orm::search::collect_ids;
use crate::thread::fields::yes_or_no;
use crate::value::{AnyValue, Id, Ids};

/// How much of a message a preview shows, in characters.
const PREVIEW: usize = 190;

/// Messages for which something holds: a statement for their ids that ends where the caller's
/// contact is to follow.
#[derive(Clone, Copy, Debug)]
pub struct Which(&'static str);

/// Those that the caller marked with a star.
pub const STARRED: Which = Which(
    "SELECT mail_message_id FROM mail_message_res_partner_starred_rel WHERE res_partner_id = ",
);
/// Those that the caller was told of and has not read.
pub const UNREAD: Which = Which(
    "SELECT mail_message_id FROM mail_notification WHERE COALESCE(is_read, FALSE) = FALSE AND res_partner_id = ",
);
/// Those of the caller that did not reach somebody.
pub const FAILED: Which = Which(
    "SELECT n.mail_message_id FROM mail_notification n JOIN mail_message m ON m.id = n.mail_message_id \
     WHERE n.notification_status IN ('bounce', 'exception') AND m.author_id = ",
);

async fn found(env: &Env, which: Which) -> Result<Ids> {
    let mut sql = env.sql(which.0);
    sql.bind(env.user().await?.partner_id);
    collect_ids(env, sql).await
}

/// Whether it holds for each message.
pub async fn truths(env: &Env, which: Which, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let found: std::collections::HashSet<Id> = found(env, which).await?.into_iter().collect();
    Ok(ids
        .iter()
        .map(|id| AnyValue::Bool(found.contains(id)))
        .collect())
}

/// A condition on whether it holds.
pub async fn search(
    env: &Env,
    which: Which,
    operator: Operator,
    value: &AnyValue,
) -> Result<Domain> {
    yes_or_no(operator, value, &found(env, which).await?)
}

/// Whether the caller wrote each message.
pub async fn own(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let author = env.user().await?.partner_id;
    let select = "SELECT id, author_id FROM mail_message WHERE id";
    let authors = by_id::values::<Id>(env, select, ids).await?;
    Ok(ids
        .iter()
        .map(|id| AnyValue::Bool(authors.get(id) == Some(&author)))
        .collect())
}

/// The beginning of each message as plain text in one line.
pub async fn previews(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT id, body FROM mail_message WHERE id";
    let bodies = by_id::values::<String>(env, select, ids).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let text = mail::text::html_to_text(bodies.get(id).map_or("", String::as_str));
            let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            AnyValue::Text(line.chars().take(PREVIEW).collect())
        })
        .collect())
}
