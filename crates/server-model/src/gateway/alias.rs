//! Aliases: which of them a mail was sent to, and whether its sender may use them.

use mail::address::email_domain_normalize;
use sea_orm::QueryResult;

use super::literal;
use super::people;
use super::route::is_thread;
use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::models::ir_config_parameter;
use crate::orm::convert;
use crate::value::{AnyValue, Id, Map};

/// An alias with everything that routing needs of it.
#[derive(Clone, Debug, Default)]
pub struct Alias {
    /// The id of the alias.
    pub id: Id,
    /// The part in front of the `@`, in lower case.
    pub name: String,
    /// The domain, in lower case; without one the alias answers only to its name.
    pub domain: Option<String>,
    /// The model of the records it makes.
    pub model: String,
    /// The record that all mail goes to.
    pub thread: Option<Id>,
    /// The record whose followers may use it, when it makes new ones.
    pub parent: Option<(String, Id)>,
    /// Who may use it: `everyone`, `partners` or `followers`.
    pub contact: String,
    /// The values of new records.
    pub defaults: Map,
    /// Whether the name is enough, at whatever domain.
    pub by_name: bool,
    /// What refused senders are told instead of our own words, as HTML.
    pub bounced_content: Option<String>,
}

impl Alias {
    /// The address, or the bare name when it has no domain.
    pub fn address(&self) -> String {
        match &self.domain {
            Some(domain) => format!("{}@{domain}", self.name),
            None => self.name.clone(),
        }
    }

    fn answers_to(&self, address: &str, domains: &Domains) -> bool {
        let Some((local, domain)) = address.rsplit_once('@') else {
            return false;
        };
        if local != self.name {
            return false;
        }
        self.domain.as_deref() == Some(domain) || (self.by_name && domains.take_names_at(domain))
    }
}

/// The domains that mail is received at.
#[derive(Clone, Debug, Default)]
pub struct Domains {
    /// The addresses that reports of failed deliveries go to, in lower case.
    pub bounce: Vec<String>,
    /// The addresses that only answers to known messages may go to, in lower case.
    pub catchall: Vec<String>,
    own: Vec<String>,
    /// The domains at which aliases may answer by name alone; empty for any.
    allowed: Vec<String>,
}

impl Domains {
    /// Reads the alias domains and the parameter `mail.catchall.domain.allowed`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(env: &Env) -> Result<Domains> {
        let mut domains = Domains::default();
        let sql = env.sql(
            "SELECT name, bounce_alias, catchall_alias FROM mail_alias_domain ORDER BY sequence, id",
        );
        for row in env.rows(sql).await? {
            let name = lower(&row, 0)?.unwrap_or_default();
            let at = |local: Option<String>| local.map(|local| format!("{local}@{name}"));
            domains.bounce.extend(at(lower(&row, 1)?));
            domains.catchall.extend(at(lower(&row, 2)?));
            domains.own.push(name);
        }
        let allowed = ir_config_parameter::get(env, "mail.catchall.domain.allowed").await?;
        domains.allowed = allowed
            .unwrap_or_default()
            .split(',')
            .map(|domain| domain.trim().to_lowercase())
            .filter(|domain| !domain.is_empty())
            .collect();
        Ok(domains)
    }

    fn take_names_at(&self, domain: &str) -> bool {
        let is = |known: &String| {
            known == domain || email_domain_normalize(known).as_deref() == Some(domain)
        };
        self.allowed.is_empty() || self.allowed.iter().any(is) || self.own.iter().any(is)
    }
}

/// The aliases that one of these (normalised) addresses is meant for, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn matching(env: &Env, addresses: &[String], domains: &Domains) -> Result<Vec<Alias>> {
    let mut sql = select(env);
    sql.push(" WHERE LOWER(a.alias_name) IN (");
    let mut count = 0;
    for address in addresses {
        let local = address.rsplit_once('@').map(|(local, _)| local.to_owned());
        if let Some(local) = local.filter(|local| !local.is_empty()) {
            sql.push(if count == 0 { "" } else { ", " }).bind(local);
            count += 1;
        }
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    sql.push(") ORDER BY a.id");
    let mut found = Vec::new();
    for row in env.rows(sql).await? {
        let alias = read(&row)?;
        if addresses
            .iter()
            .any(|address| alias.answers_to(address, domains))
        {
            found.push(alias);
        }
    }
    Ok(found)
}

fn select(env: &Env) -> crate::sql::Sql {
    let content = dialect::translated("a", "alias_bounced_content", env.lang());
    env.sql(&format!(
        "SELECT a.id, a.alias_name, d.name, m.model, a.alias_force_thread_id, p.model, \
         a.alias_parent_thread_id, a.alias_contact, a.alias_defaults, a.alias_incoming_local, {content} \
         FROM mail_alias a JOIN ir_model m ON m.id = a.alias_model_id \
         LEFT JOIN ir_model p ON p.id = a.alias_parent_model_id \
         LEFT JOIN mail_alias_domain d ON d.id = a.alias_domain_id"
    ))
}

fn read(row: &QueryResult) -> Result<Alias> {
    let id: Id = convert::get(row, 0)?.unwrap_or_default();
    let parent_model: Option<String> = convert::get(row, 5)?;
    let parent_id = convert::get::<Id>(row, 6)?.filter(|id| *id > 0);
    let defaults: String = convert::get(row, 8)?.unwrap_or_default();
    let defaults = match literal::read(&defaults) {
        Some(AnyValue::Map(defaults)) => defaults,
        _ => {
            tracing::warn!(alias = id, "the default values of the alias cannot be read");
            Map::new()
        }
    };
    Ok(Alias {
        id,
        name: lower(row, 1)?.unwrap_or_default(),
        domain: lower(row, 2)?,
        model: convert::get(row, 3)?.unwrap_or_default(),
        thread: convert::get::<Id>(row, 4)?.filter(|id| *id > 0),
        parent: parent_model.zip(parent_id),
        contact: convert::get(row, 7)?.unwrap_or_default(),
        defaults,
        by_name: convert::get::<bool>(row, 9)?.unwrap_or(false),
        bounced_content: convert::get::<String>(row, 10)?
            .filter(|html| !mail::text::html_to_text(html).trim().is_empty()),
    })
}

fn lower(row: &QueryResult, at: usize) -> Result<Option<String>> {
    Ok(convert::get::<String>(row, at)?.map(|text| text.to_lowercase()))
}

/// What an alias says to a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Come in.
    Welcome,
    /// Not for you.
    Refused,
    /// Nobody can use it as it is set up.
    Broken,
}

/// Whether the sender may use the alias. `record` is where the mail would go, or the parent.
///
/// # Errors
/// When the database fails.
pub async fn verdict(
    env: &Env,
    alias: &Alias,
    author: Option<Id>,
    record: Option<(&str, Id)>,
) -> Result<Verdict> {
    let record = record.filter(|(model, _)| is_thread(model));
    let is_follower = match (author, record) {
        (Some(author), Some(record)) => people::follows(env, author, record).await?,
        _ => false,
    };
    Ok(judge(
        &alias.contact,
        author.is_some(),
        record.is_some(),
        is_follower,
    ))
}

fn judge(contact: &str, is_known: bool, has_record: bool, is_follower: bool) -> Verdict {
    match contact {
        "followers" if !has_record => Verdict::Broken,
        "followers" if !is_follower => Verdict::Refused,
        "partners" if !is_known => Verdict::Refused,
        _ => Verdict::Welcome,
    }
}

/// Notes whether the alias works.
///
/// # Errors
/// When the database fails.
pub async fn mark(env: &Env, alias: Id, status: &'static str) -> Result<()> {
    let mut sql = env.sql("UPDATE mail_alias SET alias_status = ");
    sql.bind(status).push(" WHERE id = ").bind(alias);
    sql.push(" AND COALESCE(alias_status, '') <> ").bind(status);
    env.execute(sql).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(allowed: &[&str]) -> Domains {
        Domains {
            own: vec!["corp.example".into()],
            allowed: allowed.iter().map(|domain| (*domain).into()).collect(),
            ..Domains::default()
        }
    }

    fn alias(domain: Option<&str>, by_name: bool) -> Alias {
        Alias {
            name: "sales".into(),
            domain: domain.map(str::to_owned),
            by_name,
            ..Alias::default()
        }
    }

    #[test]
    fn an_alias_answers_at_its_own_domain_only() {
        let sales = alias(Some("corp.example"), false);
        assert!(sales.answers_to("sales@corp.example", &domains(&["more.example"])));
        for other in [
            "sales@other.example",
            "sales@mail.corp.example",
            "sales",
            "bigsales@corp.example",
        ] {
            assert!(!sales.answers_to(other, &domains(&[])), "{other}");
        }
        assert!(!alias(None, false).answers_to("sales@corp.example", &domains(&[])));
    }

    #[test]
    fn an_alias_by_name_answers_at_every_domain_that_is_allowed() {
        let local = alias(None, true);
        assert!(local.answers_to("sales@any.example", &domains(&[])));
        assert!(local.answers_to("sales@any.example", &domains(&["any.example"])));
        assert!(local.answers_to("sales@corp.example", &domains(&["any.example"])));
        assert!(!local.answers_to("sales@any.example", &domains(&["more.example"])));
    }

    #[test]
    fn the_policy_decides_who_may_use_an_alias() {
        assert_eq!(judge("everyone", false, false, false), Verdict::Welcome);
        assert_eq!(judge("partners", true, false, false), Verdict::Welcome);
        assert_eq!(judge("partners", false, true, false), Verdict::Refused);
        assert_eq!(judge("followers", true, true, true), Verdict::Welcome);
        assert_eq!(judge("followers", true, true, false), Verdict::Refused);
        assert_eq!(judge("followers", true, false, false), Verdict::Broken);
    }
}
