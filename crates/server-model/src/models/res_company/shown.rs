//! What is worked out about companies when they are read.

use std::collections::HashMap;

use mail::address::{Charset, formataddr};

use crate::env::Env;
use crate::error::Result;
use crate::models::by_id;
use crate::value::{AnyValue, Id, Ids};

/// One of the addresses of a company's alias domain.
#[derive(Clone, Copy, Debug)]
pub enum Address {
    /// Where undeliverable mails come back to.
    Bounce,
    /// Where answers go.
    Catchall,
    /// The sender that stands in for others.
    DefaultFrom,
}

impl Address {
    fn column(self) -> &'static str {
        match self {
            Address::Bounce => "bounce_alias",
            Address::Catchall => "catchall_alias",
            Address::DefaultFrom => "default_from",
        }
    }
}

async fn of_domain(env: &Env, ids: &[Id], which: Address) -> Result<HashMap<Id, String>> {
    let column = which.column();
    let select = format!(
        "SELECT c.id, CASE WHEN d.{column} LIKE '%@%' THEN d.{column} ELSE d.{column} || '@' || d.name END \
         FROM res_company c JOIN mail_alias_domain d ON d.id = c.alias_domain_id WHERE COALESCE(d.{column}, '') <> '' AND c.id"
    );
    by_id::values(env, &select, ids).await
}

/// The address of the company's domain; empty without a domain, as in Odoo.
pub async fn addresses(env: &Env, ids: &[Id], which: Address) -> Result<Vec<AnyValue>> {
    let mut found = of_domain(env, ids, which).await?;
    Ok(ids
        .iter()
        .map(|id| {
            found
                .remove(id)
                .map_or(AnyValue::Text(String::new()), AnyValue::Text)
        })
        .collect())
}

/// The address of the company's domain with the company's name.
pub async fn formatted(env: &Env, ids: &[Id], which: Address) -> Result<Vec<AnyValue>> {
    let addresses = of_domain(env, ids, which).await?;
    let names = names(env, ids).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let name = names.get(id).map_or("", String::as_str);
            let shown = addresses
                .get(id)
                .map(|address| with_name(name, address))
                .unwrap_or_default();
            AnyValue::Text(shown)
        })
        .collect())
}

async fn names(env: &Env, ids: &[Id]) -> Result<HashMap<Id, String>> {
    by_id::values(env, "SELECT id, name FROM res_company WHERE id", ids).await
}

fn with_name(name: &str, address: &str) -> String {
    formataddr(name, address, Charset::Utf8).unwrap_or_else(|_| address.to_owned())
}

/// The company's own address with its name, else the catchall.
pub async fn own_address(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT id, email FROM res_company WHERE COALESCE(email, '') <> '' AND id";
    let own = by_id::values::<String>(env, select, ids).await?;
    let catchall = of_domain(env, ids, Address::Catchall).await?;
    let names = names(env, ids).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let name = names.get(id).map_or("", String::as_str);
            own.get(id)
                .or_else(|| catchall.get(id))
                .map_or(AnyValue::FALSE, |address| with_name(name, address).into())
        })
        .collect())
}

/// The companies above each one, itself last: `1/4/` is a branch of the first.
async fn paths(env: &Env, ids: &[Id]) -> Result<HashMap<Id, Ids>> {
    let select = "SELECT id, parent_path FROM res_company WHERE id";
    let paths = by_id::values::<String>(env, select, ids).await?;
    Ok(paths
        .into_iter()
        .map(|(id, path)| {
            let above: Ids = path.split('/').filter_map(|id| id.parse().ok()).collect();
            (id, if above.is_empty() { vec![id] } else { above })
        })
        .collect())
}

/// The companies above each one, and itself.
pub async fn parents(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let paths = paths(env, ids).await?;
    Ok(ids
        .iter()
        .map(|id| AnyValue::ids(paths.get(id).map_or(&[*id][..], Vec::as_slice)))
        .collect())
}

/// The company at the top of each tree.
pub async fn roots(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let paths = paths(env, ids).await?;
    Ok(ids
        .iter()
        .map(|id| paths.get(id).and_then(|path| path.first()).unwrap_or(id))
        .map(|root| (*root).into())
        .collect())
}

/// Whether nothing is written about the company.
pub async fn without_details(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT id, company_details->>'en_US' FROM res_company WHERE id";
    let details = by_id::values::<String>(env, select, ids).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let text = details.get(id).map(|html| mail::text::html_to_text(html));
            AnyValue::Bool(text.is_none_or(|text| text.trim().is_empty()))
        })
        .collect())
}
