//! What a contact's language and time zone may be: the languages in use here, and the zones of the world.

use chrono_tz::{TZ_VARIANTS, Tz};

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::schema::Choices;
use crate::value::{AnyValue, Key, Map};

/// The choices for a field that has them from elsewhere than its declaration.
///
/// # Errors
/// When the database fails.
pub async fn of(env: &Env, field: &str) -> Result<Option<Choices>> {
    Ok(match field {
        "lang" => Some(languages(env).await?),
        "tz" => Some(zones()),
        _ => None,
    })
}

async fn languages(env: &Env) -> Result<Choices> {
    let sql = env.sql("SELECT code, name FROM res_lang WHERE active ORDER BY name, id");
    let mut languages = Vec::new();
    for row in env.rows(sql).await? {
        let code: String = convert::get(&row, 0)?.unwrap_or_default();
        let name: String = convert::get(&row, 1)?.unwrap_or_default();
        languages.push((code, name));
    }
    Ok(languages)
}

/// By name, and those that are only distances from UTC last.
fn zones() -> Choices {
    let mut names: Vec<&str> = TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    names.sort_by_key(|name| (name.starts_with("Etc/"), *name));
    names
        .into_iter()
        .map(|name| (name.to_owned(), name.to_owned()))
        .collect()
}

async fn is_in_use(env: &Env, language: &str) -> Result<bool> {
    let mut sql = env.sql("SELECT id FROM res_lang WHERE active AND code = ");
    sql.bind(language);
    Ok(env.row(sql).await?.is_some())
}

/// The caller's language, where it is in use, or English.
///
/// # Errors
/// When the database fails.
pub async fn default_language(env: &Env) -> Result<AnyValue> {
    let language = env.lang();
    let known = language == "en_US" || is_in_use(env, language).await?;
    Ok(if known { language } else { "en_US" }.into())
}

/// The caller's time zone, where there is one of that name.
pub fn default_zone(env: &Env) -> AnyValue {
    let zone = env.context().get("tz").and_then(AnyValue::as_text);
    match zone.filter(|zone| zone.parse::<Tz>().is_ok()) {
        Some(zone) => zone.into(),
        None => AnyValue::FALSE,
    }
}

/// Refuses languages that are not in use and zones that are not known; an empty text is none.
///
/// # Errors
/// [`Error::Value`] that names the field.
pub async fn check(env: &Env, values: &mut Map) -> Result<()> {
    for name in ["lang", "tz"] {
        let given = match values.get(name) {
            None => continue,
            Some(empty) if empty.is_falsy() => {
                values.insert(Key::Borrowed(name), AnyValue::FALSE);
                continue;
            }
            Some(given) => given.to_python_text(),
        };
        let known = match name {
            "lang" => given == "en_US" || is_in_use(env, &given).await?,
            _ => given.parse::<Tz>().is_ok(),
        };
        if !known {
            let wanted = match name {
                "lang" => say!("wanted-language"),
                _ => say!("wanted-zone"),
            };
            return Err(Error::Value(
                say!("error-field-wrong-value", field = ?name, model = ?"res.partner", wanted, told = ?given),
            ));
        }
    }
    Ok(())
}
