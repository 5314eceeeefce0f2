//! What a mail server answers: the verdict, its code, its words.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::sasl::travelling_forms;
use crate::transport_error::{Phase, Severity, printable};

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The verdict as written: `550`, `NO`, `BAD`, `-ERR`.
    pub status: String,
    /// The SMTP code as a number; none for IMAP and POP3.
    pub code: Option<u16>,
    /// The enhanced status (`5.7.8`, RFC 3463), or the bracketed code of IMAP (RFC 5530) and POP3 (RFC 3206).
    pub enhanced: Option<String>,
    /// The words, in one line, without control characters, at most 1000 characters.
    pub text: String,
}

impl Reply {
    pub(crate) fn smtp(code: u16, enhanced: Option<&str>, text: &str) -> Self {
        Reply {
            status: code.to_string(),
            code: Some(code),
            enhanced: enhanced.map(str::to_owned),
            text: printable(text),
        }
    }

    /// A reply of IMAP or POP3, whose text may open with a code in brackets.
    pub(crate) fn tagged(status: &str, text: &str) -> Self {
        let text = text.trim();
        let bracketed = text
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
            .filter(|(code, _)| !code.is_empty());
        let (enhanced, text) = match bracketed {
            Some((code, rest)) => (Some(printable(code)), rest.trim_start()),
            None => (None, text),
        };
        Reply {
            status: status.to_owned(),
            code: None,
            enhanced,
            text: printable(text),
        }
    }

    /// A server may echo what it was sent. Whatever equals a form of the secret is cut out.
    pub(crate) fn without(mut self, user: &str, secret: &SecretString) -> Self {
        for form in travelling_forms(user, secret) {
            let form = form.expose_secret();
            // Very short strings occur in ordinary words; replacing them would only garble the text.
            if form.len() >= 4 && self.text.contains(form) {
                self.text = self.text.replace(form, "[...]");
            }
        }
        self
    }

    pub(crate) fn severity(&self, phase: Phase) -> Severity {
        match self.code {
            // 503 means that both ends lost track of the session, not that the mail is bad.
            Some(503) => Severity::Transient,
            Some(code) if (400..500).contains(&code) => Severity::Transient,
            Some(_) => Severity::Permanent,
            None => self.tagged_severity(phase),
        }
    }

    fn tagged_severity(&self, phase: Phase) -> Severity {
        let code = self.enhanced.as_deref().unwrap_or_default();
        let word = code.split(' ').next().unwrap_or_default();
        let temporary = [
            "UNAVAILABLE",
            "INUSE",
            "IN-USE",
            "LIMIT",
            "SERVERBUG",
            "SYS/TEMP",
            "LOGIN-DELAY",
        ];
        if temporary.iter().any(|t| t.eq_ignore_ascii_case(word)) {
            return Severity::Transient;
        }
        // Microsoft 365 says this both to a wrong account and when it is merely busy.
        if self.text.contains("authenticated but not connected") {
            return Severity::Transient;
        }
        match phase {
            Phase::Auth | Phase::Select | Phase::StartTls => Severity::Permanent,
            _ if self.status == "BAD" => Severity::Permanent,
            _ => Severity::Transient,
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.status)?;
        if let Some(enhanced) = &self.enhanced {
            match self.code {
                Some(_) => write!(f, " {enhanced}")?,
                None => write!(f, " [{enhanced}]")?,
            }
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text)?;
        }
        Ok(())
    }
}
