//! The statement that groups.

use std::fmt::Write as _;

use sea_orm::QueryResult;

use words::say;

use super::period::Calendar;
use super::spec::{Aggregate, Function, GroupKey, How, Plan};
use crate::dialect;
use crate::domain::Domain;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::{access, condition, convert, search};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, Operation};
use crate::sql::Sql;
use crate::value::{AnyValue, parse_datetime};

/// A group as the database gives it.
pub struct Row {
    /// The value of each key; links as bare ids, periods as the local moment they begin.
    pub keys: Vec<AnyValue>,
    /// How many records.
    pub count: i64,
    /// What was summed up.
    pub aggregates: Vec<AnyValue>,
}

/// Runs the statement; the rows are in no particular order.
///
/// # Errors
/// [`Error::Value`] for fields that are not stored, and as for searching.
pub async fn run(
    env: &Env,
    model: &'static Entry,
    domain: &Domain,
    plan: &Plan,
    calendar: &Calendar,
) -> Result<Vec<Row>> {
    let mut source = Source::default();
    let mut columns = Vec::new();
    for (place, key) in plan.keys.iter().enumerate() {
        columns.push(key_column(env, model, &mut source, place, key, calendar).await?);
    }
    columns.push("COUNT(*)".into());
    for aggregate in &plan.aggregates {
        let (column, kind) = source.column(env, model, aggregate.field)?;
        columns.push(aggregate_column(env, aggregate, &column, kind));
    }
    let mut sql = env.sql("SELECT ");
    sql.push(&columns.join(", ")).push(" FROM ");
    sql.name(model.table()).push(" t0").push(&source.joins);
    for (place, key) in plan.keys.iter().enumerate() {
        push_links(env, &mut sql, place, key).await?;
    }
    sql.push(" WHERE ");
    push_visible(env, model, &mut sql, domain).await?;
    if !plan.keys.is_empty() {
        let places: Vec<_> = (1..=plan.keys.len()).map(|n| n.to_string()).collect();
        sql.push(" GROUP BY ").push(&places.join(", "));
    }
    env.rows(sql)
        .await?
        .iter()
        .map(|row| read_row(row, plan))
        .collect()
}

/// Adds the condition of what the caller can see of what the domain matches.
async fn push_visible(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    domain: &Domain,
) -> Result<()> {
    if model.model.hooks.reachable.is_some() && !env.is_sudo() {
        // Such rights are worked out record by record.
        let ids = search::ids(env, model, domain, &search::Options::default()).await?;
        sql.push("t0.id");
        dialect::in_ids(sql, &ids);
        return Ok(());
    }
    let mut domain = domain.clone();
    if env.active_test() && model.has_active() && !domain.mentions("active") {
        domain = domain.and(Domain::eq("active", true));
    }
    condition::push(env, model, sql, "t0", &domain).await?;
    // The rules are the program's own words, so the fields they name need no right of the caller.
    let rule = access::rule_domain(env, model, Operation::Read).await?;
    sql.push(" AND ");
    condition::push(&env.sudo(), model, sql, "t0", &rule).await
}

/// The tables joined for fields that live behind a link.
#[derive(Default)]
struct Source {
    joins: String,
    known: Vec<(String, &'static str, String)>,
}

impl Source {
    /// Where the field's values are, and the field that has the column.
    fn column(
        &mut self,
        env: &Env,
        model: &'static Entry,
        field: &'static Field,
    ) -> Result<(String, &'static Field)> {
        let (mut owner, mut alias, mut field) = (model, "t0".to_owned(), field);
        while let Some(path) = field.related {
            let mut steps = path.split('.').peekable();
            while let Some(step) = steps.next() {
                field = owner.field(step)?;
                if steps.peek().is_some() {
                    let Kind::Many2one(comodel) = field.kind else {
                        return Err(not_stored(model, field));
                    };
                    let comodel = entry(comodel)?;
                    alias = self.join(&alias, field.name, comodel.table());
                    owner = comodel;
                }
            }
        }
        if !field.column || field.company_dependent {
            return Err(not_stored(model, field));
        }
        let column = if field.translate {
            format!("({})", dialect::translated(&alias, field.name, env.lang()))
        } else {
            format!("{alias}.\"{}\"", field.name)
        };
        Ok((column, field))
    }

    fn join(&mut self, from: &str, column: &'static str, table: &str) -> String {
        let known = self
            .known
            .iter()
            .find(|(known_from, known_column, _)| known_from == from && *known_column == column);
        if let Some((_, _, alias)) = known {
            return alias.clone();
        }
        let alias = format!("g{}", self.known.len() + 1);
        let _ = write!(
            self.joins,
            " LEFT JOIN \"{table}\" {alias} ON {alias}.id = {from}.\"{column}\""
        );
        self.known.push((from.to_owned(), column, alias.clone()));
        alias
    }
}

fn not_stored(model: &Entry, field: &Field) -> Error {
    Error::Value(say!("error-group-no-column", model = ?model.name(), field = ?field.name))
}

async fn key_column(
    env: &Env,
    model: &'static Entry,
    source: &mut Source,
    place: usize,
    key: &GroupKey,
    calendar: &Calendar,
) -> Result<String> {
    if let Kind::Many2many { that, .. } = key.field.kind {
        if !key.field.is_stored() {
            return Err(not_stored(model, key.field));
        }
        return Ok(format!("{}.\"{that}\"", links_alias(place)));
    }
    let (column, field) = source.column(env, model, key.field)?;
    match (key.how, field.kind) {
        (How::Period(granularity), kind) => {
            calendar
                .begin_of(env, model, granularity, &column, kind == Kind::Date)
                .await
        }
        (How::Part(part), kind) => {
            calendar
                .part_of(env, model, part, &column, kind == Kind::Date)
                .await
        }
        (How::Each, Kind::Boolean) => Ok(format!("COALESCE({column}, FALSE)")),
        (How::Each, _) => Ok(column),
    }
}

fn links_alias(place: usize) -> String {
    format!("l{place}")
}

/// Joins the table of links of a many2many: a record counts in the group of each linked one that
/// the caller may see.
async fn push_links(env: &Env, sql: &mut Sql, place: usize, key: &GroupKey) -> Result<()> {
    let Kind::Many2many {
        model,
        table,
        this,
        that,
    } = key.field.kind
    else {
        return Ok(());
    };
    let comodel = entry(model)?;
    let rule = access::rule_domain(env, comodel, Operation::Read).await?;
    let alias = links_alias(place);
    sql.push(" LEFT JOIN ").name(table).push(" ").push(&alias);
    sql.push(" ON ").column(&alias, this).push(" = t0.id AND ");
    let linked = sql.alias();
    sql.column(&alias, that).push(" IN (SELECT ");
    sql.push(&linked).push(".id FROM ").name(comodel.table());
    sql.push(" ").push(&linked).push(" WHERE ");
    condition::push(&env.sudo(), comodel, sql, &linked, &rule).await?;
    sql.push(")");
    Ok(())
}

fn aggregate_column(env: &Env, aggregate: &Aggregate, column: &str, field: &Field) -> String {
    let postgres = env.db() == sea_orm::DbBackend::Postgres;
    let double = if postgres { "double precision" } else { "REAL" };
    let textual = postgres && field.kind.is_textual();
    let bytes = if textual { " COLLATE \"C\"" } else { "" };
    match aggregate.function {
        Function::Sum if field.kind == Kind::Float => {
            format!("CAST(SUM({column}) AS {double})")
        }
        Function::Sum => format!("CAST(SUM({column}) AS bigint)"),
        Function::Avg => format!("CAST(AVG({column}) AS {double})"),
        Function::Max => format!("MAX({column}{bytes})"),
        Function::Min => format!("MIN({column}{bytes})"),
        Function::BoolAnd if postgres => format!("BOOL_AND({column})"),
        Function::BoolOr if postgres => format!("BOOL_OR({column})"),
        Function::BoolAnd => format!("MIN({column})"),
        Function::BoolOr => format!("MAX({column})"),
        Function::ArrayAgg if postgres => {
            format!("CAST(JSON_AGG({column} ORDER BY t0.id) AS text)")
        }
        Function::ArrayAgg => format!("JSON_GROUP_ARRAY({column} ORDER BY t0.id)"),
        Function::Count => format!("COUNT({column})"),
        Function::CountDistinct => format!("COUNT(DISTINCT {column})"),
    }
}

fn read_row(row: &QueryResult, plan: &Plan) -> Result<Row> {
    let mut keys = Vec::with_capacity(plan.keys.len());
    for (at, key) in plan.keys.iter().enumerate() {
        keys.push(match key.how {
            How::Each => value(row, at, key.field.kind)?,
            How::Part(_) => value(row, at, Kind::Integer)?,
            How::Period(_) => {
                let begin: Option<String> = convert::get(row, at)?;
                begin
                    .and_then(|text| parse_datetime(&text))
                    .map_or(AnyValue::FALSE, AnyValue::Datetime)
            }
        });
    }
    let mut at = keys.len();
    let count = convert::get::<i64>(row, at)?.unwrap_or(0);
    let mut aggregates = Vec::with_capacity(plan.aggregates.len());
    for aggregate in &plan.aggregates {
        at += 1;
        aggregates.push(match aggregate.function {
            Function::Sum if aggregate.field.kind == Kind::Float => value(row, at, Kind::Float)?,
            Function::Avg => value(row, at, Kind::Float)?,
            Function::Sum => convert::get::<i64>(row, at)?.map_or(AnyValue::FALSE, AnyValue::Int),
            Function::Count | Function::CountDistinct => {
                convert::get::<i64>(row, at)?.unwrap_or(0).into()
            }
            Function::BoolAnd | Function::BoolOr => value(row, at, Kind::Boolean)?,
            Function::Max | Function::Min => value(row, at, aggregate.field.kind)?,
            Function::ArrayAgg => list(convert::get(row, at)?)?,
        });
    }
    Ok(Row {
        keys,
        count,
        aggregates,
    })
}

/// A value of that kind, or nothing: unlike in a record, an empty number is no zero here.
fn value(row: &QueryResult, at: usize, kind: Kind) -> Result<AnyValue> {
    let nothing = AnyValue::FALSE;
    Ok(match kind {
        Kind::Boolean => AnyValue::Bool(convert::get::<bool>(row, at)?.unwrap_or(false)),
        Kind::Integer | Kind::Many2one(_) | Kind::Many2oneReference(_) | Kind::Many2many { .. } => {
            convert::get::<i32>(row, at)?.map_or(nothing, AnyValue::from)
        }
        Kind::Float => convert::get::<f64>(row, at)?.map_or(nothing, AnyValue::Float),
        Kind::Date => convert::get::<chrono::NaiveDate>(row, at)?.map_or(nothing, AnyValue::Date),
        Kind::Datetime => {
            convert::get::<chrono::NaiveDateTime>(row, at)?.map_or(nothing, AnyValue::Datetime)
        }
        _ => AnyValue::text_or_false(convert::get(row, at)?),
    })
}

fn list(json: Option<String>) -> Result<AnyValue> {
    let Some(json) = json else {
        return Ok(AnyValue::List(Vec::new()));
    };
    let items: Vec<serde_json::Value> = serde_json::from_str(&json)
        .map_err(|error| Error::Internal(format!("A list of values cannot be read: {error}")))?;
    Ok(AnyValue::List(items.into_iter().map(plain).collect()))
}

fn plain(value: serde_json::Value) -> AnyValue {
    match value {
        serde_json::Value::Bool(truth) => truth.into(),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().map_or(AnyValue::FALSE, AnyValue::Float),
        },
        serde_json::Value::String(text) => text.into(),
        _ => AnyValue::FALSE,
    }
}
