//! What is asked for: by which fields to group, what to sum up, and in which order.

use words::say;

use super::default_aggregator;
use super::period::Granularity;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::access;
use crate::orm::date_part::DatePart;
use crate::registry::Entry;
use crate::schema::{Field, Kind, Operation};

/// A whole request, with every name looked up and every right checked.
pub struct Plan {
    /// What to group by, in order.
    pub keys: Vec<GroupKey>,
    /// What to sum up.
    pub aggregates: Vec<Aggregate>,
    /// The order of the groups; all keys are in it.
    pub order: Vec<Sort>,
}

/// One thing to group by.
pub struct GroupKey {
    /// As the caller wrote it: the member of the answer.
    pub spec: String,
    /// The field.
    pub field: &'static Field,
    /// How its values make groups.
    pub how: How,
}

impl GroupKey {
    /// True for a field that holds days, not moments.
    pub fn is_date(&self) -> bool {
        self.field.kind == Kind::Date
    }
}

/// How values make groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Each value is a group.
    Each,
    /// The values of a stretch of time are a group.
    Period(Granularity),
    /// The values with the same number for a part of the moment are a group.
    Part(DatePart),
}

/// One number, or list, for each group.
pub struct Aggregate {
    /// The member of the answer; `None` when it is only needed for the order.
    pub name: Option<String>,
    /// The field.
    pub field: &'static Field,
    /// What is done with its values.
    pub function: Function,
}

/// What is done with the values of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The sum.
    Sum,
    /// The average.
    Avg,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// Whether all are true.
    BoolAnd,
    /// Whether any is true.
    BoolOr,
    /// All of them, in order of id.
    ArrayAgg,
    /// How many there are.
    Count,
    /// How many different ones there are.
    CountDistinct,
}

impl Function {
    fn named(name: &str) -> Option<Function> {
        Some(match name {
            "sum" => Function::Sum,
            "avg" => Function::Avg,
            "max" => Function::Max,
            "min" => Function::Min,
            "bool_and" => Function::BoolAnd,
            "bool_or" => Function::BoolOr,
            "array_agg" => Function::ArrayAgg,
            "count" => Function::Count,
            "count_distinct" => Function::CountDistinct,
            _ => return None,
        })
    }

    fn takes(self, kind: Kind) -> bool {
        match self {
            Function::Sum | Function::Avg => matches!(kind, Kind::Integer | Kind::Float),
            Function::Max | Function::Min => !matches!(kind, Kind::Boolean | Kind::Binary),
            Function::BoolAnd | Function::BoolOr => kind == Kind::Boolean,
            Function::ArrayAgg | Function::Count | Function::CountDistinct => kind != Kind::Binary,
        }
    }
}

/// One term of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// Largest first.
    pub descending: bool,
}

/// What groups are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// The key at that place.
    Key(usize),
    /// The aggregate at that place.
    Aggregate(usize),
    /// How many records a group has.
    Count,
}

/// The name of the field in `create_date:month`.
pub fn base_name(spec: &str) -> &str {
    spec.split_once(':').map_or(spec, |(name, _)| name)
}

impl Plan {
    /// Looks everything up.
    ///
    /// # Errors
    /// [`Error::Value`] for an unknown field, function or period, [`Error::User`] for a member of
    /// the answer wanted twice, [`Error::Access`] for a field the caller may not read.
    pub async fn make(
        env: &Env,
        model: &'static Entry,
        groupby: &[String],
        fields: &[String],
        orderby: &str,
    ) -> Result<Plan> {
        let mut plan = Plan {
            keys: Vec::with_capacity(groupby.len()),
            aggregates: Vec::new(),
            order: Vec::new(),
        };
        for spec in groupby {
            let key = group_key(model, spec)?;
            access::check_field(env, model, key.field, Operation::Read).await?;
            plan.keys.push(key);
        }
        for spec in fields {
            let Some(aggregate) = plan.aggregate(model, spec)? else {
                continue;
            };
            access::check_field(env, model, aggregate.field, Operation::Read).await?;
            plan.aggregates.push(aggregate);
        }
        for term in orderby.split(',').map(str::trim).filter(|t| !t.is_empty()) {
            plan.order_by(env, model, term).await?;
        }
        for place in 0..plan.keys.len() {
            let by = SortBy::Key(place);
            if !plan.order.iter().any(|sort| sort.by == by) {
                plan.order.push(Sort {
                    by,
                    descending: false,
                });
            }
        }
        Ok(plan)
    }

    /// Reads `name`, `name:function` or `name:function(field)`. A bare name that has nothing to
    /// sum up is passed over.
    fn aggregate(&self, model: &'static Entry, spec: &str) -> Result<Option<Aggregate>> {
        if spec == "__count" {
            return Ok(None);
        }
        let (name, function) = match spec.split_once(':') {
            Some((name, function)) => (name, Some(function)),
            None => (spec, None),
        };
        let (function, source) = match function.map(|f| f.split_once('(')) {
            None => (None, name),
            Some(None) => (function, name),
            Some(Some((function, source))) => {
                let source = source.strip_suffix(')').ok_or_else(|| malformed(spec))?;
                (Some(function), source)
            }
        };
        let field = model.field(source)?;
        if self.keys.iter().any(|key| key.field.name == name) {
            return Ok(None);
        }
        let Some(function) = function.or_else(|| default_aggregator(field)) else {
            return Ok(None);
        };
        if self
            .aggregates
            .iter()
            .any(|a| a.name.as_deref() == Some(name))
        {
            return Err(Error::User(say!("error-sum-twice", ?name)));
        }
        let known = Function::named(function).filter(|function| function.takes(field.kind));
        let function = known.ok_or_else(|| {
            Error::Value(say!("error-group-cannot-sum", ?function, field = ?field.name, kind = field.kind.name()))
        })?;
        Ok(Some(Aggregate {
            name: Some(name.to_owned()),
            field,
            function,
        }))
    }

    async fn order_by(&mut self, env: &Env, model: &'static Entry, term: &str) -> Result<()> {
        let mut words = term.split_whitespace();
        let name = words.next().unwrap_or_default();
        let descending = match words.next().map(str::to_ascii_lowercase).as_deref() {
            None | Some("asc" | "nulls") => false,
            Some("desc") => true,
            Some(other) => {
                return Err(Error::Value(say!("error-group-direction", ?other)));
            }
        };
        let base = base_name(name);
        let key = self.keys.iter().position(|key| key.spec == name);
        let key = key.or_else(|| self.keys.iter().position(|key| key.field.name == name));
        let aggregate = self
            .aggregates
            .iter()
            .position(|aggregate| aggregate.name.as_deref() == Some(base));
        let counted = self
            .keys
            .first()
            .is_some_and(|key| name == format!("{}_count", key.field.name));
        let by = if let Some(place) = key {
            SortBy::Key(place)
        } else if let Some(place) = aggregate {
            SortBy::Aggregate(place)
        } else if name == "__count" || counted {
            SortBy::Count
        } else {
            let Some(aggregate) = self.aggregate(model, name)? else {
                // A field that differs within a group orders nothing.
                return Ok(());
            };
            access::check_field(env, model, aggregate.field, Operation::Read).await?;
            self.aggregates.push(Aggregate {
                name: None,
                ..aggregate
            });
            SortBy::Aggregate(self.aggregates.len() - 1)
        };
        self.order.push(Sort { by, descending });
        Ok(())
    }
}

fn group_key(model: &'static Entry, spec: &str) -> Result<GroupKey> {
    let (name, granularity) = match spec.split_once(':') {
        Some((name, granularity)) => (name, Some(granularity)),
        None => (spec, None),
    };
    let field = model.field(name)?;
    let is_time = matches!(field.kind, Kind::Date | Kind::Datetime);
    let how = match granularity {
        None if is_time => How::Period(Granularity::Month),
        None => How::Each,
        Some(word) => match (Granularity::named(word), DatePart::named(word)) {
            (Some(granularity), _) if is_time => How::Period(granularity),
            (_, Some(part)) if is_time => How::Part(part),
            _ => {
                return Err(Error::Value(say!("error-group-no-way", ?spec)));
            }
        },
    };
    if matches!(field.kind, Kind::One2many { .. } | Kind::Binary) {
        return Err(Error::Value(
            say!("error-group-cannot-by", model = ?model.name(), ?name, kind = field.kind.name()),
        ));
    }
    Ok(GroupKey {
        spec: spec.to_owned(),
        field,
        how,
    })
}

fn malformed(spec: &str) -> Error {
    Error::User(say!("error-sum-unreadable", ?spec))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::entry;

    fn plan(groupby: &[&str]) -> Plan {
        let model = entry("ir.mail_server").expect("a model");
        Plan {
            keys: groupby
                .iter()
                .map(|spec| group_key(model, spec).expect("a key"))
                .collect(),
            aggregates: Vec::new(),
            order: Vec::new(),
        }
    }

    fn aggregate(plan: &Plan, spec: &str) -> Result<Option<(String, &'static str, Function)>> {
        let model = entry("ir.mail_server").expect("a model");
        Ok(plan
            .aggregate(model, spec)?
            .map(|a| (a.name.unwrap_or_default(), a.field.name, a.function)))
    }

    #[test]
    fn a_number_is_summed_up_unless_something_else_is_asked_for() {
        let plan = plan(&[]);
        let read = |spec| aggregate(&plan, spec).expect("a readable spec");
        let sum = |name: &str| Some((name.to_owned(), "smtp_port", Function::Sum));
        assert_eq!(read("smtp_port"), sum("smtp_port"));
        assert_eq!(read("ports:sum(smtp_port)"), sum("ports"));
        assert_eq!(
            read("smtp_port:max"),
            Some(("smtp_port".into(), "smtp_port", Function::Max))
        );
        assert_eq!(read("id:count"), Some(("id".into(), "id", Function::Count)));
        for nothing in ["sequence", "name", "create_uid", "id", "__count"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_field_that_is_grouped_by_is_not_summed_up() {
        let plan = plan(&["smtp_port"]);
        assert_eq!(aggregate(&plan, "smtp_port:sum").expect("readable"), None);
    }

    #[test]
    fn what_cannot_be_summed_up_is_refused() {
        let plan = plan(&[]);
        for spec in [
            "nope",
            "nope:sum",
            "name:sum",
            "smtp_port:median",
            "active:avg",
        ] {
            let error = aggregate(&plan, spec).expect_err(spec);
            assert!(matches!(error, Error::Value(_)), "{spec}: {error:?}");
        }
        let error = aggregate(&plan, "x:sum(smtp_port").expect_err("a bracket is missing");
        assert!(matches!(error, Error::User(_)), "{error:?}");
    }

    #[test]
    fn only_days_and_moments_are_grouped_by_periods_and_by_months_unless_told() {
        let model = entry("ir.mail_server").expect("a model");
        let how = |spec| group_key(model, spec).map(|key| key.how);
        assert_eq!(
            how("create_date").expect("a key"),
            How::Period(Granularity::Month)
        );
        assert_eq!(
            how("create_date:week").expect("a key"),
            How::Period(Granularity::Week)
        );
        assert_eq!(how("name").expect("a key"), How::Each);
        for spec in ["nope", "name:month", "create_date:century"] {
            assert!(matches!(how(spec), Err(Error::Value(_))), "{spec}");
        }
    }
}
