//! Where a mail goes: onto the record it answers, through an alias, or to the model that the caller
//! names. What must not get in is refused with an answer.

use words::say;

use super::alias::{self, Alias, Domains, Verdict};
use super::answer::{self, Refusal};
use super::people;
use super::process::Fallback;
use super::received::Received;
use super::reply;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::search;
use crate::registry::{Entry, entry};
use crate::value::{Id, Map};

/// The models whose records have a thread of messages and can be made from mail.
const THREADS: [&str; 2] = ["res.partner", "mail.blacklist"];

/// Whether records of the model have messages.
pub fn is_thread(model: &str) -> bool {
    THREADS.contains(&model)
}

/// One place that a mail is posted to.
#[derive(Clone)]
pub struct Route {
    /// The model.
    pub model: &'static Entry,
    /// The record; `None` to make one.
    pub thread: Option<Id>,
    /// Who makes and posts.
    pub user: Id,
    /// The contact who wrote the mail.
    pub author: Option<Id>,
    /// The alias it came through.
    pub alias: Option<Alias>,
    /// Values of a new record.
    pub values: Map,
}

/// What becomes of a mail.
pub enum Decision {
    /// It is posted at each of these.
    Routes(Vec<Route>),
    /// It was refused, and the sender is told.
    Refused,
    /// Nothing says where it belongs.
    Nowhere,
}

/// Decides. Answers to refused senders are put into the queue.
///
/// # Errors
/// [`Error::Value`] for a fallback that cannot take mail.
pub async fn decide(
    env: &Env,
    mail: &Received<'_>,
    domains: &Domains,
    fallback: Option<&Fallback>,
) -> Result<Decision> {
    let to_aliases = alias::matching(env, &mail.to, domains).await?;
    let mut aliases = alias::matching(env, &mail.recipients, domains).await?;
    if let Some((model, id)) = reply::record(env, &mail.parsed).await? {
        let elsewhere: Vec<Alias> = to_aliases
            .into_iter()
            .filter(|alias| alias.model != model)
            .collect();
        if elsewhere.is_empty() {
            let alias = aliases.into_iter().find(|alias| alias.model == model);
            let route = route(env, mail, entry(&model)?, Some(id), alias).await?;
            return settle(env, mail, vec![route]).await;
        }
        // Sent on to another address of ours: that is meant as something new there.
        aliases = elsewhere;
    }
    let to_catchall = mail
        .to
        .iter()
        .filter(|address| domains.catchall.contains(address))
        .count();
    if to_catchall > 0 && to_catchall == mail.to.len() {
        return refuse(env, mail, Refusal::NoAnswer).await;
    }
    let mut routes = Vec::new();
    for alias in aliases {
        let Ok(model) = entry(&alias.model) else {
            tracing::warn!(
                alias = alias.id,
                model = alias.model,
                "the alias makes records of a model that is not here"
            );
            continue;
        };
        let thread = alias.thread;
        routes.push(route(env, mail, model, thread, Some(alias)).await?);
    }
    if !routes.is_empty() {
        return settle(env, mail, routes).await;
    }
    if let Some(fallback) = fallback {
        let mut route = route(
            env,
            mail,
            thread_model(&fallback.model)?,
            fallback.thread,
            None,
        )
        .await?;
        route.values = fallback.values.clone();
        return Ok(Decision::Routes(vec![route]));
    }
    if to_catchall > 0 {
        return refuse(env, mail, Refusal::NoAnswer).await;
    }
    Ok(Decision::Nowhere)
}

/// What is known of a mail that is for a model that is not here.
pub struct Foreign {
    /// The model, if an alias tells it; who holds the record that it answers knows by itself.
    pub model: Option<String>,
    /// One of the aliases it was sent to is for a model that is here.
    pub is_ours_too: bool,
}

/// Whether the mail answers a message on a record of a model that is not here, or was sent to an
/// alias that makes such records.
///
/// # Errors
/// When the database fails.
pub async fn foreign(env: &Env, mail: &Received<'_>, domains: &Domains) -> Result<Option<Foreign>> {
    if reply::is_on_foreign(env, &mail.parsed).await? {
        return Ok(Some(Foreign {
            model: None,
            is_ours_too: false,
        }));
    }
    let aliases = alias::matching(env, &mail.recipients, domains).await?;
    let (ours, theirs): (Vec<Alias>, Vec<Alias>) = aliases
        .into_iter()
        .partition(|alias| entry(&alias.model).is_ok());
    Ok(theirs.into_iter().next().map(|alias| Foreign {
        model: Some(alias.model),
        is_ours_too: !ours.is_empty(),
    }))
}

fn thread_model(name: &str) -> Result<&'static Entry> {
    match entry(name) {
        Ok(model) if is_thread(name) => Ok(model),
        Ok(_) => Err(Error::Value(say!(
            "error-route-no-thread",
            ?name,
            known = THREADS.join(", ")
        ))),
        Err(error) => Err(Error::Value(error.text())),
    }
}

async fn route(
    env: &Env,
    mail: &Received<'_>,
    model: &'static Entry,
    thread: Option<Id>,
    alias: Option<Alias>,
) -> Result<Route> {
    // A record that was deleted is no reason to lose the mail: it makes a new one.
    let thread = match thread {
        Some(id) => search::existing(env, model, &[id]).await?.pop(),
        None => None,
    };
    let record = thread.map(|id| (model.name(), id));
    let near = record.or(parent_of(alias.as_ref()));
    Ok(Route {
        model,
        thread,
        user: mail.user.unwrap_or(env.uid()),
        author: people::author(env, mail.sender.as_deref(), near).await?,
        values: alias
            .as_ref()
            .map(|alias| alias.defaults.clone())
            .unwrap_or_default(),
        alias,
    })
}

fn parent_of(alias: Option<&Alias>) -> Option<(&str, Id)> {
    let (model, id) = alias?.parent.as_ref()?;
    Some((model, *id))
}

/// Leaves out the routes that their alias does not allow.
async fn settle(env: &Env, mail: &Received<'_>, routes: Vec<Route>) -> Result<Decision> {
    let mut allowed = Vec::new();
    for route in routes {
        let Some(alias) = &route.alias else {
            allowed.push(route);
            continue;
        };
        let record = route
            .thread
            .map(|id| (route.model.name(), id))
            .or(parent_of(Some(alias)));
        let verdict = if is_thread(route.model.name()) {
            alias::verdict(env, alias, route.author, record).await?
        } else {
            Verdict::Broken
        };
        match verdict {
            Verdict::Welcome => allowed.push(route),
            Verdict::Refused => answer::write(env, mail, Refusal::NotAllowed, Some(alias)).await?,
            Verdict::Broken => {
                alias::mark(env, alias.id, "invalid").await?;
                answer::write(env, mail, Refusal::BrokenAlias, Some(alias)).await?;
            }
        }
    }
    Ok(if allowed.is_empty() {
        Decision::Refused
    } else {
        Decision::Routes(allowed)
    })
}

async fn refuse(env: &Env, mail: &Received<'_>, refusal: Refusal) -> Result<Decision> {
    answer::write(env, mail, refusal, None).await?;
    Ok(Decision::Refused)
}
