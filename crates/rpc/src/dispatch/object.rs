//! The service `object`: a call of a model, with the credentials in its arguments.

use std::net::IpAddr;
use std::sync::Arc;

use server_model::backend::Backend;
use server_model::call::call_kw;
use server_model::value::{AnyValue, Map};

use super::{exactly, wrong_count};
use crate::caller::{by_password, check_database};
use crate::error::{Error, Result};

/// Database, user id, password, model, method: what comes before the method's own arguments.
const HEAD: usize = 5;

pub async fn call(
    backend: &Arc<Backend>,
    address: Option<IpAddr>,
    method: &str,
    args: Vec<AnyValue>,
) -> Result<AnyValue> {
    let (head, positional, named) = match method {
        "execute" => split(method, args).map(|(head, rest)| (head, rest, Map::new()))?,
        "execute_kw" => {
            let (head, rest) = split(method, args)?;
            let (positional, named) = arguments(rest)?;
            (head, positional, named)
        }
        _ => {
            return Err(Error::Name(format!(
                "The service \"object\" has no method named {method:?}. It has execute and execute_kw."
            )));
        }
    };
    let [db, uid, password, model, method] = head;
    check_database(backend, &db)?;
    let caller = by_password(backend, &uid, password, address).await?;
    let AnyValue::Text(method) = method else {
        return Err(Error::type_error(format!(
            "The method of the model must be a name, not {}.",
            method.type_name()
        )));
    };
    let model = match model {
        AnyValue::Text(model) => model,
        other => other.to_python_text(),
    };
    Ok(call_kw(&caller, &model, &method, positional, named).await?)
}

fn split(method: &str, mut args: Vec<AnyValue>) -> Result<([AnyValue; HEAD], Vec<AnyValue>)> {
    if args.len() < HEAD {
        return Err(wrong_count(method, &format!("at least {HEAD}"), args.len()));
    }
    let rest = args.split_off(HEAD);
    Ok((exactly(method, args)?, rest))
}

/// The last one or two arguments of `execute_kw`: a list, and a mapping that may be left out.
fn arguments(rest: Vec<AnyValue>) -> Result<(Vec<AnyValue>, Map)> {
    let given = HEAD + rest.len();
    let mut rest = rest.into_iter();
    let (positional, named, surplus) = (rest.next(), rest.next(), rest.next());
    let (Some(positional), None) = (positional, surplus) else {
        return Err(wrong_count("execute_kw", "6 or 7", given));
    };
    let positional = match positional {
        AnyValue::List(items) => items,
        other => {
            return Err(Error::type_error(format!(
                "The arguments by place must be a list, not {}.",
                other.type_name()
            )));
        }
    };
    let named = match named {
        Some(AnyValue::Map(named)) => named,
        None => Map::new(),
        Some(other) if other.is_falsy() => Map::new(),
        Some(other) => {
            return Err(Error::type_error(format!(
                "The arguments by name must be a mapping, not {}.",
                other.type_name()
            )));
        }
    };
    Ok((positional, named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use server_model::error::Error as ModelError;
    use server_model::value::map;

    fn list(items: Vec<AnyValue>) -> AnyValue {
        AnyValue::List(items)
    }

    #[test]
    fn keyword_arguments_may_be_left_out_null_or_empty() {
        for rest in [
            vec![list(vec![1.into()])],
            vec![list(vec![1.into()]), AnyValue::Null],
            vec![list(vec![1.into()]), map([]).into()],
        ] {
            let (positional, named) = arguments(rest).expect("arguments");
            assert_eq!((positional.len(), named.len()), (1, 0));
        }
    }

    #[test]
    fn anything_else_is_a_type_error() {
        for rest in [
            vec![],
            vec![AnyValue::Null],
            vec!["x".into()],
            vec![list(vec![]), 5.into()],
            vec![list(vec![]), map([]).into(), 1.into()],
        ] {
            let error = arguments(rest.clone()).expect_err("wrong arguments");
            assert!(
                matches!(error, Error::Model(ModelError::Type(_))),
                "{rest:?}"
            );
        }
    }

    #[test]
    fn the_head_must_be_complete() {
        assert!(split("execute", vec![AnyValue::Null; 4]).is_err());
        let (_, rest) = split("execute", vec![AnyValue::Null; 7]).expect("enough");
        assert_eq!(rest.len(), 2);
    }
}
