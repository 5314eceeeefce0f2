//! The services of `/jsonrpc` and `/xmlrpc`: which there are, and which method of which is meant.

mod common;
mod db;
mod object;

use std::net::IpAddr;
use std::sync::Arc;

use server_model::backend::Backend;
use server_model::value::AnyValue;

use crate::error::{Error, Result};

pub use common::{SERIE, version, version_info};
pub use db::{database_names, languages, rows};

/// Calls a method of a service for a client with this network address.
///
/// # Errors
/// KeyError for a service or method there is not, TypeError for a wrong number of arguments, and
/// whatever the method answers.
pub async fn dispatch(
    backend: &Arc<Backend>,
    address: Option<IpAddr>,
    service: &AnyValue,
    method: &AnyValue,
    args: Vec<AnyValue>,
) -> Result<AnyValue> {
    let run = match service.as_text() {
        Some("common") => Service::Common,
        Some("db") => Service::Db,
        Some("object") => Service::Object,
        _ => {
            return Err(Error::key_error(format!(
                "There is no service {}. There are \"common\", \"db\" and \"object\".",
                shown(service)
            )));
        }
    };
    let Some(name) = method.as_text() else {
        return Err(Error::type_error(format!(
            "The method must be a name, not {}.",
            method.type_name()
        )));
    };
    match run {
        Service::Common => common::call(backend, address, name, args).await,
        Service::Db => db::call(backend, name, args).await,
        Service::Object => object::call(backend, address, name, args).await,
    }
}

enum Service {
    Common,
    Db,
    Object,
}

/// The call in a few words for the log: never an argument that could be a secret.
pub fn place(service: &AnyValue, method: &AnyValue, args: &[AnyValue]) -> String {
    let mut place = format!("{}.{}", shown(service), shown(method));
    if service.as_text() == Some("object")
        && let (Some(model), Some(method)) = (args.get(3), args.get(4))
    {
        place.push_str(&format!(" {}.{}", shown(model), shown(method)));
    }
    place
}

/// A name as it may be repeated: not longer than a name is.
fn shown(value: &AnyValue) -> String {
    match value {
        AnyValue::Text(text) => text.chars().take(80).collect(),
        other => format!("<{}>", other.type_name()),
    }
}

/// The arguments of a method that takes exactly so many.
fn exactly<const N: usize>(method: &str, args: Vec<AnyValue>) -> Result<[AnyValue; N]> {
    args.try_into()
        .map_err(|args: Vec<AnyValue>| wrong_count(method, &N.to_string(), args.len()))
}

/// Refuses more arguments than a method takes.
fn at_most(method: &str, most: usize, args: &[AnyValue]) -> Result<()> {
    if args.len() > most {
        return Err(wrong_count(method, &format!("at most {most}"), args.len()));
    }
    Ok(())
}

fn wrong_count(method: &str, wanted: &str, given: usize) -> Error {
    Error::type_error(format!(
        "{method}() takes {wanted} arguments, but {given} were given."
    ))
}

fn unknown_method(service: &str, method: &str) -> Error {
    Error::key_error(format!(
        "The service {service:?} has no method named {method:?}."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use server_model::error::Error as ModelError;

    #[test]
    fn a_wrong_number_of_arguments_is_a_type_error() {
        assert!(exactly::<1>("f", vec![1.into()]).is_ok());
        for args in [vec![], vec![1.into(), 2.into()]] {
            let error = exactly::<1>("f", args).expect_err("a wrong number");
            assert!(matches!(error, Error::Model(ModelError::Type(_))));
        }
        assert!(at_most("f", 1, &[1.into()]).is_ok());
        assert!(at_most("f", 0, &[1.into()]).is_err());
    }

    #[test]
    fn the_place_names_model_and_method_but_no_argument() {
        let args: Vec<AnyValue> = ["db", "2", "secret", "res.partner", "read", "other"]
            .map(AnyValue::from)
            .to_vec();
        assert_eq!(
            place(&"object".into(), &"execute_kw".into(), &args),
            "object.execute_kw res.partner.read"
        );
        assert_eq!(
            place(&"common".into(), &"login".into(), &args),
            "common.login"
        );
        assert_eq!(
            place(&5.into(), &"x".repeat(500).as_str().into(), &[]).len(),
            86
        );
    }
}
