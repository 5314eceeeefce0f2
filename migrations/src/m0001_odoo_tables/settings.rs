//! System parameters, and the form that edits some of them.

use crate::schema::OnDelete::{Cascade, SetNull};
use crate::schema::{Table, boolean, id, integer, text, timestamp, unique, varchar};

pub(super) const TABLES: &[Table] = &[IR_CONFIG_PARAMETER, RES_CONFIG_SETTINGS];

const IR_CONFIG_PARAMETER: Table = Table::new(
    "ir_config_parameter",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("key").not_null(),
        text("value").not_null(),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.constraints(&[unique("ir_config_parameter_key_uniq", &["key"])]);

const RES_CONFIG_SETTINGS: Table = Table::new(
    "res_config_settings",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        timestamp("create_date"),
        timestamp("write_date"),
        varchar("web_app_name"),
        integer("company_id")
            .not_null()
            .references("res_company", Cascade),
        boolean("user_default_rights"),
        boolean("module_base_import"),
        boolean("module_google_calendar"),
        boolean("module_microsoft_calendar"),
        boolean("module_mail_plugin"),
        boolean("module_auth_oauth"),
        boolean("module_auth_ldap"),
        boolean("module_account_inter_company_rules"),
        boolean("module_voip"),
        boolean("module_web_unsplash"),
        boolean("module_sms"),
        boolean("module_partner_autocomplete"),
        boolean("module_base_geolocalize"),
        boolean("module_google_recaptcha"),
        boolean("module_website_cf_turnstile"),
        boolean("group_multi_currency"),
        boolean("show_effect"),
        boolean("module_product_images"),
        timestamp("profiling_enabled_until"),
        integer("tenor_gif_limit"),
        varchar("twilio_account_sid"),
        varchar("twilio_account_token"),
        varchar("sfu_server_url"),
        varchar("sfu_server_key"),
        varchar("tenor_api_key"),
        varchar("tenor_content_filter"),
        varchar("google_translate_api_key"),
        boolean("external_email_server_default"),
        boolean("module_google_gmail"),
        boolean("module_microsoft_outlook"),
        boolean("restrict_template_rendering"),
        boolean("use_twilio_rtc_servers"),
        integer("auth_signup_template_user_id").references("res_users", SetNull),
        varchar("auth_signup_uninvited"),
        boolean("auth_signup_reset_password"),
        varchar("google_gmail_client_identifier"),
        varchar("google_gmail_client_secret"),
        varchar("microsoft_outlook_client_identifier"),
        varchar("microsoft_outlook_client_secret"),
        varchar("unsplash_access_key"),
        varchar("unsplash_app_id"),
    ],
);
