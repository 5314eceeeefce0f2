//! Where arriving mail is routed to, and whose mail is refused.

use crate::schema::OnDelete::{Cascade, Restrict, SetNull};
use crate::schema::{
    Table, boolean, id, integer, jsonb, text, timestamp, trigram_index, unique, unique_index,
    varchar,
};

pub(super) const TABLES: &[Table] = &[
    MAIL_ALIAS,
    MAIL_ALIAS_DOMAIN,
    MAIL_BLACKLIST,
    MAIL_GATEWAY_ALLOWED,
];

const MAIL_ALIAS: Table = Table::new(
    "mail_alias",
    &[
        id(),
        integer("alias_domain_id").references("mail_alias_domain", Restrict),
        integer("alias_model_id")
            .not_null()
            .references("ir_model", Cascade),
        integer("alias_force_thread_id"),
        integer("alias_parent_model_id").references("ir_model", SetNull),
        integer("alias_parent_thread_id"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("alias_name"),
        varchar("alias_full_name").indexed_where_set(),
        varchar("alias_contact").not_null(),
        varchar("alias_status"),
        jsonb("alias_bounced_content"),
        text("alias_defaults").not_null(),
        boolean("alias_incoming_local"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.indexes(&[unique_index(
    "mail_alias_name_domain_unique",
    &["alias_name", "COALESCE(alias_domain_id, 0)"],
)]);

const MAIL_ALIAS_DOMAIN: Table = Table::new(
    "mail_alias_domain",
    &[
        id(),
        integer("sequence"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("name").not_null(),
        varchar("bounce_alias").not_null(),
        varchar("catchall_alias").not_null(),
        varchar("default_from"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.constraints(&[
    unique(
        "mail_alias_domain_bounce_email_uniques",
        &["bounce_alias", "name"],
    ),
    unique(
        "mail_alias_domain_catchall_email_uniques",
        &["catchall_alias", "name"],
    ),
]);

const MAIL_BLACKLIST: Table = Table::new(
    "mail_blacklist",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("email").not_null(),
        boolean("active"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.constraints(&[unique("mail_blacklist_unique_email", &["email"])])
.indexes(&[trigram_index("mail_blacklist__email_index", &["email"])]);

const MAIL_GATEWAY_ALLOWED: Table = Table::new(
    "mail_gateway_allowed",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("email").not_null(),
        varchar("email_normalized").indexed(),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);
