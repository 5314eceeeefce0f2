//! What readers note on messages: a star, and that they are done with them.

use crate::dialect;
use crate::domain::Domain;
use crate::env::Env;
use crate::error::Result;
use crate::orm::{access, search};
use crate::registry::entry;
use crate::schema::{Call, Operation};
use crate::value::{AnyValue, Id};

/// `toggle_message_starred`: sets or takes away the caller's star.
pub async fn toggle_star(call: Call<'_>) -> Result<AnyValue> {
    let env = call.env;
    access::check_records(env, call.model, &call.ids, Operation::Read).await?;
    let partner = env.user().await?.partner_id;
    for id in search::existing(env, call.model, &call.ids).await? {
        let mut sql =
            env.sql("DELETE FROM mail_message_res_partner_starred_rel WHERE mail_message_id = ");
        sql.bind(id).push(" AND res_partner_id = ").bind(partner);
        if env.execute(sql).await?.rows_affected() == 0 {
            let mut sql = env.sql(
                "INSERT INTO mail_message_res_partner_starred_rel (mail_message_id, res_partner_id) VALUES (",
            );
            sql.bind(id).push(", ").bind(partner).push(")");
            env.execute(sql).await?;
        }
    }
    Ok(AnyValue::Null)
}

/// `unstar_all`: takes away all stars of the caller.
pub async fn unstar_all(call: Call<'_>) -> Result<AnyValue> {
    let mut sql = call
        .env
        .sql("DELETE FROM mail_message_res_partner_starred_rel WHERE res_partner_id = ");
    sql.bind(call.env.user().await?.partner_id);
    call.env.execute(sql).await?;
    Ok(AnyValue::Null)
}

/// `set_message_done`: the caller has read these messages.
pub async fn set_done(call: Call<'_>) -> Result<AnyValue> {
    read(call.env, Some(&call.ids)).await?;
    Ok(AnyValue::Null)
}

/// `mark_all_as_read`: the caller has read the messages that match, or all; gives their ids.
pub async fn mark_all_as_read(mut call: Call<'_>) -> Result<AnyValue> {
    let ids = match call.args.take("domain").filter(|domain| !domain.is_falsy()) {
        Some(domain) => {
            let domain = Domain::parse(&domain)?;
            let options = search::Options::default();
            Some(search::ids(call.env, entry("mail.message")?, &domain, &options).await?)
        }
        None => None,
    };
    Ok(AnyValue::ids(&read(call.env, ids.as_deref()).await?))
}

async fn read(env: &Env, ids: Option<&[Id]>) -> Result<Vec<Id>> {
    let mut sql = env.sql("UPDATE mail_notification SET is_read = TRUE, read_date = ");
    sql.bind(env.now())
        .push(" WHERE COALESCE(is_read, FALSE) = FALSE AND res_partner_id = ");
    sql.bind(env.user().await?.partner_id);
    if let Some(ids) = ids {
        sql.push(" AND mail_message_id");
        dialect::in_ids(&mut sql, ids);
    }
    sql.push(" RETURNING mail_message_id");
    search::collect_ids(env, sql).await
}
