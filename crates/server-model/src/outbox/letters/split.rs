//! Which mails go out in one session.

use indexmap::IndexMap;

use super::Draft;
use crate::error::Result;
use crate::outbox::choose::{Choice, Directory};
use crate::value::Id;

/// Mails for one session with a server, under one sender.
pub struct Group {
    /// Server and sender; an error when the server that the mails demand cannot be used.
    pub choice: Result<Choice>,
    /// The domain of the addresses that their records have.
    pub alias_domain: Option<Id>,
    /// The mails.
    pub drafts: Vec<Draft>,
}

/// Sorts mails into sessions: by the server that each demands, the domain of its record and its sender first, then by
/// the server and the sender that were found for these. Both in the order in which they come, and so many mails a
/// session at most as the parameter `mail.session.batch.size` says.
pub fn split(drafts: Vec<Draft>, directory: &Directory) -> Vec<Group> {
    let mut written: IndexMap<_, Vec<Draft>> = IndexMap::new();
    for draft in drafts {
        let key = (
            draft.forced_server(directory),
            draft.alias_domain(),
            draft.sender(),
        );
        written.entry(key).or_default().push(draft);
    }
    let mut found: IndexMap<_, Group> = IndexMap::new();
    for ((forced, alias_domain, sender), mut drafts) in written {
        let choice = directory.choose(sender.as_deref(), forced, alias_domain);
        let key = match &choice {
            Ok(choice) => (choice.carrier.id(), alias_domain, choice.smtp_from.clone()),
            Err(_) => (forced, alias_domain, sender),
        };
        found
            .entry(key)
            .or_insert_with(|| Group {
                choice,
                alias_domain,
                drafts: Vec::new(),
            })
            .drafts
            .append(&mut drafts);
    }
    let mut groups = Vec::with_capacity(found.len());
    for mut group in found.into_values() {
        while group.drafts.len() > directory.session_batch {
            let rest = group.drafts.split_off(directory.session_batch);
            let first = std::mem::replace(&mut group.drafts, rest);
            groups.push(Group {
                choice: copied(&group.choice),
                alias_domain: group.alias_domain,
                drafts: first,
            });
        }
        groups.push(group);
    }
    groups
}

/// Errors cannot be cloned, but this one is its sentence.
fn copied(choice: &Result<Choice>) -> Result<Choice> {
    match choice {
        Ok(choice) => Ok(choice.clone()),
        Err(error) => Err(crate::error::Error::User(error.text())),
    }
}
