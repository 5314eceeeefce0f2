//! Domains as SQL conditions.
//!
//! Relations become subqueries, so a condition never multiplies rows. A path into another model
//! is subject to that model's access rows and rules, so that a search cannot spy on it.

use std::borrow::Cow;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{access, convert, names};
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
        let path = match rest {
            Some(rest) => Cow::Owned(format!("{path}.{rest}")),
            None => Cow::Borrowed(path),
        };
        return push_related(env, model, sql, alias, path, leaf).await;
    }
    if let Some(rest) = rest {
        let inner = Domain::leaf(rest.to_owned(), leaf.operator, leaf.value.clone());
        return push_through(env, sql, alias, field, &inner, false).await;
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
            let inner = Domain::parse(&leaf.value)?;
            let negative = leaf.operator == Operator::NotAny;
            push_through(env, sql, alias, field, &inner, negative).await
        }
        Operator::ChildOf | Operator::ParentOf => {
            push_hierarchy(env, model, sql, alias, field, leaf).await
        }
        _ if field.kind.comodel().is_some() => push_relation(env, sql, alias, field, leaf).await,
        _ => push_column(env, sql, alias, field, leaf),
    }
}

/// A related or inherited field is searched where it lives; what raises no question of rights
/// there, because the field itself was granted here.
async fn push_related(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    path: Cow<'static, str>,
    leaf: &Leaf,
) -> Result<()> {
    let env = env.sudo();
    let moved = Domain::leaf(path, leaf.operator, leaf.value.clone());
    push(&env, model, sql, alias, &moved).await
}

/// Adds "some record behind `field` matches `inner`", or "none does".
async fn push_through(
    env: &Env,
    sql: &mut Sql,
    alias: &str,
    field: &Field,
    inner: &Domain,
    negative: bool,
) -> Result<()> {
    let Some(comodel) = field.kind.comodel() else {
        return Err(Error::Value(format!(
            "The field {:?} is no relation, so nothing can be searched behind it.",
            field.name
        )));
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
            push_reference_model(env, sql, &that, comodel, inverse, field)?;
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

/// Where a one2many's inverse is a many2one_reference, the record must name this model as well.
fn push_reference_model(
    _env: &Env,
    sql: &mut Sql,
    alias: &str,
    comodel: &'static Entry,
    inverse: &str,
    field: &Field,
) -> Result<()> {
    if let Kind::Many2oneReference(model_field) = comodel.field(inverse)?.kind {
        let owner = field
            .related
            .map_or_else(|| field.name.to_owned(), str::to_owned);
        sql.column(alias, model_field).push(" = ").bind(owner);
        sql.push(" AND ");
    }
    Ok(())
}

/// Adds a condition on a relation given by ids, names or nothing.
async fn push_relation(
    env: &Env,
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
        return push_through(env, sql, alias, field, &by_name, negative).await;
    }
    if !matches!(
        leaf.operator,
        Operator::Eq | Operator::Ne | Operator::In | Operator::NotIn
    ) {
        return if field.kind.is_x2many() {
            Err(Error::Value(format!(
                "The lists in {:?} cannot be compared by order.",
                field.name
            )))
        } else {
            push_column(env, sql, alias, field, leaf)
        };
    }
    if matches!(leaf.operator, Operator::In | Operator::NotIn)
        && !matches!(
            leaf.value,
            AnyValue::List(_) | AnyValue::Bool(_) | AnyValue::Null
        )
    {
        return Err(not_a_list(field));
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
        (true, true) => push_nothing(env, sql, alias, field, negative).await?,
        (false, false) => {
            push_through(
                &env.sudo().with("active_test", false),
                sql,
                alias,
                field,
                &Domain::Or(either),
                negative,
            )
            .await?;
        }
        (false, true) => {
            push_nothing(env, sql, alias, field, negative).await?;
            sql.push(if negative { " AND " } else { " OR " });
            push_through(
                &env.sudo().with("active_test", false),
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
    push_through(env, sql, alias, field, &Domain::All, !negative).await
}

/// Adds a condition on the tree that `parent_id` makes.
async fn push_hierarchy(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    field: &Field,
    leaf: &Leaf,
) -> Result<()> {
    let comodel = match field.kind.comodel() {
        Some(comodel) => entry(comodel)?,
        None => model,
    };
    let wanted = match &leaf.value {
        AnyValue::List(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut ids: Vec<Id> = wanted.iter().filter_map(AnyValue::as_id).collect();
    for name in wanted.iter().filter_map(AnyValue::as_text) {
        let by_name = names::search_domain(comodel, Operator::Ilike, &name.into())?;
        ids.extend(
            super::search::ids(env, comodel, &by_name, &super::search::Options::default()).await?,
        );
    }
    let tree = sql.alias();
    let node = sql.alias();
    match field.kind {
        Kind::One2many {
            inverse,
            model: owner,
        } => {
            let lines = sql.alias();
            sql.push(alias)
                .push(".id IN (SELECT ")
                .column(&lines, inverse);
            sql.push(" FROM ")
                .name(entry(owner)?.table())
                .push(" ")
                .push(&lines);
            sql.push(" WHERE ").push(&lines).push(".id IN (");
        }
        Kind::Many2many {
            table, this, that, ..
        } => {
            let link = sql.alias();
            sql.push(alias).push(".id IN (SELECT ").column(&link, this);
            sql.push(" FROM ").name(table).push(" ").push(&link);
            sql.push(" WHERE ").column(&link, that).push(" IN (");
        }
        _ => {
            sql.column(alias, field.name).push(" IN (");
        }
    }
    sql.push("WITH RECURSIVE ")
        .push(&tree)
        .push("(id) AS (SELECT id FROM ");
    sql.name(comodel.table()).push(" WHERE id");
    dialect::in_ids(sql, &ids);
    if comodel
        .fields
        .get("parent_id")
        .is_some_and(|parent| parent.column)
    {
        let (wanted, from) = match leaf.operator {
            Operator::ChildOf => ("id", "parent_id"),
            _ => ("parent_id", "id"),
        };
        sql.push(" UNION SELECT ")
            .column(&node, wanted)
            .push(" FROM ");
        sql.name(comodel.table()).push(" ").push(&node);
        sql.push(" JOIN ")
            .push(&tree)
            .push(" ON ")
            .column(&node, from);
        sql.push(" = ").push(&tree).push(".id");
        sql.push(" WHERE ")
            .column(&node, wanted)
            .push(" IS NOT NULL");
    }
    sql.push(") SELECT id FROM ").push(&tree).push(")");
    if field.kind.is_x2many() {
        sql.push(")");
    }
    Ok(())
}

/// Adds a condition on a column that holds a plain value.
fn push_column(env: &Env, sql: &mut Sql, alias: &str, field: &Field, leaf: &Leaf) -> Result<()> {
    let expression = if field.translate {
        dialect::translated(alias, field.name, env.lang())
    } else {
        format!("{alias}.\"{}\"", field.name)
    };
    let negative = leaf.operator.is_negative();
    if leaf.operator.is_pattern() {
        return push_pattern(sql, &expression, field, leaf);
    }
    match (leaf.operator, &leaf.value) {
        (Operator::In | Operator::NotIn, AnyValue::List(items))
        | (Operator::Eq | Operator::Ne, AnyValue::List(items)) => {
            push_among(sql, &expression, field, items, negative)
        }
        (Operator::In | Operator::NotIn, AnyValue::Null | AnyValue::Bool(false)) => {
            push_among(sql, &expression, field, &[], negative)
        }
        (Operator::In | Operator::NotIn, _) => Err(not_a_list(field)),
        (Operator::Eq | Operator::Ne, value) => push_among(
            sql,
            &expression,
            field,
            std::slice::from_ref(value),
            negative,
        ),
        (operator, value) => {
            let Some(value) = convert::compared(field, value)? else {
                sql.push("FALSE");
                return Ok(());
            };
            let sign = match operator {
                Operator::Lt => " < ",
                Operator::Le => " <= ",
                Operator::Gt => " > ",
                _ => " >= ",
            };
            sql.push(&expression).push(sign).bind(value);
            Ok(())
        }
    }
}

/// Adds "the value is one of these", where nothing among them means an empty column.
fn push_among(
    sql: &mut Sql,
    expression: &str,
    field: &Field,
    items: &[AnyValue],
    negative: bool,
) -> Result<()> {
    let mut values = Vec::with_capacity(items.len());
    let mut nothing = false;
    for item in items {
        match convert::compared(field, item)? {
            Some(value) => {
                // False stands for an unset box as well as for an unticked one.
                nothing |= field.kind == Kind::Boolean && item.is_falsy();
                values.push(value);
            }
            None => nothing = true,
        }
    }
    if nothing && field.kind.is_textual() {
        values.push(String::new().into());
    }
    let list = |sql: &mut Sql, values: Vec<sea_orm::Value>| {
        for (place, value) in values.into_iter().enumerate() {
            sql.push(if place > 0 { ", " } else { "" }).bind(value);
        }
    };
    match (values.is_empty(), nothing, negative) {
        (true, false, false) => {
            sql.push("FALSE");
        }
        (true, false, true) => {
            sql.push("TRUE");
        }
        (true, true, false) => {
            sql.push(expression).push(" IS NULL");
        }
        (true, true, true) => {
            sql.push(expression).push(" IS NOT NULL");
        }
        (false, false, false) => {
            sql.push(expression).push(" IN (");
            list(sql, values);
            sql.push(")");
        }
        (false, true, false) => {
            sql.push("(").push(expression).push(" IS NULL OR ");
            sql.push(expression).push(" IN (");
            list(sql, values);
            sql.push("))");
        }
        (false, false, true) => {
            sql.push("(").push(expression).push(" IS NULL OR ");
            sql.push(expression).push(" NOT IN (");
            list(sql, values);
            sql.push("))");
        }
        (false, true, true) => {
            sql.push("(").push(expression).push(" IS NOT NULL AND ");
            sql.push(expression).push(" NOT IN (");
            list(sql, values);
            sql.push("))");
        }
    }
    Ok(())
}

fn push_pattern(sql: &mut Sql, expression: &str, field: &Field, leaf: &Leaf) -> Result<()> {
    let negative = leaf.operator.is_negative();
    let wraps = matches!(
        leaf.operator,
        Operator::Like | Operator::NotLike | Operator::Ilike | Operator::NotIlike
    );
    let fold_case = matches!(
        leaf.operator,
        Operator::Ilike | Operator::NotIlike | Operator::EqIlike | Operator::NotEqIlike
    );
    if field.kind == Kind::Binary {
        return Err(Error::Value(format!(
            "The field {:?} holds bytes, which cannot be searched by text.",
            field.name
        )));
    }
    if wraps && leaf.value.is_nothing() {
        // Everything contains nothing.
        sql.push(if negative { "FALSE" } else { "TRUE" });
        return Ok(());
    }
    let text = leaf.value.to_python_text();
    let pattern = if wraps { format!("%{text}%") } else { text };
    if negative {
        sql.push("(").push(expression).push(" IS NULL OR NOT (");
        dialect::like(sql, expression, &pattern, fold_case);
        sql.push("))");
    } else {
        dialect::like(sql, expression, &pattern, fold_case);
    }
    Ok(())
}

fn not_a_list(field: &Field) -> Error {
    Error::Value(format!(
        "The operators \"in\" and \"not in\" want a list of values for {:?}.",
        field.name
    ))
}
