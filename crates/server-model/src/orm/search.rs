//! Searching: which records match a domain, in which order.

use std::fmt::Write as _;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::QueryResult;

use words::say;

use super::{access, condition, convert};
use crate::dialect;
use crate::domain::Domain;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, Operation};
use crate::sql::Sql;
use crate::value::{Id, Ids};

/// Which part of the matching records, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How many to leave out at the start.
    pub offset: i64,
    /// How many at most; 0 for all.
    pub limit: i64,
    /// The order as Odoo writes it; empty for the model's own.
    pub order: String,
}

/// The ids of the records the caller may read that match.
///
/// Archived records are left out unless the domain names `active` or the context says
/// `active_test: false`.
///
/// # Errors
/// [`Error::Access`] without the right to read the model, [`Error::Value`] for a bad domain or order.
pub async fn ids(
    env: &Env,
    model: &'static Entry,
    domain: &Domain,
    options: &Options,
) -> Result<Ids> {
    let sql = statement(env, model, domain, options, &[]).await?;
    let found = collect_ids(env, sql).await?;
    after_rules(env, model, found).await
}

/// The records the caller may read that match, as rows of the id and these columns, so that they
/// need not be looked up once more. `None` where only the ids can tell what may be read.
///
/// # Errors
/// As for [`ids`].
pub async fn rows(
    env: &Env,
    model: &'static Entry,
    domain: &Domain,
    options: &Options,
    columns: &[&'static Field],
) -> Result<Option<Vec<QueryResult>>> {
    if model.model.hooks.reachable.is_some() && !env.is_sudo() {
        return Ok(None);
    }
    let sql = statement(env, model, domain, options, columns).await?;
    env.rows(sql).await.map(Some)
}

async fn statement(
    env: &Env,
    model: &'static Entry,
    domain: &Domain,
    options: &Options,
    columns: &[&'static Field],
) -> Result<Sql> {
    access::check_model(env, model, Operation::Read).await?;
    let domain = visible(env, model, domain).await?;
    let mut sql = env.sql("SELECT t0.id");
    for field in columns {
        sql.push(", ")
            .push(&convert::expression(env, "t0", field).await?);
    }
    sql.push(" FROM ").name(model.table()).push(" t0");
    let mut joins = Joins::default();
    let order = if options.order.trim().is_empty() {
        model.model.order
    } else {
        &options.order
    };
    let order = order_by(env, model, "t0", order, &mut joins, false).await?;
    sql.push(&joins.text).push(" WHERE ");
    condition::push(env, model, &mut sql, "t0", &domain).await?;
    if !order.is_empty() {
        sql.push(" ORDER BY ").push(&order);
    }
    push_window(&mut sql, options)?;
    Ok(sql)
}

/// How many records match; at most `limit` are counted when it is positive.
///
/// # Errors
/// As for [`ids`].
pub async fn count(env: &Env, model: &'static Entry, domain: &Domain, limit: i64) -> Result<i64> {
    if model.model.hooks.reachable.is_some() && !env.is_sudo() {
        let options = Options {
            limit,
            ..Options::default()
        };
        return Ok(ids(env, model, domain, &options).await?.len() as i64);
    }
    access::check_model(env, model, Operation::Read).await?;
    let domain = visible(env, model, domain).await?;
    let mut sql = env.sql("SELECT COUNT(*) FROM (SELECT 1 FROM ");
    sql.name(model.table()).push(" t0 WHERE ");
    condition::push(env, model, &mut sql, "t0", &domain).await?;
    push_window(
        &mut sql,
        &Options {
            limit,
            ..Options::default()
        },
    )?;
    sql.push(") counted");
    let row = env.row(sql).await?;
    Ok(match row {
        Some(row) => convert::get::<i64>(&row, 0)?.unwrap_or(0),
        None => 0,
    })
}

/// The matching records in order of id, whatever the caller's rights and the records' state.
///
/// # Errors
/// [`Error::Value`] for a bad domain.
pub async fn unchecked(env: &Env, model: &'static Entry, domain: &Domain) -> Result<Ids> {
    let mut sql = env.sql("SELECT t0.id FROM ");
    sql.name(model.table()).push(" t0 WHERE ");
    condition::push(env, model, &mut sql, "t0", domain).await?;
    sql.push(" ORDER BY t0.id");
    collect_ids(env, sql).await
}

/// Those of the ids that exist, in the order given and once each.
///
/// # Errors
/// When the database fails.
pub async fn existing(env: &Env, model: &'static Entry, ids: &[Id]) -> Result<Ids> {
    if ids.is_empty() || model.table().is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = env.sql("SELECT id FROM ");
    sql.name(model.table()).push(" WHERE id");
    dialect::in_ids(&mut sql, ids);
    let found: std::collections::HashSet<Id> = collect_ids(env, sql).await?.into_iter().collect();
    let mut seen = std::collections::HashSet::new();
    Ok(ids
        .iter()
        .copied()
        .filter(|id| found.contains(id) && seen.insert(*id))
        .collect())
}

async fn visible(env: &Env, model: &'static Entry, domain: &Domain) -> Result<Domain> {
    let mut domain = domain.clone();
    if env.active_test() && model.has_active() && !domain.mentions("active") {
        domain = domain.and(Domain::eq("active", true));
    }
    // The rules are the program's own words, so the fields they name need no right of the caller.
    let rule = access::rule_domain(env, model, Operation::Read).await?;
    Ok(domain.and(rule))
}

async fn after_rules(env: &Env, model: &'static Entry, found: Ids) -> Result<Ids> {
    match model.model.hooks.reachable {
        Some(reachable) if !env.is_sudo() => {
            let allowed = reachable(env, &found, Operation::Read).await?;
            Ok(found
                .into_iter()
                .filter(|id| allowed.contains(id))
                .collect())
        }
        _ => Ok(found),
    }
}

fn push_window(sql: &mut Sql, options: &Options) -> Result<()> {
    // SQLite takes a negative number for "all", PostgreSQL refuses it.
    let refused = |condition: &'static str, what: &str| Error::Data {
        condition: condition.into(),
        message: say!("error-negative-search", %what),
    };
    if options.limit < 0 {
        return Err(refused("InvalidRowCountInLimitClause", "limit"));
    }
    if options.offset < 0 {
        return Err(refused("InvalidRowCountInResultOffsetClause", "offset"));
    }
    if options.limit != 0 {
        sql.push(" LIMIT ").bind(options.limit);
    } else if options.offset != 0 && !sql.is_postgres() {
        // SQLite knows OFFSET only behind a LIMIT.
        sql.push(" LIMIT -1");
    }
    if options.offset != 0 {
        sql.push(" OFFSET ").bind(options.offset);
    }
    Ok(())
}

/// Runs a statement whose only column is an id.
///
/// # Errors
/// When the database fails.
pub async fn collect_ids(env: &Env, sql: Sql) -> Result<Ids> {
    env.rows(sql)
        .await?
        .iter()
        .map(|row| {
            convert::get::<Id>(row, 0)?
                .ok_or_else(|| Error::Internal("A record without an id was found.".into()))
        })
        .collect()
}

#[derive(Default)]
struct Joins {
    text: String,
    count: usize,
}

impl Joins {
    fn left(&mut self, table: &str, from: &str, column: &str) -> String {
        self.count += 1;
        let alias = format!("o{}", self.count);
        let _ = write!(
            self.text,
            " LEFT JOIN \"{table}\" {alias} ON {alias}.id = {from}.\"{column}\""
        );
        alias
    }
}

/// Writes an order; relations are ordered as their own model orders its records.
fn order_by<'a>(
    env: &'a Env,
    model: &'static Entry,
    alias: &'a str,
    order: &'a str,
    joins: &'a mut Joins,
    reversed: bool,
) -> BoxFuture<'a, Result<String>> {
    async move {
        let mut parts = Vec::new();
        for term in order.split(',').map(str::trim) {
            if order.trim().is_empty() {
                break;
            }
            let (name, descending, nulls) = parse_term(term)?;
            let part = order_term(
                env,
                model,
                alias,
                name,
                descending != reversed,
                nulls,
                joins,
            )
            .await?;
            if !part.is_empty() {
                parts.push(part);
            }
        }
        Ok(parts.join(", "))
    }
    .boxed()
}

fn parse_term(term: &str) -> Result<(&str, bool, Option<&'static str>)> {
    let mut words = term.split_whitespace();
    let name = words.next().unwrap_or_default().trim_matches('"');
    let rest = words.collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let (direction, nulls) = match rest.split_once("nulls") {
        Some((direction, "  first" | " first")) => (direction.trim(), Some(" NULLS FIRST")),
        Some((direction, " last")) => (direction.trim(), Some(" NULLS LAST")),
        Some(_) => ("?", None),
        None => (rest.as_str(), None),
    };
    let well_formed = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'));
    match direction {
        "" | "asc" if well_formed => Ok((name, false, nulls)),
        "desc" if well_formed => Ok((name, true, nulls)),
        _ => Err(Error::User(say!("error-order", ?term))),
    }
}

async fn order_term(
    env: &Env,
    model: &'static Entry,
    alias: &str,
    name: &str,
    descending: bool,
    nulls: Option<&'static str>,
    joins: &mut Joins,
) -> Result<String> {
    let (name, rest) = name.split_once('.').unwrap_or((name, ""));
    let field = model.field(name)?;
    access::check_field(env, model, field, Operation::Read).await?;
    if let Some(path) = field.related {
        let (through, behind) = path.split_once('.').unwrap_or((path, "id"));
        let Kind::Many2one(parent) = model.field(through)?.kind else {
            return Err(unsortable(model, name));
        };
        let parent = entry(parent)?;
        let joined = joins.left(parent.table(), alias, through);
        return Box::pin(order_term(
            &env.sudo(),
            parent,
            &joined,
            behind,
            descending,
            nulls,
            joins,
        ))
        .await;
    }
    if !field.column {
        return Err(unsortable(model, name));
    }
    if let Kind::Many2one(comodel) = field.kind
        && rest != "id"
    {
        let comodel = entry(comodel)?;
        // A tree ordered by its own parent would never end.
        if comodel.name() != model.name() || !comodel.model.order.starts_with(name) {
            let joined = joins.left(comodel.table(), alias, name);
            return order_by(
                &env.sudo(),
                comodel,
                &joined,
                comodel.model.order,
                joins,
                descending,
            )
            .await;
        }
    }
    let mut sql = Sql::new(env.db());
    sql.push(&convert::expression(env, alias, field).await?);
    if field.kind.is_textual() {
        dialect::byte_order(&mut sql);
    }
    if descending {
        sql.push(" DESC");
    }
    match nulls {
        Some(nulls) => {
            sql.push(nulls);
        }
        None => dialect::nulls(&mut sql, descending),
    }
    Ok(sql.into_text())
}

fn unsortable(model: &Entry, name: &str) -> Error {
    Error::Value(say!("error-search-unsortable", model = ?model.name(), ?name))
}
