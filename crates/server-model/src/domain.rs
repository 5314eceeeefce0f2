//! Search domains: Odoo's prefix notation read into a tree.

use std::borrow::Cow;

use words::say;

use crate::error::{Error, Result};
use crate::value::{AnyValue, Id};

/// A comparison in a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Eq,
    /// `!=`, `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `=?`: like `=`, but true when no value is given
    EqOptional,
    /// `like`: contains, with case
    Like,
    /// `not like`
    NotLike,
    /// `ilike`: contains, without case
    Ilike,
    /// `not ilike`
    NotIlike,
    /// `=like`: matches the pattern, with case
    EqLike,
    /// `not =like`
    NotEqLike,
    /// `=ilike`: matches the pattern, without case
    EqIlike,
    /// `not =ilike`
    NotEqIlike,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `child_of`: the records and what is below them
    ChildOf,
    /// `parent_of`: the records and what is above them
    ParentOf,
    /// `any`: some related record matches a domain
    Any,
    /// `not any`
    NotAny,
}

impl Operator {
    /// The operator as Odoo writes it, in small letters.
    pub fn parse(text: &str) -> Option<Operator> {
        Some(match text {
            "=" => Operator::Eq,
            "!=" | "<>" => Operator::Ne,
            "<" => Operator::Lt,
            "<=" => Operator::Le,
            ">" => Operator::Gt,
            ">=" => Operator::Ge,
            "=?" => Operator::EqOptional,
            "like" => Operator::Like,
            "not like" => Operator::NotLike,
            "ilike" => Operator::Ilike,
            "not ilike" => Operator::NotIlike,
            "=like" => Operator::EqLike,
            "not =like" => Operator::NotEqLike,
            "=ilike" => Operator::EqIlike,
            "not =ilike" => Operator::NotEqIlike,
            "in" => Operator::In,
            "not in" => Operator::NotIn,
            "child_of" => Operator::ChildOf,
            "parent_of" => Operator::ParentOf,
            "any" => Operator::Any,
            "not any" => Operator::NotAny,
            _ => return None,
        })
    }

    /// The operator that holds where this one does not.
    pub fn negated(self) -> Option<Operator> {
        Some(match self {
            Operator::Eq => Operator::Ne,
            Operator::Ne => Operator::Eq,
            Operator::Lt => Operator::Ge,
            Operator::Le => Operator::Gt,
            Operator::Gt => Operator::Le,
            Operator::Ge => Operator::Lt,
            Operator::Like => Operator::NotLike,
            Operator::NotLike => Operator::Like,
            Operator::Ilike => Operator::NotIlike,
            Operator::NotIlike => Operator::Ilike,
            Operator::EqLike => Operator::NotEqLike,
            Operator::NotEqLike => Operator::EqLike,
            Operator::EqIlike => Operator::NotEqIlike,
            Operator::NotEqIlike => Operator::EqIlike,
            Operator::In => Operator::NotIn,
            Operator::NotIn => Operator::In,
            Operator::Any => Operator::NotAny,
            Operator::NotAny => Operator::Any,
            Operator::EqOptional | Operator::ChildOf | Operator::ParentOf => return None,
        })
    }

    /// True for operators that hold for records without the value.
    pub fn is_negative(self) -> bool {
        matches!(
            self,
            Operator::Ne
                | Operator::NotLike
                | Operator::NotIlike
                | Operator::NotEqLike
                | Operator::NotEqIlike
                | Operator::NotIn
                | Operator::NotAny
        )
    }

    /// True for the eight that compare texts by pattern.
    pub fn is_pattern(self) -> bool {
        matches!(
            self,
            Operator::Like
                | Operator::NotLike
                | Operator::Ilike
                | Operator::NotIlike
                | Operator::EqLike
                | Operator::NotEqLike
                | Operator::EqIlike
                | Operator::NotEqIlike
        )
    }
}

/// One condition: a path of fields, an operator and a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// A field, or several joined by dots through relations.
    pub path: Cow<'static, str>,
    /// The comparison.
    pub operator: Operator,
    /// What is compared with.
    pub value: AnyValue,
}

/// A condition on records.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// Every record.
    All,
    /// No record.
    Nothing,
    /// One condition.
    Leaf(Leaf),
    /// Some record at the end of a path that a field declares matches, as far as the caller may
    /// look there.
    Behind(Cow<'static, str>, Box<Domain>),
    /// All of these.
    And(Vec<Domain>),
    /// One of these.
    Or(Vec<Domain>),
    /// Not this.
    Not(Box<Domain>),
}

impl Domain {
    /// One condition.
    pub fn leaf(
        path: impl Into<Cow<'static, str>>,
        operator: Operator,
        value: impl Into<AnyValue>,
    ) -> Domain {
        Domain::Leaf(Leaf {
            path: path.into(),
            operator,
            value: value.into(),
        })
    }

    /// `path = value`.
    pub fn eq(path: impl Into<Cow<'static, str>>, value: impl Into<AnyValue>) -> Domain {
        Domain::leaf(path, Operator::Eq, value)
    }

    /// The records with one of these ids.
    pub fn ids(ids: &[Id]) -> Domain {
        Domain::leaf("id", Operator::In, AnyValue::ids(ids))
    }

    /// This and another one.
    #[must_use]
    pub fn and(self, other: Domain) -> Domain {
        match (self, other) {
            (Domain::All, other) | (other, Domain::All) => other,
            (Domain::And(mut all), other) => {
                all.push(other);
                Domain::And(all)
            }
            (one, other) => Domain::And(vec![one, other]),
        }
    }

    /// True when a condition names the field itself.
    pub fn mentions(&self, field: &str) -> bool {
        match self {
            Domain::All | Domain::Nothing | Domain::Behind(..) => false,
            Domain::Leaf(leaf) => leaf.path == field,
            Domain::And(parts) | Domain::Or(parts) => parts.iter().any(|p| p.mentions(field)),
            Domain::Not(inner) => inner.mentions(field),
        }
    }

    /// Reads a domain where one must stand; see [`Domain::parse`] for where it may be left out.
    ///
    /// # Errors
    /// [`Error::Assertion`] for what is no list, and as for [`Domain::parse`].
    pub fn parse_given(value: &AnyValue) -> Result<Domain> {
        match value {
            AnyValue::List(_) => Domain::parse(value),
            other => Err(not_a_domain(other)),
        }
    }

    /// Reads Odoo's notation: a list of `[path, operator, value]` and the prefixes `&`, `|`, `!`.
    /// Nothing at all is the domain of all records.
    ///
    /// # Errors
    /// [`Error::Assertion`] for what is no list, [`Error::Index`] for a part too short to be a
    /// condition at all, [`Error::Value`] for other parts that cannot be read.
    pub fn parse(value: &AnyValue) -> Result<Domain> {
        let tokens = match value {
            AnyValue::Null | AnyValue::Bool(false) => return Ok(Domain::All),
            AnyValue::List(tokens) => tokens,
            AnyValue::Text(text) if text.trim() == "[]" || text.is_empty() => {
                return Ok(Domain::All);
            }
            other => return Err(not_a_domain(other)),
        };
        check_shape(tokens)?;
        let mut rest = tokens.as_slice();
        let mut all = Vec::new();
        while !rest.is_empty() {
            all.push(parse_next(&mut rest, 0)?);
        }
        Ok(match all.len() {
            0 => Domain::All,
            1 => all.swap_remove(0),
            _ => Domain::And(all),
        })
    }
}

fn not_a_domain(value: &AnyValue) -> Error {
    Error::Assertion(say!("error-domain-not-a-list", given = value.type_name()))
}

/// Refuses what has too few conditions for its prefixes, and then what is no condition at all,
/// in the order in which Odoo finds out.
fn check_shape(tokens: &[AnyValue]) -> Result<()> {
    let mut wanted = 0_i64;
    for token in tokens {
        wanted = wanted.max(1);
        match token.as_text() {
            Some("&" | "|") => wanted += 1,
            Some("!") => {}
            _ => wanted -= 1,
        }
    }
    if wanted > 0 {
        return Err(ends_early());
    }
    let is_prefix = |token: &AnyValue| matches!(token.as_text(), Some("&" | "|" | "!"));
    let too_short = |token: &AnyValue| match token {
        AnyValue::Text(text) => text.chars().nth(1).is_none(),
        AnyValue::List(parts) => parts.len() < 2,
        _ => false,
    };
    match tokens
        .iter()
        .find(|token| !is_prefix(token) && too_short(token))
    {
        None => Ok(()),
        Some(token) => Err(Error::Index(say!(
            "error-domain-no-condition",
            shown = token.to_python_text()
        ))),
    }
}

fn ends_early() -> Error {
    Error::Value(say!("error-domain-ends-early"))
}

/// How deep prefixes may nest; more is no search a person meant.
const DEEPEST: usize = 200;

fn parse_next(rest: &mut &[AnyValue], depth: usize) -> Result<Domain> {
    let Some((token, tail)) = rest.split_first() else {
        return Err(ends_early());
    };
    if depth > DEEPEST {
        return Err(Error::Value(say!("error-domain-too-deep", most = DEEPEST)));
    }
    *rest = tail;
    match token {
        AnyValue::Text(prefix) => match prefix.as_str() {
            "&" => {
                let (one, other) = (parse_next(rest, depth + 1)?, parse_next(rest, depth + 1)?);
                Ok(one.and(other))
            }
            "|" => {
                let (one, other) = (parse_next(rest, depth + 1)?, parse_next(rest, depth + 1)?);
                Ok(Domain::Or(vec![one, other]))
            }
            "!" => Ok(Domain::Not(Box::new(parse_next(rest, depth + 1)?))),
            other => Err(Error::Value(say!("error-domain-wrong-prefix", ?other))),
        },
        AnyValue::List(parts) => parse_leaf(parts),
        other => Err(Error::Value(say!(
            "error-domain-wrong-item",
            given = other.type_name()
        ))),
    }
}

fn parse_leaf(parts: &[AnyValue]) -> Result<Domain> {
    let [path, operator, value] = parts else {
        return Err(Error::Value(say!(
            "error-domain-three-parts",
            count = parts.len()
        )));
    };
    // (1, '=', 1) and (0, '=', 1) are Odoo's words for everything and nothing.
    if let AnyValue::Int(left) = path {
        return Ok(if AnyValue::Int(*left) == *value {
            Domain::All
        } else {
            Domain::Nothing
        });
    }
    let (AnyValue::Text(path), AnyValue::Text(operator_text)) = (path, operator) else {
        return Err(Error::Value(say!(
            "error-domain-not-texts",
            field = path.type_name(),
            operator = operator.type_name()
        )));
    };
    let Some(operator) = Operator::parse(operator_text) else {
        return Err(Error::Value(say!(
            "error-domain-operator-on",
            ?operator_text,
            ?path
        )));
    };
    Ok(Domain::leaf(path.clone(), operator, value.clone()))
}
