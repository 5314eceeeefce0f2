//! Languages, installed modules and the subtypes of messages.

use sea_orm_migration::prelude::DbErr;

use super::writer::{Writer, in_english};

struct Language {
    id: i32,
    external_id: &'static str,
    name: &'static str,
    code: &'static str,
    iso_code: &'static str,
    url_code: &'static str,
    date_format: &'static str,
    time_format: &'static str,
    short_time_format: &'static str,
    /// 1 is Monday, 7 is Sunday.
    week_start: &'static str,
    decimal_point: &'static str,
    thousands_sep: &'static str,
    active: bool,
}

const LANGUAGES: &[Language] = &[
    Language {
        id: 1,
        external_id: "base.lang_en",
        name: "English (US)",
        code: "en_US",
        iso_code: "en",
        url_code: "en",
        date_format: "%m/%d/%Y",
        time_format: "%H:%M:%S",
        short_time_format: "%H:%M",
        week_start: "7",
        decimal_point: ".",
        thousands_sep: ",",
        active: true,
    },
    Language {
        id: 2,
        external_id: "base.lang_vi_VN",
        name: "Vietnamese / Tiếng Việt",
        code: "vi_VN",
        iso_code: "vi",
        url_code: "vi",
        date_format: "%d/%m/%Y",
        time_format: "%H:%M:%S",
        short_time_format: "%H:%M",
        week_start: "1",
        decimal_point: ",",
        thousands_sep: ".",
        active: false,
    },
    Language {
        id: 3,
        external_id: "base.lang_zh_CN",
        name: "Chinese (Simplified) / 简体中文",
        code: "zh_CN",
        iso_code: "zh_CN",
        url_code: "zh_CN",
        date_format: "%Y年%m月%d日",
        time_format: "%H时%M分%S秒",
        short_time_format: "%H时%M分",
        week_start: "1",
        decimal_point: ".",
        thousands_sep: ",",
        active: false,
    },
];

/// The Odoo modules whose work Postern does, as `(name, short description)`: clients look here
/// to learn what the server can do.
const MODULES: &[(&str, &str)] = &[
    ("base", "Base"),
    ("web", "Web"),
    ("mail", "Mail"),
    ("microsoft_outlook", "Microsoft Outlook"),
    ("google_gmail", "Google Gmail"),
    ("base_setup", "General Settings"),
    ("bus", "Live Notifications"),
];

struct Subtype {
    id: i32,
    external_id: &'static str,
    name: &'static str,
    sequence: i32,
    /// Whether followers get it unless they choose otherwise.
    default: bool,
    /// Whether only people who work here may see it.
    internal: bool,
    track_recipients: bool,
}

const SUBTYPES: &[Subtype] = &[
    Subtype {
        id: 1,
        external_id: "mail.mt_comment",
        name: "Discussions",
        sequence: 0,
        default: true,
        internal: false,
        track_recipients: true,
    },
    Subtype {
        id: 2,
        external_id: "mail.mt_note",
        name: "Note",
        sequence: 100,
        default: false,
        internal: true,
        track_recipients: true,
    },
    Subtype {
        id: 3,
        external_id: "mail.mt_activities",
        name: "Activities",
        sequence: 90,
        default: false,
        internal: true,
        track_recipients: false,
    },
];

pub(super) async fn write(writer: &Writer<'_>) -> Result<(), DbErr> {
    write_languages(writer).await?;
    write_modules(writer).await?;
    write_subtypes(writer).await
}

async fn write_languages(writer: &Writer<'_>) -> Result<(), DbErr> {
    let rows = LANGUAGES
        .iter()
        .map(|language| {
            vec![
                language.id.into(),
                language.name.into(),
                language.code.into(),
                language.iso_code.into(),
                language.url_code.into(),
                "ltr".into(),
                language.date_format.into(),
                language.time_format.into(),
                language.short_time_format.into(),
                language.week_start.into(),
                "[3,0]".into(),
                language.decimal_point.into(),
                language.thousands_sep.into(),
                language.active.into(),
            ]
        })
        .collect();
    writer
        .insert(
            "res_lang",
            &[
                "id",
                "name",
                "code",
                "iso_code",
                "url_code",
                "direction",
                "date_format",
                "time_format",
                "short_time_format",
                "week_start",
                "grouping",
                "decimal_point",
                "thousands_sep",
                "active",
            ],
            rows,
        )
        .await?;
    let languages = LANGUAGES
        .iter()
        .map(|language| (language.id, language.external_id.to_owned()));
    writer.register("res.lang", languages).await
}

async fn write_modules(writer: &Writer<'_>) -> Result<(), DbErr> {
    let numbered = || (1..).zip(MODULES);
    let rows = numbered()
        .map(|(id, (name, description))| {
            vec![
                Into::into(id),
                (*name).into(),
                in_english(description),
                "installed".into(),
                "18.0.1.0".into(),
                "Other OSI approved licence".into(),
                "official".into(),
            ]
        })
        .collect();
    writer
        .insert(
            "ir_module_module",
            &[
                "id",
                "name",
                "shortdesc",
                "state",
                "latest_version",
                "license",
                "module_type",
            ],
            rows,
        )
        .await?;
    let modules = numbered().map(|(id, (name, _))| (id, format!("base.module_{name}")));
    writer.register("ir.module.module", modules).await
}

async fn write_subtypes(writer: &Writer<'_>) -> Result<(), DbErr> {
    let rows = SUBTYPES
        .iter()
        .map(|subtype| {
            vec![
                subtype.id.into(),
                in_english(subtype.name),
                subtype.sequence.into(),
                subtype.default.into(),
                subtype.internal.into(),
                false.into(),
                subtype.track_recipients.into(),
            ]
        })
        .collect();
    writer
        .insert(
            "mail_message_subtype",
            &[
                "id",
                "name",
                "sequence",
                "default",
                "internal",
                "hidden",
                "track_recipients",
            ],
            rows,
        )
        .await?;
    let subtypes = SUBTYPES
        .iter()
        .map(|subtype| (subtype.id, subtype.external_id.to_owned()));
    writer.register("mail.message.subtype", subtypes).await
}
