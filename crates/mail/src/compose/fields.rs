//! The fields of a header, written one behind the other.

use mail_builder::headers::Header;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;

use super::ComposeError;
use super::check::{Own, check_field_name, check_value, encoded_words};
use super::message_id;
use crate::address::Mailbox;

/// A header being written.
pub(super) struct Fields {
    bytes: Vec<u8>,
    has_references: bool,
    has_in_reply_to: bool,
}

impl Fields {
    /// An empty header, for a message whose content has so many bytes.
    pub(super) fn with_room_for(content: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(content + 1024),
            has_references: false,
            has_in_reply_to: false,
        }
    }

    fn field(&mut self, name: &str, value: &impl Header) {
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b": ");
        value.write_header(&mut self.bytes, name.len() + 2);
    }

    /// A value that is ASCII and checked.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        self.field(name, &Raw::new(value));
    }

    /// Message ids; no field when there are none.
    pub(super) fn ids(&mut self, name: &str, ids: &[&str]) -> Result<(), ComposeError> {
        let ids = message_id::checked_list(name, ids)?;
        if !ids.is_empty() {
            self.long_lines(name, &ids);
            self.has_references |= name == "References";
            self.has_in_reply_to |= name == "In-Reply-To";
        }
        Ok(())
    }

    /// Mail programs that follow conversations read ids on one line only, so it is folded where it would be
    /// longer than a line may be (RFC 5322 section 2.1.1), and not before.
    fn long_lines(&mut self, name: &str, ids: &str) {
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(b':');
        let mut column = name.len() + 1;
        for id in ids.split(' ') {
            if column + 1 + id.len() > 998 {
                self.bytes.extend_from_slice(b"\r\n");
                column = 0;
            }
            self.bytes.push(b' ');
            self.bytes.extend_from_slice(id.as_bytes());
            column += 1 + id.len();
        }
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// A free text, encoded and folded as needed.
    pub(super) fn text(&mut self, name: &str, text: &str) -> Result<(), ComposeError> {
        check_value(name, text)?;
        // Folding needs blanks. A word longer than a line, or text that looks encoded, travels encoded.
        let unfoldable = text.split([' ', '\t']).any(|word| word.len() > 900);
        if unfoldable || text.contains("=?") {
            self.raw(name, &encoded_words(text));
        } else {
            self.field(name, &Text::new(text));
        }
        Ok(())
    }

    /// Mailboxes; no field when there are none.
    pub(super) fn addresses(&mut self, name: &str, mailboxes: &[Mailbox], smtputf8: bool) {
        let address = |mailbox: &Mailbox| {
            let name = (!mailbox.name.is_empty()).then(|| mailbox.name.clone());
            Address::new_address(name, header_form(&mailbox.addr_spec, smtputf8))
        };
        match mailboxes {
            [] => {}
            [only] => self.field(name, &address(only)),
            several => {
                let list = several.iter().map(address).collect();
                self.field(name, &Address::new_list(list));
            }
        }
    }

    /// One of the additional fields.
    pub(super) fn additional(&mut self, name: &str, value: &str) -> Result<(), ComposeError> {
        match check_field_name(name)? {
            None => return self.text(name, value),
            Some(Own::Recipients | Own::Content) => return check_value(name, value),
            Some(Own::Taken) => {
                return Err(ComposeError::DuplicateField {
                    name: name.to_owned(),
                });
            }
            // They stand further up already, with these ids among them.
            Some(Own::References) if self.has_references => return Ok(()),
            Some(Own::InReplyTo) if self.has_in_reply_to => return Ok(()),
            Some(Own::References | Own::InReplyTo) => {}
        }
        let ids = message_id::checked_list(name, &[value])?;
        self.long_lines(name, &ids);
        Ok(())
    }

    /// The message.
    pub(super) fn finish(mut self, content: &[u8]) -> Vec<u8> {
        self.raw("MIME-Version", "1.0");
        self.bytes.extend_from_slice(content);
        self.bytes
    }
}

/// A local part outside ASCII may only stand as it is in a message that travels by SMTPUTF8. Elsewhere it is
/// written as an encoded word: not what RFC 2047 had in mind, but what mail programs read, and Odoo writes.
fn header_form(addr_spec: &str, smtputf8: bool) -> String {
    match addr_spec.rsplit_once('@') {
        Some((local, domain)) if !smtputf8 && !local.is_ascii() => {
            format!("{}@{domain}", encoded_words(local).replace(' ', ""))
        }
        _ => addr_spec.to_owned(),
    }
}
