//! Scheduled jobs and the server actions that they run.

use crate::schema::OnDelete::{Cascade, Restrict, SetNull};
use crate::schema::{
    Table, boolean, check, id, id_from, integer, jsonb, text, timestamp, unique, varchar,
};

pub(super) const TABLES: &[Table] = &[IR_ACT_SERVER, IR_CRON, IR_CRON_TRIGGER, IR_CRON_PROGRESS];

const IR_ACT_SERVER: Table = Table::new(
    "ir_act_server",
    &[
        id_from("ir_actions_id_seq"),
        integer("binding_model_id").references("ir_model", Cascade),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("type").not_null(),
        varchar("path"),
        varchar("binding_type").not_null(),
        varchar("binding_view_types"),
        jsonb("name").not_null(),
        jsonb("help"),
        timestamp("create_date"),
        timestamp("write_date"),
        integer("sequence"),
        integer("model_id")
            .not_null()
            .references("ir_model", Cascade)
            .indexed(),
        integer("crud_model_id").references("ir_model", SetNull),
        integer("link_field_id").references("ir_model_fields", SetNull),
        integer("update_field_id").references("ir_model_fields", Cascade),
        integer("update_related_model_id").references("ir_model", SetNull),
        integer("selection_value"),
        varchar("usage").not_null(),
        varchar("state").not_null(),
        varchar("model_name"),
        varchar("update_path"),
        varchar("update_m2m_operation"),
        varchar("update_boolean_value"),
        varchar("evaluation_type"),
        varchar("resource_ref"),
        varchar("webhook_url"),
        text("code"),
        text("value"),
        integer("template_id").references("mail_template", SetNull),
        integer("activity_type_id"),
        integer("activity_date_deadline_range"),
        integer("activity_user_id").references("res_users", SetNull),
        varchar("mail_post_method"),
        varchar("activity_summary"),
        varchar("activity_date_deadline_range_type"),
        varchar("activity_user_type"),
        varchar("activity_user_field_name"),
        text("activity_note"),
        boolean("mail_post_autofollow"),
        integer("sms_template_id"),
        varchar("sms_method"),
    ],
)
.constraints(&[unique("ir_act_server_path_unique", &["path"])]);

const IR_CRON: Table = Table::new(
    "ir_cron",
    &[
        id(),
        integer("ir_actions_server_id")
            .not_null()
            .references("ir_act_server", Restrict),
        integer("user_id")
            .not_null()
            .references("res_users", Restrict),
        integer("interval_number").not_null(),
        integer("priority"),
        integer("failure_count"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("cron_name"),
        varchar("interval_type").not_null(),
        boolean("active"),
        timestamp("nextcall").not_null(),
        timestamp("lastcall"),
        timestamp("first_failure_date"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.constraints(&[check(
    "ir_cron_check_strictly_positive_interval",
    "interval_number > 0",
)]);

const IR_CRON_TRIGGER: Table = Table::new(
    "ir_cron_trigger",
    &[
        id(),
        integer("cron_id").references("ir_cron", SetNull).indexed(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        timestamp("call_at").indexed(),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);

const IR_CRON_PROGRESS: Table = Table::new(
    "ir_cron_progress",
    &[
        id(),
        integer("cron_id")
            .not_null()
            .references("ir_cron", Cascade)
            .indexed(),
        integer("remaining"),
        integer("done"),
        integer("timed_out_counter"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        boolean("deactivate"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);
