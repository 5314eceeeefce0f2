//! Telling the administrators that a mailbox broke, or works again, or that a client secret ends: in the log, by a mail
//! through a server that works, and to a webhook.

use std::sync::Arc;
use std::time::Duration;

use auth::remote::{Address, Notice};
use secrecy::SecretString;
use words::{Lang, Text, say};

use crate::atlas::CREDENTIAL_ENDS;
use crate::backend::Backend;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::metrics;
use crate::models::ir_config_parameter;
use crate::oauth_flow::mailbox::Mailbox;
use crate::orm::{convert, create};
use crate::registry::entry;
use crate::retry::in_work;
use crate::value::{Id, map};

/// Where notices are posted, and the secret that they are signed with.
const WEBHOOK: &str = "postern.alert.webhook";
const WEBHOOK_SECRET: &str = "postern.alert.secret";
/// How often a notice is posted, with pauses that double.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// What it is about.
#[derive(Clone, Copy)]
enum About<'a> {
    Mailbox(Mailbox),
    /// Something in the settings, by what a person calls it.
    Setting(&'a Text),
}

/// What is to be told.
struct Alert<'a> {
    event: &'static str,
    about: About<'a>,
    code: Option<String>,
    /// What happened and what to do.
    text: Text,
}

/// A mailbox needs somebody to act.
pub async fn broken(caller: &Caller, mailbox: Mailbox, code: &str, reason: &Text) {
    tracing::error!(model = mailbox.model, id = mailbox.id, code, %reason, "a mailbox is broken until somebody acts");
    let alert = Alert {
        event: "mailbox_broken",
        about: About::Mailbox(mailbox),
        code: Some(code.to_owned()),
        text: reason.clone(),
    };
    raise(caller, alert).await;
}

/// A mailbox that was broken works again.
pub async fn recovered(caller: &Caller, mailbox: Mailbox) {
    tracing::info!(
        model = mailbox.model,
        id = mailbox.id,
        "a mailbox that was broken works again"
    );
    let alert = Alert {
        event: "mailbox_recovered",
        about: About::Mailbox(mailbox),
        code: None,
        text: say!("alert-recovered"),
    };
    raise(caller, alert).await;
}

/// What an application proves itself by ends soon, or has ended.
pub async fn ends(caller: &Caller, what: &Text, notice: &Text, is_over: bool) {
    let code = CREDENTIAL_ENDS.code;
    if is_over {
        tracing::error!(%what, code, %notice, "no mailbox can be connected or renewed with it any more");
    } else {
        tracing::warn!(%what, code, %notice, "it has to be replaced soon");
    }
    let alert = Alert {
        event: if is_over {
            "credential_expired"
        } else {
            "credential_expiring"
        },
        about: About::Setting(what),
        code: Some(code.to_owned()),
        text: notice.clone(),
    };
    raise(caller, alert).await;
}

/// That somebody could not be told is no reason for what goes on to fail.
async fn raise(caller: &Caller, alert: Alert<'_>) {
    metrics::alerted(alert.event);
    let superuser = Caller::superuser(Arc::clone(caller.backend()));
    match queue(&superuser, &alert).await {
        Ok(Some((url, secret, json))) => {
            let backend = Arc::clone(caller.backend());
            caller
                .backend()
                .spawn(async move { post(&backend, &url, secret, &json).await });
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(event = alert.event, %error, "the administrators could not be told of a mailbox");
        }
    }
}

/// Queues the mail, and gives where the notice is to be posted to, with its secret and content.
async fn queue(superuser: &Caller, alert: &Alert<'_>) -> Result<Option<(String, String, String)>> {
    in_work!(superuser, |env| {
        let name = match alert.about {
            About::Mailbox(mailbox) => Text::quote(name_of(env, mailbox).await?),
            About::Setting(what) => what.clone(),
        };
        write_mails(env, alert, &name).await?;
        let webhook = ir_config_parameter::get(env, WEBHOOK).await?;
        let secret = ir_config_parameter::get(env, WEBHOOK_SECRET).await?;
        let webhook = webhook.filter(|url| !url.trim().is_empty());
        Ok(webhook.map(|url| (url, secret.unwrap_or_default(), json(alert, &name))))
    })
}

async fn name_of(env: &Env, mailbox: Mailbox) -> Result<String> {
    let mut sql = env.sql("SELECT name FROM ");
    sql.name(entry(mailbox.model)?.table())
        .push(" WHERE id = ")
        .bind(mailbox.id);
    let row = env.row(sql).await?;
    let name: Option<String> = row.map(|row| convert::get(&row, 0)).transpose()?.flatten();
    Ok(name.unwrap_or_default())
}

/// Queues mails to the administrators, one for each language that they read, if there is a server that can be expected
/// to send them.
async fn write_mails(env: &Env, alert: &Alert<'_>, name: &Text) -> Result<()> {
    let recipients = administrators(env).await?;
    let Some((server, sender)) = working_server(env, alert.about).await? else {
        return Ok(());
    };
    if recipients.is_empty() {
        return Ok(());
    }
    let subject = match alert.event {
        "mailbox_recovered" => say!("alert-works-again", name),
        "credential_expiring" => say!("alert-ends-soon", name),
        "credential_expired" => say!("alert-has-ended", name),
        _ => say!("alert-needs-attention", name),
    };
    let base = ir_config_parameter::base_url(env).await?;
    let place = match alert.about {
        About::Mailbox(Mailbox { model, id }) => format!("{model}/{id}"),
        About::Setting(_) => "settings".into(),
    };
    for lang in Lang::ALL {
        let readers = recipients.iter().filter(|(_, reads)| *reads == lang);
        let readers: Vec<&str> = readers.map(|(address, _)| address.as_str()).collect();
        if readers.is_empty() {
            continue;
        }
        let body = format!(
            "<p>{}</p><p><a href=\"{base}/odoo/{place}\">{}</a></p>",
            mail::parse::escape_html(&alert.text.in_lang(lang)),
            mail::parse::escape_html(&name.in_lang(lang)),
        );
        let mut values = map([
            ("subject", subject.in_lang(lang).into()),
            ("body_html", body.into()),
            ("email_to", readers.join(", ").into()),
            ("mail_server_id", server.into()),
            ("auto_delete", true.into()),
        ]);
        if sender.contains('@') {
            values.insert("email_from".into(), sender.as_str().into());
        }
        create::record(&env.sudo(), entry("mail.mail")?, values).await?;
    }
    env.wake_outbox();
    Ok(())
}

/// The addresses of those who may change the settings, and the language that each reads.
async fn administrators(env: &Env) -> Result<Vec<(String, Lang)>> {
    let sql = env.sql(
        "SELECT p.email, MIN(p.lang) FROM res_users u JOIN res_partner p ON p.id = u.partner_id \
         JOIN res_groups_users_rel r ON r.uid = u.id \
         JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = r.gid AND d.module = 'base' AND d.name = 'group_system' \
         WHERE u.active AND u.id <> 1 AND COALESCE(p.email, '') <> '' GROUP BY p.email ORDER BY p.email",
    );
    let mut found = Vec::new();
    for row in env.rows(sql).await? {
        let reads: Option<String> = convert::get(&row, 1)?;
        let reads = reads.as_deref().and_then(Lang::of_code).unwrap_or_default();
        let address: Option<String> = convert::get(&row, 0)?;
        found.extend(address.map(|address| (address, reads)));
    }
    Ok(found)
}

/// An outgoing server, other than the one it is about, whose mailbox is connected as far as is known, and the address it sends from.
async fn working_server(env: &Env, about: About<'_>) -> Result<Option<(Id, String)>> {
    let mut sql = env.sql(
        "SELECT s.id, COALESCE(s.smtp_user, '') FROM ir_mail_server s \
         LEFT JOIN postern_oauth_mailbox t ON t.model = 'ir.mail_server' AND t.res_id = s.id AND t.remedy_by IS NOT NULL \
         WHERE s.active AND t.res_id IS NULL \
         AND (s.smtp_authentication NOT IN ('outlook', 'gmail') \
              OR COALESCE(s.microsoft_outlook_refresh_token, '') <> '' OR COALESCE(s.google_gmail_refresh_token, '') <> '' \
              OR EXISTS (SELECT 1 FROM postern_oauth_connection c WHERE c.model = 'ir.mail_server' AND c.res_id = s.id AND c.grant_type = 'application'))",
    );
    if let About::Mailbox(broken) = about
        && broken.model == "ir.mail_server"
    {
        sql.push(" AND s.id <> ").bind(broken.id);
    }
    sql.push(" ORDER BY s.sequence, s.id LIMIT 1");
    let Some(row) = env.row(sql).await? else {
        return Ok(None);
    };
    let id = convert::get(&row, 0)?.unwrap_or_default();
    Ok(Some((id, convert::get(&row, 1)?.unwrap_or_default())))
}

/// `{"event", "model", "id", "name", "code", "message"}`; `code` is null where there is none, `model` and `id` where it is
/// about no mailbox. The words are English.
fn json(alert: &Alert<'_>, name: &Text) -> String {
    let mailbox = match alert.about {
        About::Mailbox(mailbox) => Some(mailbox),
        About::Setting(_) => None,
    };
    serde_json::json!({
        "event": alert.event,
        "model": mailbox.map(|mailbox| mailbox.model),
        "id": mailbox.map(|mailbox| mailbox.id),
        "name": name.to_string(),
        "code": alert.code,
        "message": alert.text.to_string(),
    })
    .to_string()
}

async fn post(backend: &Arc<Backend>, url: &str, secret: String, json: &str) {
    let address = match Address::parse(url) {
        Ok(address) => address,
        Err(error) => {
            tracing::warn!(parameter = WEBHOOK, code = error.entry().code, %error, "the webhook for alerts cannot be used");
            return;
        }
    };
    let secret = SecretString::from(secret);
    let key = uuid::Uuid::new_v4().to_string();
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        let notice = Notice {
            key: &key,
            timestamp: backend.unix_now(),
            json,
        };
        match backend.remote().notify(&address, &secret, &notice).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(attempt, code = error.entry().code, %error, "an alert could not be posted to the webhook");
            }
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}
