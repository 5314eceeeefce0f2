//! What users may change about themselves without any right on users.

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm;
use crate::schema::{Call, Run};
use crate::value::{AnyValue, Id, Key, Map, map};

/// The fields of their own that all users may write.
const OWN: &[&str] = &[
    "signature",
    "company_id",
    "email",
    "name",
    "lang",
    "tz",
    "notification_type",
];

/// `write`, with raised rights for one's own preferences.
pub async fn write(call: Call<'_>) -> Result<AnyValue> {
    match own_values(&call).await? {
        Some(values) => {
            store(call.env, &call.ids, values).await?;
            Ok(true.into())
        }
        None => common(call, "write").await,
    }
}

/// `web_save` on one's own preferences writes with raised rights and reads with one's own.
pub async fn web_save(call: Call<'_>) -> Result<AnyValue> {
    match own_values(&call).await? {
        Some(values) => {
            store(call.env, &call.ids, values).await?;
            common(call, "web_read").await
        }
        None => common(call, "web_save").await,
    }
}

/// `preference_save` is the form's own button.
pub async fn preference_save(_call: Call<'_>) -> Result<AnyValue> {
    Ok(map([
        ("type", "ir.actions.client".into()),
        ("tag", "reload_context".into()),
    ])
    .into())
}

/// The values when the caller changes nothing but preferences of their own.
async fn own_values(call: &Call<'_>) -> Result<Option<Map>> {
    let Some(values) = call.args.get("vals").and_then(AnyValue::as_map) else {
        return Ok(None);
    };
    let own = call.ids == [call.env.uid()]
        && values.keys().all(|name| OWN.contains(&name.as_ref()))
        && !call.env.is_sudo();
    Ok(own.then(|| values.clone()))
}

async fn store(env: &Env, ids: &[Id], mut values: Map) -> Result<()> {
    if let Some(company) = values.get("company_id").and_then(AnyValue::as_id)
        && !env.user().await?.company_ids.contains(&company)
    {
        // Nobody lets themselves into a company.
        values.shift_remove(&Key::Borrowed("company_id"));
    }
    orm::write::records(
        &env.sudo(),
        crate::registry::entry("res.users")?,
        ids,
        values,
    )
    .await
}

/// The method that every model has under that name.
async fn common(call: Call<'_>, name: &str) -> Result<AnyValue> {
    let common = [orm::METHODS, orm::web::METHODS];
    let method = common.into_iter().flatten().find(|m| m.name == name);
    match method.map(|method| method.run) {
        Some(Run::Inside(run)) => run(call).await,
        _ => Err(Error::Attribute(
            say!("error-call-no-method", model = ?"res.users", ?name),
        )),
    }
}
