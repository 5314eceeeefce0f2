//! A call from outside: find the method, authorise, open the transaction, try again on conflict.

use std::time::Instant;

use words::say;

use crate::args::{Args, given_ids, read_ids};
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::metrics;
use crate::registry::{self, Entry};
use crate::retry;
use crate::schema::{Call, Method, OutsideCall, Run};
use crate::value::{AnyValue, Ids, Map};

/// Calls `model.method(*positional, **named)` as Odoo's `execute_kw` and `call_kw` do.
///
/// A member `context` of `named` becomes the caller's context. For methods on records the first
/// positional argument is the records. The call is one transaction, except for the few methods
/// that wait for the network, which open short ones of their own.
///
/// # Errors
/// [`Error::UnknownModel`], [`Error::Attribute`] for an unknown method, [`Error::Type`] for wrong
/// arguments, and whatever the method answers. Then nothing was written.
pub async fn call_kw(
    caller: &Caller,
    model: &str,
    method: &str,
    positional: Vec<AnyValue>,
    mut named: Map,
) -> Result<AnyValue> {
    let caller = match named.shift_remove("context") {
        Some(AnyValue::Map(context)) => caller.with_context(context),
        None => caller.clone(),
        // Whatever is empty counts as none: clients send an empty text where nothing was given.
        Some(empty) if empty.is_falsy() => caller.clone(),
        Some(other) => {
            return Err(Error::Value(say!(
                "error-call-context",
                given = other.type_name()
            )));
        }
    };
    match bound_and_run(&caller, model, method, positional, named).await {
        Ok(answer) => Ok(answer),
        Err(error) => Err(error.for_reader(caller.reader().await.unwrap_or_default())),
    }
}

async fn bound_and_run(
    caller: &Caller,
    model: &str,
    method: &str,
    positional: Vec<AnyValue>,
    named: Map,
) -> Result<AnyValue> {
    let entry = registry::entry(model)?;
    let method = find_method(entry, method)?;
    let (ids, args) = bind(method, positional, named)?;
    let begin = Instant::now();
    let answer = run(caller.clone(), entry, method, ids, args).await;
    metrics::called(entry.name(), method.name, begin, &answer);
    answer
}

async fn run(
    caller: Caller,
    entry: &'static Entry,
    method: &'static Method,
    ids: Ids,
    args: Args,
) -> Result<AnyValue> {
    match method.run {
        Run::Inside(run) => {
            let caller = match entry.model.hooks.prepare {
                Some(prepare) => {
                    let prepared = prepare(&caller, method.name, &ids, &args).await?;
                    caller.with_prepared(prepared)
                }
                None => caller,
            };
            let once = async || run_inside(&caller, entry, method, run, &ids, &args).await;
            if method.reads_only {
                retry::retried(once).await
            } else {
                retry::in_turn(caller.backend().turns(), once).await
            }
        }
        Run::Outside(run) => {
            let env = caller.begin(Intent::Read).await?;
            authorise(&env, method).await?;
            env.rollback().await?;
            run(OutsideCall {
                caller: &caller,
                model: entry,
                ids,
                args,
            })
            .await
        }
    }
}

async fn run_inside(
    caller: &Caller,
    entry: &'static Entry,
    method: &Method,
    run: for<'a> fn(Call<'a>) -> crate::schema::Answer<'a>,
    ids: &Ids,
    args: &Args,
) -> Result<AnyValue> {
    let intent = if method.reads_only {
        Intent::Read
    } else {
        Intent::Write
    };
    retry::once_in_transaction(caller, intent, &async |env: &Env| {
        authorise(env, method).await?;
        run(Call {
            env,
            model: entry,
            ids: ids.clone(),
            args: args.clone(),
        })
        .await
    })
    .await
}

fn find_method(entry: &'static Entry, name: &str) -> Result<&'static Method> {
    if name.starts_with('_') || name == "init" {
        return Err(Error::Access(say!("error-method-internal", ?name)));
    }
    entry
        .methods
        .get(name)
        .ok_or_else(|| Error::Attribute(say!("error-call-no-method", model = ?entry.name(), ?name)))
}

async fn authorise(env: &Env, method: &Method) -> Result<()> {
    if env.may_use(method.groups).await? {
        return Ok(());
    }
    Err(Error::Access(
        say!("error-method-for-groups", groups = %method.groups, method = %method.name),
    ))
}

fn bind(method: &Method, mut positional: Vec<AnyValue>, mut named: Map) -> Result<(Ids, Args)> {
    if !method.on_records {
        return Ok((Ids::new(), Args::bind(method, positional, named)?));
    }
    let given = if positional.is_empty() {
        named
            .shift_remove("ids")
            .ok_or_else(|| Error::Index(say!("error-call-needs-ids", method = method.name)))?
    } else {
        positional.remove(0)
    };
    let ids = read_ids(&given)?;
    let mut args = Args::bind(method, positional, named)?;
    if method.raw_ids {
        args.insert("ids", AnyValue::List(given_ids(&given)?));
    }
    Ok((ids, args))
}
