//! `microsoft.outlook.mixin`: the fields of a connection to Outlook that both kinds of mail servers
//! have. It has no records; clients read it to learn the fields.

use crate::schema::{self, Field, Kind, field, model};

const fn stored(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field {
        column: true,
        copied: false,
        ..field(name, label, kind)
    }
    .groups("base.group_system")
}

pub const MODEL: schema::Model = model("microsoft.outlook.mixin", "Microsoft Outlook Mixin", "")
    .rec_name("")
    .columns(&[
        stored(
            "microsoft_outlook_refresh_token",
            "Outlook Refresh Token",
            Kind::Char,
        ),
        stored(
            "microsoft_outlook_access_token",
            "Outlook Access Token",
            Kind::Char,
        ),
        stored(
            "microsoft_outlook_access_token_expiration",
            "Outlook Access Token Expiration Timestamp",
            Kind::Integer,
        ),
    ])
    .virtuals(&[
        field(
            "is_microsoft_outlook_configured",
            "Is Outlook Credential Configured",
            Kind::Boolean,
        )
        .readonly()
        .no_copy(),
        field("microsoft_outlook_uri", "Authentication URI", Kind::Char)
            .readonly()
            .no_copy()
            .groups("base.group_system"),
    ]);
