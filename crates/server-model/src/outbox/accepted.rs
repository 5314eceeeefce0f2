//! For whom servers took a mail, kept so that a second try leaves them out.

use std::collections::BTreeSet;

use crate::value::Id;

/// For whom servers took a mail already, in attempts that failed for others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted(BTreeSet<String>);

impl Accepted {
    /// Reads what stands in the column: a line for each letter and address, as in `17 kim@example.com`
    /// for the contact 17 and `- kim@example.com` for the letter to `email_to`. A line without a
    /// letter counts for all of them.
    pub fn read(lines: &str) -> Accepted {
        Accepted(lines.lines().map(str::to_owned).collect())
    }

    /// What is written into the column.
    pub fn written(&self) -> String {
        self.0
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Whether a server took the letter for this address.
    pub fn has(&self, contact: Option<Id>, address: &str) -> bool {
        self.0.contains(address) || self.0.contains(&line(contact, address))
    }

    /// Notes that a server took the letter for this address.
    pub fn add(&mut self, contact: Option<Id>, address: &str) {
        self.0.insert(line(contact, address));
    }

    /// Whether nobody took anything yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn line(contact: Option<Id>, address: &str) -> String {
    match contact {
        Some(contact) => format!("{contact} {address}"),
        None => format!("- {address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Accepted;

    #[test]
    fn what_was_accepted_is_known_by_letter_and_address() {
        let mut accepted = Accepted::default();
        accepted.add(None, "kim@example.com");
        accepted.add(Some(17), "lee@example.com");
        let accepted = Accepted::read(&accepted.written());
        assert!(accepted.has(None, "kim@example.com"));
        assert!(!accepted.has(Some(17), "kim@example.com"));
        assert!(accepted.has(Some(17), "lee@example.com"));
        assert!(!accepted.has(Some(18), "lee@example.com"));
    }

    #[test]
    fn lines_of_before_count_for_every_letter() {
        let accepted = Accepted::read("kim@example.com");
        assert!(accepted.has(None, "kim@example.com") && accepted.has(Some(3), "kim@example.com"));
        assert!(Accepted::read("").is_empty());
    }
}
