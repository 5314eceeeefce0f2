//! What follows from other fields of a contact and is kept in columns.

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::orm::{convert, search};
use crate::value::Id;

/// Keeps what follows from other fields: the full name, the organisation, the plain address.
pub async fn follow(env: &Env, ids: Vec<Id>) -> Result<()> {
    // What is below follows what is above it, so the nearest come first.
    let mut sql =
        env.sql("WITH RECURSIVE below(id, depth) AS (SELECT id, 0 FROM res_partner WHERE id");
    dialect::in_ids(&mut sql, &ids);
    sql.push(
        " UNION ALL SELECT c.id, b.depth + 1 FROM res_partner c JOIN below b ON c.parent_id = b.id WHERE b.depth < ",
    );
    sql.bind(super::DEEPEST)
        .push(") SELECT id FROM below GROUP BY id ORDER BY MAX(depth), id");
    for id in search::collect_ids(env, sql).await? {
        keep_one(env, id).await?;
    }
    companies(env, &ids).await
}

/// A company shows the name and the addresses of its contact.
async fn companies(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql("UPDATE res_company SET (name, email, phone, mobile, partner_gid) = \
        (SELECT COALESCE(p.name, res_company.name), p.email, p.phone, p.mobile, p.partner_gid FROM res_partner p \
         WHERE p.id = res_company.partner_id) WHERE partner_id");
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await?;
    Ok(())
}

/// What the full name and the organisation of a contact are made from.
struct Known {
    name: String,
    kind: String,
    is_company: bool,
    company_name: Option<String>,
    parent_name: Option<String>,
    /// The organisation of the parent.
    organisation: Option<Id>,
    /// Its name, when it is a company.
    organisation_name: Option<String>,
}

impl Known {
    /// The company that the contact is shown with.
    fn company(&self) -> Option<&str> {
        let company = if self.is_company {
            Some(self.name.as_str())
        } else {
            self.organisation_name
                .as_deref()
                .or(self.company_name.as_deref())
        };
        company.filter(|name| !name.is_empty())
    }

    fn complete_name(&self) -> String {
        let has_above = self.parent_name.is_some() || self.company_name.is_some();
        let name = match self.kind.as_str() {
            "invoice" if self.name.is_empty() && has_above => "Invoice Address",
            "delivery" if self.name.is_empty() && has_above => "Delivery Address",
            "other" if self.name.is_empty() && has_above => "Other Address",
            _ => &self.name,
        };
        match self.company().or(self.parent_name.as_deref()) {
            Some(above) if has_above && !self.is_company => format!("{above}, {name}"),
            _ => name.to_owned(),
        }
        .trim()
        .to_owned()
    }
}

async fn keep_one(env: &Env, id: Id) -> Result<()> {
    let mut sql = env.sql(
        "SELECT c.name, c.email, c.is_company, c.type, NULLIF(c.company_name, ''), p.name, \
         COALESCE(p.commercial_partner_id, p.id), CASE WHEN o.is_company THEN o.name END \
         FROM res_partner c LEFT JOIN res_partner p ON p.id = c.parent_id \
         LEFT JOIN res_partner o ON o.id = p.commercial_partner_id WHERE c.id = ",
    );
    sql.bind(id);
    let Some(row) = env.row(sql).await? else {
        return Ok(());
    };
    let email: Option<String> = convert::get(&row, 1)?;
    let known = Known {
        name: convert::get(&row, 0)?.unwrap_or_default(),
        kind: convert::get(&row, 3)?.unwrap_or_default(),
        is_company: convert::get(&row, 2)?.unwrap_or(false),
        company_name: convert::get(&row, 4)?,
        parent_name: convert::get(&row, 5)?,
        organisation: convert::get(&row, 6)?,
        organisation_name: convert::get(&row, 7)?,
    };
    let organisation = known
        .organisation
        .filter(|_| !known.is_company)
        .unwrap_or(id);
    let normalized = email
        .as_deref()
        .and_then(mail::address::email_normalize_first);
    let mut sql = env.sql("UPDATE res_partner SET complete_name = ");
    sql.bind(known.complete_name());
    sql.push(", commercial_partner_id = ").bind(organisation);
    sql.push(", commercial_company_name = ")
        .bind(known.company());
    sql.push(", email_normalized = ").bind(normalized);
    sql.push(", partner_share = NOT EXISTS (SELECT 1 FROM res_users u WHERE u.partner_id = res_partner.id AND u.active AND NOT COALESCE(u.share, FALSE))");
    sql.push(" WHERE id = ").bind(id);
    env.execute(sql).await?;
    Ok(())
}
