//! Followers: who is told of messages on a record, and of which kinds.

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::{access, search};
use crate::registry::entry;
use crate::schema::{Call, Operation};
use crate::value::{AnyValue, Id, Ids};

/// `message_subscribe`: makes the contacts follow the records.
///
/// # Errors
/// [`Error::Access`] for others than oneself without the right to write the records, for oneself
/// without the right to read them.
pub async fn message_subscribe(mut call: Call<'_>) -> Result<AnyValue> {
    let partners = ids_of(&call.args.take_or_false("partner_ids"))?;
    let subtypes = call.args.take("subtype_ids").filter(|v| !v.is_nothing());
    let subtypes = subtypes.map(|ids| ids_of(&ids)).transpose()?;
    check(&call, &partners).await?;
    let model = call.model.name();
    subscribe(call.env, model, &call.ids, &partners, subtypes.as_deref()).await?;
    Ok(true.into())
}

/// `message_unsubscribe`: the contacts no longer follow the records.
///
/// # Errors
/// As for [`message_subscribe`].
pub async fn message_unsubscribe(mut call: Call<'_>) -> Result<AnyValue> {
    let partners = ids_of(&call.args.take_or_false("partner_ids"))?;
    if partners.is_empty() {
        return Ok(true.into());
    }
    check(&call, &partners).await?;
    unsubscribe(call.env, call.model.name(), &call.ids, Some(&partners)).await?;
    Ok(AnyValue::Null)
}

/// Following is one's own business; making others follow changes the record.
async fn check(call: &Call<'_>, partners: &[Id]) -> Result<()> {
    let own = call.env.user().await?.partner_id;
    let operation = if partners.iter().all(|partner| *partner == own) {
        Operation::Read
    } else {
        Operation::Write
    };
    access::check_records(call.env, call.model, &call.ids, operation).await
}

fn ids_of(value: &AnyValue) -> Result<Ids> {
    crate::args::read_ids(value)
}

/// Makes the contacts follow the records, for these kinds of messages or those that are usual.
/// Who follows already keeps their kinds unless some are named.
///
/// # Errors
/// [`Error::Validation`] for a contact that does not exist.
pub async fn subscribe(
    env: &Env,
    model: &str,
    ids: &[Id],
    partners: &[Id],
    subtypes: Option<&[Id]>,
) -> Result<()> {
    let existing = search::existing(env, entry("res.partner")?, partners).await?;
    if let Some(gone) = partners.iter().find(|partner| !existing.contains(partner)) {
        return Err(Error::Missing(say!("error-follower-gone", %gone)));
    }
    for id in ids {
        for partner in &existing {
            let follower = follower(env, model, *id, *partner).await?;
            let kinds = match (subtypes, follower) {
                (None, Some(_)) => continue,
                (Some(kinds), _) => kinds.to_vec(),
                (None, None) => usual_subtypes(env, model, *partner).await?,
            };
            let follower = match follower {
                Some(follower) => follower,
                None => insert(env, model, *id, *partner).await?,
            };
            set_subtypes(env, follower, &kinds).await?;
        }
    }
    Ok(())
}

async fn follower(env: &Env, model: &str, id: Id, partner: Id) -> Result<Option<Id>> {
    let mut sql = env.sql("SELECT id FROM mail_followers WHERE res_model = ");
    sql.bind(model).push(" AND res_id = ").bind(id);
    sql.push(" AND partner_id = ").bind(partner);
    Ok(search::collect_ids(env, sql).await?.first().copied())
}

async fn insert(env: &Env, model: &str, id: Id, partner: Id) -> Result<Id> {
    let mut sql = env.sql("INSERT INTO mail_followers (res_model, res_id, partner_id) VALUES (");
    sql.bind(model).push(", ").bind(id).push(", ").bind(partner);
    sql.push(") RETURNING id");
    search::collect_ids(env, sql)
        .await?
        .first()
        .copied()
        .ok_or_else(|| Error::Internal("A new follower got no id.".into()))
}

async fn set_subtypes(env: &Env, follower: Id, subtypes: &[Id]) -> Result<()> {
    let mut sql =
        env.sql("DELETE FROM mail_followers_mail_message_subtype_rel WHERE mail_followers_id = ");
    sql.bind(follower);
    env.execute(sql).await?;
    for subtype in subtypes {
        let mut sql = env.sql(
            "INSERT INTO mail_followers_mail_message_subtype_rel (mail_followers_id, mail_message_subtype_id) VALUES (",
        );
        sql.bind(follower).push(", ").bind(*subtype);
        sql.push(") ON CONFLICT DO NOTHING");
        env.execute(sql).await?;
    }
    Ok(())
}

/// The kinds that are on by default for the model; internal ones only for those who work here.
async fn usual_subtypes(env: &Env, model: &str, partner: Id) -> Result<Ids> {
    let mut sql = env.sql(
        "SELECT s.id FROM mail_message_subtype s WHERE s.\"default\" AND (s.res_model IS NULL OR s.res_model = '' OR s.res_model = ",
    );
    sql.bind(model).push(
        ") AND (COALESCE(s.internal, FALSE) = FALSE OR EXISTS (SELECT 1 FROM res_users u \
         WHERE u.active AND NOT COALESCE(u.share, FALSE) AND u.partner_id = ",
    );
    sql.bind(partner).push(")) ORDER BY s.id");
    search::collect_ids(env, sql).await
}

/// The contacts, or all, no longer follow the records.
///
/// # Errors
/// When the database fails.
pub async fn unsubscribe(
    env: &Env,
    model: &str,
    ids: &[Id],
    partners: Option<&[Id]>,
) -> Result<()> {
    let mut sql = env.sql("DELETE FROM mail_followers WHERE res_model = ");
    sql.bind(model).push(" AND res_id");
    dialect::in_ids(&mut sql, ids);
    if let Some(partners) = partners {
        sql.push(" AND partner_id");
        dialect::in_ids(&mut sql, partners);
    }
    env.execute(sql).await?;
    Ok(())
}
