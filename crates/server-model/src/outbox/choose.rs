//! Which server sends a mail, and under which address: the FROM filters.

use mail::address::{email_domain_extract, email_normalize, encapsulate_email, from_filter_parts};

use crate::domain::Domain;
use crate::env::Env;
use crate::error::Result;
use crate::models::ir_config_parameter;
use crate::models::ir_mail_server::{self, Model as MailServer};
use crate::orm::search;
use crate::registry::entry;
use crate::value::Id;

/// The server and the sender's address to show.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The server; `None` when there is none at all.
    pub server: Option<MailServer>,
    /// What goes into From.
    pub from: String,
    /// Where bounces go, when the server's filter lets it be the envelope sender.
    pub envelope_from: Option<String>,
}

/// The default addresses of the company's mail domain.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// `notifications@example.com`: the address for senders that no server may use.
    pub from: Option<String>,
    /// `bounce@example.com`: where bounces go.
    pub bounce: Option<String>,
}

/// Reads the default addresses: from the alias domain of the user's company, else from the
/// parameters `mail.default.from` and `mail.catchall.domain`, which older databases have.
///
/// # Errors
/// When the database fails.
pub async fn defaults(env: &Env) -> Result<Defaults> {
    let mut sql = env.sql(
        "SELECT d.name, d.bounce_alias, d.default_from FROM mail_alias_domain d \
         JOIN res_company c ON c.alias_domain_id = d.id WHERE c.id = ",
    );
    sql.bind(env.user().await?.company_id);
    if let Some(row) = env.row(sql).await? {
        use crate::orm::convert::get;
        let domain: String = get(&row, 0)?.unwrap_or_default();
        let bounce: Option<String> = get(&row, 1)?;
        let from: Option<String> = get(&row, 2)?;
        return Ok(Defaults {
            from: from
                .filter(|from| !from.is_empty())
                .map(|from| at(&from, &domain)),
            bounce: bounce.map(|bounce| at(&bounce, &domain)),
        });
    }
    let domain = ir_config_parameter::get(env, "mail.catchall.domain").await?;
    let from = ir_config_parameter::get(env, "mail.default.from").await?;
    let bounce = ir_config_parameter::get(env, "mail.bounce.alias").await?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(match filled(domain) {
        Some(domain) => Defaults {
            from: filled(from).map(|from| at(&from, &domain)),
            bounce: filled(bounce).map(|bounce| at(&bounce, &domain)),
        },
        None => Defaults {
            from: filled(from).filter(|from| from.contains('@')),
            bounce: None,
        },
    })
}

fn at(local: &str, domain: &str) -> String {
    if local.contains('@') {
        local.to_owned()
    } else {
        format!("{local}@{domain}")
    }
}

/// Chooses among all servers, or takes the one that the mail demands.
///
/// An exact address wins over a domain, for the sender first and for the default sender then; last
/// come the first server without a filter and the first of all.
///
/// # Errors
/// When the database fails.
pub async fn choose(env: &Env, email_from: &str, forced: Option<Id>) -> Result<Choice> {
    let defaults = defaults(env).await?;
    if let Some(id) = forced {
        let server = ir_mail_server::rows(env, &[id]).await?.pop();
        return Ok(with_sender(server, email_from, &defaults));
    }
    let model = entry("ir.mail_server")?;
    let options = search::Options::default();
    let ids = search::ids(&env.sudo(), model, &Domain::eq("active", true), &options).await?;
    let mut servers = ir_mail_server::rows(env, &ids).await?;
    servers.sort_by_key(|server| ids.iter().position(|id| *id == server.id));
    let matching = |address: &str| {
        let address = email_normalize(address)?;
        let domain = email_domain_extract(&address)?;
        find(&servers, &address).or_else(|| find(&servers, &domain))
    };
    if let Some(server) = matching(email_from) {
        return Ok(with_sender(Some(server.clone()), email_from, &defaults));
    }
    let fallback = defaults
        .from
        .as_deref()
        .and_then(matching)
        .or_else(|| servers.iter().find(|server| filter(server).is_empty()))
        .or_else(|| servers.first())
        .cloned();
    Ok(with_sender(fallback, email_from, &defaults))
}

fn filter(server: &MailServer) -> &str {
    server.from_filter.as_deref().unwrap_or_default()
}

fn find<'a>(servers: &'a [MailServer], wanted: &str) -> Option<&'a MailServer> {
    servers.iter().find(|server| {
        from_filter_parts(filter(server)).any(|part| {
            if wanted.contains('@') {
                email_normalize(part).as_deref() == Some(wanted)
            } else {
                part.eq_ignore_ascii_case(wanted)
            }
        })
    })
}

/// The address shown: the sender's own where it is one and the server may use it, else the default
/// sender's with the sender's name.
fn with_sender(server: Option<MailServer>, email_from: &str, defaults: &Defaults) -> Choice {
    let filter = server
        .as_ref()
        .map(filter)
        .filter(|filter| !filter.is_empty());
    let allowed = |address: &str| mail::address::match_from_filter(Some(address), filter);
    let usable = email_normalize(email_from).is_some() && allowed(email_from);
    let from = match (&defaults.from, usable) {
        (Some(default), false) => encapsulate_email(Some(email_from), Some(default))
            .filter(|from| email_normalize(from).is_some())
            .unwrap_or_else(|| default.clone()),
        _ => email_from.to_owned(),
    };
    let envelope_from = defaults.bounce.clone().filter(|bounce| allowed(bounce));
    Choice {
        server,
        from,
        envelope_from,
    }
}
