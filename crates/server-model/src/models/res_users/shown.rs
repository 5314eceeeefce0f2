//! What is worked out about users when they are read.

use chrono::NaiveDateTime;

use crate::env::Env;
use crate::error::Result;
use crate::models::by_id;
use crate::value::{AnyValue, Id};

/// Passwords are never shown.
pub async fn hidden(ids: &[Id]) -> Result<Vec<AnyValue>> {
    Ok(vec![AnyValue::Text(String::new()); ids.len()])
}

/// When each user last signed in.
pub async fn login_dates(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT l.create_uid, l.create_date FROM res_users_log l WHERE NOT EXISTS \
         (SELECT 1 FROM res_users_log later WHERE later.create_uid = l.create_uid AND later.create_date > l.create_date) \
         AND l.create_uid";
    let found = by_id::values::<NaiveDateTime>(env, select, ids).await?;
    Ok(by_id::ordered(ids, found))
}

/// How many companies each user may work for.
pub async fn company_counts(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT uid, n FROM (SELECT user_id AS uid, COUNT(*) AS n FROM res_company_users_rel GROUP BY user_id) counted WHERE uid";
    let found = by_id::values::<i64>(env, select, ids).await?;
    Ok(by_id::counts(ids, &found))
}

/// Whether each user has ever signed in.
pub async fn states(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let seen = by_id::values::<Id>(
        env,
        "SELECT DISTINCT create_uid, create_uid FROM res_users_log WHERE create_uid",
        ids,
    )
    .await?;
    Ok(ids
        .iter()
        .map(|id| {
            if seen.contains_key(id) {
                "active"
            } else {
                "new"
            }
            .into()
        })
        .collect())
}
