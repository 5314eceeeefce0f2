//! The servers that mail leaves through and arrives at.

use crate::schema::OnDelete::SetNull;
use crate::schema::{Table, boolean, bytea, check, double, id, integer, text, timestamp, varchar};

pub(super) const TABLES: &[Table] = &[IR_MAIL_SERVER, FETCHMAIL_SERVER];

const IR_MAIL_SERVER: Table = Table::new(
    "ir_mail_server",
    &[
        id(),
        integer("smtp_port"),
        integer("sequence"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("name").not_null().indexed(),
        varchar("from_filter"),
        varchar("smtp_host"),
        varchar("smtp_authentication").not_null(),
        varchar("smtp_user"),
        varchar("smtp_pass"),
        varchar("smtp_encryption").not_null(),
        boolean("smtp_debug"),
        boolean("active"),
        timestamp("create_date"),
        timestamp("write_date"),
        double("max_email_size"),
        bytea("smtp_ssl_certificate"),
        bytea("smtp_ssl_private_key"),
        integer("google_gmail_access_token_expiration"),
        varchar("google_gmail_authorization_code"),
        varchar("google_gmail_refresh_token"),
        varchar("google_gmail_access_token"),
        integer("microsoft_outlook_access_token_expiration"),
        varchar("microsoft_outlook_refresh_token"),
        varchar("microsoft_outlook_access_token"),
    ],
)
.constraints(&[check(
    "ir_mail_server_certificate_requires_tls",
    "smtp_encryption <> 'none' OR smtp_authentication <> 'certificate'",
)]);

const FETCHMAIL_SERVER: Table = Table::new(
    "fetchmail_server",
    &[
        id(),
        integer("port"),
        integer("object_id").references("ir_model", SetNull),
        integer("priority"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("name").not_null(),
        varchar("state").indexed(),
        varchar("server"),
        varchar("server_type").not_null().indexed(),
        varchar("user"),
        varchar("password"),
        varchar("script"),
        text("configuration"),
        boolean("active"),
        boolean("is_ssl"),
        boolean("attach"),
        boolean("original"),
        timestamp("date"),
        timestamp("create_date"),
        timestamp("write_date"),
        integer("google_gmail_access_token_expiration"),
        varchar("google_gmail_authorization_code"),
        varchar("google_gmail_refresh_token"),
        varchar("google_gmail_access_token"),
        integer("microsoft_outlook_access_token_expiration"),
        varchar("microsoft_outlook_refresh_token"),
        varchar("microsoft_outlook_access_token"),
    ],
);
