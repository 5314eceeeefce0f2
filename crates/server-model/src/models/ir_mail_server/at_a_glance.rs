//! What a list of servers shows at a glance: how many mails wait for each, and how much of its budget is used.

use std::collections::HashMap;

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::models::by_id;
use crate::orm::{access, convert};
use crate::outbox::budget::{self, Budgets};
use crate::schema::{Call, Operation};
use crate::value::{AnyValue, Id, map};

/// For each server, in the order of the ids, `{id, queue, connections, messages_per_minute,
/// recipients_per_day, messages_this_minute, recipients_today, paused_until}`: how many mails were
/// about to go out by it when they were looked at last, its budget (0 for no limit), what is used of
/// that, and until when it is left alone because it asked for it (false where it did not).
pub(super) async fn glance(call: Call<'_>) -> Result<AnyValue> {
    let env = call.env;
    access::check_records(env, call.model, &call.ids, Operation::Read).await?;
    let queues = queues(env, &call.ids).await?;
    let budgets = Budgets::load(env).await?;
    let used = budget::in_use(env).await?;
    let kinds = "SELECT id, smtp_authentication FROM ir_mail_server WHERE id";
    let kinds: HashMap<Id, String> = by_id::values(env, kinds, &call.ids).await?;
    let glances = call.ids.iter().map(|id| {
        let kind = kinds.get(id).map(String::as_str).unwrap_or_default();
        let budget = budgets.of(*id, kind);
        let used = used.get(id).copied().unwrap_or_default();
        let paused = budgets.paused_until(*id);
        AnyValue::from(map([
            ("id", (*id).into()),
            ("queue", queues.get(id).copied().unwrap_or(0).into()),
            ("connections", i64::from(budget.connections).into()),
            (
                "messages_per_minute",
                i64::from(budget.messages_per_minute).into(),
            ),
            (
                "recipients_per_day",
                i64::from(budget.recipients_per_day).into(),
            ),
            ("messages_this_minute", used.messages.into()),
            ("recipients_today", used.recipients.into()),
            (
                "paused_until",
                paused.map_or(AnyValue::FALSE, AnyValue::Datetime),
            ),
        ]))
    });
    Ok(glances.collect::<Vec<_>>().into())
}

/// How many mails that still wait were meant for each server. One that was not looked at yet counts for none.
async fn queues(env: &Env, ids: &[Id]) -> Result<HashMap<Id, i64>> {
    let mut sql = env.sql(
        "SELECT o.mail_server_id, COUNT(*) FROM postern_outbox o JOIN mail_mail m ON m.id = o.mail_id \
         WHERE (m.state = 'outgoing' OR (m.state = 'exception' AND o.next_attempt IS NOT NULL)) AND o.mail_server_id",
    );
    dialect::in_ids(&mut sql, ids);
    sql.push(" GROUP BY o.mail_server_id");
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        found.insert(id, convert::get::<i64>(&row, 1)?.unwrap_or_default());
    }
    Ok(found)
}
