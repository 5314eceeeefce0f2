//! Who may do what: access rows, record rules, and groups on fields. Nothing else checks rights.

use words::say;

use super::search;
use crate::domain::Domain;
use crate::env::{Env, is_member};
use crate::error::{Error, Result};
use crate::registry::Entry;
use crate::schema::{Field, Operation};
use crate::value::Id;

/// True when an access row lets the caller do it.
///
/// # Errors
/// When the user cannot be read.
pub async fn may(env: &Env, model: &Entry, operation: Operation) -> Result<bool> {
    if env.is_sudo() {
        return Ok(true);
    }
    let user = env.user().await?;
    Ok(model.model.access.iter().any(|row| {
        operation.granted_by(row) && (row.group.is_empty() || is_member(&user.groups, row.group))
    }))
}

/// Refuses what no access row grants.
///
/// # Errors
/// [`Error::Access`] that names model and groups.
pub async fn check_model(env: &Env, model: &Entry, operation: Operation) -> Result<()> {
    if may(env, model, operation).await? {
        return Ok(());
    }
    let groups: Vec<_> = model
        .model
        .access
        .iter()
        .filter(|row| operation.granted_by(row))
        .map(|row| row.group)
        .collect();
    let (operation, title, name) = (operation.name(), model.title(), model.name());
    Err(Error::Access(if groups.is_empty() {
        say!("error-access-nobody", operation, title, name)
    } else {
        say!(
            "error-access-model",
            operation,
            title,
            name,
            groups = groups.join(", ")
        )
    }))
}

/// The records that the rules let the operation reach.
///
/// # Errors
/// When a rule cannot be worked out for the user.
pub async fn rule_domain(env: &Env, model: &Entry, operation: Operation) -> Result<Domain> {
    if env.is_sudo() || model.model.rules.is_empty() {
        return Ok(Domain::All);
    }
    let letter = match operation {
        Operation::Read => 'r',
        Operation::Write => 'w',
        Operation::Create => 'c',
        Operation::Unlink => 'd',
    };
    let user = env.user().await?;
    let mut all = Domain::All;
    let mut either = Vec::new();
    for rule in model.model.rules {
        if !rule.operations.contains(letter) {
            continue;
        }
        if rule.groups.is_empty() {
            all = all.and((rule.domain)(env).await?);
        } else if rule.groups.iter().any(|group| user.groups.contains(*group)) {
            either.push((rule.domain)(env).await?);
        }
    }
    if !either.is_empty() {
        all = all.and(Domain::Or(either));
    }
    Ok(all)
}

/// Refuses unless the operation may reach all of these records.
///
/// # Errors
/// [`Error::Access`] for the model or for some of the records.
pub async fn check_records(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    operation: Operation,
) -> Result<()> {
    check_model(env, model, operation).await?;
    if env.is_sudo() || ids.is_empty() {
        return Ok(());
    }
    let reached = reached(env, model, ids, operation).await?;
    let beyond: Vec<Id> = ids
        .iter()
        .copied()
        .filter(|id| !reached.contains(id))
        .collect();
    if beyond.is_empty() {
        return Ok(());
    }
    // Records that do not exist are no matter of rights.
    let existing = search::existing(env, model, &beyond).await?;
    if existing.is_empty() {
        return Ok(());
    }
    Err(beyond_rights(model, &existing, operation))
}

/// Refuses records that are gone, where record rules apply to the caller: a rule cannot be asked
/// about what is not there. Without rules nobody asks, and the operation passes them by, as in Odoo.
///
/// # Errors
/// [`Error::Missing`] that names the first of them.
pub async fn check_present(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    operation: Operation,
) -> Result<()> {
    if ids.is_empty() || rule_domain(env, model, operation).await? == Domain::All {
        return Ok(());
    }
    let existing = search::existing(env, model, ids).await?;
    match ids.iter().find(|id| !existing.contains(id)) {
        Some(gone) => Err(super::write::missing(model, *gone)),
        None => Ok(()),
    }
}

/// Those of the records that the operation may reach, in no particular order.
///
/// # Errors
/// When the rules cannot be worked out.
pub async fn reached(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    operation: Operation,
) -> Result<Vec<Id>> {
    let rule = rule_domain(env, model, operation).await?;
    let mut ids = if rule == Domain::All {
        ids.to_vec()
    } else {
        let domain = Domain::ids(ids).and(rule);
        search::unchecked(&env.sudo(), model, &domain).await?
    };
    if let Some(reachable) = model.model.hooks.reachable
        && !env.is_sudo()
    {
        ids = reachable(env, &ids, operation).await?;
    }
    Ok(ids)
}

/// The refusal of records that rules keep from the caller.
pub fn beyond_rights(model: &Entry, ids: &[Id], operation: Operation) -> Error {
    let shown: Vec<String> = ids.iter().take(5).map(Id::to_string).collect();
    Error::Access(say!(
        "error-access-rules",
        operation = operation.name(),
        title = model.title(),
        name = model.name(),
        ids = shown.join(", ")
    ))
}

/// Refuses a field that is only for groups the caller is not in.
///
/// # Errors
/// [`Error::Access`] that names the field and the groups.
pub async fn check_field(
    env: &Env,
    model: &Entry,
    field: &Field,
    operation: Operation,
) -> Result<()> {
    if env.may_use(field.groups).await? {
        return Ok(());
    }
    Err(Error::Access(
        say!("error-access-field", operation = %operation.name(), field = ?field.name, model = %model.name(), groups = %field.groups),
    ))
}
