//! The system parameters of a new database.

use sea_orm_migration::prelude::DbErr;
use uuid::Uuid;

use super::writer::Writer;

/// The parameters that begin alike everywhere, as `(key, value)`. The address is where Postern
/// listens unless told otherwise; an administrator's sign-in corrects it.
const FIXED: &[(&str, &str)] = &[
    ("base.default_max_email_size", "10"),
    ("base.login_cooldown_after", "10"),
    ("base.login_cooldown_duration", "60"),
    ("base.template_portal_user_id", "5"),
    ("base_setup.default_user_rights", "True"),
    ("base_setup.show_effect", "True"),
    ("mail.activity.gc.delete_overdue_years", "3"),
    ("mail.restrict.template.rendering", "True"),
    ("web.base.url", "http://localhost:8069"),
];

pub(super) async fn write(writer: &Writer<'_>) -> Result<(), DbErr> {
    let own = [
        ("database.uuid", Uuid::new_v4().to_string()),
        ("database.secret", Uuid::new_v4().to_string()),
        (
            "database.create_date",
            writer.now.format("%Y-%m-%d %H:%M:%S").to_string(),
        ),
    ];
    let fixed = FIXED.iter().map(|(key, value)| (*key, (*value).to_owned()));
    let rows = fixed
        .chain(own)
        .map(|(key, value)| vec![key.into(), value.into()])
        .collect();
    writer
        .insert("ir_config_parameter", &["key", "value"], rows)
        .await
}
