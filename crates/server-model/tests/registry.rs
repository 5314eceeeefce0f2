//! The registry holds together, and the database has the columns that it declares.

use std::collections::{BTreeSet, HashMap};

use migrations::migrate;
use migrations::sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use server_model::registry::{Entry, registry};
use server_model::schema::Kind;

/// Models that nobody but the program itself works with: they have methods, and no records.
const WITHOUT_ACCESS: &[&str] = &[
    "google.gmail.mixin",
    "mail.thread",
    "microsoft.outlook.mixin",
    "postern.mailbox",
];

/// Columns that are no fields, because nothing here has a use for what they hold. Clients do not
/// see them; in an Odoo database they keep what Odoo put there.
const HIDDEN: &[(&str, &[&str])] = &[
    (
        "ir_act_server",
        &[
            "crud_model_id",
            "link_field_id",
            "update_field_id",
            "update_related_model_id",
            "selection_value",
            "model_name",
            "update_path",
            "update_m2m_operation",
            "update_boolean_value",
            "evaluation_type",
            "resource_ref",
            "webhook_url",
            "value",
            "template_id",
            "activity_type_id",
            "activity_date_deadline_range",
            "activity_user_id",
            "mail_post_method",
            "activity_summary",
            "activity_date_deadline_range_type",
            "activity_user_type",
            "activity_user_field_name",
            "activity_note",
            "mail_post_autofollow",
            "sms_template_id",
            "sms_method",
        ],
    ),
    (
        "ir_module_module",
        &[
            "category_id",
            "imported",
            "menus_by_module",
            "module_type",
            "reports_by_module",
            "views_by_module",
            "web",
        ],
    ),
    (
        "mail_message",
        &["author_guest_id", "mail_activity_type_id"],
    ),
    ("mail_notification", &["letter_id"]),
    ("postern_handoff", &["secret"]),
    ("postern_handoff_mail", &["claimed_by", "raw", "reason"]),
    (
        "postern_quarantine",
        &["raw", "reason", "uid", "uidvalidity"],
    ),
    (
        "res_company",
        &["external_report_layout_id", "paperformat_id"],
    ),
    (
        "res_currency",
        &["currency_subunit_label", "currency_unit_label", "rounding"],
    ),
    ("res_groups", &["category_id"]),
    (
        "res_partner",
        &[
            "country_id",
            "industry_id",
            "partner_latitude",
            "partner_longitude",
            "state_id",
            "title",
        ],
    ),
    ("res_users", &["action_id", "password", "totp_secret"]),
    ("res_users_apikeys", &["index", "key"]),
    ("res_users_identitycheck", &["password", "request"]),
];

#[test]
fn every_model_says_who_may_do_what() {
    for entry in registry().iter() {
        let listed = WITHOUT_ACCESS.contains(&entry.name());
        assert_eq!(
            entry.model.access.is_empty(),
            listed,
            "{} has access rows, or is listed as a model without",
            entry.name()
        );
        for row in entry.model.access {
            assert!(
                row.group.is_empty() || is_external_id(row.group),
                "{} grants to {:?}, which is no external id",
                entry.name(),
                row.group
            );
        }
        for rule in entry.model.rules {
            assert!(!rule.operations.is_empty(), "{}", entry.name());
            assert!(rule.domain_force.starts_with('['), "{}", entry.name());
            for group in rule.groups {
                assert!(is_external_id(group), "{}: {group}", entry.name());
            }
        }
    }
}

fn is_external_id(name: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(module, name)| !module.is_empty() && !name.is_empty())
}

#[test]
fn every_relation_leads_to_a_model_and_back() {
    for entry in registry().iter() {
        for field in entry.fields.values() {
            let place = format!("{}.{}", entry.name(), field.name);
            let Some(comodel) = field.kind.comodel() else {
                continue;
            };
            let comodel = registry()
                .get(comodel)
                .unwrap_or_else(|_| panic!("{place} leads to {comodel}, which is no model"));
            if let Kind::One2many { inverse, .. } = field.kind {
                assert!(
                    comodel.fields.contains_key(inverse),
                    "{place} comes back by {inverse}, which {} has not",
                    comodel.name()
                );
            }
        }
        for (parent, through) in entry.model.inherits {
            let link = entry.fields.get(through).map(|field| field.kind);
            assert_eq!(link, Some(Kind::Many2one(parent)), "{}", entry.name());
        }
    }
}

#[test]
fn every_path_of_a_related_field_can_be_walked() {
    for entry in registry().iter() {
        for field in entry.fields.values() {
            let Some(path) = field.related else { continue };
            let end = walk(entry, path);
            assert!(
                end.is_some(),
                "{}.{} shows {path}, which leads nowhere",
                entry.name(),
                field.name
            );
        }
    }
}

fn walk(start: &Entry, path: &str) -> Option<()> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let field = start.fields.get(first)?;
    if rest.is_empty() {
        return Some(());
    }
    walk(registry().get(field.kind.comodel()?).ok()?, rest)
}

#[test]
fn every_model_is_named_and_ordered_by_fields_it_has() {
    for entry in registry().iter() {
        let rec_name = entry.model.rec_name;
        let has_name = entry.fields.contains_key(rec_name);
        let named = has_name || entry.model.hooks.display_name.is_some();
        // Without either, records are called by model and id, as in Odoo.
        assert!(
            named || rec_name.is_empty() || rec_name == "name",
            "{} is named by {rec_name}",
            entry.name()
        );
        for term in entry.model.order.split(',').map(str::trim) {
            let name = term.split(' ').next().unwrap_or_default();
            assert!(
                entry.model.table.is_empty() || entry.fields.contains_key(name),
                "{} is ordered by {name:?}",
                entry.name()
            );
        }
    }
}

#[test]
fn every_model_has_a_title_in_every_language() {
    for model in registry().iter() {
        let key = format!("model-{}", model.name().replace('.', "-"));
        let english = words::Lang::English.known(&key);
        assert_eq!(english.as_deref(), Some(model.model.description), "{key}");
        for lang in [words::Lang::Vietnamese, words::Lang::Chinese] {
            assert!(lang.known(&key).is_some(), "{key} in {}", lang.tag());
        }
    }
}

#[test]
fn every_method_can_be_called_as_declared() {
    for entry in registry().iter() {
        for method in entry.methods.values() {
            let place = format!("{}.{}", entry.name(), method.name);
            assert!(!method.name.starts_with('_'), "{place} is internal");
            let names: Vec<&str> = method
                .params
                .iter()
                .map(|param| param.trim_end_matches('?'))
                .collect();
            let distinct: BTreeSet<&str> = names.iter().copied().collect();
            assert_eq!(names.len(), distinct.len(), "{place} names one twice");
            assert!(
                names
                    .iter()
                    .all(|name| *name == "**" || is_identifier(name)),
                "{place} has the parameters {names:?}"
            );
            let first_optional = method.params.iter().position(|p| p.ends_with('?'));
            let last_needed = method
                .params
                .iter()
                .rposition(|p| !p.ends_with('?') && *p != "**");
            if let (Some(optional), Some(needed)) = (first_optional, last_needed) {
                assert!(
                    needed < optional,
                    "{place} needs one behind one it does not"
                );
            }
            for group in method.groups.split(',').filter(|g| !g.is_empty()) {
                assert!(is_external_id(group.trim()), "{place} is for {group}");
            }
        }
    }
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[tokio::test]
async fn the_columns_of_the_database_are_the_fields_of_the_models() {
    let db = migrated().await;
    let hidden: HashMap<&str, &[&str]> = HIDDEN.iter().copied().collect();
    for entry in registry().iter().filter(|entry| !entry.table().is_empty()) {
        let declared: BTreeSet<String> = entry
            .model
            .columns
            .iter()
            .map(|field| field.name.to_owned())
            .chain(
                hidden
                    .get(entry.table())
                    .into_iter()
                    .flat_map(|names| names.iter().map(|name| (*name).to_owned())),
            )
            .collect();
        let there = columns(&db, entry.table()).await;
        assert_eq!(declared, there, "in table {}", entry.table());
    }
}

#[tokio::test]
async fn every_table_of_links_is_in_the_database() {
    let db = migrated().await;
    for entry in registry().iter() {
        for field in entry.fields.values().filter(|f| f.is_stored()) {
            if let Kind::Many2many {
                table, this, that, ..
            } = field.kind
            {
                let there = columns(&db, table).await;
                assert!(
                    there.contains(this) && there.contains(that),
                    "{}.{} is kept in {table}({this}, {that}); there is {there:?}",
                    entry.name(),
                    field.name
                );
            }
        }
    }
}

async fn migrated() -> DatabaseConnection {
    let db = Database::connect("sqlite::memory:")
        .await
        .expect("SQLite opens in memory");
    migrate(&db).await.expect("the steps apply");
    db
}

async fn columns(db: &DatabaseConnection, table: &str) -> BTreeSet<String> {
    let statement = Statement::from_string(
        db.get_database_backend(),
        format!("SELECT name FROM pragma_table_info('{table}')"),
    );
    db.query_all_raw(statement)
        .await
        .expect("the columns can be listed")
        .iter()
        .map(|row| row.try_get_by_index(0).expect("a column has a name"))
        .collect()
}
