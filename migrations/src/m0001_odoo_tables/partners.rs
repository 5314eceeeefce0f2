//! People, companies and the languages that they read.

use crate::schema::OnDelete::{Restrict, SetNull};
use crate::schema::{
    Table, boolean, bytea, check, id, index, integer, jsonb, numeric, text, timestamp,
    trigram_index, unique, varchar,
};

pub(super) const TABLES: &[Table] = &[RES_PARTNER, RES_COMPANY, RES_LANG];

const RES_PARTNER: Table = Table::new(
    "res_partner",
    &[
        id(),
        integer("company_id")
            .references("res_company", SetNull)
            .indexed(),
        timestamp("create_date"),
        varchar("name").indexed(),
        integer("title"),
        integer("parent_id")
            .references("res_partner", SetNull)
            .indexed(),
        integer("user_id").references("res_users", SetNull),
        integer("state_id"),
        integer("country_id"),
        integer("industry_id"),
        integer("color"),
        integer("commercial_partner_id")
            .references("res_partner", SetNull)
            .indexed(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("complete_name").indexed(),
        varchar("ref").indexed(),
        varchar("lang"),
        varchar("tz"),
        varchar("vat").indexed(),
        varchar("company_registry"),
        varchar("website"),
        varchar("function"),
        varchar("type"),
        varchar("street"),
        varchar("street2"),
        varchar("zip"),
        varchar("city"),
        varchar("email"),
        varchar("phone"),
        varchar("mobile"),
        varchar("commercial_company_name"),
        varchar("company_name"),
        jsonb("barcode"),
        text("comment"),
        numeric("partner_latitude"),
        numeric("partner_longitude"),
        boolean("active"),
        boolean("employee"),
        boolean("is_company"),
        boolean("partner_share"),
        timestamp("write_date"),
        integer("message_bounce"),
        varchar("email_normalized"),
        varchar("signup_type"),
        integer("partner_gid"),
        varchar("additional_info"),
        varchar("phone_sanitized"),
    ],
)
.constraints(&[check(
    "res_partner_check_name",
    "(type = 'contact' AND name IS NOT NULL) OR type <> 'contact'",
)])
.indexes(&[
    index("res_partner__barcode_index", &["barcode IS NOT NULL"]).filtered("barcode IS NOT NULL"),
    trigram_index(
        "res_partner_mobile_partial_gin_idx",
        &[r"regexp_replace(mobile, '[\s\\./\(\)\-]', '', 'g')"],
    )
    .filtered("mobile IS NOT NULL"),
    index(
        "res_partner_mobile_partial_tgm",
        &[r"regexp_replace(mobile, '[\s\\./\(\)\-]', '', 'g')"],
    )
    .filtered("mobile IS NOT NULL")
    .only_on_postgres(),
    trigram_index(
        "res_partner_phone_partial_gin_idx",
        &[r"regexp_replace(phone, '[\s\\./\(\)\-]', '', 'g')"],
    )
    .filtered("phone IS NOT NULL"),
    index(
        "res_partner_phone_partial_tgm",
        &[r"regexp_replace(phone, '[\s\\./\(\)\-]', '', 'g')"],
    )
    .filtered("phone IS NOT NULL")
    .only_on_postgres(),
]);

const RES_COMPANY: Table = Table::new(
    "res_company",
    &[
        id(),
        varchar("name").not_null(),
        integer("partner_id")
            .not_null()
            .references("res_partner", Restrict),
        integer("currency_id").not_null(),
        integer("sequence"),
        timestamp("create_date"),
        varchar("parent_path").indexed(),
        integer("parent_id")
            .references("res_company", Restrict)
            .indexed(),
        integer("paperformat_id"),
        integer("external_report_layout_id"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("email"),
        varchar("phone"),
        varchar("mobile"),
        varchar("font"),
        varchar("primary_color"),
        varchar("secondary_color"),
        varchar("layout_background").not_null(),
        jsonb("report_header"),
        jsonb("report_footer"),
        jsonb("company_details"),
        boolean("active"),
        boolean("uses_default_logo"),
        timestamp("write_date"),
        bytea("logo_web"),
        integer("alias_domain_id").references("mail_alias_domain", SetNull),
        varchar("alias_domain_name"),
        varchar("email_primary_color"),
        varchar("email_secondary_color"),
        integer("partner_gid"),
        boolean("iap_enrich_auto_done"),
        boolean("snailmail_color"),
        boolean("snailmail_cover"),
        boolean("snailmail_duplex"),
    ],
)
.constraints(&[unique("res_company_name_uniq", &["name"])]);

const RES_LANG: Table = Table::new(
    "res_lang",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("name").not_null(),
        varchar("code").not_null(),
        varchar("iso_code"),
        varchar("url_code").not_null(),
        varchar("direction").not_null(),
        varchar("date_format").not_null(),
        varchar("time_format").not_null(),
        varchar("short_time_format").not_null(),
        varchar("week_start").not_null(),
        varchar("grouping").not_null(),
        varchar("decimal_point").not_null(),
        varchar("thousands_sep"),
        boolean("active"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.constraints(&[
    unique("res_lang_code_uniq", &["code"]),
    unique("res_lang_name_uniq", &["name"]),
    unique("res_lang_url_code_uniq", &["url_code"]),
]);
