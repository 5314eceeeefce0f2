//! `load`: rows of a table into records. All rows become records, or none does.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use words::say;

use super::{commands, create, export, external, names, search, write};
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind};
use crate::value::{AnyValue, Id, Key, Map, map};

/// What is wrong with a row, as clients show it.
struct Complaint {
    field: Option<String>,
    from: usize,
    to: usize,
    text: String,
}

/// One record's rows: the first holds its own values, the others only lines of its lists.
struct Group<'a> {
    from: usize,
    rows: &'a [Vec<AnyValue>],
}

/// Makes or changes a record for each row, and answers Odoo's `ids`, `messages` and `nextrow`.
///
/// A column is a field, `id` (external id), `.id` (number in the database), or a path into a
/// relation: `parent_id/id`, `child_ids/name`. Cells are texts, as in a file, or plain values.
///
/// # Errors
/// Only what is no matter of a single row: bad columns over JSON are complaints, too.
pub async fn rows(
    env: &Env,
    model: &'static Entry,
    columns: &[String],
    data: &[Vec<AnyValue>],
) -> Result<Map> {
    let paths: Vec<export::Path> = columns.iter().map(|name| export::path(name)).collect();
    env.execute(env.sql("SAVEPOINT load_rows")).await?;
    let mut ids = Vec::new();
    let mut complaints = Vec::new();
    for group in groups(model, &paths, data) {
        let outcome = Box::pin(record(env, model, &paths, &group)).await;
        match outcome {
            Ok(id) => ids.push(id),
            Err(complaint) => {
                complaints.push(complaint);
                // The database takes nothing more in a failed transaction, and the rows that
                // follow may rest on this one.
                env.execute(env.sql("ROLLBACK TO SAVEPOINT load_rows"))
                    .await?;
            }
        }
    }
    if complaints.is_empty() {
        env.execute(env.sql("RELEASE SAVEPOINT load_rows")).await?;
        return Ok(answer(AnyValue::ids(&ids), complaints));
    }
    // Rows behind a bad one were tried for their own complaints; they are not to stay either.
    env.execute(env.sql("ROLLBACK TO SAVEPOINT load_rows"))
        .await?;
    Ok(answer(AnyValue::FALSE, complaints))
}

fn answer(ids: AnyValue, complaints: Vec<Complaint>) -> Map {
    let messages = complaints.into_iter().map(|complaint| {
        let mut told = map([
            ("type", "error".into()),
            ("message", complaint.text.into()),
            ("record", (complaint.from as i64).into()),
            (
                "rows",
                map([
                    ("from", (complaint.from as i64).into()),
                    ("to", (complaint.to as i64).into()),
                ])
                .into(),
            ),
        ]);
        if let Some(field) = complaint.field {
            told.insert(Key::Borrowed("field"), field.into());
        }
        told.into()
    });
    map([
        ("ids", ids),
        ("messages", AnyValue::List(messages.collect())),
        ("nextrow", 0.into()),
    ])
}

/// Rows that fill nothing but lists continue the record above them.
fn groups<'a>(model: &Entry, paths: &[export::Path], data: &'a [Vec<AnyValue>]) -> Vec<Group<'a>> {
    let own: Vec<usize> = (0..paths.len())
        .filter(|place| !is_line(model, &paths[*place]))
        .collect();
    let continues = |row: &Vec<AnyValue>| {
        own.len() < paths.len() && own.iter().all(|at| row.get(*at).is_none_or(is_empty))
    };
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (at, row) in data.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if continues(row) => group.rows = &data[group.from..=at],
            _ => groups.push(Group {
                from: at,
                rows: &data[at..=at],
            }),
        }
    }
    groups
}

fn is_line(model: &Entry, path: &export::Path) -> bool {
    path.len() > 1
        && model
            .fields
            .get(path[0].as_str())
            .is_some_and(|field| matches!(field.kind, Kind::One2many { .. }))
}

fn is_empty(cell: &AnyValue) -> bool {
    cell.is_nothing() || cell.as_text().is_some_and(|text| text.trim().is_empty())
}

async fn record(
    env: &Env,
    model: &'static Entry,
    paths: &[export::Path],
    group: &Group<'_>,
) -> std::result::Result<Id, Complaint> {
    let complain = |field: Option<String>, text: String| Complaint {
        field,
        from: group.from,
        to: group.from + group.rows.len() - 1,
        text,
    };
    let rows: Vec<&[AnyValue]> = group.rows.iter().map(Vec::as_slice).collect();
    let values = values(env, model, paths, &rows)
        .await
        .map_err(|(field, error)| complain(field, error.to_string()))?;
    save(env, model, values)
        .await
        .map_err(|error| complain(None, error.to_string()))
}

/// The values of a record, with `id` and `.id` among them as they stand in the row.
type FieldError = (Option<String>, Error);

fn values<'a>(
    env: &'a Env,
    model: &'static Entry,
    paths: &'a [export::Path],
    rows: &'a [&'a [AnyValue]],
) -> BoxFuture<'a, std::result::Result<Map, FieldError>> {
    async move {
        let mut values = Map::new();
        let Some(first) = rows.first() else {
            return Ok(values);
        };
        for (place, path) in paths.iter().enumerate() {
            let cell = first.get(place).unwrap_or(&AnyValue::Null);
            let Some((name, rest)) = path.split_first() else {
                continue;
            };
            let blame = |error| (Some(name.clone()), error);
            if matches!(name.as_str(), "id" | ".id") {
                if !is_empty(cell) {
                    values.insert(Key::Owned(name.clone()), cell.to_python_text().into());
                }
                continue;
            }
            let field = model.field(name).map_err(blame)?;
            if is_line(model, path) {
                if !values.contains_key(name.as_str()) {
                    let lines = lines(env, field, name, paths, rows).await?;
                    values.insert(Key::Borrowed(field.name), lines);
                }
                continue;
            }
            let value = cell_value(env, model, field, rest, cell)
                .await
                .map_err(blame)?;
            values.insert(Key::Borrowed(field.name), value);
        }
        Ok(values)
    }
    .boxed()
}

/// The new lines of a one2many: one for each row that fills any of its columns.
async fn lines(
    env: &Env,
    field: &'static Field,
    name: &str,
    paths: &[export::Path],
    rows: &[&[AnyValue]],
) -> std::result::Result<AnyValue, FieldError> {
    let blame = |error| (Some(name.to_owned()), error);
    let comodel = field.kind.comodel().unwrap_or_default();
    let comodel = entry(comodel).map_err(blame)?;
    let (places, inner): (Vec<usize>, Vec<export::Path>) = paths
        .iter()
        .enumerate()
        .filter(|(_, path)| path.len() > 1 && path[0] == name)
        .map(|(place, path)| (place, path[1..].to_vec()))
        .unzip();
    let mut commands = Vec::new();
    for row in rows {
        let cells: Vec<AnyValue> = places
            .iter()
            .map(|place| row.get(*place).cloned().unwrap_or_default())
            .collect();
        if cells.iter().all(is_empty) {
            continue;
        }
        let mut line = values(env, comodel, &inner, &[&cells]).await?;
        let external = line.shift_remove("id");
        let known = match (line.shift_remove(".id"), &external) {
            (Some(number), _) => number.to_python_text().trim().parse::<Id>().ok(),
            (None, Some(external)) => external::find(env, comodel, &external.to_python_text())
                .await
                .map_err(blame)?,
            (None, None) => None,
        };
        commands.push(match known {
            Some(id) => AnyValue::List(vec![1.into(), id.into(), line.into()]),
            None => AnyValue::List(vec![0.into(), 0.into(), line.into()]),
        });
    }
    Ok(AnyValue::List(commands))
}

/// A cell as the field takes it.
async fn cell_value(
    env: &Env,
    model: &'static Entry,
    field: &'static Field,
    rest: &[String],
    cell: &AnyValue,
) -> Result<AnyValue> {
    if is_empty(cell) {
        return Ok(AnyValue::FALSE);
    }
    if let Some(comodel) = field.kind.comodel() {
        let comodel = entry(comodel)?;
        let by = rest.first().map_or("", String::as_str);
        if !field.kind.is_x2many() {
            return Ok(target(env, comodel, by, &cell.to_python_text())
                .await?
                .into());
        }
        let mut ids = Vec::new();
        for part in cell.to_python_text().split(',') {
            ids.push(target(env, comodel, by, part.trim()).await?.into());
        }
        return Ok(commands::set(ids));
    }
    let Some(text) = cell.as_text().map(str::trim) else {
        return Ok(cell.clone());
    };
    match field.kind {
        Kind::Boolean => truth(model, field, text),
        Kind::Selection(options) => {
            let chosen = options
                .iter()
                .find(|(value, label)| *value == text || label.eq_ignore_ascii_case(text));
            match chosen {
                Some((value, _)) => Ok((*value).into()),
                None if options.is_empty() => Ok(text.into()),
                None => Err(unreadable(model, field, text)),
            }
        }
        Kind::Integer | Kind::Many2oneReference(_) => text
            .parse::<i64>()
            .map(AnyValue::from)
            .map_err(|_| unreadable(model, field, text)),
        Kind::Float => text
            .parse::<f64>()
            .map(AnyValue::from)
            .map_err(|_| unreadable(model, field, text)),
        _ => Ok(cell.clone()),
    }
}

fn truth(model: &Entry, field: &Field, text: &str) -> Result<AnyValue> {
    match text.to_lowercase().as_str() {
        "1" | "true" | "yes" | "t" | "y" => Ok(true.into()),
        "0" | "false" | "no" | "f" | "n" => Ok(false.into()),
        _ => Err(Error::Value(say!(
            "error-load-no-truth",
            ?text,
            label = model.label(field),
            field = field.name
        ))),
    }
}

fn unreadable(model: &Entry, field: &Field, text: &str) -> Error {
    Error::Value(
        say!("error-load-unreadable", ?text, label = model.label(field), field = field.name, model = ?model.name(), kind = field.kind.name()),
    )
}

/// The record that a cell means: by external id, by number, or by name.
async fn target(env: &Env, comodel: &'static Entry, by: &str, text: &str) -> Result<Id> {
    let found = match by {
        "id" => external::find(env, comodel, text).await?,
        ".id" => match text.parse::<Id>() {
            Ok(id) => search::existing(env, comodel, &[id])
                .await?
                .first()
                .copied(),
            Err(_) => None,
        },
        "" => {
            let wanted = names::search_domain(comodel, Operator::Eq, &text.into())?;
            let options = search::Options {
                limit: 1,
                ..search::Options::default()
            };
            search::ids(env, comodel, &wanted, &options)
                .await?
                .first()
                .copied()
        }
        other => {
            return Err(Error::Value(say!("error-load-behind", ?other)));
        }
    };
    found.ok_or_else(|| {
        Error::Value(say!(
            "error-load-no-record",
            title = comodel.title(),
            model = comodel.name(),
            ?text
        ))
    })
}

async fn save(env: &Env, model: &'static Entry, mut values: Map) -> Result<Id> {
    let external = values.shift_remove("id").map(|id| id.to_python_text());
    let number = values.shift_remove(".id").map(|id| id.to_python_text());
    let known = match (&number, &external) {
        (Some(number), _) => Some(
            number
                .trim()
                .parse::<Id>()
                .map_err(|_| Error::Value(say!("error-load-no-number", ?number)))?,
        ),
        (None, Some(external)) => external::find(env, model, external).await?,
        (None, None) => None,
    };
    if let Some(id) = known {
        if search::unchecked(&env.sudo(), model, &Domain::ids(&[id]))
            .await?
            .is_empty()
        {
            return Err(write::missing(model, id));
        }
        write::records(env, model, &[id], values).await?;
        return Ok(id);
    }
    let id = create::record(env, model, values).await?;
    if let Some(external) = external {
        external::keep(env, model, id, &external).await?;
    }
    Ok(id)
}
