//! Why a letter is not sent that never came as far as a server.

use std::fmt;

use words::Text;

/// Odoo's words for why a mail failed (`failure_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureType {
    /// No recipient has an address that can be used.
    EmailInvalid,
    /// The sender has no address that can be used.
    FromInvalid,
    /// There is no sender.
    FromMissing,
    /// Anything else.
    Unknown,
}

impl FailureType {
    /// The value of the field.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureType::EmailInvalid => "mail_email_invalid",
            FailureType::FromInvalid => "mail_from_invalid",
            FailureType::FromMissing => "mail_from_missing",
            FailureType::Unknown => "unknown",
        }
    }
}

/// Why a letter cannot be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of failure.
    pub failure_type: FailureType,
    /// What the person is told: what is wrong, where, and what to do.
    pub reason: Text,
}

impl Refusal {
    /// A refusal.
    pub fn new(failure_type: FailureType, reason: Text) -> Refusal {
        Refusal {
            failure_type,
            reason,
        }
    }

    /// True when only this letter's recipients are at fault: the mail's other letters go out, and the mail itself
    /// gets no failure type, as in Odoo.
    pub fn is_of_recipients(&self) -> bool {
        self.failure_type == FailureType::EmailInvalid
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)
    }
}
