//! Which server sends a mail, and under which address: the FROM filters.
//!
//! What the choice depends on is read once for many mails ([`Directory::load`]); choosing is then a matter of
//! comparing texts. The rules are Odoo's, recorded in `tests/fixtures/oracle/find_mail_server.jsonl`.

use std::collections::HashMap;
use std::sync::Arc;

use mail::address::{
    email_domain_extract, email_domain_normalize, email_normalize, from_filter_parts,
    match_from_filter,
};

use words::say;

use crate::domain::Domain;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::ir_mail_server::{self, Model as MailServer};
use crate::orm::{convert, search};
use crate::registry::entry;
use crate::value::Id;

/// How many mails one session carries, unless `mail.session.batch.size` says otherwise.
const SESSION_BATCH: usize = 1000;
/// The parameter that names the server for mass mailings, by its id; Odoo's Email Marketing keeps it there.
pub const MASS_MAILING_SERVER: &str = "mass_mailing.mail_server_id";
/// The largest mail in MiB, unless `base.default_max_email_size` or the server says otherwise.
const MAX_EMAIL_SIZE: f64 = 10.0;

/// Who carries a mail.
#[derive(Clone, Debug)]
pub enum Carrier {
    /// A row of `ir.mail_server`.
    Server(Arc<MailServer>),
    /// The server of the program's own configuration, which stands in when there is no row.
    Own,
}

impl Carrier {
    /// The row of the server, where it is one.
    pub fn server(&self) -> Option<&Arc<MailServer>> {
        match self {
            Carrier::Server(server) => Some(server),
            Carrier::Own => None,
        }
    }

    /// What the server is called.
    pub fn name(&self) -> &str {
        self.server()
            .map_or(super::smtp::OWN_NAME, |server| &server.name)
    }

    /// The id of the row; none for the program's own server.
    pub fn id(&self) -> Option<Id> {
        self.server().map(|server| server.id)
    }
}

/// The addresses that mails of a domain go out under when their own sender cannot be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `notifications@example.com`: the address for senders that no server may use.
    pub from: Option<String>,
    /// `bounce@example.com`: where bounces go.
    pub bounce: Option<String>,
}

impl Defaults {
    /// These, and `others` for what these lack.
    #[must_use]
    pub fn or(&self, others: &Defaults) -> Defaults {
        Defaults {
            from: self.from.clone().or_else(|| others.from.clone()),
            bounce: self.bounce.clone().or_else(|| others.bounce.clone()),
        }
    }
}

/// The server of a mail and the sender of the session with it.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The server.
    pub carrier: Carrier,
    /// The senders that it takes; everybody without one.
    pub from_filter: Option<String>,
    /// The sender that the session is for; it goes into From.
    pub smtp_from: Option<String>,
    /// The default sender and the address for bounces, of the mail's domain or the company.
    pub defaults: Defaults,
}

/// What the choice of servers and senders depends on, as it stood when it was read.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The active servers, in the order in which they are tried.
    servers: Vec<Arc<MailServer>>,
    /// Of the company of whoever sends, else of the program's configuration.
    company: Defaults,
    /// Of the company of whoever sends.
    company_domain: Defaults,
    alias_domains: HashMap<Id, Defaults>,
    /// The filter of the program's own server.
    own_filter: Option<String>,
    /// The active server that mass mailings go out by, where the settings name one.
    pub mass_mailing: Option<Id>,
    /// The address of links.
    pub base_url: String,
    /// How many mails one session carries.
    pub session_batch: usize,
    max_email_size: f64,
}

impl Directory {
    /// Reads it, by a fixed number of statements.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(env: &Env) -> Result<Directory> {
        let parameters = Parameters::read(env).await?;
        let own = env.backend().own_server();
        let alias_domains = alias_domains(env).await?;
        let company = defaults_of_company(env, &alias_domains, &parameters).await?;
        let configured = own.email_from.as_deref().and_then(email_normalize);
        let company_domain = company.clone();
        let company = company.or(&Defaults {
            from: configured.clone(),
            bounce: configured,
        });
        let servers = servers(env).await?;
        Ok(Directory {
            company_domain,
            mass_mailing: parameters
                .number(MASS_MAILING_SERVER)
                .filter(|id| servers.iter().any(|server| server.id == *id)),
            servers,
            company: Defaults {
                from: company.from.as_deref().and_then(email_normalize),
                bounce: company.bounce,
            },
            alias_domains,
            own_filter: parameters
                .filled("mail.default.from_filter")
                .map(str::to_owned)
                .or_else(|| own.from_filter.clone()),
            base_url: parameters
                .filled("web.base.url")
                .unwrap_or_default()
                .trim_end_matches('/')
                .to_owned(),
            session_batch: parameters
                .number("mail.session.batch.size")
                .unwrap_or(SESSION_BATCH),
            max_email_size: parameters
                .number("base.default_max_email_size")
                .filter(|size| *size > 0.0)
                .unwrap_or(MAX_EMAIL_SIZE),
        })
    }

    /// The addresses of an alias domain; none when there is no such domain.
    pub fn of_alias_domain(&self, id: Option<Id>) -> Defaults {
        id.and_then(|id| self.alias_domains.get(&id))
            .cloned()
            .unwrap_or_default()
    }

    /// The addresses of the company of whoever sends, else of the program's configuration.
    pub fn of_company(&self) -> &Defaults {
        &self.company
    }

    /// The addresses of the company of whoever sends, without those of the program's configuration.
    pub fn of_company_domain(&self) -> &Defaults {
        &self.company_domain
    }

    /// Whether there is no active server.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// The senders that a server takes; everybody without it.
    pub fn filter_of(&self, carrier: &Carrier) -> Option<String> {
        match carrier {
            Carrier::Server(server) => filter(server).map(str::to_owned),
            Carrier::Own => self.own_filter.clone(),
        }
    }

    /// Whether a server is meant for this sender: by its filter, or because it has none.
    pub fn covers(&self, address: &str) -> bool {
        if self.servers.is_empty() {
            return match_from_filter(Some(address), self.own_filter.as_deref());
        }
        let open = || self.servers.iter().any(|server| filter(server).is_none());
        let address = email_normalize(address);
        address.is_some_and(|address| self.matching(&address).is_some() || open())
    }

    /// The addresses that mails go out under when their own sender cannot be used.
    pub fn notification_addresses(&self) -> impl Iterator<Item = &str> {
        let domains = self.alias_domains.values();
        let all = domains.chain(std::iter::once(&self.company));
        all.filter_map(|defaults| defaults.from.as_deref())
    }

    /// The largest mail that goes out by this server, in bytes.
    pub fn max_size(&self, carrier: &Carrier) -> f64 {
        let own = carrier
            .server()
            .and_then(|server| server.max_email_size)
            .filter(|size| *size > 0.0);
        own.unwrap_or(self.max_email_size) * 1024.0 * 1024.0
    }

    /// The server and the sender for a mail from `email_from`, where the record that it is about has addresses
    /// of its own domain.
    ///
    /// An exact address wins over a domain, for the sender first and for the default sender then; last come the
    /// first server without a filter and the first of all, under the default sender.
    #[must_use]
    pub fn find(
        &self,
        email_from: Option<&str>,
        of_record: &Defaults,
    ) -> (Carrier, Option<String>) {
        // The address of a record's domain is compared as it is written, as Odoo compares it.
        let default_from = of_record.from.clone().or_else(|| self.company.from.clone());
        let carrier = |server: &Arc<MailServer>| Carrier::Server(Arc::clone(server));
        let own_sender = || email_from.map(str::to_owned);
        if let Some(address) = email_from.and_then(email_normalize)
            && let Some(server) = self.matching(&address)
        {
            return (carrier(server), own_sender());
        }
        if let Some(address) = &default_from
            && let Some(server) = self.matching(address)
        {
            return (carrier(server), default_from);
        }
        let open = self.servers.iter().find(|server| filter(server).is_none());
        if let Some(server) = open.or_else(|| self.servers.first()) {
            return (carrier(server), default_from.or_else(own_sender));
        }
        let own_filter = self.own_filter.as_deref();
        let sender = if match_from_filter(email_from, own_filter) {
            own_sender()
        } else {
            default_from.or_else(own_sender)
        };
        (Carrier::Own, sender)
    }

    fn matching(&self, address: &str) -> Option<&Arc<MailServer>> {
        let exact = |server: &&Arc<MailServer>| {
            let mut parts = parts(server);
            parts
                .any(|part| part.contains('@') && email_normalize(part).as_deref() == Some(address))
        };
        self.servers.iter().find(exact).or_else(|| {
            let domain = email_domain_extract(address)?;
            self.servers.iter().find(|server| {
                parts(server).any(|part| email_domain_normalize(part).as_ref() == Some(&domain))
            })
        })
    }

    /// The session for a mail: by the server that it demands, else by the one that is found for its sender.
    ///
    /// # Errors
    /// [`Error::User`] when the server that it demands was archived or deleted.
    pub fn choose(
        &self,
        email_from: Option<&str>,
        forced: Option<Id>,
        alias_domain: Option<Id>,
    ) -> Result<Choice> {
        let of_record = self.of_alias_domain(alias_domain);
        match forced {
            Some(id) => self.session(id, email_from, &of_record),
            None => Ok(self.session_for(email_from, &of_record)),
        }
    }

    /// The session with the server that is found for a sender.
    #[must_use]
    pub fn session_for(&self, email_from: Option<&str>, of_record: &Defaults) -> Choice {
        let (carrier, smtp_from) = self.find(email_from, of_record);
        Choice {
            from_filter: self.filter_of(&carrier),
            carrier,
            smtp_from,
            defaults: of_record.or(&self.company),
        }
    }

    /// The session with a certain server; the sender stays whatever the filter says.
    ///
    /// # Errors
    /// [`Error::User`] when the server was archived or deleted.
    pub fn session(
        &self,
        server: Id,
        email_from: Option<&str>,
        of_record: &Defaults,
    ) -> Result<Choice> {
        let known = self.servers.iter().find(|known| known.id == server);
        let server = known.ok_or_else(|| Error::User(say!("error-server-gone")))?;
        Ok(Choice {
            carrier: Carrier::Server(Arc::clone(server)),
            from_filter: filter(server).map(str::to_owned),
            smtp_from: email_from.map(str::to_owned),
            defaults: of_record.or(&self.company),
        })
    }
}

/// A filter of blanks is one, an empty text is none.
fn filter(server: &MailServer) -> Option<&str> {
    server
        .from_filter
        .as_deref()
        .filter(|filter| !filter.is_empty())
}

fn parts(server: &MailServer) -> impl Iterator<Item = &str> {
    from_filter_parts(filter(server).unwrap_or_default())
}

async fn servers(env: &Env) -> Result<Vec<Arc<MailServer>>> {
    let model = entry("ir.mail_server")?;
    let options = search::Options::default();
    let ids = search::ids(&env.sudo(), model, &Domain::eq("active", true), &options).await?;
    let mut servers = ir_mail_server::rows(env, &ids).await?;
    servers.sort_by_key(|server| ids.iter().position(|id| *id == server.id));
    Ok(servers.into_iter().map(Arc::new).collect())
}

async fn alias_domains(env: &Env) -> Result<HashMap<Id, Defaults>> {
    let sql = env.sql("SELECT id, name, bounce_alias, default_from FROM mail_alias_domain");
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let domain: String = convert::get(&row, 1)?.unwrap_or_default();
        let address = |local: Option<String>| {
            local
                .filter(|local| !local.is_empty())
                .map(|local| at(&local, &domain))
        };
        let defaults = Defaults {
            bounce: address(convert::get(&row, 2)?),
            from: address(convert::get(&row, 3)?),
        };
        found.insert(id, defaults);
    }
    Ok(found)
}

/// The default addresses of the company that the caller works for: those of its alias domain, else those of the
/// parameters `mail.default.from`, `mail.bounce.alias` and `mail.catchall.domain`, which older databases have.
async fn defaults_of_company(
    env: &Env,
    alias_domains: &HashMap<Id, Defaults>,
    parameters: &Parameters,
) -> Result<Defaults> {
    let mut sql = env.sql("SELECT alias_domain_id FROM res_company WHERE id = ");
    sql.bind(convert::company(env).await?);
    let domain: Option<Id> = match env.row(sql).await? {
        Some(row) => convert::get(&row, 0)?,
        None => None,
    };
    if let Some(defaults) = domain.and_then(|id| alias_domains.get(&id)) {
        return Ok(defaults.clone());
    }
    let domain = parameters.filled("mail.catchall.domain");
    let address = |key: &str| {
        let local = parameters.filled(key)?;
        match domain {
            Some(domain) => Some(at(local, domain)),
            None => Some(local.to_owned()).filter(|local| local.contains('@')),
        }
    };
    Ok(Defaults {
        from: address("mail.default.from"),
        bounce: address("mail.bounce.alias"),
    })
}

/// The default addresses of the company that the caller works for.
///
/// # Errors
/// When the database fails.
pub async fn defaults(env: &Env) -> Result<Defaults> {
    let parameters = Parameters::read(env).await?;
    defaults_of_company(env, &alias_domains(env).await?, &parameters).await
}

fn at(local: &str, domain: &str) -> String {
    if local.contains('@') {
        local.to_owned()
    } else {
        format!("{local}@{domain}")
    }
}

/// The system parameters that matter here.
struct Parameters(HashMap<String, String>);

impl Parameters {
    async fn read(env: &Env) -> Result<Parameters> {
        let sql = env.sql(
            "SELECT key, value FROM ir_config_parameter WHERE key IN ('mail.default.from', 'mail.bounce.alias', \
             'mail.catchall.domain', 'mail.default.from_filter', 'mail.session.batch.size', \
             'base.default_max_email_size', 'web.base.url', 'mass_mailing.mail_server_id')",
        );
        let mut found = HashMap::new();
        for row in env.rows(sql).await? {
            let key: String = convert::get(&row, 0)?.unwrap_or_default();
            found.insert(key, convert::get(&row, 1)?.unwrap_or_default());
        }
        Ok(Parameters(found))
    }

    fn filled(&self, key: &str) -> Option<&str> {
        self.0
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The number that a parameter holds. What is none, and a zero that would stop everything, counts as not set:
    /// a typing error must not keep mails back.
    fn number<T: std::str::FromStr + PartialOrd + Default>(&self, key: &str) -> Option<T> {
        let text = self.filled(key)?.trim();
        let number = text.parse().ok().filter(|number| *number > T::default());
        if number.is_none() {
            tracing::warn!(
                key,
                value = text,
                "the parameter is no number above zero; the usual one is taken"
            );
        }
        number
    }
}
