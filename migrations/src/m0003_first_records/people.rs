//! The first company, the first partners and the first users.

use sea_orm_migration::prelude::DbErr;
use sea_orm_migration::sea_orm::Value;

use super::writer::Writer;

const COMPANY: i32 = 1;
const COMPANY_NAME: &str = "My Company";

struct Partner {
    id: i32,
    external_id: &'static str,
    name: &'static str,
    email: Option<&'static str>,
    is_company: bool,
    active: bool,
    /// Whether this is someone outside: anyone but the users who work here.
    share: bool,
}

const PARTNERS: &[Partner] = &[
    Partner {
        id: 1,
        external_id: "base.main_partner",
        name: COMPANY_NAME,
        email: None,
        is_company: true,
        active: true,
        share: true,
    },
    Partner {
        id: 2,
        external_id: "base.partner_root",
        name: "System",
        email: Some("system@example.com"),
        is_company: false,
        active: false,
        share: false,
    },
    Partner {
        id: 3,
        external_id: "base.partner_admin",
        name: "Administrator",
        email: Some("admin@example.com"),
        is_company: false,
        active: true,
        share: false,
    },
    Partner {
        id: 4,
        external_id: "base.public_partner",
        name: "Public user",
        email: None,
        is_company: false,
        active: false,
        share: true,
    },
    Partner {
        id: 5,
        external_id: "base.default_user_res_partner",
        name: "Default User Template",
        email: None,
        is_company: false,
        active: false,
        share: true,
    },
    Partner {
        id: 6,
        external_id: "base.template_portal_user_id_res_partner",
        name: "Portal User Template",
        email: None,
        is_company: false,
        active: false,
        share: true,
    },
];

struct User {
    id: i32,
    external_id: &'static str,
    login: &'static str,
    partner: i32,
    active: bool,
    /// Whether the user is a guest (portal, public) rather than someone who works here.
    share: bool,
}

const USERS: &[User] = &[
    User {
        id: 1,
        external_id: "base.user_root",
        login: "__system__",
        partner: 2,
        active: false,
        share: false,
    },
    User {
        id: 2,
        external_id: "base.user_admin",
        login: "admin",
        partner: 3,
        active: true,
        share: false,
    },
    User {
        id: 3,
        external_id: "base.default_user",
        login: "default",
        partner: 5,
        active: false,
        share: false,
    },
    User {
        id: 4,
        external_id: "base.public_user",
        login: "public",
        partner: 4,
        active: false,
        share: true,
    },
    User {
        id: 5,
        external_id: "base.template_portal_user_id",
        login: "portaltemplate",
        partner: 6,
        active: false,
        share: true,
    },
];

pub(super) async fn write(writer: &Writer<'_>) -> Result<(), DbErr> {
    write_partners(writer).await?;
    write_company(writer).await?;
    write_users(writer).await?;
    // The first records of all were there before any user who could have made them.
    writer.own("res_partner").await?;
    writer.own("res_company").await
}

async fn write_partners(writer: &Writer<'_>) -> Result<(), DbErr> {
    let rows = PARTNERS
        .iter()
        .map(|partner| {
            vec![
                partner.id.into(),
                partner.name.into(),
                partner.name.into(),
                partner.id.into(),
                partner.is_company.then_some(partner.name).into(),
                "contact".into(),
                "en_US".into(),
                partner.email.into(),
                partner.email.into(),
                0.into(),
                0.into(),
                partner.is_company.into(),
                partner.active.into(),
                partner.share.into(),
            ]
        })
        .collect();
    writer
        .insert_unowned(
            "res_partner",
            &[
                "id",
                "name",
                "complete_name",
                "commercial_partner_id",
                "commercial_company_name",
                "type",
                "lang",
                "email",
                "email_normalized",
                "color",
                "message_bounce",
                "is_company",
                "active",
                "partner_share",
            ],
            rows,
        )
        .await
}

async fn write_company(writer: &Writer<'_>) -> Result<(), DbErr> {
    let company: Vec<(&str, Value)> = vec![
        ("id", COMPANY.into()),
        ("name", COMPANY_NAME.into()),
        ("partner_id", 1.into()),
        ("currency_id", 1.into()),
        ("sequence", 10.into()),
        ("parent_path", "1/".into()),
        ("font", "Lato".into()),
        ("layout_background", "Blank".into()),
        ("active", true.into()),
        ("uses_default_logo", true.into()),
        ("snailmail_color", true.into()),
        ("snailmail_cover", false.into()),
        ("snailmail_duplex", false.into()),
    ];
    let (columns, row): (Vec<_>, Vec<_>) = company.into_iter().unzip();
    writer
        .insert_unowned("res_company", &columns, vec![row])
        .await
}

async fn write_users(writer: &Writer<'_>) -> Result<(), DbErr> {
    let rows = USERS
        .iter()
        .map(|user| {
            vec![
                user.id.into(),
                user.login.into(),
                user.partner.into(),
                COMPANY.into(),
                user.active.into(),
                user.share.into(),
                "email".into(),
            ]
        })
        .collect();
    writer
        .insert(
            "res_users",
            &[
                "id",
                "login",
                "partner_id",
                "company_id",
                "active",
                "share",
                "notification_type",
            ],
            rows,
        )
        .await?;
    writer
        .insert_bare(
            "res_company_users_rel",
            &["cid", "user_id"],
            USERS
                .iter()
                .map(|user| vec![COMPANY.into(), user.id.into()]),
        )
        .await?;

    let partners = PARTNERS
        .iter()
        .map(|partner| (partner.id, partner.external_id.to_owned()));
    writer.register("res.partner", partners).await?;
    let company = (COMPANY, "base.main_company".to_owned());
    writer.register("res.company", [company]).await?;
    let users = USERS
        .iter()
        .map(|user| (user.id, user.external_id.to_owned()));
    writer.register("res.users", users).await
}
