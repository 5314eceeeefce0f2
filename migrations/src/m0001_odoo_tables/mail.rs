//! The outgoing queue, who is notified, who follows, and the templates.

use crate::schema::OnDelete::{Cascade, SetNull};
use crate::schema::{
    Table, boolean, check, id, index, integer, jsonb, text, timestamp, unique, unique_index,
    varchar,
};

pub(super) const TABLES: &[Table] = &[
    MAIL_MAIL,
    MAIL_MAIL_RES_PARTNER_REL,
    MAIL_NOTIFICATION,
    MAIL_FOLLOWERS,
    MAIL_FOLLOWERS_MAIL_MESSAGE_SUBTYPE_REL,
    MAIL_TEMPLATE,
];

const MAIL_MAIL: Table = Table::new(
    "mail_mail",
    &[
        id(),
        integer("mail_message_id")
            .not_null()
            .references("mail_message", Cascade)
            .indexed(),
        integer("fetchmail_server_id").references("fetchmail_server", SetNull),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("email_cc"),
        varchar("state"),
        varchar("failure_type"),
        text("body_html"),
        text("references"),
        text("headers"),
        text("email_to"),
        text("failure_reason"),
        boolean("is_notification"),
        boolean("auto_delete"),
        timestamp("scheduled_date"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);

const MAIL_MAIL_RES_PARTNER_REL: Table = Table::new(
    "mail_mail_res_partner_rel",
    &[
        integer("mail_mail_id")
            .not_null()
            .references("mail_mail", Cascade),
        integer("res_partner_id")
            .not_null()
            .references("res_partner", Cascade),
    ],
)
.primary_key(&["mail_mail_id", "res_partner_id"])
.indexes(&[index(
    "mail_mail_res_partner_rel_res_partner_id_mail_mail_id_idx",
    &["res_partner_id", "mail_mail_id"],
)]);

const MAIL_NOTIFICATION: Table = Table::new(
    "mail_notification",
    &[
        id(),
        integer("author_id").references("res_partner", SetNull),
        integer("mail_message_id")
            .not_null()
            .references("mail_message", Cascade)
            .indexed(),
        integer("mail_mail_id")
            .references("mail_mail", SetNull)
            .indexed(),
        integer("res_partner_id")
            .references("res_partner", Cascade)
            .indexed(),
        varchar("notification_type").not_null().indexed(),
        varchar("notification_status").indexed(),
        varchar("failure_type"),
        text("failure_reason"),
        boolean("is_read").indexed(),
        timestamp("read_date"),
        integer("sms_id_int").indexed_where_set(),
        varchar("sms_number"),
        integer("letter_id").indexed_where_set(),
    ],
)
.constraints(&[check(
    "mail_notification_notification_partner_required",
    "notification_type NOT IN ('email', 'inbox') OR res_partner_id IS NOT NULL",
)])
.indexes(&[
    index(
        "mail_notification_author_id_notification_status_failure",
        &["author_id", "notification_status"],
    )
    .filtered("notification_status IN ('bounce', 'exception')"),
    index(
        "mail_notification_res_partner_id_is_read_notification_status_ma",
        &[
            "res_partner_id",
            "is_read",
            "notification_status",
            "mail_message_id",
        ],
    ),
    unique_index(
        "unique_mail_message_id_res_partner_id_if_set",
        &["mail_message_id", "res_partner_id"],
    )
    .filtered("res_partner_id IS NOT NULL"),
]);

const MAIL_FOLLOWERS: Table = Table::new(
    "mail_followers",
    &[
        id(),
        integer("res_id").indexed(),
        integer("partner_id")
            .not_null()
            .references("res_partner", Cascade)
            .indexed(),
        varchar("res_model").not_null().indexed(),
    ],
)
.constraints(&[unique(
    "mail_followers_mail_followers_res_partner_res_model_id_uniq",
    &["res_model", "res_id", "partner_id"],
)]);

const MAIL_FOLLOWERS_MAIL_MESSAGE_SUBTYPE_REL: Table = Table::new(
    "mail_followers_mail_message_subtype_rel",
    &[
        integer("mail_followers_id")
            .not_null()
            .references("mail_followers", Cascade),
        integer("mail_message_subtype_id")
            .not_null()
            .references("mail_message_subtype", Cascade)
            .key_named("mail_followers_mail_message_subtyp_mail_message_subtype_id_fkey"),
    ],
)
.primary_key(&["mail_followers_id", "mail_message_subtype_id"])
.indexes(&[index(
    "mail_followers_mail_message_s_mail_message_subtype_id_mail__idx",
    &["mail_message_subtype_id", "mail_followers_id"],
)]);

const MAIL_TEMPLATE: Table = Table::new(
    "mail_template",
    &[
        id(),
        integer("model_id").references("ir_model", SetNull),
        integer("user_id").references("res_users", SetNull),
        integer("mail_server_id").references("ir_mail_server", SetNull),
        integer("ref_ir_act_window"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("template_fs"),
        varchar("lang"),
        varchar("model").indexed(),
        varchar("email_from"),
        varchar("email_to"),
        varchar("partner_to"),
        varchar("email_cc"),
        varchar("reply_to"),
        varchar("email_layout_xmlid"),
        varchar("scheduled_date"),
        jsonb("name"),
        jsonb("description"),
        jsonb("subject"),
        jsonb("body_html"),
        boolean("active"),
        boolean("use_default_to"),
        boolean("auto_delete"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);
