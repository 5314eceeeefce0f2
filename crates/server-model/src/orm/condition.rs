//! Domains as SQL conditions.
//!
//! Relations become subqueries, so a condition never multiplies rows. A path into another model
//! is subject to that model's access rows and rules, so that a search cannot spy on it.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use words::say;

use super::date_part::{self, DatePart};
use super::{access, compare, names, tree};
use crate::dialect;
use crate::domain::{Domain, Leaf, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, Operation};
use crate::sql::Sql;
use crate::value::{AnyValue, Id};

/// Adds the condition for records of `model` under `alias`.
///
/// # Errors
/// [`Error::Value`] for unknown fields and values of the wrong type, [`Error::Access`] for fields
/// and models that the caller may not read.
pub fn push<'a>(
    env: &'a Env,
    model: &'static Entry,
    sql: &'a mut Sql,
    alias: &'a str,
    domain: &'a Domain,
) -> BoxFuture<'a, Result<()>> {
    async move {
        match domain {
            Domain::All => {
                sql.push("TRUE");
            }
            Domain::Nothing => {
                sql.push("FALSE");
            }
            Domain::Leaf(leaf) => push_leaf(env, model, sql, alias, leaf).await?,
            Domain::Behind(path, inner) => {
                push_behind(env, model, sql, alias, path, inner).await?;
            }
            Domain::And(parts) => push_all(env, model, sql, alias, parts, " AND ", "TRUE").await?,
            Domain::Or(parts) => push_all(env, model, sql, alias, parts, " OR ", "FALSE").await?,
            Domain::Not(inner) => match negate(inner) {
                Some(negated) => push(env, model, sql, alias, &negated).await?,
                None => {
                    sql.push("NOT COALESCE((");
                    push(env, model, sql, alias, inner).await?;
                    sql.push("), FALSE)");
                }
            },
        }
        Ok(())
    }
    .boxed()
}

/// Moves a negation inwards, where each operator has its opposite; `None` where one has none.
fn negate(domain: &Domain) -> Option<Domain> {
    Some(match domain {
        Domain::All => Domain::Nothing,
        Domain::Nothing => Domain::All,
        Domain::Not(inner) => Domain::clone(inner),
        Domain::And(parts) => Domain::Or(parts.iter().map(negated).collect()),
        Domain::Or(parts) => Domain::And(parts.iter().map(negated).collect()),
        // "Not linked to such a record" holds also for what is linked to nothing, and so is more
        // than "linked to a record that is not such".
        Domain::Leaf(leaf) if leaf.path.contains('.') => return None,
        Domain::Behind(..) => return None,
        Domain::Leaf(leaf) => Domain::Leaf(Leaf {
            operator: leaf.operator.negated()?,
            ..leaf.clone()
        }),
    })
}

fn negated(domain: &Domain) -> Domain {
    Domain::Not(Box::new(domain.clone()))
}

async fn push_all(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    parts: &[Domain],
    between: &str,
    when_empty: &str,
) -> Result<()> {
    if parts.is_empty() {
        sql.push(when_empty);
        return Ok(());
    }
    sql.push("(");
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            sql.push(between);
        }
        push(env, model, sql, alias, part).await?;
    }
    sql.push(")");
    Ok(())
}

async fn push_leaf(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    leaf: &Leaf,
) -> Result<()> {
    let (first, rest) = match leaf.path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (leaf.path.as_ref(), None),
    };
    if leaf.operator == Operator::EqOptional {
        let domain = if leaf.value.is_nothing() {
            Domain::All
        } else {
            Domain::leaf(leaf.path.clone(), Operator::Eq, leaf.value.clone())
        };
        return push(env, model, sql, alias, &domain).await;
    }
    let field = model.field(first)?;
    access::check_field(env, model, field, Operation::Read).await?;
    if let Some(path) = field.related {
        let sudo = env.sudo();
        let behind = |inner: Domain| Domain::Behind(path.into(), Box::new(inner));
        let moved = match rest {
            None if !env.is_sudo() && leaf.operator == Operator::Any => {
                behind(Domain::parse_given(&leaf.value)?)
            }
            None if !env.is_sudo() && leaf.operator == Operator::NotAny => {
                Domain::Not(Box::new(behind(Domain::parse_given(&leaf.value)?)))
            }
            None => Domain::leaf(path, leaf.operator, leaf.value.clone()),
            // A part of a moment tells no more than the moment.
            Some(rest) if env.is_sudo() || DatePart::of(field, rest).is_some() => {
                Domain::leaf(format!("{path}.{rest}"), leaf.operator, leaf.value.clone())
            }
            Some(rest) => behind(Domain::leaf(
                rest.to_owned(),
                leaf.operator,
                leaf.value.clone(),
            )),
        };
        return push(&sudo, model, sql, alias, &moved).await;
    }
    if let Some(rest) = rest {
        if let Some(part) = DatePart::of(field, rest).filter(|_| field.column) {
            return date_part::push(env, model, sql, alias, field, part, leaf).await;
        }
        if field.kind.comodel().is_none() {
            return Err(Error::Assertion(
                say!("error-search-path-behind", path = ?leaf.path, ?first),
            ));
        }
        let inner = Domain::leaf(rest.to_owned(), leaf.operator, leaf.value.clone());
        return push_through(env, model, sql, alias, field, &inner, false).await;
    }
    if first == "display_name" {
        let domain = names::search_domain(model, leaf.operator, &leaf.value)?;
        return push(env, model, sql, alias, &domain).await;
    }
    if let Some(search) = field.search {
        let domain = search(env, leaf.operator, &leaf.value).await?;
        return push(env, model, sql, alias, &domain).await;
    }
    if !field.is_stored() {
        // Odoo drops a condition on a computed field that cannot be searched.
        sql.push("TRUE");
        return Ok(());
    }
    match leaf.operator {
        Operator::Any | Operator::NotAny => {
            let inner = Domain::parse_given(&leaf.value)?;
            let negative = leaf.operator == Operator::NotAny;
            push_through(env, model, sql, alias, field, &inner, negative).await
        }
        Operator::ChildOf | Operator::ParentOf => {
            tree::push(env, model, sql, alias, field, leaf).await
        }
        _ if field.kind.comodel().is_some() => {
            push_relation(env, model, sql, alias, field, leaf).await
        }
        _ => compare::push(env, sql, alias, field, leaf).await,
    }
}

/// Adds "some record at the end of `path` matches `inner`", where the path is one that a field
/// declares: it was granted with that field, but what lies behind it was not. The last step, and
/// all that follows, is taken with the caller's own rights.
async fn push_behind(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    path: &str,
    inner: &Domain,
) -> Result<()> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let field = model.field(first)?;
    let behind = |path: String| Domain::Behind(path.into(), Box::new(inner.clone()));
    match (field.related, rest) {
        (Some(declared), "") => push(env, model, sql, alias, &behind(declared.to_owned())).await,
        (Some(declared), rest) => {
            push(
                env,
                model,
                sql,
                alias,
                &behind(format!("{declared}.{rest}")),
            )
            .await
        }
        (None, "") => {
            push_through(
                &env.with_own_rights(),
                model,
                sql,
                alias,
                field,
                inner,
                false,
            )
            .await
        }
        (None, rest) => {
            let next = behind(rest.to_owned());
            push_through(env, model, sql, alias, field, &next, false).await
        }
    }
}

/// Adds "some record behind `field` matches `inner`", or "none does".
async fn push_through(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    field: &Field,
    inner: &Domain,
    negative: bool,
) -> Result<()> {
    let Some(comodel) = field.kind.comodel() else {
        return Err(Error::Value(
            say!("error-search-behind", field = ?field.name),
        ));
    };
    let comodel = entry(comodel)?;
    access::check_model(env, comodel, Operation::Read).await?;
    let rule = access::rule_domain(env, comodel, Operation::Read).await?;
    let mut inner = inner.clone().and(rule);
    if field.kind.is_x2many()
        && env.active_test()
        && comodel.has_active()
        && !inner.mentions("active")
    {
        inner = inner.and(Domain::eq("active", true));
    }
    let that = sql.alias();
    match field.kind {
        Kind::Many2one(_) => {
            if negative {
                sql.push("(");
                sql.column(alias, field.name).push(" IS NULL OR ");
            }
            sql.column(alias, field.name);
            sql.push(if negative {
                " NOT IN (SELECT "
            } else {
                " IN (SELECT "
            });
            sql.push(&that).push(".id FROM ").name(comodel.table());
            sql.push(" ").push(&that).push(" WHERE ");
            push(env, comodel, sql, &that, &inner).await?;
            sql.push(if negative { "))" } else { ")" });
        }
        Kind::One2many { inverse, .. } => {
            sql.push(alias).push(".id");
            sql.push(if negative {
                " NOT IN (SELECT "
            } else {
                " IN (SELECT "
            });
            sql.column(&that, inverse)
                .push(" FROM ")
                .name(comodel.table());
            sql.push(" ")
                .push(&that)
                .push(" WHERE ")
                .column(&that, inverse);
            sql.push(" IS NOT NULL AND ");
            if let Kind::Many2oneReference(model_field) = comodel.field(inverse)?.kind {
                sql.column(&that, model_field)
                    .push(" = ")
                    .bind(model.name());
                sql.push(" AND ");
            }
            push(env, comodel, sql, &that, &inner).await?;
            sql.push(")");
        }
        Kind::Many2many {
            table,
            this,
            that: other,
            ..
        } => {
            let link = sql.alias();
            sql.push(alias).push(".id");
            sql.push(if negative {
                " NOT IN (SELECT "
            } else {
                " IN (SELECT "
            });
            sql.column(&link, this).push(" FROM ").name(table);
            sql.push(" ")
                .push(&link)
                .push(" JOIN ")
                .name(comodel.table());
            sql.push(" ")
                .push(&that)
                .push(" ON ")
                .push(&that)
                .push(".id = ");
            sql.column(&link, other).push(" WHERE ");
            push(env, comodel, sql, &that, &inner).await?;
            sql.push(")");
        }
        _ => {}
    }
    Ok(())
}

/// Adds a condition on a relation given by ids, names or nothing.
async fn push_relation(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    field: &Field,
    leaf: &Leaf,
) -> Result<()> {
    let negative = leaf.operator.is_negative();
    let Some(comodel) = field.kind.comodel() else {
        return Ok(());
    };
    if leaf.operator.is_pattern() {
        let positive = leaf.operator.negated().filter(|_| negative);
        let by_name = names::search_domain(
            entry(comodel)?,
            positive.unwrap_or(leaf.operator),
            &leaf.value,
        )?;
        return push_through(env, model, sql, alias, field, &by_name, negative).await;
    }
    if !matches!(
        leaf.operator,
        Operator::Eq | Operator::Ne | Operator::In | Operator::NotIn
    ) {
        return if field.kind.is_x2many() {
            Err(Error::Value(
                say!("error-search-list-order", field = ?field.name),
            ))
        } else {
            compare::push(env, sql, alias, field, leaf).await
        };
    }
    if matches!(leaf.operator, Operator::In | Operator::NotIn)
        && !matches!(
            leaf.value,
            AnyValue::List(_) | AnyValue::Bool(_) | AnyValue::Null
        )
    {
        return Err(compare::not_a_list(field));
    }
    let wanted = match &leaf.value {
        AnyValue::List(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let ids: Vec<Id> = wanted.iter().filter_map(AnyValue::as_id).collect();
    let with_nothing = wanted.iter().any(AnyValue::is_nothing);
    let mut either = Vec::new();
    if !ids.is_empty() {
        either.push(Domain::ids(&ids));
    }
    for name in wanted.iter().filter_map(AnyValue::as_text) {
        either.push(names::search_domain(
            entry(comodel)?,
            Operator::Eq,
            &name.into(),
        )?);
    }
    if let ([_], true, Kind::Many2one(_)) =
        (either.as_slice(), ids.len() == wanted.len(), field.kind)
    {
        return push_many2one_ids(sql, alias, field, &ids, negative);
    }
    sql.push("(");
    match (either.is_empty(), with_nothing) {
        (true, false) => {
            sql.push(if negative { "TRUE" } else { "FALSE" });
        }
        (true, true) => push_nothing(env, model, sql, alias, field, negative).await?,
        (false, false) => {
            push_through(
                &env.sudo().with("active_test", false),
                model,
                sql,
                alias,
                field,
                &Domain::Or(either),
                negative,
            )
            .await?;
        }
        (false, true) => {
            push_nothing(env, model, sql, alias, field, negative).await?;
            sql.push(if negative { " AND " } else { " OR " });
            push_through(
                &env.sudo().with("active_test", false),
                model,
                sql,
                alias,
                field,
                &Domain::Or(either),
                negative,
            )
            .await?;
        }
    }
    sql.push(")");
    Ok(())
}

fn push_many2one_ids(
    sql: &mut Sql,
    alias: &str,
    field: &Field,
    ids: &[Id],
    negative: bool,
) -> Result<()> {
    if negative {
        sql.push("(NOT (").column(alias, field.name);
        dialect::in_ids(sql, ids);
        sql.push(") OR ")
            .column(alias, field.name)
            .push(" IS NULL)");
    } else {
        sql.column(alias, field.name);
        dialect::in_ids(sql, ids);
    }
    Ok(())
}

/// Adds "nothing is linked", or "something is".
async fn push_nothing(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    field: &Field,
    negative: bool,
) -> Result<()> {
    if let Kind::Many2one(_) = field.kind {
        sql.column(alias, field.name);
        sql.push(if negative { " IS NOT NULL" } else { " IS NULL" });
        return Ok(());
    }
    push_through(env, model, sql, alias, field, &Domain::All, !negative).await
}
