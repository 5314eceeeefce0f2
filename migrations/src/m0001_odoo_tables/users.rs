//! Who may sign in, in which groups and companies, with which keys.

use crate::schema::OnDelete::{Cascade, Restrict, SetNull};
use crate::schema::{
    Table, boolean, check, double, id, index, integer, jsonb, text, timestamp, unique, varchar,
    varchar_of,
};

pub(super) const TABLES: &[Table] = &[
    RES_USERS,
    RES_GROUPS,
    RES_GROUPS_USERS_REL,
    RES_GROUPS_IMPLIED_REL,
    RES_COMPANY_USERS_REL,
    RES_USERS_APIKEYS,
    RES_USERS_LOG,
];

const RES_USERS: Table = Table::new(
    "res_users",
    &[
        id(),
        integer("company_id")
            .not_null()
            .references("res_company", Restrict),
        integer("partner_id")
            .not_null()
            .references("res_partner", Restrict)
            .indexed(),
        boolean("active").default("true"),
        timestamp("create_date"),
        varchar("login").not_null(),
        varchar("password"),
        integer("action_id"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        text("signature"),
        boolean("share"),
        timestamp("write_date"),
        varchar("totp_secret"),
        boolean("tour_enabled"),
        varchar("notification_type").not_null(),
        varchar("odoobot_state"),
        boolean("odoobot_failed"),
    ],
)
.constraints(&[
    check(
        "res_users_notification_type",
        "notification_type = 'email' OR NOT share",
    ),
    unique("res_users_login_key", &["login"]),
]);

const RES_GROUPS: Table = Table::new(
    "res_groups",
    &[
        id(),
        jsonb("name").not_null(),
        integer("category_id").indexed(),
        integer("color"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        jsonb("comment"),
        boolean("share"),
        timestamp("create_date"),
        timestamp("write_date"),
        double("api_key_duration"),
    ],
)
.constraints(&[
    check("res_groups_check_api_key_duration", "api_key_duration >= 0"),
    unique("res_groups_name_uniq", &["category_id", "name"]),
]);

const RES_GROUPS_USERS_REL: Table = Table::new(
    "res_groups_users_rel",
    &[
        integer("gid").not_null().references("res_groups", Cascade),
        integer("uid").not_null().references("res_users", Cascade),
    ],
)
.primary_key(&["gid", "uid"])
.indexes(&[index("res_groups_users_rel_uid_gid_idx", &["uid", "gid"])]);

const RES_GROUPS_IMPLIED_REL: Table = Table::new(
    "res_groups_implied_rel",
    &[
        integer("gid").not_null().references("res_groups", Cascade),
        integer("hid").not_null().references("res_groups", Cascade),
    ],
)
.primary_key(&["gid", "hid"])
.indexes(&[index("res_groups_implied_rel_hid_gid_idx", &["hid", "gid"])]);

const RES_COMPANY_USERS_REL: Table = Table::new(
    "res_company_users_rel",
    &[
        integer("cid").not_null().references("res_company", Cascade),
        integer("user_id")
            .not_null()
            .references("res_users", Cascade),
    ],
)
.primary_key(&["cid", "user_id"])
.indexes(&[index(
    "res_company_users_rel_user_id_cid_idx",
    &["user_id", "cid"],
)]);

const RES_USERS_APIKEYS: Table = Table::new(
    "res_users_apikeys",
    &[
        id(),
        varchar("name").not_null(),
        integer("user_id")
            .not_null()
            .references("res_users", Cascade),
        varchar("scope"),
        timestamp("expiration_date"),
        varchar_of("index", 8),
        varchar("key"),
        timestamp("create_date").default_now("utc"),
    ],
)
.constraints(&[check(
    "res_users_apikeys_index_check",
    "char_length(\"index\") = 8",
)
.on_sqlite("length(\"index\") = 8")])
.indexes(&[index(
    "res_users_apikeys_user_id_index_idx",
    &["user_id", "index"],
)]);

const RES_USERS_LOG: Table = Table::new(
    "res_users_log",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);
