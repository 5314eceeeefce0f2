//! What is worked out about contacts when they are read.

use std::collections::HashMap;

use chrono::{Offset, TimeZone};

use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::Result;
use crate::models::by_id;
use crate::orm::{convert, search};
use crate::thread::fields::yes_or_no;
use crate::value::{AnyValue, Id};

/// The addresses with the names.
pub async fn formatted(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT id, name, email FROM res_partner WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let name: String = convert::get(&row, 1)?.unwrap_or_default();
        let Some(email) = convert::get::<String>(&row, 2)?.filter(|email| !email.is_empty()) else {
            continue;
        };
        let addresses = mail::address::email_normalize_all(&email);
        let addresses = if addresses.is_empty() {
            vec![email]
        } else {
            addresses
        };
        let formatted = mail::address::formataddr(
            if name.is_empty() { "False" } else { &name },
            &addresses.join(","),
            mail::address::Charset::Utf8,
        );
        found.insert(id, formatted.unwrap_or_else(|_| addresses.join(",")));
    }
    Ok(ids
        .iter()
        .map(|id| found.remove(id).map_or(AnyValue::FALSE, AnyValue::Text))
        .collect())
}

/// The word for people and organisations.
pub async fn company_types(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT id FROM res_partner WHERE is_company AND id");
    dialect::in_ids(&mut sql, ids);
    let companies = crate::orm::search::collect_ids(env, sql).await?;
    Ok(ids
        .iter()
        .map(|id| {
            if companies.contains(id) {
                "company"
            } else {
                "person"
            }
            .into()
        })
        .collect())
}

/// Takes the word for people and organisations.
pub async fn set_company_type(env: &Env, ids: &[Id], value: &AnyValue) -> Result<()> {
    let is_company = value.as_text() == Some("company");
    let mut sql = env.sql("UPDATE res_partner SET is_company = ");
    sql.bind(is_company).push(" WHERE id");
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await?;
    Ok(())
}

/// Every contact is itself.
pub async fn itself(ids: &[Id]) -> Result<Vec<AnyValue>> {
    Ok(ids.iter().copied().map(AnyValue::from).collect())
}

/// The postal addresses, their lines joined by `between`.
pub async fn addresses(env: &Env, ids: &[Id], between: &str) -> Result<Vec<AnyValue>> {
    let mut sql =
        env.sql("SELECT id, company_name, street, street2, city, zip FROM res_partner WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let part = |at: usize| -> Result<String> {
            Ok(convert::get::<String>(&row, at)?.unwrap_or_default())
        };
        let town = format!("{} {}", part(4)?, part(5)?);
        let lines = [part(1)?, part(2)?, part(3)?, town.trim().to_owned()];
        let lines: Vec<String> = lines.into_iter().filter(|l| !l.trim().is_empty()).collect();
        found.insert(id, lines.join(between));
    }
    Ok(ids
        .iter()
        .map(|id| AnyValue::Text(found.remove(id).unwrap_or_default()))
        .collect())
}

/// How far the contact's clock is from UTC now, as in `+0200`.
pub async fn tz_offsets(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let zones =
        by_id::values::<String>(env, "SELECT id, tz FROM res_partner WHERE id", ids).await?;
    let now = env.now();
    Ok(ids
        .iter()
        .map(|id| {
            let zone: chrono_tz::Tz = zones
                .get(id)
                .and_then(|name| name.parse().ok())
                .unwrap_or(chrono_tz::Tz::UTC);
            let seconds = zone.offset_from_utc_datetime(&now).fix().local_minus_utc();
            let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
            AnyValue::Text(format!("{sign}{:02}{:02}", minutes / 60, minutes % 60))
        })
        .collect())
}

/// How many languages there are to choose from.
pub async fn language_counts(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let sql = env.sql("SELECT COUNT(*) FROM res_lang WHERE active");
    let count = match env.row(sql).await? {
        Some(row) => convert::get::<i64>(&row, 0)?.unwrap_or(0),
        None => 0,
    };
    Ok(vec![count.into(); ids.len()])
}

/// Whether the contact is that of the user who stands for visitors.
pub async fn are_public(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT DISTINCT u.partner_id, u.partner_id FROM res_users u JOIN res_groups_users_rel link ON link.uid = u.id \
         JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = link.gid AND d.module = 'base' \
         AND d.name = 'group_public' WHERE u.partner_id";
    Ok(by_id::truths(
        ids,
        &by_id::values::<Id>(env, select, ids).await?,
    ))
}

/// Whether the address is on the blacklist.
pub async fn are_blacklisted(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT p.id, b.id FROM res_partner p JOIN mail_blacklist b ON b.active AND b.email = p.email_normalized WHERE p.id";
    Ok(by_id::truths(
        ids,
        &by_id::values::<Id>(env, select, ids).await?,
    ))
}

/// A condition on being on the blacklist.
pub async fn search_blacklisted(env: &Env, operator: Operator, value: &AnyValue) -> Result<Domain> {
    let sql = env.sql(
        "SELECT p.id FROM res_partner p JOIN mail_blacklist b ON b.active AND b.email = p.email_normalized",
    );
    yes_or_no(operator, value, &search::collect_ids(env, sql).await?)
}

/// Another organisation with the same number in `column`, which may be a double.
pub async fn same(env: &Env, ids: &[Id], column: &str) -> Result<Vec<AnyValue>> {
    let select = format!(
        "SELECT p.id, MIN(o.id) FROM res_partner p JOIN res_partner o ON o.{column} = p.{column} AND o.id <> p.id AND o.active \
         AND COALESCE(o.commercial_partner_id, o.id) <> COALESCE(p.commercial_partner_id, p.id) AND o.parent_id IS NULL \
         WHERE COALESCE(p.{column}, '') <> '' AND p.parent_id IS NULL AND p.id"
    );
    let mut sql = env.sql(&select);
    dialect::in_ids(&mut sql, ids);
    sql.push(" GROUP BY p.id");
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        if let (Some(id), Some(other)) =
            (convert::get::<Id>(&row, 0)?, convert::get::<Id>(&row, 1)?)
        {
            found.insert(id, other);
        }
    }
    Ok(by_id::ordered(ids, found))
}
