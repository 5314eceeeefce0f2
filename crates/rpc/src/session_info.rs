//! What a client is told about its session: the user, the companies, the server.

use server_model::User;
use server_model::call::call_kw;
use server_model::database::Intent;
use server_model::env::Caller;
use server_model::parameters;
use server_model::value::{AnyValue, Id, Key, Map, map};

use crate::dispatch::{SERIE, rows, version_info};
use crate::envelope::BODY_LIMIT;
use crate::error::Result;

/// Longer lists of ids are not kept in an action's context by Odoo's clients.
const ACTIVE_IDS_LIMIT: i64 = 20_000;

/// The session information of a user, with the members that clients of Odoo 18 read.
///
/// # Errors
/// When the user or the companies cannot be read.
pub async fn session_info(caller: &Caller) -> Result<AnyValue> {
    let env = caller.begin(Intent::Read).await?;
    let found = async {
        let user = env.user().await?;
        let base_url = parameters::get(&env.sudo(), "web.base.url").await?;
        Ok((user, base_url))
    }
    .await;
    env.rollback().await?;
    let (user, base_url): (std::sync::Arc<User>, Option<String>) =
        found.map_err(|error: server_model::error::Error| error)?;
    let companies = companies(caller, &user).await?;
    let is = |group: &str| AnyValue::Bool(user.groups.contains(group));
    let lang = user.lang.clone().unwrap_or_else(|| "en_US".into());
    let context = map([
        ("lang", lang.clone().into()),
        ("tz", user.tz.clone().into()),
        ("uid", user.uid.into()),
    ]);
    let server = caller.backend().database().name();
    Ok(map([
        ("uid", user.uid.into()),
        ("is_system", is("base.group_system")),
        ("is_admin", is("base.group_erp_manager")),
        ("is_public", is("base.group_public")),
        ("is_internal_user", is("base.group_user")),
        ("user_context", context.into()),
        ("db", server.into()),
        ("user_settings", user_settings(&user)),
        ("server_version", SERIE.into()),
        ("server_version_info", version_info()),
        (
            "support_url",
            "https://github.com/postern-mail/postern/issues".into(),
        ),
        ("name", user.name.clone().into()),
        ("username", user.login.clone().into()),
        ("partner_display_name", user.name.clone().into()),
        ("partner_id", user.partner_id.into()),
        ("web.base.url", base_url.into()),
        ("active_ids_limit", ACTIVE_IDS_LIMIT.into()),
        (
            "max_file_upload_size",
            i64::try_from(BODY_LIMIT).unwrap_or(i64::MAX).into(),
        ),
        ("home_action_id", AnyValue::FALSE),
        ("cache_hashes", Map::new().into()),
        ("currencies", Map::new().into()),
        ("bundle_params", map([("lang", lang.into())]).into()),
        ("user_companies", companies),
        ("show_effect", false.into()),
        (
            "display_switch_company_menu",
            (user.company_ids.len() > 1).into(),
        ),
        ("user_id", AnyValue::List(vec![user.uid.into()])),
    ])
    .into())
}

/// Odoo keeps these in a table of its own that mail servers have no use for; the web client
/// needs the members to be there.
fn user_settings(user: &User) -> AnyValue {
    map([
        ("id", user.uid.into()),
        ("user_id", map([("id", user.uid.into())]).into()),
    ])
    .into()
}

/// The company the user works in, and all they may switch to.
async fn companies(caller: &Caller, user: &User) -> Result<AnyValue> {
    let fields = AnyValue::List(vec!["name".into(), "sequence".into(), "parent_id".into()]);
    let ids = AnyValue::ids(&user.company_ids);
    // The names of one's own companies are no secret, whatever the access rows say.
    let found = call_kw(
        &caller.sudo(),
        "res.company",
        "read",
        vec![ids, fields],
        Map::new(),
    )
    .await?;
    let found = rows(found);
    let children = |parent: Option<Id>| {
        let of_parent = found
            .iter()
            .filter(|row| {
                parent.is_some() && row.get("parent_id").and_then(AnyValue::as_id) == parent
            })
            .filter_map(|row| row.get("id").cloned());
        AnyValue::List(of_parent.collect())
    };
    let allowed: Map = found
        .iter()
        .map(|row| {
            let member = |name: &str| row.get(name).cloned().unwrap_or(AnyValue::FALSE);
            let id = member("id");
            let company = map([
                ("id", id.clone()),
                ("name", member("name")),
                ("sequence", member("sequence")),
                ("child_ids", children(id.as_id())),
                (
                    "parent_id",
                    member("parent_id")
                        .as_id()
                        .map_or(AnyValue::FALSE, AnyValue::from),
                ),
            ]);
            (Key::Owned(id.to_python_text()), company.into())
        })
        .collect();
    Ok(map([
        ("current_company", user.company_id.into()),
        ("allowed_companies", allowed.into()),
        ("disallowed_ancestor_companies", Map::new().into()),
    ])
    .into())
}
