//! Messages, their subtypes and their attachments.

use crate::schema::OnDelete::{Cascade, SetNull};
use crate::schema::{
    Table, boolean, bytea, id, index, integer, jsonb, text, timestamp, varchar, varchar_of,
};

pub(super) const TABLES: &[Table] = &[
    MAIL_MESSAGE,
    MAIL_MESSAGE_RES_PARTNER_REL,
    MAIL_MESSAGE_SUBTYPE,
    IR_ATTACHMENT,
    MESSAGE_ATTACHMENT_REL,
];

const MAIL_MESSAGE: Table = Table::new(
    "mail_message",
    &[
        id(),
        integer("parent_id")
            .references("mail_message", SetNull)
            .indexed_where_set(),
        integer("res_id"),
        integer("record_alias_domain_id").references("mail_alias_domain", SetNull),
        integer("record_company_id").references("res_company", SetNull),
        integer("subtype_id")
            .references("mail_message_subtype", SetNull)
            .indexed(),
        integer("mail_activity_type_id").indexed_where_set(),
        integer("author_id")
            .references("res_partner", SetNull)
            .indexed(),
        integer("author_guest_id"),
        integer("mail_server_id").references("ir_mail_server", SetNull),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("subject"),
        varchar("model"),
        varchar("record_name"),
        varchar("message_type").not_null(),
        varchar("email_from"),
        varchar("message_id").indexed(),
        varchar("reply_to"),
        varchar("email_layout_xmlid"),
        text("body"),
        boolean("is_internal"),
        boolean("reply_to_force_new"),
        boolean("email_add_signature"),
        timestamp("date"),
        timestamp("pinned_at"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.indexes(&[
    index(
        "mail_message_model_res_id_id_idx",
        &["model", "res_id", "id"],
    ),
    index("mail_message_model_res_id_idx", &["model", "res_id"]),
]);

const MAIL_MESSAGE_RES_PARTNER_REL: Table = Table::new(
    "mail_message_res_partner_rel",
    &[
        integer("mail_message_id")
            .not_null()
            .references("mail_message", Cascade),
        integer("res_partner_id")
            .not_null()
            .references("res_partner", Cascade),
    ],
)
.primary_key(&["mail_message_id", "res_partner_id"])
.indexes(&[index(
    "mail_message_res_partner_rel_res_partner_id_mail_message_id_idx",
    &["res_partner_id", "mail_message_id"],
)]);

const MAIL_MESSAGE_SUBTYPE: Table = Table::new(
    "mail_message_subtype",
    &[
        id(),
        integer("parent_id").references("mail_message_subtype", SetNull),
        integer("sequence"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("relation_field"),
        varchar("res_model"),
        jsonb("name").not_null(),
        jsonb("description"),
        boolean("internal"),
        boolean("default"),
        boolean("hidden"),
        boolean("track_recipients"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);

const IR_ATTACHMENT: Table = Table::new(
    "ir_attachment",
    &[
        id(),
        integer("res_id"),
        integer("company_id").references("res_company", SetNull),
        integer("file_size"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("name").not_null(),
        varchar("res_model"),
        varchar("res_field"),
        varchar("type").not_null(),
        varchar_of("url", 1024).indexed_where_set(),
        varchar("access_token"),
        varchar("store_fname").indexed(),
        varchar_of("checksum", 40),
        varchar("mimetype"),
        text("description"),
        text("index_content"),
        boolean("public"),
        timestamp("create_date"),
        timestamp("write_date"),
        bytea("db_datas"),
        integer("original_id").references("ir_attachment", SetNull),
    ],
)
.indexes(&[index("ir_attachment_res_idx", &["res_model", "res_id"])]);

const MESSAGE_ATTACHMENT_REL: Table = Table::new(
    "message_attachment_rel",
    &[
        integer("message_id")
            .not_null()
            .references("mail_message", Cascade),
        integer("attachment_id")
            .not_null()
            .references("ir_attachment", Cascade),
    ],
)
.primary_key(&["message_id", "attachment_id"])
.indexes(&[index(
    "message_attachment_rel_attachment_id_message_id_idx",
    &["attachment_id", "message_id"],
)]);
