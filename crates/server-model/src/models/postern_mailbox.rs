//! `postern.mailbox`: the mailboxes that a user may connect without access to the settings. It has no records of its
//! own; an administrator names the user in the field `postern_owner_id` of the server.

use futures_util::FutureExt;

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::oauth_flow::mailbox::{self, Mailbox};
use crate::oauth_flow::{Service, connection, consent_uri};
use crate::orm::convert;
use crate::registry::entry;
use crate::schema::{self, Call, model, model_method};
use crate::value::{AnyValue, map};

pub const MODEL: schema::Model = model("postern.mailbox", "Mailbox of a user", "")
    .rec_name("")
    .methods(&[
        model_method("mine", &[], |call| mine(call).boxed())
            .reads_only()
            .groups("base.group_user"),
        model_method("open_uri", &["model", "id"], |call| open_uri(call).boxed())
            .groups("base.group_user"),
    ]);

/// The caller's mailboxes: a list of `{model, id, name, user, service, state, account, message}`. `state` is one of
/// `postern_oauth_state`, and `message` says what is to be done, or is false.
async fn mine(call: Call<'_>) -> Result<AnyValue> {
    let env = call.env;
    let mut mailboxes = connection::owned(env, env.uid()).await?;
    mailboxes.sort_by_key(|mailbox| (mailbox.model, mailbox.id));
    let mut found = Vec::new();
    for mailbox in mailboxes {
        found.extend(described(env, mailbox).await?);
    }
    Ok(AnyValue::List(found))
}

/// `None` for a server that is gone, is switched off, or signs in without a provider.
async fn described(env: &Env, mailbox: Mailbox) -> Result<Option<AnyValue>> {
    let Mailbox { model, id } = mailbox;
    let Some(service) = service_of(env, mailbox).await? else {
        return Ok(None);
    };
    let mut sql = env.sql("SELECT name, ");
    sql.name(Mailbox::user_column(model)).push(" FROM ");
    sql.name(entry(model)?.table())
        .push(" WHERE id = ")
        .bind(id);
    let Some(row) = env.row(sql).await? else {
        return Ok(None);
    };
    let text = |at| convert::get::<String>(&row, at).map(AnyValue::text_or_false);
    let first = |values: Vec<AnyValue>| values.into_iter().next().unwrap_or(AnyValue::FALSE);
    let ids = [id];
    let error = first(mailbox::errors(env, model, &ids).await?);
    let warning = first(connection::warnings(env, model, &ids).await?);
    let described = map([
        ("model", model.into()),
        ("id", id.into()),
        ("name", text(0)?),
        ("user", text(1)?),
        ("service", service.authentication().into()),
        ("state", first(mailbox::states(env, model, &ids).await?)),
        (
            "account",
            first(connection::accounts(env, model, &ids).await?),
        ),
        ("message", if error.is_falsy() { warning } else { error }),
    ]);
    Ok(Some(described.into()))
}

async fn service_of(env: &Env, mailbox: Mailbox) -> Result<Option<Service>> {
    let kind = match mailbox.model {
        "ir.mail_server" => "smtp_authentication",
        _ => "server_type",
    };
    let mut sql = env.sql("SELECT ");
    sql.name(kind)
        .push(" FROM ")
        .name(entry(mailbox.model)?.table());
    sql.push(" WHERE active AND id = ").bind(mailbox.id);
    let row = env.row(sql).await?;
    let kind: Option<String> = row.map(|row| convert::get(&row, 0)).transpose()?.flatten();
    Ok(kind.and_then(|kind| Service::of(&kind)))
}

/// The client action that opens the address of the consent, as `open_microsoft_outlook_uri` gives it to administrators.
async fn open_uri(mut call: Call<'_>) -> Result<AnyValue> {
    let env = call.env;
    let model = call.args.take_or_false("model");
    let id = call.args.take_or_false("id").as_id();
    let owned = connection::owned(env, env.uid()).await?;
    // Whether another mailbox exists is nobody's business.
    let mailbox = owned
        .into_iter()
        .find(|mailbox| model.as_text() == Some(mailbox.model) && id == Some(mailbox.id))
        .ok_or_else(|| Error::Access(say!("error-mailbox-not-yours")))?;
    let service = service_of(env, mailbox)
        .await?
        .ok_or_else(|| Error::User(say!("error-mailbox-off")))?;
    match consent_uri(env, service, mailbox.model, mailbox.id).await? {
        AnyValue::Text(uri) => {
            Ok(map([("type", "ir.actions.act_url".into()), ("url", uri.into())]).into())
        }
        _ => Err(service.unconfigured()),
    }
}
