//! Who may do what with which message.
//!
//! A message is read by its author, by those it was sent to, and by everybody who may read the
//! record it is on. It is changed by its author and by everybody who may change the record; it is
//! deleted only by the latter, so that a message on no record is the program's own. Portal and
//! public users do not see what is internal, unless it was sent to them.

use std::collections::{HashMap, HashSet};

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::orm::{access, convert, search};
use crate::registry::entry;
use crate::schema::Operation;
use crate::value::{Id, Ids, Map};

/// A message as far as rights go.
struct Letter {
    id: Id,
    record: Option<(String, Id)>,
    internal: bool,
    /// The caller wrote or made it.
    own: bool,
    /// It was sent to the caller.
    received: bool,
    /// It answers a message that the caller wrote or was sent.
    answers: bool,
}

/// Those of the messages that the operation may reach.
///
/// # Errors
/// When the database fails.
pub async fn reachable(env: &Env, ids: &[Id], operation: Operation) -> Result<Ids> {
    if ids.is_empty() {
        return Ok(Ids::new());
    }
    // What came in and belongs to no record would be seen by nobody otherwise.
    if operation == Operation::Read && env.has_any_group("base.group_system").await? {
        return Ok(ids.to_vec());
    }
    let letters = letters(env, ids).await?;
    let records = records_in_reach(env, &letters, operation).await?;
    let outside = env.user().await?.share;
    let reached: HashSet<Id> = letters
        .iter()
        .filter(|letter| {
            if outside && letter.internal && !letter.received {
                return false;
            }
            let by_record = letter
                .record
                .as_ref()
                .is_some_and(|record| records.contains(record));
            by_record
                || match operation {
                    Operation::Read => letter.own || letter.received,
                    Operation::Write => letter.own,
                    Operation::Create => letter.answers || (letter.own && letter.record.is_none()),
                    Operation::Unlink => false,
                }
        })
        .map(|letter| letter.id)
        .collect();
    Ok(ids
        .iter()
        .copied()
        .filter(|id| reached.contains(id))
        .collect())
}

/// Refuses to put files on messages that the caller may not read: whoever gets the message gets them.
///
/// # Errors
/// [`crate::error::Error::Access`] that names the files.
pub async fn check_files(env: &Env, ids: &[Id], values: &Map) -> Result<()> {
    if env.is_sudo() || !values.contains_key("attachment_ids") {
        return Ok(());
    }
    let mut sql = env.sql("SELECT attachment_id FROM message_attachment_rel WHERE message_id");
    dialect::in_ids(&mut sql, ids);
    let files = search::collect_ids(env, sql).await?;
    access::check_records(env, entry("ir.attachment")?, &files, Operation::Read).await
}

async fn letters(env: &Env, ids: &[Id]) -> Result<Vec<Letter>> {
    let user = env.user().await?;
    let received = |message: &str| {
        format!(
            "(EXISTS (SELECT 1 FROM mail_message_res_partner_rel r WHERE r.mail_message_id = {message} AND r.res_partner_id = {partner}) \
             OR EXISTS (SELECT 1 FROM mail_notification n WHERE n.mail_message_id = {message} AND n.res_partner_id = {partner}))",
            partner = user.partner_id
        )
    };
    let mut sql = env.sql("SELECT m.id, m.model, m.res_id, ");
    sql.push(
        "(COALESCE(m.is_internal, FALSE) OR COALESCE(s.internal, FALSE)), COALESCE(m.author_id = ",
    );
    sql.bind(user.partner_id)
        .push(", FALSE) OR COALESCE(m.create_uid = ");
    sql.bind(user.uid)
        .push(", FALSE), ")
        .push(&received("m.id"))
        .push(", COALESCE(p.author_id = ");
    sql.bind(user.partner_id)
        .push(", FALSE) OR ")
        .push(&received("m.parent_id"));
    sql.push(
        " FROM mail_message m LEFT JOIN mail_message_subtype s ON s.id = m.subtype_id \
         LEFT JOIN mail_message p ON p.id = m.parent_id WHERE m.id",
    );
    dialect::in_ids(&mut sql, ids);
    let mut letters = Vec::with_capacity(ids.len());
    for row in env.rows(sql).await? {
        let model = convert::get::<String>(&row, 1)?.filter(|model| !model.is_empty());
        let record = convert::get::<Id>(&row, 2)?.filter(|id| *id > 0);
        let truth =
            |at: usize| -> Result<bool> { Ok(convert::get::<bool>(&row, at)?.unwrap_or(false)) };
        letters.push(Letter {
            id: convert::get(&row, 0)?.unwrap_or_default(),
            record: model.zip(record),
            internal: truth(3)?,
            own: truth(4)?,
            received: truth(5)?,
            answers: truth(6)?,
        });
    }
    Ok(letters)
}

/// The records with which the caller may do as much, asked once a model.
async fn records_in_reach(
    env: &Env,
    letters: &[Letter],
    operation: Operation,
) -> Result<HashSet<(String, Id)>> {
    // Who may change a record may say and unsay something on it.
    let operation = match operation {
        Operation::Read => Operation::Read,
        _ => Operation::Write,
    };
    let mut by_model: HashMap<&str, Ids> = HashMap::new();
    for (model, id) in letters.iter().filter_map(|letter| letter.record.as_ref()) {
        let ids = by_model.entry(model).or_default();
        if !ids.contains(id) {
            ids.push(*id);
        }
    }
    let mut reached = HashSet::new();
    for (name, ids) in by_model {
        let Ok(model) = entry(name) else {
            continue;
        };
        if model.table().is_empty() || !access::may(env, model, operation).await? {
            continue;
        }
        for id in Box::pin(access::reached(env, model, &ids, operation)).await? {
            reached.insert((name.to_owned(), id));
        }
    }
    Ok(reached)
}
