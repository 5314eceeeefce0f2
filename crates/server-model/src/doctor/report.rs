//! What the doctor writes down: one line for each step.

use mail::transport_error::TransportError;
use words::{Lang, Text, say};

use crate::atlas::{self, Finding};
use crate::error::Error;
use crate::value::{AnyValue, map};

/// One step and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The server: `ir.mail_server:3 Office`.
    pub server: String,
    /// The step: `name_resolution`, `smtp_auth` and so on.
    pub check: &'static str,
    /// Whether it works; `None` when it was left out, and the message says why.
    pub ok: Option<bool>,
    /// What was found.
    pub message: String,
    /// What to do; empty where nothing is.
    pub remedy: String,
    /// The failure's name in the [atlas]; none where nothing failed.
    pub code: Option<&'static str>,
}

/// `{server, check, ok, skipped, message, remedy, code}`: `ok` is false too for what was left out, which is `skipped`
/// (XML-RPC, as Odoo speaks it, has no third truth); `code` and `remedy` are false where there is none, as Odoo writes
/// an empty text.
impl From<Check> for AnyValue {
    fn from(check: Check) -> AnyValue {
        let text = |text: String| AnyValue::text_or_false(Some(text).filter(|t| !t.is_empty()));
        map([
            ("server", check.server.into()),
            ("check", check.check.into()),
            ("ok", check.ok.unwrap_or(false).into()),
            ("skipped", check.ok.is_none().into()),
            ("message", check.message.into()),
            ("remedy", text(check.remedy)),
            ("code", text(check.code.unwrap_or_default().to_owned())),
        ])
        .into()
    }
}

/// The checks so far, and the server that is being examined.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Who reads it.
    lang: Lang,
    server: String,
    /// What stands in for placeholders in commands.
    names: Vec<(&'static str, String)>,
    checks: Vec<Check>,
}

impl Report {
    /// An empty one, in this language.
    pub(super) fn new(lang: Lang) -> Report {
        Report {
            lang,
            ..Report::default()
        }
    }

    /// Goes on to the next server.
    pub(super) fn open(&mut self, server: &Text) {
        self.server = server.in_lang(self.lang);
        self.names.clear();
    }

    /// What to write for a placeholder such as `<mailbox>` from here on.
    pub(super) fn name(&mut self, placeholder: &'static str, value: &str) {
        if !value.is_empty() {
            self.names.push((placeholder, value.to_owned()));
        }
    }

    /// It works.
    pub(super) fn pass(&mut self, check: &'static str, message: Text) {
        self.push(check, Some(true), &message, None, None);
    }

    /// It works, but something is to be said.
    pub(super) fn remark(&mut self, check: &'static str, message: &Text, finding: &Finding) {
        let remedy = finding.remedy();
        self.push(check, Some(true), message, Some(remedy), Some(finding.code));
    }

    /// It was not tried.
    pub(super) fn skip(&mut self, check: &'static str, why: &Text) {
        self.push(check, None, why, None, None);
    }

    /// These were not tried, all for the same reason.
    pub(super) fn skip_all(&mut self, checks: &[&'static str], why: &Text) {
        for check in checks {
            self.skip(check, why);
        }
    }

    /// It does not work, for a reason that is found out here.
    pub(super) fn find(&mut self, check: &'static str, message: &Text, finding: &Finding) {
        let remedy = finding.remedy();
        self.push(
            check,
            Some(false),
            message,
            Some(remedy),
            Some(finding.code),
        );
    }

    /// A mail server refused or failed.
    pub(super) fn fail(&mut self, check: &'static str, error: &TransportError) {
        let entry = error.entry();
        let message = say!(
            "two-sentences",
            before = error.account(),
            next = entry.what()
        );
        let remedy = entry.advice();
        self.push(check, Some(false), &message, Some(remedy), Some(entry.code));
    }

    /// Something failed before a server was reached.
    pub(super) fn fail_before(&mut self, check: &'static str, error: &Error) {
        let Some(known) = error.code().and_then(atlas::find) else {
            return self.find(check, &error.text(), &atlas::INCOMPLETE);
        };
        // The remedy has a place of its own here.
        let remedy = known.remedy().in_lang(self.lang);
        let message = error.text().in_lang(self.lang);
        let message = message.replace(&remedy, "").replace("  ", " ");
        let advice = known.advice();
        let message = Text::quote(message);
        self.push(check, Some(false), &message, Some(advice), Some(known.code));
    }

    pub(super) fn finish(self) -> Vec<Check> {
        self.checks
    }

    fn push(
        &mut self,
        check: &'static str,
        ok: Option<bool>,
        message: &Text,
        remedy: Option<Text>,
        code: Option<&'static str>,
    ) {
        let remedy = remedy.map(|remedy| remedy.in_lang(self.lang));
        let mut remedy = remedy.unwrap_or_default();
        for (placeholder, value) in &self.names {
            remedy = remedy.replace(placeholder, value);
        }
        if ok == Some(false) {
            tracing::info!(server = self.server, check, code, %message, "the doctor found something");
        }
        self.checks.push(Check {
            server: self.server.clone(),
            check,
            ok,
            message: message.in_lang(self.lang),
            remedy,
            code,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_and_the_next_server_has_its_own() {
        let entry = mail::atlas::entries().find(|entry| entry.code == "smtp.auth_disabled_mailbox");
        let advice = entry.expect("a known failure").advice();
        let mut report = Report::new(Lang::Vietnamese);
        let note = |report: &mut Report| {
            let (message, remedy) = (Text::quote("no"), Some(advice.clone()));
            report.push("smtp_auth", Some(false), &message, remedy, None);
        };
        report.open(&Text::quote("one"));
        report.name("<mailbox>", "joe@example.com");
        note(&mut report);
        report.open(&Text::quote("two"));
        note(&mut report);
        let remedies: Vec<String> = report.finish().into_iter().map(|one| one.remedy).collect();
        assert!(
            remedies[0].contains("-Identity joe@example.com"),
            "{remedies:?}"
        );
        assert!(remedies[1].contains("-Identity <mailbox>"), "{remedies:?}");
    }

    #[test]
    fn what_was_left_out_is_skipped_and_what_is_not_there_false() {
        let mut report = Report::default();
        report.skip("tls", &Text::quote("not encrypted"));
        let checks = report.finish();
        let value = AnyValue::from(checks[0].clone());
        let members = value.as_map().expect("a mapping");
        assert_eq!(members.get("ok"), Some(&AnyValue::FALSE));
        assert_eq!(members.get("skipped"), Some(&true.into()));
        assert_eq!(members.get("code"), Some(&AnyValue::FALSE));
        assert_eq!(members.get("remedy"), Some(&AnyValue::FALSE));
    }
}
