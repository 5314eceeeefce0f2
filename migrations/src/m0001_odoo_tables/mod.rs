//! Step 1: the tables that an Odoo 18 database keeps its mail in, in Odoo's own shape.

mod aliases;
mod jobs;
mod mail;
mod messages;
mod models;
mod modules;
mod partners;
mod servers;
mod settings;
mod users;

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::schema::Table;

pub(crate) const GROUPS: &[&[Table]] = &[
    servers::TABLES,
    settings::TABLES,
    messages::TABLES,
    mail::TABLES,
    aliases::TABLES,
    users::TABLES,
    partners::TABLES,
    models::TABLES,
    jobs::TABLES,
    modules::TABLES,
];

/// The foreign keys of Odoo's that are left out, as `(table, column, table referred to)`: what they
/// point to (countries, currencies, views, activities, post and SMS) is no concern of mail, and so
/// those tables do not exist here. The columns do, with any number a client may store in them.
pub const OMITTED_FOREIGN_KEYS: &[(&str, &str, &str)] = &[
    ("mail_message", "author_guest_id", "mail_guest"),
    (
        "mail_message",
        "mail_activity_type_id",
        "mail_activity_type",
    ),
    ("mail_notification", "letter_id", "snailmail_letter"),
    ("mail_template", "ref_ir_act_window", "ir_act_window"),
    ("res_groups", "category_id", "ir_module_category"),
    ("res_partner", "country_id", "res_country"),
    ("res_partner", "industry_id", "res_partner_industry"),
    ("res_partner", "state_id", "res_country_state"),
    ("res_partner", "title", "res_partner_title"),
    ("res_company", "currency_id", "res_currency"),
    ("res_company", "external_report_layout_id", "ir_ui_view"),
    ("res_company", "paperformat_id", "report_paperformat"),
    ("ir_act_server", "activity_type_id", "mail_activity_type"),
    (
        "ir_act_server",
        "selection_value",
        "ir_model_fields_selection",
    ),
    ("ir_act_server", "sms_template_id", "sms_template"),
    ("ir_module_module", "category_id", "ir_module_category"),
];

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0001_odoo_tables"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        emit::create_missing(manager.get_connection(), &GROUPS.concat()).await
    }
}
