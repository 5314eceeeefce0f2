//! The envelope: who sends, and to whom, as SMTP commands carry it.

use lettre::Address;
use words::{Text, say};

/// Why an address cannot stand in an SMTP command. Nothing has been sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum EnvelopeError {
    /// A control character: it could end the command and start another.
    Control(String),
    /// A character that would end the address early.
    Separator(String),
    /// Not of the form local part, @, domain.
    Form(String),
    /// The domain cannot be written for DNS.
    Domain(String),
    /// Nobody to send to.
    NoRecipient,
}

impl EnvelopeError {
    /// What is wrong, in words.
    pub fn text(&self) -> Text {
        match self {
            EnvelopeError::Control(address) => say!("address-control", ?address),
            EnvelopeError::Separator(address) => say!("address-separator", ?address),
            EnvelopeError::Form(address) => say!("address-form", ?address),
            EnvelopeError::Domain(address) => say!("address-domain", ?address),
            EnvelopeError::NoRecipient => say!("address-no-recipient"),
        }
    }
}

/// A checked sender and recipients. International domains are written in their ASCII form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    from: Option<Address>,
    to: Vec<Address>,
}

impl Envelope {
    /// Checks the addresses. An empty `from` (or `<>`) is the null sender of bounces.
    /// A recipient named twice is kept once.
    ///
    /// # Errors
    /// For the first address that cannot be sent, or if there is no recipient.
    pub fn new<T: AsRef<str>>(
        from: &str,
        to: impl IntoIterator<Item = T>,
    ) -> Result<Self, EnvelopeError> {
        let from = match from {
            "" | "<>" => None,
            _ => Some(address(from)?),
        };
        let mut recipients = Vec::new();
        for recipient in to {
            let recipient = address(recipient.as_ref())?;
            if !recipients.contains(&recipient) {
                recipients.push(recipient);
            }
        }
        if recipients.is_empty() {
            return Err(EnvelopeError::NoRecipient);
        }
        Ok(Envelope {
            from,
            to: recipients,
        })
    }

    /// The sender; none for a bounce.
    pub fn from(&self) -> Option<&str> {
        self.from.as_ref().map(AsRef::<str>::as_ref)
    }

    /// The recipients.
    pub fn to(&self) -> impl Iterator<Item = &str> {
        self.to.iter().map(AsRef::<str>::as_ref)
    }

    pub(super) fn sender(&self) -> Option<&Address> {
        self.from.as_ref()
    }

    pub(super) fn recipients(&self) -> &[Address] {
        &self.to
    }
}

/// Whether an address needs SMTPUTF8. Domains are ASCII by now, so only the local part counts.
pub(super) fn needs_smtputf8(address: &Address) -> bool {
    !AsRef::<str>::as_ref(address).is_ascii()
}

/// Checks what would break the command, and leaves to the server whether the address exists.
/// Lettre's own check refuses local parts that some servers accept (such as longer than 64).
fn address(text: &str) -> Result<Address, EnvelopeError> {
    if text.chars().any(char::is_control) {
        return Err(EnvelopeError::Control(text.to_owned()));
    }
    let (local, domain) = text
        .rsplit_once('@')
        .filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
        .ok_or_else(|| EnvelopeError::Form(text.to_owned()))?;
    if !is_quoted(local) && has_separator(local) || has_separator(domain) {
        return Err(EnvelopeError::Separator(text.to_owned()));
    }
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        idna::domain_to_ascii(domain).map_err(|_| EnvelopeError::Domain(text.to_owned()))?
    };
    Ok(Address::new_dangerous(local, domain))
}

fn has_separator(text: &str) -> bool {
    text.contains([' ', '<', '>', '"'])
}

/// A quoted local part (RFC 5321 section 4.1.2), whose quotes close only at its end.
fn is_quoted(local: &str) -> bool {
    let Some(inner) = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return false;
    };
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return false,
            _ => {}
        }
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_smuggle_in_a_command() {
        for evil in [
            "a@b.test>\r\nRCPT TO:<c@d.test",
            "a@b.test\nDATA",
            "a\0@b.test",
            "a\u{85}@b.test",
        ] {
            let error = Envelope::new("ok@x.test", [evil]).expect_err("a control character");
            assert!(matches!(error, EnvelopeError::Control(_)), "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
            assert!(Envelope::new(evil, ["ok@x.test"]).is_err());
        }
    }

    #[test]
    fn an_address_cannot_end_early_and_add_parameters() {
        for evil in [
            "a@b.test> NOTIFY=NEVER",
            "a@b.test SIZE=1",
            "a b@c.test",
            "\"a\"b c\"@d.test",
            "\"a\\\"@d.test",
        ] {
            let error = Envelope::new("", [evil]).expect_err("a separator");
            assert!(
                matches!(error, EnvelopeError::Separator(_)),
                "{evil}: {error}"
            );
        }
    }

    #[test]
    fn quotes_and_plus_signs_are_left_to_the_server() {
        let envelope = Envelope::new("bounce+1-x@b.test", ["\"a b\"@c.test", "o'neil@d.test"])
            .expect("valid addresses");
        assert_eq!(envelope.from(), Some("bounce+1-x@b.test"));
        assert_eq!(
            envelope.to().collect::<Vec<_>>(),
            ["\"a b\"@c.test", "o'neil@d.test"]
        );
    }

    #[test]
    fn an_international_domain_is_sent_in_ascii() {
        let envelope = Envelope::new("", ["grüße@bücher.example"]).expect("a valid address");
        assert_eq!(envelope.from(), None);
        assert_eq!(
            envelope.to().collect::<Vec<_>>(),
            ["grüße@xn--bcher-kva.example"]
        );
        assert!(needs_smtputf8(&envelope.recipients()[0]));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in ["", "joe", "@x.test", "joe@"] {
            assert_eq!(
                Envelope::new("a@b.test", [wrong]),
                Err(EnvelopeError::Form(wrong.to_owned()))
            );
        }
        assert_eq!(
            Envelope::new("a@b.test", Vec::<String>::new()),
            Err(EnvelopeError::NoRecipient)
        );
    }

    #[test]
    fn a_recipient_named_twice_is_kept_once() {
        let envelope = Envelope::new("", ["a@b.test", "a@b.test"]).expect("valid");
        assert_eq!(envelope.to().count(), 1);
    }
}
