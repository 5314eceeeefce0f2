//! A Postfix and the Dovecot behind it, as one thing.

use std::sync::Arc;

use super::{
    certificates::Certificates,
    described::MailPorts,
    dovecot::{Dovecot, DovecotOptions},
    error::LabError,
    postfix::{Postfix, PostfixOptions},
    scratch::Scratch,
    watchdog::Watchdog,
};

/// The running pair.
#[derive(Debug)]
pub struct Mail {
    postfix: Postfix,
    dovecot: Dovecot,
}

impl Mail {
    /// Starts Dovecot, then Postfix; their files are called `dovecot` and `postfix` with `suffix`.
    pub fn start(
        suffix: &str,
        introspection_url: &str,
        scratch: &Scratch,
        certificates: &Certificates,
        watchdog: &Arc<Watchdog>,
    ) -> Result<Self, LabError> {
        let dovecot = Dovecot::start(
            &DovecotOptions {
                name: format!("dovecot{suffix}"),
                introspection_url: introspection_url.to_owned(),
            },
            scratch,
            certificates,
            watchdog,
        )?;
        let postfix = Postfix::start(
            &PostfixOptions {
                name: format!("postfix{suffix}"),
                lmtp: dovecot.lmtp,
                auth_socket: dovecot.auth_socket.clone(),
            },
            scratch,
            certificates,
            watchdog,
        )?;
        Ok(Self { postfix, dovecot })
    }

    /// Where they listen.
    #[must_use]
    pub fn ports(&self) -> MailPorts {
        MailPorts {
            smtp: self.postfix.smtp,
            submission: self.postfix.submission,
            submissions: self.postfix.submissions,
            imap: self.dovecot.imap,
            imaps: self.dovecot.imaps,
            pop3: self.dovecot.pop3,
            pop3s: self.dovecot.pop3s,
            lmtp: self.dovecot.lmtp,
        }
    }

    /// Begins to stop, without waiting.
    pub fn ask_to_stop(&mut self) {
        self.postfix.ask_to_stop();
        self.dovecot.ask_to_stop();
    }
}
