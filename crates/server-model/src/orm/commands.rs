//! The commands that change lists of linked records: Odoo's numbers 0 to 6.

use words::{Text, say};

use super::{create, read, search, write};
use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind};
use crate::value::{AnyValue, Id, Ids, Key, Map};

/// Whether the record whose list is changed was just made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It was made in the same call, so its lists are empty.
    Created,
    /// It was there before.
    Before,
}

enum Command {
    Create(Map),
    Update(Id, Map),
    Delete(Id),
    Unlink(Id),
    Link(Id),
    Clear,
    Set(Ids),
}

/// The command that makes the list exactly these records.
pub fn set(ids: Vec<AnyValue>) -> AnyValue {
    AnyValue::List(vec![AnyValue::List(vec![
        6.into(),
        0.into(),
        AnyValue::List(ids),
    ])])
}

fn parse(model: &Entry, field: &Field, value: &AnyValue) -> Result<Vec<Command>> {
    let bad = |what: Text| {
        Error::Value(say!("error-list-command", field = ?field.name, model = ?model.name(), what))
    };
    let items = match value {
        AnyValue::Null | AnyValue::Bool(false) => return Ok(vec![Command::Clear]),
        AnyValue::List(items) => items,
        other => return Err(bad(say!("list-no-list", given = other.type_name()))),
    };
    // A plain list of ids stands for exactly these records.
    if items.iter().all(|item| matches!(item, AnyValue::Int(_))) {
        return Ok(vec![Command::Set(
            items.iter().filter_map(AnyValue::as_id).collect(),
        )]);
    }
    let mut commands = Vec::with_capacity(items.len());
    for item in items {
        let parts = match item {
            AnyValue::List(parts) => parts.as_slice(),
            // A mapping alone is the values of a new record.
            AnyValue::Map(values) => {
                commands.push(Command::Create(values.clone()));
                continue;
            }
            AnyValue::Int(_) => {
                commands.extend(item.as_id().map(Command::Link));
                continue;
            }
            other => return Err(bad(say!("list-no-command", given = other.type_name()))),
        };
        let number = parts.first().and_then(AnyValue::as_int);
        let id = || parts.get(1).and_then(AnyValue::as_id);
        let values = || match parts.get(2) {
            Some(AnyValue::Map(values)) => Ok(values.clone()),
            None | Some(AnyValue::Null | AnyValue::Bool(false)) => Ok(Map::new()),
            Some(other) => Err(bad(say!("list-no-values", given = other.type_name()))),
        };
        let needs_id = || id().ok_or_else(|| bad(say!("list-needs-id")));
        commands.push(match number {
            Some(0) => Command::Create(values()?),
            Some(1) => Command::Update(needs_id()?, values()?),
            Some(2) => Command::Delete(needs_id()?),
            Some(3) => Command::Unlink(needs_id()?),
            Some(4) => Command::Link(needs_id()?),
            Some(5) => Command::Clear,
            Some(6) => Command::Set(match parts.get(2) {
                Some(AnyValue::List(ids)) => ids.iter().filter_map(AnyValue::as_id).collect(),
                None | Some(AnyValue::Null | AnyValue::Bool(false)) => Ids::new(),
                Some(_) => return Err(bad(say!("list-needs-ids"))),
            }),
            // Odoo passes unknown numbers by.
            Some(_) => continue,
            None => return Err(bad(say!("list-needs-number"))),
        });
    }
    Ok(commands)
}

/// Applies the commands to the list `field` of each of the records.
///
/// # Errors
/// [`Error::Value`] for what is no command, and as for creating, writing and deleting.
pub async fn apply(
    env: &Env,
    model: &'static Entry,
    field: &Field,
    ids: &[Id],
    value: &AnyValue,
    since: Since,
) -> Result<()> {
    if since == Since::Created && value.is_falsy() {
        return Ok(());
    }
    let Some(comodel) = field.kind.comodel() else {
        return Ok(());
    };
    let comodel = entry(comodel)?;
    let commands = parse(model, field, value)?;
    for id in ids {
        for command in &commands {
            match field.kind {
                Kind::Many2many {
                    table, this, that, ..
                } => {
                    let links = Links {
                        env,
                        table,
                        this,
                        that,
                        id: *id,
                    };
                    links.apply(comodel, command).await?;
                }
                Kind::One2many { inverse, .. } => {
                    apply_lines(env, model, comodel, inverse, field, *id, command).await?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

struct Links<'a> {
    env: &'a Env,
    table: &'static str,
    this: &'static str,
    that: &'static str,
    id: Id,
}

impl Links<'_> {
    async fn apply(&self, comodel: &'static Entry, command: &Command) -> Result<()> {
        match command {
            Command::Create(values) => {
                let made = create::record(self.env, comodel, values.clone()).await?;
                self.add(made).await
            }
            Command::Update(linked, values) => {
                write::records(self.env, comodel, &[*linked], values.clone()).await
            }
            Command::Delete(linked) => {
                self.remove(*linked).await?;
                write::unlink(self.env, comodel, &[*linked]).await
            }
            Command::Unlink(linked) => self.remove(*linked).await,
            Command::Link(linked) => {
                self.check(comodel, &[*linked]).await?;
                self.add(*linked).await
            }
            Command::Clear => self.clear().await,
            Command::Set(linked) => {
                self.clear().await?;
                self.add_all(comodel, linked).await
            }
        }
    }

    async fn check(&self, comodel: &'static Entry, ids: &[Id]) -> Result<()> {
        let existing = search::existing(self.env, comodel, ids).await?;
        match ids.iter().find(|id| !existing.contains(id)) {
            Some(gone) => Err(Error::Validation(say!(
                "error-link-gone",
                id = *gone,
                title = comodel.title(),
                name = comodel.name()
            ))),
            None => Ok(()),
        }
    }

    /// Links many at once; those already linked stay.
    async fn add_all(&self, comodel: &'static Entry, ids: &[Id]) -> Result<()> {
        self.check(comodel, ids).await?;
        let mut sql = self.env.sql("INSERT INTO ");
        sql.name(self.table)
            .push(" (")
            .name(self.this)
            .push(", ")
            .name(self.that);
        sql.push(") SELECT CAST(").bind(self.id);
        sql.push(" AS INTEGER), t0.id FROM ")
            .name(comodel.table())
            .push(" t0 WHERE t0.id");
        dialect::in_ids(&mut sql, ids);
        sql.push(" ON CONFLICT DO NOTHING");
        self.env.execute(sql).await?;
        Ok(())
    }

    async fn add(&self, linked: Id) -> Result<()> {
        let mut sql = self.env.sql("INSERT INTO ");
        sql.name(self.table)
            .push(" (")
            .name(self.this)
            .push(", ")
            .name(self.that);
        sql.push(") VALUES (").bind(self.id).push(", ").bind(linked);
        sql.push(") ON CONFLICT DO NOTHING");
        self.env.execute(sql).await?;
        Ok(())
    }

    async fn remove(&self, linked: Id) -> Result<()> {
        let mut sql = self.env.sql("DELETE FROM ");
        sql.name(self.table)
            .push(" WHERE ")
            .name(self.this)
            .push(" = ")
            .bind(self.id);
        sql.push(" AND ").name(self.that).push(" = ").bind(linked);
        self.env.execute(sql).await?;
        Ok(())
    }

    async fn clear(&self) -> Result<()> {
        let mut sql = self.env.sql("DELETE FROM ");
        sql.name(self.table)
            .push(" WHERE ")
            .name(self.this)
            .push(" = ")
            .bind(self.id);
        self.env.execute(sql).await?;
        Ok(())
    }
}

async fn apply_lines(
    env: &Env,
    model: &'static Entry,
    comodel: &'static Entry,
    inverse: &'static str,
    field: &Field,
    id: Id,
    command: &Command,
) -> Result<()> {
    let mut owner = Map::new();
    if let Kind::Many2oneReference(model_field) = comodel.field(inverse)?.kind {
        owner.insert(Key::Borrowed(model_field), model.name().into());
    }
    owner.insert(Key::Borrowed(inverse), id.into());
    match command {
        Command::Create(values) => {
            let mut values = values.clone();
            values.extend(owner);
            create::record(env, comodel, values).await.map(|_| ())
        }
        Command::Update(line, values) => {
            write::records(env, comodel, &[*line], values.clone()).await
        }
        Command::Delete(line) => write::unlink(env, comodel, &[*line]).await,
        Command::Unlink(line) => let_go(env, comodel, inverse, &[*line]).await,
        Command::Link(line) => write::records(env, comodel, &[*line], owner).await,
        Command::Clear => {
            let lines = lines_of(env, model, field, id).await?;
            let_go(env, comodel, inverse, &lines).await
        }
        Command::Set(lines) => {
            let before = lines_of(env, model, field, id).await?;
            let gone: Ids = before
                .iter()
                .copied()
                .filter(|l| !lines.contains(l))
                .collect();
            let_go(env, comodel, inverse, &gone).await?;
            let new: Ids = lines
                .iter()
                .copied()
                .filter(|l| !before.contains(l))
                .collect();
            write::records(env, comodel, &new, owner).await
        }
    }
}

async fn lines_of(env: &Env, model: &'static Entry, field: &Field, id: Id) -> Result<Ids> {
    let env = env.sudo().with("active_test", false);
    let field = model.field(field.name)?;
    let lines = read::values(&env, model, &[id], &[field]).await?;
    Ok(lines
        .get(field.name)
        .and_then(|column| column.first())
        .and_then(AnyValue::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(AnyValue::as_id)
        .collect())
}

/// Takes lines out of a list: deletes those that cannot be without an owner.
async fn let_go(
    env: &Env,
    comodel: &'static Entry,
    inverse: &'static str,
    lines: &[Id],
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    if comodel.field(inverse)?.required {
        return write::unlink(env, comodel, lines).await;
    }
    let nothing = Map::from_iter([(Key::Borrowed(inverse), AnyValue::FALSE)]);
    write::records(env, comodel, lines, nothing).await
}
