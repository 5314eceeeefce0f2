//! What the database knows about many mails at once, so that most of them need no look-up of their own.

use std::collections::{HashMap, HashSet};

use super::alias::Domains;
use super::loops;
use super::post;
use super::received::Opened;
use super::reply::{self, Parent};
use super::route::is_thread;
use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::models::mail_message::Answers;
use crate::orm::convert;
use crate::value::{Id, Map};

/// A message that mails of the batch have the id of, or refer to.
#[derive(Clone, Debug)]
struct Message {
    id: Id,
    /// It stands on a record that mails can be posted on.
    on_record: bool,
    parent: Parent,
}

/// What is known about the mails of a batch.
pub struct Known {
    messages: HashMap<String, Message>,
    /// What became of these earlier in the batch is not looked up again; whoever refers to them is
    /// taken in by itself.
    touched: HashSet<String>,
    /// The local parts of addresses that are aliases.
    aliases: HashSet<String>,
    /// The contacts by their addresses.
    authors: HashMap<String, Id>,
    subtype: Option<Id>,
    answers: Answers,
}

/// What is to be done with a mail.
pub enum Plan {
    /// Nothing: it is here already, or must not be answered.
    Nothing,
    /// It belongs to no record and becomes a message of its own, with these values.
    Alone(Map),
    /// It refers to a mail of the batch that is to be stored first.
    AfterThose,
    /// It has to be routed.
    Route,
}

impl Known {
    /// Looks everything up that these mails may need.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_up(env: &Env, mails: &[&Opened]) -> Result<Known> {
        let mut ids = HashSet::new();
        let mut locals = HashSet::new();
        let mut senders = HashSet::new();
        for mail in mails {
            ids.extend(mail.parsed.message_id.clone());
            ids.extend(reply::referred(&mail.parsed));
            senders.extend(mail.sender.clone());
            let addresses = mail.to.iter().chain(&mail.recipients).chain(&mail.sender);
            locals.extend(addresses.filter_map(|address| local_part(address)));
        }
        Ok(Known {
            messages: messages(env, ids.into_iter().collect()).await?,
            touched: HashSet::new(),
            aliases: aliases(env, locals.into_iter().collect()).await?,
            authors: authors(env, senders.into_iter().collect()).await?,
            subtype: post::subtype(env, "mt_comment").await?,
            answers: Answers::of(env, None).await?,
        })
    }

    /// Decides about a mail as `process` and `route` would, where that needs no further look-up.
    /// `waiting` are the ids of mails of the batch that are not stored yet.
    pub fn plan(
        &self,
        env: &Env,
        mail: &Opened,
        domains: &Domains,
        waiting: &HashSet<String>,
    ) -> Plan {
        if let Some(id) = &mail.parsed.message_id
            && (self.messages.contains_key(id) || waiting.contains(id))
        {
            return Plan::Nothing;
        }
        if loops::answers_a_refusal(&mail.parsed) {
            return Plan::Nothing;
        }
        if mail.parsed.is_bounce || self.may_have_a_place(mail, domains) {
            return Plan::Route;
        }
        let referred = reply::referred(&mail.parsed);
        if referred.iter().any(|id| waiting.contains(id)) {
            return Plan::AfterThose;
        }
        let found: Vec<&Message> = referred
            .iter()
            .filter_map(|id| self.messages.get(id))
            .collect();
        let is_touched = referred.iter().any(|id| self.touched.contains(id));
        if is_touched || found.iter().any(|message| message.on_record) {
            return Plan::Route;
        }
        let parent = self.parent(mail);
        if parent.is_some_and(|parent| parent.is_note) {
            return Plan::Route;
        }
        Plan::Alone(self.values(env, mail, parent))
    }

    /// Whether an address of the mail is one of ours.
    fn may_have_a_place(&self, mail: &Opened, domains: &Domains) -> bool {
        let mut addresses = mail.to.iter().chain(&mail.recipients).chain(&mail.sender);
        addresses.any(|address| {
            domains.catchall.contains(address)
                || local_part(address).is_some_and(|local| self.aliases.contains(&local))
        })
    }

    fn parent(&self, mail: &Opened) -> Option<&Parent> {
        let [first, rest] = reply::parents(&mail.parsed);
        let newest = |ids: &[String]| {
            let found = ids.iter().filter_map(|id| self.messages.get(id));
            found.max_by_key(|message| message.id)
        };
        newest(&first)
            .or_else(|| newest(&rest))
            .map(|message| &message.parent)
    }

    fn values(&self, env: &Env, mail: &Opened, parent: Option<&Parent>) -> Map {
        let author = self.author(mail);
        let mut values = post::values_of(env, &mail.parsed, self.subtype, author, parent);
        // Nobody is told of it.
        values.shift_remove("partner_ids");
        if !values.contains_key("reply_to") {
            let address = self.answers.to(None);
            let address = address.unwrap_or_else(|| mail.parsed.email_from.clone());
            values.insert("reply_to".into(), address.into());
        }
        values
    }

    fn author(&self, mail: &Opened) -> Option<Id> {
        self.authors.get(mail.sender.as_ref()?).copied()
    }

    /// A mail was stored as this message of its own.
    pub fn stored(&mut self, mail: &Opened, id: Id) {
        let Some(message_id) = &mail.parsed.message_id else {
            return;
        };
        let message = Message {
            id,
            on_record: false,
            parent: Parent {
                id,
                is_note: false,
                author: self.author(mail),
            },
        };
        self.messages.insert(message_id.clone(), message);
    }

    /// A mail was taken in by itself, with whatever came of it.
    pub fn touched(&mut self, mail: &Opened) {
        self.touched.extend(mail.parsed.message_id.clone());
    }

    /// Whether a mail of the same id was taken in by itself.
    pub fn is_touched(&self, mail: &Opened) -> bool {
        let id = mail.parsed.message_id.as_ref();
        id.is_some_and(|id| self.touched.contains(id))
    }
}

fn local_part(address: &str) -> Option<String> {
    let (local, _) = address.rsplit_once('@')?;
    Some(local.to_lowercase())
}

async fn messages(env: &Env, ids: Vec<String>) -> Result<HashMap<String, Message>> {
    let mut found: HashMap<String, Message> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let mut sql = env.sql(
        "SELECT message_id, id, model, res_id, is_internal AND message_type <> 'auto_comment', author_id \
         FROM mail_message WHERE message_id",
    );
    dialect::in_texts(&mut sql, &ids);
    sql.push(" ORDER BY id DESC");
    for row in env.rows(sql).await? {
        let message_id: String = convert::get(&row, 0)?.unwrap_or_default();
        let id: Id = convert::get(&row, 1)?.unwrap_or_default();
        let model: Option<String> = convert::get(&row, 2)?;
        let record = convert::get::<Id>(&row, 3)?.filter(|id| *id > 0);
        let on_record = record.is_some() && model.as_deref().is_some_and(is_thread);
        match found.get_mut(&message_id) {
            Some(newer) => newer.on_record |= on_record,
            None => {
                let parent = Parent {
                    id,
                    is_note: convert::get::<bool>(&row, 4)?.unwrap_or(false),
                    author: convert::get(&row, 5)?,
                };
                let message = Message {
                    id,
                    on_record,
                    parent,
                };
                found.insert(message_id, message);
            }
        }
    }
    Ok(found)
}

async fn aliases(env: &Env, locals: Vec<String>) -> Result<HashSet<String>> {
    if locals.is_empty() {
        return Ok(HashSet::new());
    }
    let mut sql = env.sql("SELECT LOWER(alias_name) FROM mail_alias WHERE LOWER(alias_name)");
    dialect::in_texts(&mut sql, &locals);
    let mut found = HashSet::new();
    for row in env.rows(sql).await? {
        found.extend(convert::get::<String>(&row, 0)?);
    }
    Ok(found)
}

/// The contacts with these addresses; of several with one, that which `people::author` takes for a
/// mail on no record.
async fn authors(env: &Env, addresses: Vec<String>) -> Result<HashMap<String, Id>> {
    let mut found = HashMap::new();
    if addresses.is_empty() {
        return Ok(found);
    }
    let mut sql = env.sql(
        "SELECT p.email_normalized, p.id FROM res_partner p WHERE p.active AND p.email_normalized",
    );
    dialect::in_texts(&mut sql, &addresses);
    sql.push(" ORDER BY ").push(super::people::USERS_FIRST);
    for row in env.rows(sql).await? {
        let address: String = convert::get(&row, 0)?.unwrap_or_default();
        let id: Id = convert::get(&row, 1)?.unwrap_or_default();
        found.entry(address).or_insert(id);
    }
    Ok(found)
}
