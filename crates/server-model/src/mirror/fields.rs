//! The fields of the models, as rows of `ir.model.fields`.

use std::collections::HashMap;

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::orm::convert;
use crate::registry::{Entry, registry};
use crate::schema::{Field, Kind};
use crate::sql::Sql;
use crate::value::Id;

/// How many rows one statement inserts: far enough below SQLite's limit of 32766 values.
const ROWS: usize = 200;

/// What the mirror shows of a field: when this changes, the mirror is written anew.
#[derive(Debug)]
#[expect(
    dead_code,
    reason = "read through Debug, as the fingerprint of the declarations"
)]
pub struct Shown<'a> {
    name: &'a str,
    label: &'a str,
    help: &'a str,
    kind: Kind,
    flags: [bool; 6],
    groups: &'a str,
    related: Option<&'a str>,
    depends: &'a [&'a str],
}

impl Shown<'_> {
    /// What is shown of the field.
    pub fn of(field: &Field) -> Shown<'_> {
        Shown {
            name: field.name,
            label: field.label,
            help: field.help,
            kind: field.kind,
            flags: [
                field.is_stored(),
                field.required,
                field.readonly,
                field.copied,
                field.translate,
                field.company_dependent,
            ],
            groups: field.groups,
            related: field.related,
            depends: field.depends,
        }
    }
}

/// Writes the fields that are not there yet, their groups and their external ids.
///
/// # Errors
/// When the database fails.
pub async fn write(env: &Env) -> Result<()> {
    let models = ids_of(env, "SELECT id, model FROM ir_model").await?;
    let all: Vec<(&Entry, &Field)> = registry()
        .iter()
        .flat_map(|entry| entry.fields.values().map(move |field| (entry, field)))
        .collect();
    for rows in all.chunks(ROWS) {
        insert(env, &models, rows).await?;
    }
    let groups = ids_of(
        env,
        "SELECT res_id, module || '.' || name FROM ir_model_data WHERE model = 'res.groups'",
    )
    .await?;
    for (entry, field) in all.iter().filter(|(_, field)| !field.groups.is_empty()) {
        for group in field.groups.split(',').filter_map(|g| groups.get(g.trim())) {
            link_group(env, entry, field, *group).await?;
        }
    }
    external_ids(env).await
}

async fn ids_of(env: &Env, select: &str) -> Result<HashMap<String, Id>> {
    let mut found = HashMap::new();
    for row in env.rows(env.sql(select)).await? {
        if let (Some(id), Some(name)) = (convert::get(&row, 0)?, convert::get(&row, 1)?) {
            found.insert(name, id);
        }
    }
    Ok(found)
}

async fn insert(env: &Env, models: &HashMap<String, Id>, rows: &[(&Entry, &Field)]) -> Result<()> {
    let mut sql = env.sql(
        "INSERT INTO ir_model_fields (model_id, model, name, complete_name, ttype, field_description, help, \
         relation, relation_field, relation_table, column1, column2, related, depends, size, on_delete, \
         store, required, readonly, copied, translate, company_dependent, \
         state, domain, selectable, \"index\", group_expand, sanitize, sanitize_tags, sanitize_attributes, sanitize_form, \
         sanitize_overridable, sanitize_style, strip_style, strip_classes, \
         create_uid, write_uid, create_date, write_date) VALUES ",
    );
    let mut first = true;
    for (entry, field) in rows {
        let Some(model) = models.get(entry.name()) else {
            continue;
        };
        sql.push(if first { "(" } else { ", (" });
        first = false;
        push(env, &mut sql, *model, entry, field);
    }
    if first {
        return Ok(());
    }
    sql.push(" ON CONFLICT (model, name) DO NOTHING");
    env.execute(sql).await?;
    Ok(())
}

fn push(env: &Env, sql: &mut Sql, model: Id, entry: &Entry, field: &Field) {
    let english = |text: &str| serde_json::json!({ "en_US": text }).to_string();
    sql.bind(model).push(", ").bind(entry.name()).push(", ");
    sql.bind(field.name).push(", ").bind(field.name).push(", ");
    sql.bind(field.kind.name()).push(", ");
    dialect::bind_json(sql, Some(english(field.label)));
    sql.push(", ");
    let help = (!field.help.is_empty()).then(|| english(field.help));
    dialect::bind_json(sql, help);
    let (inverse, table, this, that) = match field.kind {
        Kind::One2many { inverse, .. } => (Some(inverse), None, None, None),
        Kind::Many2many {
            table, this, that, ..
        } if !table.is_empty() => (None, Some(table), Some(this), Some(that)),
        _ => (None, None, None, None),
    };
    for text in [
        field.kind.comodel(),
        inverse,
        table,
        this,
        that,
        field.related,
    ] {
        sql.push(", ").bind(text);
    }
    let depends = (!field.depends.is_empty()).then(|| field.depends.join(","));
    sql.push(", ").bind(depends).push(", ");
    sql.bind(i32::try_from(field.size).unwrap_or(0)).push(", ");
    let on_delete = match field.kind {
        Kind::Many2one(_) if field.required => Some("restrict"),
        Kind::Many2one(_) => Some("set null"),
        _ => None,
    };
    sql.bind(on_delete);
    for flag in [
        field.is_stored(),
        field.required,
        field.readonly,
        field.copied,
        field.translate,
        field.company_dependent,
    ] {
        sql.push(", ").bind(flag);
    }
    sql.push(", 'base', '[]', ").bind(field.is_searchable());
    sql.push(", FALSE, FALSE, TRUE, TRUE, TRUE, TRUE, FALSE, FALSE, FALSE, FALSE, ");
    sql.bind(env.uid()).push(", ").bind(env.uid()).push(", ");
    sql.bind(env.now()).push(", ").bind(env.now()).push(")");
}

async fn link_group(env: &Env, entry: &Entry, field: &Field, group: Id) -> Result<()> {
    let mut sql =
        env.sql("INSERT INTO ir_model_fields_group_rel (field_id, group_id) SELECT id, CAST(");
    sql.bind(group)
        .push(" AS integer) FROM ir_model_fields WHERE model = ");
    sql.bind(entry.name()).push(" AND name = ").bind(field.name);
    sql.push(" ON CONFLICT DO NOTHING");
    env.execute(sql).await?;
    Ok(())
}

/// Fields are known as `field_<model>__<name>` in the module that brings their model.
async fn external_ids(env: &Env) -> Result<()> {
    let mut sql = env.sql(
        "INSERT INTO ir_model_data (module, name, model, res_id, noupdate, create_uid, write_uid, create_date, write_date) \
         SELECT d.module, 'field_' || replace(f.model, '.', '_') || '__' || f.name, 'ir.model.fields', f.id, TRUE, ",
    );
    sql.push("CAST(")
        .bind(env.uid())
        .push(" AS integer), CAST(");
    sql.bind(env.uid()).push(" AS integer), CAST(");
    sql.bind(env.now()).push(" AS ").push(timestamp(env));
    sql.push("), CAST(")
        .bind(env.now())
        .push(" AS ")
        .push(timestamp(env));
    sql.push(
        ") FROM ir_model_fields f JOIN ir_model_data d ON d.id = (SELECT MIN(m.id) FROM ir_model_data m \
         WHERE m.model = 'ir.model' AND m.res_id = f.model_id) \
         WHERE NOT EXISTS (SELECT 1 FROM ir_model_data known WHERE known.model = 'ir.model.fields' AND known.res_id = f.id) \
         ON CONFLICT DO NOTHING",
    );
    env.execute(sql).await?;
    Ok(())
}

/// The type under which a bound moment keeps its form: SQLite keeps moments as text.
fn timestamp(env: &Env) -> &'static str {
    if env.db() == sea_orm::DbBackend::Postgres {
        "timestamp"
    } else {
        "text"
    }
}
