//! What is installed, and what the server has logged.

use crate::schema::OnDelete::SetNull;
use crate::schema::{
    Table, boolean, id, integer, jsonb, text, timestamp, unique, varchar, varchar_of,
};

pub(super) const TABLES: &[Table] = &[IR_MODULE_MODULE, IR_LOGGING];

const IR_MODULE_MODULE: Table = Table::new(
    "ir_module_module",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        timestamp("create_date"),
        timestamp("write_date"),
        integer("write_uid").references("res_users", SetNull),
        varchar("website"),
        jsonb("summary"),
        varchar("name").not_null(),
        varchar("author"),
        varchar("icon"),
        varchar_of("state", 16).indexed(),
        varchar("latest_version"),
        jsonb("shortdesc"),
        integer("category_id").indexed(),
        jsonb("description"),
        boolean("application").default("false"),
        boolean("demo").default("false"),
        boolean("web").default("false"),
        varchar_of("license", 32),
        integer("sequence").default("100"),
        boolean("auto_install").default("false"),
        boolean("to_buy").default("false"),
        varchar("maintainer"),
        varchar("published_version"),
        varchar("url"),
        text("contributors"),
        text("menus_by_module"),
        text("reports_by_module"),
        text("views_by_module"),
        varchar("module_type"),
        boolean("imported"),
    ],
)
.constraints(&[unique("ir_module_module_name_uniq", &["name"])]);

const IR_LOGGING: Table = Table::new(
    "ir_logging",
    &[
        id(),
        integer("create_uid"),
        integer("write_uid"),
        varchar("name").not_null(),
        varchar("type").not_null().indexed(),
        varchar("dbname").indexed(),
        varchar("level").indexed(),
        varchar("path").not_null(),
        varchar("func").not_null(),
        varchar("line").not_null(),
        text("message").not_null(),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);
