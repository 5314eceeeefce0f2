//! The way in for every mail: `mail.thread.message_process`, and what is fetched from a mailbox.

use words::say;

use super::alias::{self, Alias, Domains};
use super::answer::{self, Refusal};
use super::handoff::{Place, Scope};
use super::post::{self, Posted};
use super::received::{Opened, Received};
use super::reply;
use super::route::{self, Decision};
use super::{bounce, loops, people};
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::orm::access;
use crate::registry::entry;
use crate::schema::{Operation, OutsideCall};
use crate::value::{AnyValue, Id, Map};

/// How often a mail is tried when other transactions keep winning.
const ATTEMPTS: u32 = 5;

/// Where a mail goes that nothing else claims.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// The model.
    pub model: String,
    /// The record; `None` to make one.
    pub thread: Option<Id>,
    /// Values of a new record.
    pub values: Map,
}

/// How a mail is taken in.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where it goes when nothing else claims it.
    pub fallback: Option<Fallback>,
    /// Keeps the whole mail as a file, too.
    pub save_original: bool,
    /// Leaves out the files.
    pub strip_attachments: bool,
    /// Keeps a mail that belongs nowhere as a message of its own instead of refusing it.
    pub keep_unrouted: bool,
    /// Where mails go that are not for us.
    pub handoff: Option<Place>,
    /// The model of what nothing else claims, where it is not here.
    pub foreign: Option<String>,
}

impl Options {
    /// Where a mail goes that nothing here asks for.
    fn takes_unrouted(&self) -> Option<&Place> {
        let place = self.handoff.as_ref();
        place.filter(|place| place.scope == Scope::Unrouted || self.foreign.is_some())
    }
}

/// What became of a mail.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// It is stored.
    Posted(Posted),
    /// It needed no message: known already, a report, a loop, refused with an answer, or handed on.
    Settled,
    /// Nothing says where it belongs.
    Nowhere,
}

/// Why a mail could not be taken in.
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// The alias whose record could not be made.
    alias: Option<Alias>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, alias: None }
    }
}

/// `message_process`: takes in a mail and gives the id of the record it was posted on, or `False`.
///
/// # Errors
/// [`Error::Value`] when nothing says where the mail belongs.
pub async fn message_process(mut call: OutsideCall<'_>) -> Result<AnyValue> {
    let raw = match call.args.take_or_false("message") {
        AnyValue::Text(text) => text.into_bytes(),
        AnyValue::Bytes(bytes) => bytes,
        other => {
            return Err(Error::Type(say!(
                "error-process-not-a-mail",
                given = other.type_name()
            )));
        }
    };
    let values = call.args.take_map("custom_values")?;
    let thread = call.args.take("thread_id").and_then(|id| id.as_id());
    let fallback = call
        .args
        .take_text("model")?
        .filter(|model| !model.is_empty());
    check_may_hand_in(
        call.caller,
        fallback.as_deref(),
        !values.is_empty() || thread.is_some(),
    )
    .await?;
    let options = Options {
        fallback: fallback.map(|model| Fallback {
            model,
            thread,
            values,
        }),
        save_original: !call.args.take_or_false("save_original").is_falsy(),
        strip_attachments: !call.args.take_or_false("strip_attachments").is_falsy(),
        ..Options::default()
    };
    match take_in(call.caller, &raw, &options).await? {
        Outcome::Posted(posted) => Ok(posted.record.map_or(AnyValue::FALSE, AnyValue::from)),
        Outcome::Settled => Ok(AnyValue::FALSE),
        Outcome::Nowhere => Err(Error::Value(say!("error-process-nowhere"))),
    }
}

/// A mail makes records with raised rights, as its sender has none. What a caller adds to it is the
/// caller's own doing: only administrators say which values or which record, and the model for the
/// rest must be one that the caller could make records of.
async fn check_may_hand_in(caller: &Caller, model: Option<&str>, steers: bool) -> Result<()> {
    let env = caller.begin(Intent::Read).await?;
    let checked = async {
        if env.may_use("base.group_system").await? {
            return Ok(());
        }
        if steers {
            return Err(Error::Access(say!("error-process-administrators")));
        }
        match model.map(entry) {
            Some(Ok(model)) => access::check_model(&env, model, Operation::Create).await,
            _ => Ok(()),
        }
    }
    .await;
    env.rollback().await?;
    checked
}

async fn take_in(caller: &Caller, raw: &[u8], options: &Options) -> Result<Outcome> {
    let mut attempt = 1;
    loop {
        let env = caller.begin(Intent::Write).await?;
        let failure = match within(&env, raw, options).await {
            Ok(outcome) => match env.commit().await {
                Ok(()) => return Ok(outcome),
                Err(error) => Failure::from(error),
            },
            Err(failure) => {
                env.rollback().await.ok();
                failure
            }
        };
        if failure.error.is_retryable() && attempt < ATTEMPTS {
            attempt += 1;
            continue;
        }
        return Err(settle(caller, raw, failure).await);
    }
}

/// Takes a mail in within an open transaction.
///
/// # Errors
/// A failure to be handed to [`settle`] once the transaction is rolled back.
pub async fn within(env: &Env, raw: &[u8], options: &Options) -> Result<Outcome, Failure> {
    let domains = Domains::load(&env.sudo()).await?;
    let opened = Opened::read(raw, &domains.bounce, env.now());
    opened_within(env, raw, opened, &domains, options).await
}

/// The same for a mail that was taken apart before, with these domains.
///
/// # Errors
/// As for [`within`].
pub async fn opened_within(
    env: &Env,
    raw: &[u8],
    opened: Opened,
    domains: &Domains,
    options: &Options,
) -> Result<Outcome, Failure> {
    let env = &env.sudo();
    let mail = Received::from(env, raw, opened).await?;
    if let Some(message_id) = &mail.parsed.message_id
        && reply::is_known(env, message_id).await?
    {
        tracing::info!(message_id, "a mail that is here already was left out");
        return Ok(Outcome::Settled);
    }
    if let Some(place) = &options.handoff
        && place.scope == Scope::All
    {
        return hand_on(env, &mail, place, options.foreign.as_deref()).await;
    }
    if loops::answers_a_refusal(&mail.parsed) {
        tracing::info!(
            from = mail.parsed.email_from,
            "an answer to a refusal was left out"
        );
        return Ok(Outcome::Settled);
    }
    if mail.parsed.is_bounce {
        bounce::handle(env, &mail.parsed).await?;
        return Ok(Outcome::Settled);
    }
    if let Some(place) = &options.handoff
        && let Some(foreign) = route::foreign(env, &mail, domains).await?
    {
        let handed_on = hand_on(env, &mail, place, foreign.model.as_deref()).await?;
        if !foreign.is_ours_too {
            return Ok(handed_on);
        }
    }
    let routes = match route::decide(env, &mail, domains, options.fallback.as_ref()).await? {
        Decision::Routes(routes) => routes,
        Decision::Refused => return Ok(Outcome::Settled),
        Decision::Nowhere => {
            if let Some(place) = options.takes_unrouted() {
                return hand_on(env, &mail, place, options.foreign.as_deref()).await;
            }
            if !options.keep_unrouted {
                return Ok(Outcome::Nowhere);
            }
            let author = people::author(env, mail.sender.as_deref(), None).await?;
            return Ok(Outcome::Posted(
                post::alone(env, &mail, author, options).await?,
            ));
        }
    };
    if loops::is_flood(env, mail.sender.as_deref(), &routes).await? {
        tracing::warn!(
            from = mail.parsed.email_from,
            "too many mails of one sender, this one was left out"
        );
        answer::write(env, &mail, Refusal::Flood, None).await?;
        return Ok(Outcome::Settled);
    }
    bounce::forget(env, &mail.parsed.email_from).await?;
    let mut outcome = Outcome::Settled;
    for route in &routes {
        outcome = match post::deliver(env, &mail, route, options).await {
            Ok(posted) => Outcome::Posted(posted),
            Err(error) => {
                let alias = route.alias.clone().filter(|_| route.thread.is_none());
                return Err(Failure { error, alias });
            }
        };
    }
    Ok(outcome)
}

async fn hand_on(
    env: &Env,
    mail: &Received<'_>,
    place: &Place,
    model: Option<&str>,
) -> Result<Outcome, Failure> {
    place
        .queue(env, mail.raw, &mail.parsed.subject, model)
        .await?;
    Ok(Outcome::Settled)
}

/// After a failed mail was rolled back: when the record of an alias could not be made, the alias is
/// marked and the sender is told. Gives the error back.
pub async fn settle(caller: &Caller, raw: &[u8], failure: Failure) -> Error {
    let Failure { error, alias } = failure;
    let is_ours = matches!(
        error,
        Error::Database(_) | Error::Conflict(_) | Error::Internal(_)
    );
    if let Some(alias) = alias.filter(|_| !is_ours)
        && let Err(second) = blame(caller, raw, &alias).await
    {
        tracing::error!(alias = alias.id, error = %second, "the sender could not be told that the alias is broken");
    }
    error
}

async fn blame(caller: &Caller, raw: &[u8], broken: &Alias) -> Result<()> {
    let env = caller.sudo().begin(Intent::Write).await?;
    let told = async {
        let domains = Domains::load(&env).await?;
        let mail = Received::of(&env, raw, &domains).await?;
        alias::mark(&env, broken.id, "invalid").await?;
        answer::write(&env, &mail, Refusal::BrokenAlias, Some(broken)).await
    }
    .await;
    match told {
        Ok(()) => env.commit().await,
        Err(error) => {
            env.rollback().await.ok();
            Err(error)
        }
    }
}
