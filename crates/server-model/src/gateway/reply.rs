//! Answers: the message and the record that a mail refers to.

use mail::parse::{Incoming, message_ids};
use sha1::{Digest, Sha1};

use super::route::is_thread;
use crate::env::Env;
use crate::error::Result;
use crate::orm::convert;
use crate::registry::entry;
use crate::value::Id;

/// Of the references only so many count, from the last: the first ones are far away.
const MOST_REFERENCES: usize = 32;
/// Message ids made for Reply-To carry this; they name no message.
const NO_MESSAGE: &str = "reply_to";

/// The longest Message-Id that is kept as it is, in bytes. A line of a header has no more than 998
/// (RFC 5322 section 2.1.1), and PostgreSQL's index takes no text of more than 2704.
const LONGEST_ID: usize = 900;

/// The Message-Id under which a mail is stored. One that is too long to be an honest one becomes its
/// digest: the same mail is still recognised when it comes again, and two mails stay two.
pub fn storable_id(message_id: String) -> String {
    if message_id.len() <= LONGEST_ID {
        return message_id;
    }
    let digest = Sha1::digest(message_id.as_bytes());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("<{digits}@too-long.invalid>")
}

/// The message that a mail answers.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Its id.
    pub id: Id,
    /// Whether it is a note among colleagues, so that the answer is one too.
    pub is_note: bool,
    /// The contact who wrote it.
    pub author: Option<Id>,
}

/// Whether a message of this id is stored already.
///
/// # Errors
/// When the database fails.
pub async fn is_known(env: &Env, message_id: &str) -> Result<bool> {
    let mut sql = env.sql("SELECT 1 FROM mail_message WHERE message_id = ");
    sql.bind(message_id).push(" LIMIT 1");
    Ok(env.row(sql).await?.is_some())
}

/// The record that the mail belongs to because it answers a message on it: model and id.
///
/// # Errors
/// When the database fails.
pub async fn record(env: &Env, mail: &Incoming) -> Result<Option<(String, Id)>> {
    for (model, id) in records(env, &thread_ids(mail)).await? {
        if is_thread(&model) {
            return Ok(Some((model, id)));
        }
    }
    Ok(None)
}

/// Whether the mail answers a message on a record of a model that is not here.
///
/// # Errors
/// When the database fails.
pub async fn is_on_foreign(env: &Env, mail: &Incoming) -> Result<bool> {
    let records = records(env, &thread_ids(mail)).await?;
    let is_here = records.iter().any(|(model, _)| is_thread(model));
    Ok(!is_here && records.iter().any(|(model, _)| entry(model).is_err()))
}

/// The message that the mail answers: the one of In-Reply-To, else the newest of References.
///
/// # Errors
/// When the database fails.
pub async fn parent(env: &Env, mail: &Incoming) -> Result<Option<Parent>> {
    let [first, rest] = parents(mail);
    match newest(env, &first).await? {
        Some(parent) => Ok(Some(parent)),
        None => newest(env, &rest).await,
    }
}

/// The ids of what the mail may answer: those that count first, and those that count without them.
pub fn parents(mail: &Incoming) -> [Vec<String>; 2] {
    let first = if mail.in_reply_to.is_empty() {
        Vec::new()
    } else {
        vec![storable_id(mail.in_reply_to.clone())]
    };
    [first, last(message_ids(&mail.references))]
}

/// All ids by which the mail refers to others.
pub fn referred(mail: &Incoming) -> Vec<String> {
    let [mut all, rest] = parents(mail);
    all.extend(rest);
    all.extend(thread_ids(mail));
    all
}

fn thread_ids(mail: &Incoming) -> Vec<String> {
    let text = if mail.references.is_empty() {
        &mail.in_reply_to
    } else {
        &mail.references
    };
    // Some programs fold a line within an id, which leaves blanks in it.
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    last(message_ids(&text))
        .into_iter()
        .filter(|id| !id.contains(NO_MESSAGE))
        .collect()
}

fn last(mut ids: Vec<String>) -> Vec<String> {
    let last = ids.split_off(ids.len().saturating_sub(MOST_REFERENCES));
    last.into_iter().map(storable_id).collect()
}

async fn records(env: &Env, message_ids: &[String]) -> Result<Vec<(String, Id)>> {
    if message_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = env.sql(
        "SELECT model, res_id FROM mail_message WHERE model IS NOT NULL AND res_id > 0 AND message_id IN (",
    );
    push_texts(&mut sql, message_ids);
    sql.push(") ORDER BY id DESC LIMIT 32");
    let mut records = Vec::new();
    for row in env.rows(sql).await? {
        records.extend(convert::get::<String>(&row, 0)?.zip(convert::get::<Id>(&row, 1)?));
    }
    Ok(records)
}

async fn newest(env: &Env, message_ids: &[String]) -> Result<Option<Parent>> {
    if message_ids.is_empty() {
        return Ok(None);
    }
    let mut sql = env.sql(
        "SELECT id, is_internal AND message_type <> 'auto_comment', author_id FROM mail_message WHERE message_id IN (",
    );
    push_texts(&mut sql, message_ids);
    sql.push(") ORDER BY id DESC LIMIT 1");
    let Some(row) = env.row(sql).await? else {
        return Ok(None);
    };
    Ok(Some(Parent {
        id: convert::get(&row, 0)?.unwrap_or_default(),
        is_note: convert::get::<bool>(&row, 1)?.unwrap_or(false),
        author: convert::get(&row, 2)?,
    }))
}

/// Adds the texts as places, with commas between them.
pub fn push_texts(sql: &mut crate::sql::Sql, texts: &[String]) {
    for (place, text) in texts.iter().enumerate() {
        sql.push(if place == 0 { "" } else { ", " })
            .bind(text.as_str());
    }
}

#[cfg(test)]
mod tests {
    use mail::parse::{ParseContext, parse_message};

    use super::*;

    fn mail(header: &str) -> Incoming {
        parse_message(
            format!("{header}\n\nx").as_bytes(),
            &ParseContext::default(),
        )
    }

    #[test]
    fn references_come_before_in_reply_to() {
        let both = mail("References: <a@x>\nIn-Reply-To: <b@x>");
        assert_eq!(thread_ids(&both), ["<a@x>"]);
        let one = mail("In-Reply-To: your mail <b@x> of today");
        assert_eq!(thread_ids(&one), ["<b@x>"]);
        assert_eq!(thread_ids(&mail("In-Reply-To: b@x")), Vec::<String>::new());
    }

    #[test]
    fn ids_for_reply_to_and_those_far_away_do_not_count() {
        let tagged = mail("References: <1.2-reply_to@x> <a@x>");
        assert_eq!(thread_ids(&tagged), ["<a@x>"]);
        let ids: String = (0..40).map(|n| format!(" <{n}@x>")).collect();
        let many = thread_ids(&mail(&format!("References:{ids}")));
        assert_eq!(many.len(), 32);
        assert_eq!(many[0], "<8@x>");
    }

    #[test]
    fn an_id_too_long_for_an_index_is_stored_as_its_digest() {
        let long = |last: char| format!("<{}{last}@x>", "a".repeat(10_000));
        let (first, second) = (storable_id(long('1')), storable_id(long('2')));
        assert!(first.len() < 100, "{first}");
        assert_ne!(first, second);
        assert_eq!(first, storable_id(long('1')));
        assert_eq!(storable_id("<a@x>".into()), "<a@x>");
        // So its answers find it.
        let answer = mail(&format!("References: {}", long('1')));
        assert_eq!(thread_ids(&answer), [first]);
    }

    #[test]
    fn an_id_that_was_folded_is_put_together_again() {
        assert_eq!(
            thread_ids(&mail("References: <on-kim@\n corp.example>")),
            ["<on-kim@corp.example>"]
        );
    }
}
