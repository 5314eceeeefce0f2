//! The description of the models themselves, and who may do what with them.

use crate::schema::OnDelete::{Cascade, Restrict, SetNull};
use crate::schema::{
    Table, boolean, check, id, index, integer, jsonb, text, timestamp, unique, unique_index,
    varchar,
};

pub(super) const TABLES: &[Table] = &[
    IR_MODEL,
    IR_MODEL_FIELDS,
    IR_MODEL_ACCESS,
    IR_MODEL_DATA,
    IR_RULE,
];

const IR_MODEL: Table = Table::new(
    "ir_model",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("model").not_null(),
        varchar("order").not_null(),
        varchar("state"),
        jsonb("name").not_null(),
        text("info"),
        boolean("transient"),
        timestamp("create_date"),
        timestamp("write_date"),
        boolean("is_mail_thread"),
        boolean("is_mail_activity"),
        boolean("is_mail_blacklist"),
    ],
)
.constraints(&[unique("ir_model_obj_name_uniq", &["model"])]);

const IR_MODEL_FIELDS: Table = Table::new(
    "ir_model_fields",
    &[
        id(),
        integer("relation_field_id").references("ir_model_fields", Cascade),
        integer("model_id")
            .not_null()
            .references("ir_model", Cascade)
            .indexed(),
        integer("related_field_id").references("ir_model_fields", Cascade),
        integer("size"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("name").not_null().indexed(),
        varchar("complete_name").indexed(),
        varchar("model").not_null().indexed(),
        varchar("relation"),
        varchar("relation_field"),
        varchar("ttype").not_null(),
        varchar("related"),
        varchar("state").not_null().indexed(),
        varchar("on_delete"),
        varchar("domain"),
        varchar("relation_table"),
        varchar("column1"),
        varchar("column2"),
        varchar("depends"),
        varchar("currency_field"),
        jsonb("field_description").not_null(),
        jsonb("help"),
        text("compute"),
        boolean("copied"),
        boolean("required"),
        boolean("readonly"),
        boolean("index"),
        boolean("translate"),
        boolean("company_dependent"),
        boolean("group_expand"),
        boolean("selectable"),
        boolean("store"),
        boolean("sanitize"),
        boolean("sanitize_overridable"),
        boolean("sanitize_tags"),
        boolean("sanitize_attributes"),
        boolean("sanitize_style"),
        boolean("sanitize_form"),
        boolean("strip_style"),
        boolean("strip_classes"),
        timestamp("create_date"),
        timestamp("write_date"),
        integer("tracking"),
    ],
)
.constraints(&[
    check(
        "ir_model_fields_name_manual_field",
        r"state <> 'manual' OR name LIKE 'x\_%%'",
    )
    .on_sqlite("state <> 'manual' OR name GLOB 'x_*'"),
    check("ir_model_fields_size_gt_zero", "size >= 0"),
    unique("ir_model_fields_name_unique", &["model", "name"]),
]);

const IR_MODEL_ACCESS: Table = Table::new(
    "ir_model_access",
    &[
        id(),
        integer("model_id")
            .not_null()
            .references("ir_model", Cascade)
            .indexed(),
        integer("group_id")
            .references("res_groups", Restrict)
            .indexed(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("name").not_null().indexed(),
        boolean("active"),
        boolean("perm_read"),
        boolean("perm_write"),
        boolean("perm_create"),
        boolean("perm_unlink"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);

const IR_MODEL_DATA: Table = Table::new(
    "ir_model_data",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        timestamp("create_date").default_now("UTC"),
        timestamp("write_date").default_now("UTC"),
        integer("write_uid").references("res_users", SetNull),
        integer("res_id"),
        boolean("noupdate").default("false"),
        varchar("name").not_null(),
        varchar("module").not_null(),
        varchar("model").not_null(),
    ],
)
.constraints(&[check(
    "ir_model_data_name_nospaces",
    "name NOT LIKE '%% %%'",
)])
.indexes(&[
    index("ir_model_data_model_res_id_index", &["model", "res_id"]),
    unique_index("ir_model_data_module_name_uniq_index", &["module", "name"]),
]);

const IR_RULE: Table = Table::new(
    "ir_rule",
    &[
        id(),
        integer("model_id")
            .not_null()
            .references("ir_model", Cascade)
            .indexed(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("name").indexed(),
        text("domain_force"),
        boolean("active"),
        boolean("perm_read"),
        boolean("perm_write"),
        boolean("perm_create"),
        boolean("perm_unlink"),
        boolean("global"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.constraints(&[check(
    "ir_rule_no_access_rights",
    "perm_read <> false OR perm_write <> false OR perm_create <> false OR perm_unlink <> false",
)]);
