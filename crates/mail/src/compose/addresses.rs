//! The addresses of a message: brought into the form for header and envelope, or refused.

use super::check::{check_length, check_value};
use super::{ComposeError, Outgoing};
use crate::address::{Mailbox, domain_to_ascii, email_split_tuples};

/// The mailboxes of a message, their domains in ASCII form.
pub(super) struct Named {
    pub(super) from: Vec<Mailbox>,
    pub(super) reply_to: Vec<Mailbox>,
    pub(super) to: Vec<Mailbox>,
    pub(super) cc: Vec<Mailbox>,
    pub(super) envelope_from: String,
    pub(super) recipients: Vec<String>,
}

impl Named {
    pub(super) fn read(outgoing: &Outgoing) -> Result<Self, ComposeError> {
        let from = all("From", &outgoing.from)?;
        let envelope_from = match (&outgoing.envelope_from, from.last()) {
            (Some(address), _) => {
                wire("the envelope sender", &Mailbox::new("", address.as_str()))?.addr_spec
            }
            (None, Some(last)) => last.addr_spec.clone(),
            (None, None) => {
                return Err(ComposeError::Address {
                    place: "From",
                    address: String::new(),
                });
            }
        };
        let mut cc = outgoing.cc.clone();
        let mut bcc = outgoing.bcc.clone();
        for (name, value) in &outgoing.headers {
            if name.eq_ignore_ascii_case("cc") {
                if !cc.is_empty() {
                    return Err(ComposeError::DuplicateField { name: name.clone() });
                }
                check_value(name, value)?;
                cc = email_split_tuples(value);
            } else if name.eq_ignore_ascii_case("bcc") {
                check_value(name, value)?;
                bcc.extend(email_split_tuples(value));
            }
        }
        let judged = outgoing.recipients.is_some();
        let listed = if judged { usable } else { all };
        let (to, cc, bcc) = (
            listed("To", &outgoing.to)?,
            listed("Cc", &cc)?,
            listed("Bcc", &bcc)?,
        );
        let mut recipients: Vec<String> = Vec::new();
        let mut add = |address: &str| {
            if !recipients.iter().any(|known| known == address) {
                recipients.push(address.to_owned());
            }
        };
        match &outgoing.recipients {
            Some(judged) => {
                for address in judged {
                    add(&wire("the recipients", &Mailbox::new("", address.as_str()))?.addr_spec);
                }
            }
            None => {
                for mailbox in to.iter().chain(&cc).chain(&bcc) {
                    add(&mailbox.addr_spec);
                }
            }
        }
        Ok(Self {
            reply_to: usable("Reply-To", &outgoing.reply_to)?,
            from,
            to,
            cc,
            envelope_from,
            recipients,
        })
    }

    /// What the envelope demands. An address that only the header shows does not: a server without the
    /// extension can carry the mail as well.
    pub(super) fn needs_smtputf8(&self) -> bool {
        !self.envelope_from.is_ascii() || self.recipients.iter().any(|address| !address.is_ascii())
    }
}

fn all(place: &'static str, mailboxes: &[Mailbox]) -> Result<Vec<Mailbox>, ComposeError> {
    mailboxes
        .iter()
        .map(|mailbox| wire(place, mailbox))
        .collect()
}

/// Those that can be written. A line end is no slip but an attempt, and refused all the same.
fn usable(place: &'static str, mailboxes: &[Mailbox]) -> Result<Vec<Mailbox>, ComposeError> {
    let mut found = Vec::with_capacity(mailboxes.len());
    for mailbox in mailboxes {
        match wire(place, mailbox) {
            Ok(mailbox) => found.push(mailbox),
            Err(ComposeError::Address { .. } | ComposeError::Domain { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The mailbox with its domain in ASCII form, safe to be written into a header and an SMTP command. Encoded
/// words in its name are decoded first.
fn wire(place: &'static str, mailbox: &Mailbox) -> Result<Mailbox, ComposeError> {
    let name = super::decoded(&mailbox.name);
    check_value(place, &name)?;
    check_value(place, &mailbox.addr_spec)?;
    let unusable = || ComposeError::Address {
        place,
        address: mailbox.addr_spec.clone(),
    };
    let (local, domain) = mailbox.addr_spec.rsplit_once('@').ok_or_else(unusable)?;
    let breaks_out = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '\\')
    };
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let local_breaks_out = if quoted {
        !is_quoted_string(local)
    } else {
        local.contains(|c: char| breaks_out(c) || matches!(c, '@' | '(' | ')' | ':' | '[' | ']'))
    };
    if local.is_empty() || domain.is_empty() || local_breaks_out || domain.contains(breaks_out) {
        return Err(unusable());
    }
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        // Registered names are small letters; whoever writes capitals means the same.
        domain_to_ascii(&domain.to_lowercase()).map_err(|source| ComposeError::Domain {
            place,
            address: mailbox.addr_spec.clone(),
            source,
        })?
    };
    let addr_spec = format!("{local}@{domain}");
    // RFC 5321 section 4.5.3.1.3 allows 254; some systems use more, but a header line ends at 998.
    check_length(place, &addr_spec, 900)?;
    Ok(Mailbox::new(name.into_owned(), addr_spec))
}

/// Whether a local part that starts and ends with a quote is one quoted string and not the beginning of
/// something else.
fn is_quoted_string(local: &str) -> bool {
    let inner = local.get(1..local.len() - 1).unwrap_or_default();
    let mut escaped = false;
    for c in inner.chars() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == '"' || c.is_control() {
            return false;
        }
    }
    !escaped
}
