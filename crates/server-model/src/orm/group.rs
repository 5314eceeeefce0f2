//! Grouping: `read_group` and `web_read_group`, in the shapes of Odoo 18.

pub(super) mod period;
mod query;
mod spec;

use std::cmp::Ordering;
use std::collections::HashMap;

use futures_util::FutureExt;

use words::say;

use super::{access, names, search};
use crate::domain::Domain;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Call, Kind, Method, Operation, model_method};
use crate::value::{AnyValue, Id, Ids, Key, Map};

use period::Calendar;
use query::Row;
use spec::{How, Plan, SortBy};

/// The grouping methods, which every model has.
pub const METHODS: &[Method] = &[
    model_method(
        "read_group",
        &[
            "domain", "fields", "groupby", "offset?", "limit?", "orderby?", "lazy?",
        ],
        |call| read_group(call).boxed(),
    )
    .reads_only(),
    model_method(
        "web_read_group",
        &[
            "domain", "fields", "groupby", "limit?", "offset?", "orderby?", "lazy?",
        ],
        |call| web_read_group(call).boxed(),
    )
    .reads_only(),
];

async fn read_group(mut call: Call<'_>) -> Result<AnyValue> {
    let request = Request::read(&mut call)?;
    let (groups, _) = request.groups(call.env, call.model).await?;
    Ok(AnyValue::List(groups))
}

/// The same with the number of all groups beside the page of them.
async fn web_read_group(mut call: Call<'_>) -> Result<AnyValue> {
    let request = Request::read(&mut call)?;
    let (groups, total) = request.groups(call.env, call.model).await?;
    let length = if groups.is_empty() { 0 } else { total };
    Ok(AnyValue::Map(Map::from_iter([
        (Key::Borrowed("groups"), AnyValue::List(groups)),
        (Key::Borrowed("length"), (length as i64).into()),
    ])))
}

struct Request {
    /// The domain as it was given: each group's domain repeats it.
    domain: Vec<AnyValue>,
    fields: Vec<String>,
    groupby: Vec<String>,
    offset: usize,
    limit: Option<usize>,
    orderby: String,
    lazy: bool,
}

impl Request {
    fn read(call: &mut Call<'_>) -> Result<Request> {
        let domain = match call.args.take_or_false("domain") {
            AnyValue::List(tokens) => tokens,
            other => {
                Domain::parse(&other)?;
                Vec::new()
            }
        };
        let groupby = match call.args.take_or_false("groupby") {
            AnyValue::Text(one) => vec![one],
            AnyValue::List(items) => names_in(items)?,
            other if other.is_falsy() => Vec::new(),
            other => return Err(no_names("groupby", &other)),
        };
        let limit = call.args.take_int("limit")?.filter(|limit| *limit != 0);
        Ok(Request {
            domain,
            fields: call.args.take_names("fields")?.unwrap_or_default(),
            groupby,
            offset: window(call.args.take_int("offset")?.unwrap_or(0), "Offset")?,
            limit: limit.map(|limit| window(limit, "Limit")).transpose()?,
            orderby: call.args.take_text("orderby")?.unwrap_or_default(),
            lazy: call.args.take("lazy").is_none_or(|lazy| !lazy.is_falsy()),
        })
    }

    /// The groups of the page wanted, and how many there are in all.
    async fn groups(&self, env: &Env, model: &'static Entry) -> Result<(Vec<AnyValue>, usize)> {
        access::check_model(env, model, Operation::Read).await?;
        let domain = Domain::parse(&AnyValue::List(self.domain.clone()))?;
        // A lazy grouping is by the first field alone: clients open the groups one by one.
        let by = match self.lazy {
            true => self.groupby.get(..1).unwrap_or_default(),
            false => &self.groupby,
        };
        let rest = self.groupby.get(by.len()..).unwrap_or_default();
        let plan = Plan::make(env, model, by, &self.fields, &self.orderby).await?;
        let calendar = Calendar::of(env).await?;
        let mut rows = query::run(env, model, &domain, &plan, &calendar).await?;
        let total = rows.len();
        sort(env, &plan, &mut rows).await?;
        let page: Vec<Row> = rows
            .into_iter()
            .skip(self.offset)
            .take(self.limit.unwrap_or(usize::MAX))
            .collect();
        let names = link_names(env, &plan, &page).await?;
        let count_name = match by {
            [one] if self.lazy => format!("{}_count", spec::base_name(one)),
            _ => "__count".into(),
        };
        let groups = page
            .into_iter()
            .map(|row| self.shape(row, &plan, &names, &count_name, rest, &calendar))
            .collect::<Result<Vec<_>>>()?;
        Ok((groups, total))
    }

    /// A group as clients read it.
    fn shape(
        &self,
        row: Row,
        plan: &Plan,
        names: &[HashMap<Id, String>],
        count_name: &str,
        rest: &[String],
        calendar: &Calendar,
    ) -> Result<AnyValue> {
        let mut group = Map::new();
        let mut domain = normalized(&self.domain);
        let mut ranges = Map::new();
        for ((key, value), names) in plan.keys.iter().zip(row.keys).zip(names) {
            let name = Key::Owned(key.spec.clone());
            let field: AnyValue = match &key.how {
                // A domain names the part behind a dot.
                How::Part(_) => key.spec.replace(':', ".").into(),
                _ => key.field.name.into(),
            };
            let leaf = |operator: &str, value: AnyValue| {
                AnyValue::List(vec![field.clone(), operator.into(), value])
            };
            let period = match (&key.how, &value) {
                (How::Period(granularity), AnyValue::Datetime(start)) => {
                    Some(calendar.period(*granularity, *start, key.is_date())?)
                }
                _ => None,
            };
            if let Some(period) = period {
                let within = [
                    "&".into(),
                    leaf(">=", period.from.clone()),
                    leaf("<", period.to.clone()),
                ];
                and(&mut domain, within);
                let range = [
                    (Key::Borrowed("from"), period.from),
                    (Key::Borrowed("to"), period.to),
                ];
                ranges.insert(name.clone(), Map::from_iter(range).into());
                group.insert(name, period.label.into());
                continue;
            }
            and(&mut domain, [leaf("=", value.clone())]);
            if matches!(key.how, How::Period(_)) {
                ranges.insert(name.clone(), AnyValue::FALSE);
            }
            let shown = match (value.as_id(), key.field.kind.comodel()) {
                (Some(id), Some(_)) => names::pair(id, names.get(&id).cloned()),
                _ => value,
            };
            group.insert(name, shown);
        }
        group.insert(Key::Owned(count_name.to_owned()), row.count.into());
        for (aggregate, value) in plan.aggregates.iter().zip(row.aggregates) {
            if let Some(name) = &aggregate.name {
                group.insert(Key::Owned(name.clone()), value);
            }
        }
        if !ranges.is_empty() {
            group.insert(Key::Borrowed("__range"), ranges.into());
        }
        group.insert(Key::Borrowed("__domain"), AnyValue::List(domain));
        if !rest.is_empty() {
            let rest = rest.iter().map(|name| name.as_str().into()).collect();
            let context = Map::from_iter([(Key::Borrowed("group_by"), AnyValue::List(rest))]);
            group.insert(Key::Borrowed("__context"), context.into());
        }
        Ok(group.into())
    }
}

/// Adds a condition to a normalized domain.
fn and(domain: &mut Vec<AnyValue>, condition: impl IntoIterator<Item = AnyValue>) {
    if !domain.is_empty() {
        domain.insert(0, "&".into());
    }
    domain.extend(condition);
}

/// The domain with every "and" written out, as Odoo writes the domains of groups.
fn normalized(domain: &[AnyValue]) -> Vec<AnyValue> {
    let mut out = Vec::with_capacity(domain.len() * 2);
    let mut expected = 1_usize;
    for token in domain {
        if expected == 0 {
            out.insert(0, "&".into());
            expected = 1;
        }
        match token.as_text() {
            Some("&" | "|") => expected += 1,
            Some("!") => {}
            _ => expected -= 1,
        }
        out.push(token.clone());
    }
    out
}

/// Sorts the groups. Records are ordered as their own model orders them, and nothing comes last,
/// or first when descending, as PostgreSQL has it.
async fn sort(env: &Env, plan: &Plan, rows: &mut [Row]) -> Result<()> {
    let mut ranks = Vec::with_capacity(plan.keys.len());
    for (place, key) in plan.keys.iter().enumerate() {
        ranks.push(match key.field.kind.comodel() {
            Some(comodel) => {
                let ids = rows.iter().filter_map(|row| row.keys[place].as_id());
                Some(rank(env, entry(comodel)?, ids.collect()).await?)
            }
            None => None,
        });
    }
    rows.sort_by(|one, other| {
        for sort in &plan.order {
            let ordering = match sort.by {
                SortBy::Key(place) => match &ranks[place] {
                    Some(rank) => {
                        let of = |row: &Row| row.keys[place].as_id().and_then(|id| rank.get(&id));
                        let (one, other) = (of(one), of(other));
                        (one.is_none(), one).cmp(&(other.is_none(), other))
                    }
                    None => compare(&one.keys[place], &other.keys[place]),
                },
                SortBy::Aggregate(place) => {
                    compare(&one.aggregates[place], &other.aggregates[place])
                }
                SortBy::Count => one.count.cmp(&other.count),
            };
            let ordering = match sort.descending {
                true => ordering.reverse(),
                false => ordering,
            };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        Ordering::Equal
    });
    Ok(())
}

async fn rank(env: &Env, model: &'static Entry, mut ids: Ids) -> Result<HashMap<Id, usize>> {
    ids.sort_unstable();
    ids.dedup();
    let env = env.sudo().with("active_test", false);
    let sorted = search::ids(&env, model, &Domain::ids(&ids), &search::Options::default()).await?;
    Ok(sorted
        .into_iter()
        .enumerate()
        .map(|(place, id)| (id, place))
        .collect())
}

fn compare(one: &AnyValue, other: &AnyValue) -> Ordering {
    match (one, other) {
        (AnyValue::Int(one), AnyValue::Int(other)) => one.cmp(other),
        (AnyValue::Float(one), AnyValue::Float(other)) => one.total_cmp(other),
        (AnyValue::Text(one), AnyValue::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
        (AnyValue::Bool(one), AnyValue::Bool(other)) => one.cmp(other),
        (AnyValue::Date(one), AnyValue::Date(other)) => one.cmp(other),
        (AnyValue::Datetime(one), AnyValue::Datetime(other)) => one.cmp(other),
        // What is left is nothing compared with something: nothing comes last.
        (one, other) => one.is_nothing().cmp(&other.is_nothing()),
    }
}

/// For each key the names of the records it leads to.
async fn link_names(env: &Env, plan: &Plan, rows: &[Row]) -> Result<Vec<HashMap<Id, String>>> {
    let mut names = Vec::with_capacity(plan.keys.len());
    for (place, key) in plan.keys.iter().enumerate() {
        names.push(match key.field.kind.comodel() {
            Some(comodel) => {
                let ids: Ids = rows
                    .iter()
                    .filter_map(|row| row.keys[place].as_id())
                    .collect();
                names::of(env, entry(comodel)?, &ids).await?
            }
            None => HashMap::new(),
        });
    }
    Ok(names)
}

fn names_in(items: Vec<AnyValue>) -> Result<Vec<String>> {
    items
        .into_iter()
        .map(|item| match item {
            AnyValue::Text(name) => Ok(name),
            other => Err(no_names("groupby", &other)),
        })
        .collect()
}

fn no_names(argument: &str, given: &AnyValue) -> Error {
    Error::Type(say!(
        "error-group-wants-names",
        ?argument,
        given = given.type_name()
    ))
}

/// An offset or limit; below zero the database of Odoo refuses it.
fn window(number: i64, part: &str) -> Result<usize> {
    usize::try_from(number).map_err(|_| {
        let clause = if part == "Offset" {
            "ResultOffset"
        } else {
            part
        };
        Error::Data {
            condition: format!("InvalidRowCountIn{clause}Clause").into(),
            message: say!("error-negative-part", %part, %number),
        }
    })
}

/// What a field is summed up with when nothing else is asked for; `None` for those that are not.
pub fn default_aggregator(field: &crate::schema::Field) -> Option<&'static str> {
    match field.kind {
        // A place in an order and the number of a record are no amounts.
        Kind::Integer | Kind::Float if !matches!(field.name, "sequence" | "id") => Some("sum"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(name: &str) -> AnyValue {
        AnyValue::List(vec![name.into(), "=".into(), 1.into()])
    }

    #[test]
    fn every_and_of_a_domain_is_written_out_in_front() {
        let (a, b, c) = (leaf("a"), leaf("b"), leaf("c"));
        let and = || AnyValue::from("&");
        let cases = [
            (vec![], vec![]),
            (vec![a.clone()], vec![a.clone()]),
            (
                vec![a.clone(), b.clone()],
                vec![and(), a.clone(), b.clone()],
            ),
            (
                vec![a.clone(), b.clone(), c.clone()],
                vec![and(), and(), a.clone(), b.clone(), c.clone()],
            ),
            (
                vec!["|".into(), a.clone(), b.clone(), "!".into(), c.clone()],
                vec![
                    and(),
                    "|".into(),
                    a.clone(),
                    b.clone(),
                    "!".into(),
                    c.clone(),
                ],
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(normalized(&given), expected);
        }
    }

    #[test]
    fn a_condition_is_added_behind_what_is_there() {
        let mut domain = Vec::new();
        and(&mut domain, [leaf("a")]);
        assert_eq!(domain, [leaf("a")]);
        and(&mut domain, [leaf("b")]);
        assert_eq!(domain, ["&".into(), leaf("a"), leaf("b")]);
        and(&mut domain, ["&".into(), leaf("c"), leaf("d")]);
        let expected = [
            "&".into(),
            "&".into(),
            leaf("a"),
            leaf("b"),
            "&".into(),
            leaf("c"),
            leaf("d"),
        ];
        assert_eq!(domain, expected);
    }

    #[test]
    fn texts_are_compared_by_bytes_and_nothing_comes_last() {
        let mut values: Vec<AnyValue> = vec![
            AnyValue::FALSE,
            "b".into(),
            "".into(),
            "É".into(),
            "B".into(),
        ];
        values.sort_by(compare);
        let expected: [AnyValue; 5] = [
            "".into(),
            "B".into(),
            "b".into(),
            "É".into(),
            AnyValue::FALSE,
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn a_window_below_zero_is_refused_as_postgresql_refuses_it() {
        assert_eq!(window(3, "Limit").expect("a limit"), 3);
        let error = window(-1, "Offset").expect_err("below zero");
        assert!(
            matches!(&error, Error::Data { condition, .. } if condition == "InvalidRowCountInResultOffsetClause"),
            "{error:?}"
        );
    }
}
