//! The groups, what each implies, and who is in them.

use std::collections::BTreeSet;

use sea_orm_migration::prelude::DbErr;

use super::writer::{Writer, in_english};

struct Group {
    id: i32,
    external_id: &'static str,
    name: &'static str,
    implies: &'static [i32],
    /// Whether its members are guests rather than people who work here.
    share: bool,
    /// The longest life, in days, of an API key that a member may make.
    api_key_days: Option<f64>,
}

const fn group(id: i32, external_id: &'static str, name: &'static str) -> Group {
    Group {
        id,
        external_id,
        name,
        implies: &[],
        share: false,
        api_key_days: None,
    }
}

const INTERNAL: i32 = 1;
const ACCESS_RIGHTS: i32 = 2;
const UNSANITIZED: i32 = 3;
const SETTINGS: i32 = 4;
const TECHNICAL: i32 = 7;
const EXPORT: i32 = 8;
const CONTACTS: i32 = 9;
const PORTAL: i32 = 10;
const PUBLIC: i32 = 11;
const CANNED_RESPONSES: i32 = 12;
const MAIL_TEMPLATES: i32 = 13;

const GROUPS: &[Group] = &[
    Group {
        implies: &[TECHNICAL],
        api_key_days: Some(90.0),
        ..group(INTERNAL, "base.group_user", "Internal User")
    },
    Group {
        implies: &[INTERNAL],
        ..group(ACCESS_RIGHTS, "base.group_erp_manager", "Access Rights")
    },
    group(
        UNSANITIZED,
        "base.group_sanitize_override",
        "Unfiltered HTML",
    ),
    Group {
        implies: &[ACCESS_RIGHTS, CANNED_RESPONSES, MAIL_TEMPLATES, UNSANITIZED],
        ..group(SETTINGS, "base.group_system", "Settings")
    },
    group(5, "base.group_multi_company", "Several Companies"),
    group(6, "base.group_multi_currency", "Several Currencies"),
    group(TECHNICAL, "base.group_no_one", "Technical Features"),
    group(EXPORT, "base.group_allow_export", "Export"),
    group(CONTACTS, "base.group_partner_manager", "Contacts"),
    Group {
        share: true,
        ..group(PORTAL, "base.group_portal", "Portal")
    },
    Group {
        share: true,
        ..group(PUBLIC, "base.group_public", "Public")
    },
    group(
        CANNED_RESPONSES,
        "mail.group_mail_canned_response_admin",
        "Canned Response Administrator",
    ),
    group(
        MAIL_TEMPLATES,
        "mail.group_mail_template_editor",
        "Mail Template Editor",
    ),
    group(
        14,
        "mail.group_mail_notification_type_inbox",
        "Notified in the Inbox",
    ),
];

/// The groups each user was put into, as `(user, groups)`; the implied ones follow from them.
const MEMBERS: &[(i32, &[i32])] = &[
    (1, &[SETTINGS, CONTACTS, EXPORT]),
    (2, &[SETTINGS, CONTACTS, EXPORT]),
    (3, &[INTERNAL, CONTACTS, EXPORT]),
    (4, &[PUBLIC]),
    (5, &[PORTAL]),
];

pub(super) async fn write(writer: &Writer<'_>) -> Result<(), DbErr> {
    let rows = GROUPS
        .iter()
        .map(|group| {
            vec![
                group.id.into(),
                in_english(group.name),
                group.share.into(),
                group.api_key_days.into(),
            ]
        })
        .collect();
    writer
        .insert(
            "res_groups",
            &["id", "name", "share", "api_key_duration"],
            rows,
        )
        .await?;

    let implied = GROUPS.iter().flat_map(|group| {
        let pair = |implied: &i32| vec![group.id.into(), (*implied).into()];
        group.implies.iter().map(pair)
    });
    writer
        .insert_bare("res_groups_implied_rel", &["gid", "hid"], implied)
        .await?;

    let memberships = MEMBERS.iter().flat_map(|(user, groups)| {
        let pair = |group: i32| vec![group.into(), (*user).into()];
        with_implied(groups).into_iter().map(pair)
    });
    writer
        .insert_bare("res_groups_users_rel", &["gid", "uid"], memberships)
        .await?;

    let groups = GROUPS
        .iter()
        .map(|group| (group.id, group.external_id.to_owned()));
    writer.register("res.groups", groups).await
}

/// `groups` and all that they imply: Odoo stores a user's memberships in full.
fn with_implied(groups: &[i32]) -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    let mut pending = groups.to_vec();
    while let Some(id) = pending.pop() {
        if found.insert(id) {
            let implied = GROUPS.iter().filter(|group| group.id == id);
            pending.extend(implied.flat_map(|group| group.implies));
        }
    }
    found
}
