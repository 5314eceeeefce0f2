//! Whether a database is that of an Odoo 18 which Postern can work beside: its version, its modules, and
//! each column that the program reads or writes.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm_migration::prelude::{ConnectionTrait, DbErr};
use sea_orm_migration::sea_orm::TryGetable;

use super::{AdoptionError, Needs, Result, count, rows, texts};
use crate::schema::{Column, Table, Type};
use crate::{home, m0001_odoo_tables, m0004_wizards, m0005_links};

/// The one series of Odoo's that Postern works beside.
const SERIES: &str = "18.0";

/// Odoo's tables that the program neither reads nor writes.
const UNUSED: [&str; 4] = [
    "mail_template",
    "ir_logging",
    "ir_cron_trigger",
    "ir_cron_progress",
];

/// The tables in which Postern makes records whenever mail goes or comes. Elsewhere, a column that it does
/// not know and that wants a value only keeps it from making records.
const WRITTEN: [&str; 8] = [
    "mail_message",
    "mail_mail",
    "mail_notification",
    "mail_followers",
    "ir_attachment",
    "ir_config_parameter",
    "ir_mail_server",
    "fetchmail_server",
];

/// Which module brings the columns that begin so.
const MODULES: [(&str, &str); 15] = [
    ("microsoft_outlook_", "microsoft_outlook"),
    ("google_gmail_", "google_gmail"),
    ("snailmail_", "snailmail"),
    ("letter_id", "snailmail"),
    ("sms_", "sms"),
    ("partner_gid", "partner_autocomplete"),
    ("additional_info", "partner_autocomplete"),
    ("iap_enrich_auto_done", "partner_autocomplete"),
    ("signup_type", "auth_signup"),
    ("auth_signup_", "auth_signup"),
    ("totp_secret", "auth_totp"),
    ("odoobot_", "mail_bot"),
    ("tour_enabled", "web_tour"),
    ("unsplash_", "web_unsplash"),
    ("phone_sanitized", "phone_validation"),
];

/// A column as the database has it.
struct Found {
    kind: String,
    not_null: bool,
    has_default: bool,
}

type Tables = BTreeMap<String, BTreeMap<String, Found>>;

/// Gives the version, if Postern can work beside this Odoo.
///
/// # Errors
/// [`AdoptionError::NotOdoo`] where there is no list of modules, [`AdoptionError::Unfit`] with all that
/// differs.
pub(super) async fn inspect<C: ConnectionTrait>(db: &C, needs: &Needs) -> Result<String> {
    let tables = found(db).await?;
    let modules = tables.get("ir_module_module");
    if !modules.is_some_and(|table| {
        ["name", "state", "latest_version"]
            .iter()
            .all(|column| table.contains_key(*column))
    }) {
        return Err(AdoptionError::NotOdoo(
            "No Odoo works on this database, or not with this schema: it has no list of modules (ir_module_module)."
                .into(),
        ));
    }
    let version = texts(
        db,
        "SELECT COALESCE(latest_version, '')::text FROM ir_module_module WHERE name = 'base'",
    )
    .await?
    .pop()
    .unwrap_or_default();
    let mut differences = Vec::new();
    let series = series(&version);
    if series != SERIES {
        differences.push(if series.is_empty() {
            "The module base has no version: Odoo has not finished installing it.".into()
        } else {
            format!("Its version is {series} (base {version}).")
        });
    }
    differences.extend(of_modules(db).await?);
    for table in odoo_tables() {
        of_table(db, &table, &tables, needs, &mut differences).await?;
    }
    if differences.is_empty() {
        return Ok(version);
    }
    Err(AdoptionError::Unfit {
        version: if series.is_empty() {
            "Odoo".into()
        } else {
            format!("Odoo {series}")
        },
        differences,
    })
}

/// `18.0.1.3` is of the series `18.0`, `saas~18.2.1.3` of `saas~18.2`.
fn series(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

async fn of_modules<C: ConnectionTrait>(db: &C) -> std::result::Result<Vec<String>, DbErr> {
    let mut differences = Vec::new();
    let has_mail = "SELECT count(*) FROM ir_module_module WHERE name = 'mail' AND state NOT IN ('uninstalled', 'uninstallable', 'to install')";
    if count(db, has_mail).await? == 0 {
        differences.push("The module mail is not installed.".into());
    }
    let unfinished = texts(
        db,
        "SELECT name::text FROM ir_module_module WHERE state IN ('to install', 'to upgrade', 'to remove') ORDER BY 1",
    )
    .await?;
    if !unfinished.is_empty() {
        differences.push(format!(
            "Odoo is not done with modules that are to be installed, upgraded or removed: {}. Let it finish first.",
            unfinished.join(", ")
        ));
    }
    Ok(differences)
}

/// Odoo's tables, as they are in Odoo 18.
fn odoo_tables() -> Vec<Table> {
    let mut tables = m0001_odoo_tables::GROUPS.concat();
    tables.extend(m0004_wizards::TABLES);
    tables.extend(m0005_links::TABLES);
    tables.retain(|table| !home::is_ours(table.name) && !UNUSED.contains(&table.name));
    tables
}

async fn of_table<C: ConnectionTrait>(
    db: &C,
    table: &Table,
    tables: &Tables,
    needs: &Needs,
    differences: &mut Vec<String>,
) -> std::result::Result<(), DbErr> {
    let name = table.name;
    let Some(columns) = tables.get(name) else {
        differences.push(format!("The table {name} is missing."));
        return Ok(());
    };
    // A table without a model is a list of links, all of which is needed.
    let needed = |column: &&Column| {
        needs
            .get(name)
            .is_none_or(|needed| needed.contains(column.name))
    };
    for column in table.columns.iter().filter(needed) {
        let Some(found) = columns.get(column.name) else {
            differences.push(missing(name, column.name));
            continue;
        };
        let wanted = kind(column.kind);
        if without_limit(&found.kind) != wanted {
            differences.push(format!(
                "The column {name}.{} is of the type {:?} instead of {wanted:?}.",
                column.name, found.kind
            ));
        } else if !column.nullable && !found.not_null {
            // Odoo leaves the rule out where rows broke it when it was made.
            let empty = count(
                db,
                &format!(
                    "SELECT count(*) FROM \"{name}\" WHERE \"{}\" IS NULL",
                    column.name
                ),
            )
            .await?;
            if empty > 0 {
                differences.push(format!(
                    "The column {name}.{} is empty in {empty} rows, and Odoo 18 wants a value in each. Give them one.",
                    column.name
                ));
            }
        }
    }
    if WRITTEN.contains(&name) {
        for column in demanding(table, columns) {
            differences.push(format!(
                "The column {name}.{column} wants a value, has no default and is not known to Postern, which could therefore add nothing to {name}. It belongs to a module that is not Odoo's mail: give the column a default, or remove the module."
            ));
        }
    }
    Ok(())
}

fn missing(table: &str, column: &str) -> String {
    let module = MODULES
        .iter()
        .find(|(start, _)| column.starts_with(start))
        .map(|(_, module)| format!(" It comes with the module {module}: install that."));
    format!(
        "The column {table}.{column} is missing.{}",
        module.unwrap_or_default()
    )
}

/// The columns that Postern does not know and that a new row must have a value in.
fn demanding<'a>(
    table: &Table,
    columns: &'a BTreeMap<String, Found>,
) -> impl Iterator<Item = &'a str> {
    let known: BTreeSet<&str> = table.columns.iter().map(|column| column.name).collect();
    columns
        .iter()
        .filter(move |(name, found)| {
            found.not_null && !found.has_default && !known.contains(name.as_str())
        })
        .map(|(name, _)| name.as_str())
}

/// What is to be known of a database that fits.
pub(super) async fn remarks<C: ConnectionTrait>(db: &C) -> std::result::Result<Vec<String>, DbErr> {
    let mut remarks = Vec::new();
    let tables = found(db).await?;
    for table in odoo_tables() {
        let Some(columns) = tables.get(table.name) else {
            continue;
        };
        let demanding: Vec<&str> = demanding(&table, columns).collect();
        if !demanding.is_empty() && !WRITTEN.contains(&table.name) {
            remarks.push(format!(
                "New records of {} have to be made in Odoo: it has columns that want a value and that Postern does not know ({}). Existing ones can be changed.",
                table.name,
                demanding.join(", ")
            ));
        }
    }
    let in_files = count(
        db,
        "SELECT count(*) FROM ir_attachment a JOIN message_attachment_rel l ON l.attachment_id = a.id \
         JOIN mail_mail m ON m.mail_message_id = l.message_id \
         WHERE m.state IN ('outgoing', 'exception') AND a.store_fname <> ''",
    )
    .await?;
    let all_in_files = count(
        db,
        "SELECT count(*) FROM ir_attachment WHERE store_fname <> ''",
    )
    .await?;
    if all_in_files > 0 {
        remarks.push(format!(
            "{all_in_files} attachments lie in files of Odoo's, {in_files} of them on mails that wait: name the folder with --odoo-filestore, or these mails are not sent."
        ));
    }
    let sends_at_once = count(
        db,
        "SELECT count(*) FROM ir_config_parameter WHERE key = 'mail.mail.force.send.limit' AND value = '0'",
    )
    .await?
        == 0;
    if sends_at_once {
        remarks.push(
            "Odoo sends some mails itself as soon as they are written, without its queue. Set the system parameter mail.mail.force.send.limit to 0 in Odoo, and notifications go through the queue, which Postern sends."
                .into(),
        );
    }
    Ok(remarks)
}

async fn found<C: ConnectionTrait>(db: &C) -> std::result::Result<Tables, DbErr> {
    let mut tables = Tables::new();
    for row in rows(
        db,
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)::text, a.attnotnull, a.atthasdef \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') \
         AND a.attnum > 0 AND NOT a.attisdropped",
    )
    .await?
    {
        let at = |place| String::try_get_by_index(&row, place).map_err(DbErr::from);
        let column = Found {
            kind: at(2)?,
            not_null: row.try_get_by_index(3)?,
            has_default: row.try_get_by_index(4)?,
        };
        tables.entry(at(0)?).or_default().insert(at(1)?, column);
    }
    Ok(tables)
}

/// A type as PostgreSQL calls it. Texts of all kinds are read alike, so they count as one.
fn kind(kind: Type) -> &'static str {
    match kind {
        Type::Integer => "integer",
        Type::BigInt => "bigint",
        Type::Boolean => "boolean",
        Type::Varchar(_) | Type::Text => "text",
        Type::Jsonb => "jsonb",
        Type::Bytea => "bytea",
        Type::Double => "double precision",
        Type::Numeric => "numeric",
        Type::Timestamp => "timestamp without time zone",
    }
}

fn without_limit(kind: &str) -> &str {
    if kind == "text" || kind.starts_with("character varying") {
        "text"
    } else if kind.starts_with("numeric") {
        "numeric"
    } else {
        kind
    }
}

#[cfg(test)]
mod tests {
    use super::series;

    #[test]
    fn a_version_names_its_series() {
        assert_eq!(series("18.0.1.3"), "18.0");
        assert_eq!(series("saas~18.2.1.3"), "saas~18.2");
        assert_eq!(series(""), "");
    }
}
