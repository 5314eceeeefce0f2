//! Methods of contacts, and what other models ask about them.

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::{access, convert, create, names};
use crate::schema::{Call, Operation};
use crate::value::{AnyValue, Id, Ids, Key, Map, map};

use super::shown;

/// `name_create`: a name with an address makes a contact with both.
pub async fn name_create(mut call: Call<'_>) -> Result<AnyValue> {
    let given = call.args.take_text("name")?.unwrap_or_default();
    let id = create::record(call.env, call.model, values_of(&given)).await?;
    let mut names = names::of(call.env, call.model, &[id]).await?;
    Ok(names::pair(id, names.remove(&id)))
}

/// `find_or_create`: the contact with that address, which is made when there is none.
///
/// # Errors
/// [`Error::Value`] for a text without an address, when the caller wants one.
pub async fn find_or_create(mut call: Call<'_>) -> Result<AnyValue> {
    let given = call.args.take_text("email")?.unwrap_or_default();
    let strict = !call.args.take_or_false("assert_valid_email").is_falsy();
    if given.trim().is_empty() {
        return Err(Error::Value(say!("error-partner-needs-address")));
    }
    if strict && mail::address::email_normalize_first(&given).is_none() {
        return Err(Error::Value(say!("error-partner-no-address", ?given)));
    }
    access::check_model(call.env, call.model, Operation::Read).await?;
    let known = with_email(call.env, &given).await?;
    // Whether a contact out of reach has the address is nothing that the caller may learn.
    let known = access::reached(call.env, call.model, known.as_slice(), Operation::Read).await?;
    let id = match known.first() {
        Some(id) => *id,
        None => create::record(call.env, call.model, values_of(&given)).await?,
    };
    Ok(AnyValue::ids(&[id]))
}

fn values_of(given: &str) -> Map {
    let (name, email) = mail::address::parse_contact_from_email(given);
    let mut values = map([(
        "name",
        if name.is_empty() { &email } else { &name }.as_str().into(),
    )]);
    if !email.is_empty() {
        values.insert(Key::Borrowed("email"), email.into());
    }
    values
}

/// `address_get`: for each of the wanted types, the contact of the organisation that has it; the
/// contact itself where none has.
pub async fn address_get(mut call: Call<'_>) -> Result<AnyValue> {
    let mut wanted = call.args.take_names("adr_pref")?.unwrap_or_default();
    if !wanted.iter().any(|kind| kind == "contact") {
        wanted.push("contact".into());
    }
    access::check_records(call.env, call.model, &call.ids, Operation::Read).await?;
    let mut found = Map::new();
    for id in &call.ids {
        let mut sql = call.env.sql(
            "SELECT o.type, o.id FROM res_partner p JOIN res_partner o ON o.active AND (o.id = p.id OR o.parent_id = p.id \
             OR (o.commercial_partner_id = p.commercial_partner_id AND p.parent_id IS NOT NULL)) WHERE p.id = ",
        );
        sql.bind(*id).push(" ORDER BY CASE WHEN o.id = p.id THEN 0 WHEN o.parent_id = p.id THEN 1 ELSE 2 END, o.id");
        for row in call.env.rows(sql).await? {
            let kind: String = convert::get(&row, 0)?.unwrap_or_default();
            let other: Id = convert::get(&row, 1)?.unwrap_or_default();
            if wanted.contains(&kind) {
                found.entry(Key::Owned(kind)).or_insert(other.into());
            }
        }
    }
    let default = found
        .get("contact")
        .cloned()
        .or_else(|| call.ids.first().copied().map(AnyValue::from))
        .unwrap_or(AnyValue::FALSE);
    Ok(wanted
        .into_iter()
        .map(|kind| {
            let value = found.get(kind.as_str()).cloned().unwrap_or(default.clone());
            (Key::Owned(kind), value)
        })
        .collect::<Map>()
        .into())
}

/// The address of a contact with its name.
///
/// # Errors
/// When the database fails.
pub async fn formatted_email(env: &Env, id: Id) -> Result<Option<String>> {
    Ok(match shown::formatted(env, &[id]).await?.pop() {
        Some(AnyValue::Text(text)) => Some(text),
        _ => None,
    })
}

/// The contact with the first address in the text: one of the caller's own user before others.
///
/// # Errors
/// When the database fails.
pub async fn with_email(env: &Env, text: &str) -> Result<Option<Id>> {
    let Some(address) = mail::address::email_normalize_first(text) else {
        return Ok(None);
    };
    let own = env.user().await?.partner_id;
    let mut sql = env.sql("SELECT id FROM res_partner WHERE active AND email_normalized = ");
    sql.bind(address)
        .push(" ORDER BY CASE WHEN id = ")
        .bind(own);
    sql.push(" THEN 0 ELSE 1 END, id LIMIT 1");
    let found: Ids = crate::orm::search::collect_ids(env, sql).await?;
    Ok(found.first().copied())
}
