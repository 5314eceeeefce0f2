//! Secrets in the database: sealed when they are written and opened when they are read, if there are
//! keys to seal with ([`auth::vault`]).
//!
//! Which columns hold secrets stands with the fields ([`Field::secret`](crate::schema::Field)); of
//! parameters, those of [`SECRET_PARAMETERS`] are. A value that is not sealed is read as it is, so
//! that a database of Odoo's, and one that was used without keys before, goes on working.

mod keep;

pub use keep::{Census, Changed, census, check_keys, reseal, seal_all, unseal_all};

pub use auth::vault::{Keyring, new_key};
use auth::vault::{Place, key_of};
use sea_orm::Value;
use secrecy::ExposeSecret;

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::registry::Entry;
use crate::schema::Field;
use crate::value::{AnyValue, Id, Ids};

/// The parameters whose values are secrets.
pub const SECRET_PARAMETERS: &[&str] = &[
    "microsoft_outlook_client_secret",
    "microsoft_outlook_client_secret_next",
    "microsoft_outlook_client_certificate",
    "google_gmail_client_secret",
    "google_gmail_client_secret_next",
    "postern.alert.secret",
];

const PARAMETERS: &str = "ir_config_parameter";

/// What seals and opens; without keys, nothing is sealed.
#[derive(Clone, Debug, Default)]
pub struct Vault {
    keys: Option<Keyring>,
    only_opens: bool,
}

impl Vault {
    /// A vault with these keys.
    pub fn new(keys: Option<Keyring>) -> Vault {
        Vault {
            keys,
            only_opens: false,
        }
    }

    /// A vault that opens what these keys sealed, and seals nothing.
    pub fn that_only_opens(keys: Option<Keyring>) -> Vault {
        Vault {
            keys,
            only_opens: true,
        }
    }

    /// Whether secrets are sealed when they are written.
    pub fn seals(&self) -> bool {
        self.keys.is_some() && !self.only_opens
    }

    /// What is to be stored for a secret. An empty one hides nothing, and stays as it is.
    ///
    /// # Errors
    /// [`Error::Internal`] for a secret larger than the cipher takes.
    pub fn seal(&self, place: &Place<'_>, secret: &str) -> Result<String> {
        match &self.keys {
            Some(keys) if self.seals() && !secret.is_empty() => keys
                .seal(place, secret)
                .ok_or_else(|| Error::Internal(format!("{place} could not be sealed."))),
            _ => Ok(secret.to_owned()),
        }
    }

    /// The secret that a stored value stands for.
    ///
    /// # Errors
    /// [`Error::User`] when it is sealed and does not open.
    pub fn open(&self, place: &Place<'_>, stored: String) -> Result<String> {
        let Some(id) = key_of(&stored) else {
            return Ok(stored);
        };
        let Some(keys) = &self.keys else {
            return Err(Error::User(say!(
                "error-vault-no-keys",
                place = place.text(),
                ?id
            )));
        };
        keys.open(place, &stored)
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|error| {
                Error::User(say!(
                    "error-vault-unreadable",
                    place = place.text(),
                    error = error.text()
                ))
            })
    }
}

/// A column of a row that holds a secret.
pub trait Secret {
    /// Opens it in place.
    ///
    /// # Errors
    /// As for [`Vault::open`].
    fn open(&mut self, vault: &Vault, place: &Place<'_>) -> Result<()>;
}

impl Secret for String {
    fn open(&mut self, vault: &Vault, place: &Place<'_>) -> Result<()> {
        *self = vault.open(place, std::mem::take(self))?;
        Ok(())
    }
}

impl Secret for Vec<u8> {
    /// What is sealed is text; anything else is as it was entered.
    fn open(&mut self, vault: &Vault, place: &Place<'_>) -> Result<()> {
        *self = match String::from_utf8(std::mem::take(self)) {
            Ok(text) => vault.open(place, text)?.into_bytes(),
            Err(error) => error.into_bytes(),
        };
        Ok(())
    }
}

impl<T: Secret> Secret for Option<T> {
    fn open(&mut self, vault: &Vault, place: &Place<'_>) -> Result<()> {
        self.as_mut()
            .map_or(Ok(()), |secret| secret.open(vault, place))
    }
}

/// Where the secret of a record is kept.
pub fn place<'a>(table: &'a str, column: &'a str, record: Id) -> Place<'a> {
    Place {
        table,
        column,
        record: i64::from(record),
    }
}

/// A secret as clients read it, from the value of its column.
///
/// # Errors
/// As for [`Vault::open`].
pub fn opened(
    env: &Env,
    model: &Entry,
    field: &Field,
    record: Id,
    value: AnyValue,
) -> Result<AnyValue> {
    match value {
        AnyValue::Text(stored) => env
            .backend()
            .vault()
            .open(&place(model.table(), field.name, record), stored)
            .map(AnyValue::Text),
        other => Ok(other),
    }
}

/// Writes a secret into its column, for each of the records by itself: what is sealed for one does
/// not open at another.
///
/// # Errors
/// As for storing any value.
pub async fn write(
    env: &Env,
    model: &Entry,
    field: &Field,
    ids: &[Id],
    given: &AnyValue,
) -> Result<()> {
    let value = convert::stored(model, field, given)?;
    let secret = match &value {
        Value::String(Some(text)) => Some(text.clone()),
        Value::Bytes(Some(bytes)) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    };
    let sealed = match &secret {
        Some(_) if env.backend().vault().seals() => secret_among(env, model, ids).await?,
        _ => Vec::new(),
    };
    let secret = secret.unwrap_or_default();
    for id in &sealed {
        let place = place(model.table(), field.name, *id);
        let stored = env.backend().vault().seal(&place, &secret)?;
        let stored = match value {
            Value::Bytes(_) => Value::Bytes(Some(stored.into_bytes())),
            _ => Value::String(Some(stored)),
        };
        store(env, model, field, &[*id], stored).await?;
    }
    let plain: Ids = ids
        .iter()
        .copied()
        .filter(|id| !sealed.contains(id))
        .collect();
    if plain.is_empty() {
        return Ok(());
    }
    store(env, model, field, &plain, value).await
}

async fn store(env: &Env, model: &Entry, field: &Field, ids: &[Id], value: Value) -> Result<()> {
    let mut sql = env.sql("UPDATE ");
    sql.name(model.table()).push(" SET ");
    sql.name(field.name).push(" = ").bind(value);
    sql.push(" WHERE id");
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await.map(|_| ())
}

/// Those of the records in which the column holds a secret: all, but for parameters.
async fn secret_among(env: &Env, model: &Entry, ids: &[Id]) -> Result<Ids> {
    if model.table() != PARAMETERS {
        return Ok(ids.to_vec());
    }
    let keys: Vec<String> = SECRET_PARAMETERS.iter().map(|key| (*key).into()).collect();
    let mut sql = env.sql("SELECT id FROM ir_config_parameter WHERE key");
    dialect::in_texts(&mut sql, &keys);
    sql.push(" AND id");
    dialect::in_ids(&mut sql, ids);
    crate::orm::search::collect_ids(env, sql).await
}
