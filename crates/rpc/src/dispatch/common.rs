//! The service `common`: what this is, and who somebody is.

use std::net::IpAddr;
use std::sync::Arc;

use secrecy::SecretString;
use server_model::backend::Backend;
use server_model::env::Caller;
use server_model::error::Error as ModelError;
use server_model::value::{AnyValue, map};
use server_model::{credentials, sessions};

use super::{at_most, exactly, unknown_method};
use crate::caller::check_database;
use crate::error::{Error, Result};

/// The Odoo release whose clients are served.
pub const SERIE: &str = "18.0";

const ABOUT: &str = "Postern sends and receives mail for programs that talk to Odoo 18. https://github.com/postern-mail/postern";

pub async fn call(
    backend: &Arc<Backend>,
    address: Option<IpAddr>,
    method: &str,
    args: Vec<AnyValue>,
) -> Result<AnyValue> {
    match method {
        "version" => {
            exactly::<0>(method, args)?;
            Ok(version())
        }
        "about" => {
            at_most(method, 1, &args)?;
            Ok(about(args.first()))
        }
        "login" => {
            let [db, login, password] = exactly(method, args)?;
            let caller = sign_in(backend, address, &db, login, password).await?;
            Ok(uid_or_false(caller))
        }
        "authenticate" => {
            let [db, login, password, agent] = exactly(method, args)?;
            let caller = sign_in(backend, address, &db, login, password).await?;
            if let (Some(caller), Some(location)) = (&caller, base_location(&agent)) {
                sessions::note_base_url(caller, &location).await?;
            }
            Ok(uid_or_false(caller))
        }
        // Odoo has kept this for old clients although it does nothing.
        "set_loglevel" => {
            at_most(method, 2, &args)?;
            Ok(true.into())
        }
        _ => Err(unknown_method("common", method)),
    }
}

/// What clients ask first: the release, as they compare it.
pub fn version() -> AnyValue {
    map([
        ("server_version", SERIE.into()),
        ("server_version_info", version_info()),
        ("server_serie", SERIE.into()),
        ("protocol_version", 1.into()),
    ])
    .into()
}

/// The release in parts, as Python's `sys.version_info` has them.
pub fn version_info() -> AnyValue {
    AnyValue::List(vec![
        18.into(),
        0.into(),
        0.into(),
        "final".into(),
        0.into(),
        "".into(),
    ])
}

fn about(extended: Option<&AnyValue>) -> AnyValue {
    match extended {
        Some(extended) if !extended.is_falsy() => AnyValue::List(vec![ABOUT.into(), SERIE.into()]),
        _ => ABOUT.into(),
    }
}

/// `None` for credentials that open nothing; Odoo answers `False` for them, not an error.
async fn sign_in(
    backend: &Arc<Backend>,
    address: Option<IpAddr>,
    db: &AnyValue,
    login: AnyValue,
    password: AnyValue,
) -> Result<Option<Caller>> {
    check_database(backend, db)?;
    let password = match password {
        AnyValue::Text(password) if !password.is_empty() => SecretString::from(password),
        other if other.is_falsy() => return Err(Error::assertion("The password is empty.")),
        other => {
            return Err(Error::type_error(format!(
                "The password must be a text, not {}.",
                other.type_name()
            )));
        }
    };
    let AnyValue::Text(login) = login else {
        return Ok(None);
    };
    match credentials::login_with_key(backend, &login, &password, address).await {
        Ok(caller) => Ok(Some(caller)),
        Err(ModelError::AccessDenied(_)) => {
            tracing::info!("credentials were refused");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn uid_or_false(caller: Option<Caller>) -> AnyValue {
    caller.map_or(AnyValue::FALSE, |caller| caller.uid().into())
}

/// The address by which the client says that it came. It becomes part of links, so that only the
/// address of a server of web pages counts.
fn base_location(agent: &AnyValue) -> Option<String> {
    forwarded::origin(agent.as_map()?.get("base_location")?.as_text()?)
}
