//! Handing mail to programs elsewhere: to a running Odoo by its API, and to webhooks.
//!
//! Connections are as strict as those to token endpoints: certificates are always verified, redirects
//! are not followed (the key would go along), proxies of the environment are not used, and an answer is
//! bounded in time and length.

mod address;
mod atlas;
mod odoo;
mod post;
mod webhook;
mod xml;

#[cfg(test)]
mod tests;

use words::{Text, say};

pub use address::Address;
pub use atlas::{Entry, entries};
pub use odoo::{Account, Handing, OdooLogin};
pub use post::Remote;
pub use webhook::{Delivery, Notice, signature};

/// Why something could not be handed over, in words for the person who set it up.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub enum RemoteError {
    /// The address cannot be used.
    Address(Text),
    /// Nobody answers, or not in time.
    Unreachable {
        /// The host that was asked.
        host: String,
        /// What went wrong.
        problem: String,
    },
    /// It answers that it cannot take anything at the moment (HTTP 408, 425, 429 and 5xx).
    Busy {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// When it wants to be asked again.
        retry_after: Option<std::time::Duration>,
    },
    /// It does not know the login or the key.
    Denied {
        /// The host that was asked.
        host: String,
    },
    /// It looked at the mail and refused it.
    Refused {
        /// The host that was asked.
        host: String,
        /// What it says.
        reason: String,
    },
    /// It looked at the mail and knows no place for it.
    Nowhere {
        /// The host that was asked.
        host: String,
        /// What it says.
        reason: String,
    },
    /// It failed while it worked on the mail.
    Failed {
        /// The host that was asked.
        host: String,
        /// What it says.
        reason: String,
    },
    /// What it says is not what such a program would say.
    Garbled {
        /// The host that was asked.
        host: String,
        /// What it says.
        reason: String,
    },
}

impl RemoteError {
    /// What is wrong, what to do, and the code.
    pub fn text(&self) -> Text {
        let code = self.entry().code;
        let remedy = words::atlas::remedy(code);
        say!("atlas-told", what = self.what(), remedy, marks = code)
    }

    /// What is wrong, in a sentence.
    pub fn what(&self) -> Text {
        match self {
            RemoteError::Address(why) => why.clone(),
            RemoteError::Unreachable { host, problem } => {
                say!("remote-unreachable", host, problem = unended(problem))
            }
            RemoteError::Busy { host, status, .. } => {
                say!("remote-busy", host, status = *status)
            }
            RemoteError::Denied { host } => say!("remote-denied", host),
            RemoteError::Refused { host, reason } => {
                say!("remote-refused", host, reason = unended(reason))
            }
            RemoteError::Nowhere { host, reason } => {
                say!("remote-nowhere", host, reason = unended(reason))
            }
            RemoteError::Failed { host, reason } => {
                say!("remote-failed", host, reason = unended(reason))
            }
            RemoteError::Garbled { host, reason } => {
                say!("remote-garbled", host, reason = unended(reason))
            }
        }
    }

    /// What the atlas knows of it.
    pub fn entry(&self) -> &'static Entry {
        match self {
            RemoteError::Address(_) => &atlas::ADDRESS,
            RemoteError::Unreachable { .. } => &atlas::UNREACHABLE,
            RemoteError::Busy { .. } => &atlas::BUSY,
            RemoteError::Denied { .. } => &atlas::DENIED,
            RemoteError::Refused { .. } => &atlas::REFUSED,
            RemoteError::Nowhere { .. } => &atlas::NOWHERE,
            RemoteError::Failed { .. } => &atlas::FAILED,
            RemoteError::Garbled { .. } => &atlas::GARBLED,
        }
    }

    /// Whether the same may succeed later, without anybody changing the mail.
    pub fn is_transient(&self) -> bool {
        !matches!(
            self,
            RemoteError::Refused { .. } | RemoteError::Nowhere { .. }
        )
    }

    /// When the other side wants to be asked again.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            RemoteError::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Others' words without their full stop: ours stands behind them.
fn unended(words: &str) -> &str {
    words.trim_end().trim_end_matches(['.', '。'])
}
