//! The story of a mail: its attempts and what servers answered, whom they took it for, when it is tried again.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use words::{Text, say};

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::orm::{access, convert};
use crate::schema::{Call, Operation};
use crate::value::{AnyValue, Id, map};

/// For each mail, in the order of the ids, `{id, attempts, first_attempt, next_attempt, doubtful_since, server,
/// accepted, people}`. Moments are in UTC, and false where there is none. `server` is the name of the server that
/// was chosen last, `accepted` the addresses that a server took the mail for while others were refused, and
/// `people` a list of `{name, status, reason}` of those whom the mail notifies. `history` is a list of
/// `{at, server, outcome, reason, code, next_attempt}`, oldest first: what became of each attempt (`sent`, `later`,
/// `failed` or `doubt`), with the server's reply in `reason`. It is kept as long as the mail, and empty for one that went
/// out with its first attempt.
pub(super) async fn story(call: Call<'_>) -> Result<AnyValue> {
    let env = call.env;
    access::check_records(env, call.model, &call.ids, Operation::Read).await?;
    let mut known = in_queue(env, &call.ids).await?;
    let mut people = people(env, &call.ids).await?;
    let mut history = history(env, &call.ids).await?;
    let stories = call.ids.iter().map(|id| {
        let queued = known.remove(id).unwrap_or_default();
        let moment = |at: Option<NaiveDateTime>| at.map_or(AnyValue::FALSE, AnyValue::Datetime);
        let accepted = queued.accepted.into_iter().map(AnyValue::from);
        AnyValue::from(map([
            ("id", (*id).into()),
            ("attempts", queued.attempts.into()),
            ("first_attempt", moment(queued.first_attempt)),
            ("next_attempt", moment(queued.next_attempt)),
            ("doubtful_since", moment(queued.doubtful_since)),
            ("server", AnyValue::text_or_false(queued.server)),
            ("accepted", accepted.collect::<Vec<_>>().into()),
            ("people", people.remove(id).unwrap_or_default().into()),
            ("history", history.remove(id).unwrap_or_default().into()),
        ]))
    });
    Ok(stories.collect::<Vec<_>>().into())
}

#[derive(Default)]
struct Queued {
    attempts: i32,
    first_attempt: Option<NaiveDateTime>,
    next_attempt: Option<NaiveDateTime>,
    doubtful_since: Option<NaiveDateTime>,
    server: Option<String>,
    accepted: Vec<String>,
}

async fn in_queue(env: &Env, ids: &[Id]) -> Result<HashMap<Id, Queued>> {
    let mut sql = env.sql(
        "SELECT o.mail_id, o.attempts, o.first_attempt, o.next_attempt, o.doubt_since, s.name, o.accepted \
         FROM postern_outbox o LEFT JOIN ir_mail_server s ON s.id = o.mail_server_id WHERE o.mail_id",
    );
    dialect::in_ids(&mut sql, ids);
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let lines: String = convert::get(&row, 6)?.unwrap_or_default();
        // A line is the letter's contact and the address; see the outbox's `Accepted`.
        let address = |line: &str| line.rsplit(' ').next().unwrap_or_default().to_owned();
        let queued = Queued {
            attempts: convert::get(&row, 1)?.unwrap_or_default(),
            first_attempt: convert::get(&row, 2)?,
            next_attempt: convert::get(&row, 3)?,
            doubtful_since: convert::get(&row, 4)?,
            server: convert::get(&row, 5)?,
            accepted: lines.lines().map(address).collect(),
        };
        found.insert(convert::get(&row, 0)?.unwrap_or_default(), queued);
    }
    Ok(found)
}

/// What became of the attempts of these mails, told in the language of the caller.
///
/// # Errors
/// When the database fails.
async fn history(env: &Env, ids: &[Id]) -> Result<HashMap<Id, Vec<AnyValue>>> {
    let lang = env.reader().await?;
    let mut sql = env.sql(
        "SELECT mail_id, attempted_at, mail_server_id, server, outcome, reason, code, next_attempt \
         FROM postern_mail_attempt WHERE mail_id",
    );
    dialect::in_ids(&mut sql, ids);
    sql.push(" ORDER BY id");
    let mut found: HashMap<Id, Vec<AnyValue>> = HashMap::new();
    for row in env.rows(sql).await? {
        let text = |at| -> Result<Option<String>> { convert::get(&row, at) };
        let moment = |at| -> Result<AnyValue> {
            let moment: Option<NaiveDateTime> = convert::get(&row, at)?;
            Ok(moment.map_or(AnyValue::FALSE, AnyValue::Datetime))
        };
        let is_own = convert::get::<Id>(&row, 2)? == Some(0);
        let server = match text(3)? {
            None if is_own => Some(say!("own-server").in_lang(lang)),
            known => known,
        };
        let reason = text(5)?.map(|stored| Text::from_stored(&stored).in_lang(lang));
        let attempt = map([
            ("at", moment(1)?),
            ("server", AnyValue::text_or_false(server)),
            ("outcome", AnyValue::text_or_false(text(4)?)),
            ("reason", AnyValue::text_or_false(reason)),
            ("code", AnyValue::text_or_false(text(6)?)),
            ("next_attempt", moment(7)?),
        ]);
        let mail: Id = convert::get(&row, 0)?.unwrap_or_default();
        found.entry(mail).or_default().push(attempt.into());
    }
    Ok(found)
}

async fn people(env: &Env, ids: &[Id]) -> Result<HashMap<Id, Vec<AnyValue>>> {
    let mut sql = env.sql(
        "SELECT n.mail_mail_id, p.name, p.email, n.notification_status, n.failure_reason FROM mail_notification n \
         LEFT JOIN res_partner p ON p.id = n.res_partner_id WHERE n.notification_type = 'email' AND n.mail_mail_id",
    );
    dialect::in_ids(&mut sql, ids);
    sql.push(" ORDER BY n.id");
    let mut found: HashMap<Id, Vec<AnyValue>> = HashMap::new();
    for row in env.rows(sql).await? {
        let text = |at| -> Result<Option<String>> { convert::get(&row, at) };
        let name = text(1)?.or(text(2)?);
        let person = map([
            ("name", AnyValue::text_or_false(name)),
            ("status", AnyValue::text_or_false(text(3)?)),
            ("reason", AnyValue::text_or_false(text(4)?)),
        ]);
        let mail: Id = convert::get(&row, 0)?.unwrap_or_default();
        found.entry(mail).or_default().push(person.into());
    }
    Ok(found)
}
