//! The whole atlas of failures: what is known of providers, of mail servers and of those to whom mail is handed on, and
//! what is found out here, in one list of one shape. `postern errors` prints it, and docs/errors.md is made of it.

use std::fmt::Write as _;

use auth::oauth::{Cause, ErrorClass};
use mail::atlas::Retried;
use words::Text;

use crate::error::Error;

/// One known failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its stable name, such as `smtp.auth_disabled_tenant`: the field `code` of log lines, and in brackets at the end of
    /// texts.
    pub code: &'static str,
    /// What it is recognised by.
    pub sign: String,
    /// The commands of Exchange Online PowerShell that do it, with placeholders in angle brackets.
    pub commands: &'static [&'static str],
    /// Whether it is tried again, and after whose action.
    pub retried: &'static str,
}

/// What is found out here, before or beside what a server or a provider answers.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) code: &'static str,
    pub(crate) sign: &'static str,
    pub(crate) retried: &'static str,
}

const YES: &str = "yes";
const NO: &str = "no";
const AFTER_CHANGE: &str = "yes, but something has to be changed first";
const AFTER_CONSENT: &str = "yes, once the mailbox is connected again";
const DOUBTFUL: &str = "no: it might go out twice";

pub(crate) const CLIENT_MISSING: Finding = Finding {
    code: "oauth.client_missing",
    sign: "no client id or no client secret in the settings",
    retried: AFTER_CHANGE,
};
pub(crate) const TENANT_MISSING: Finding = Finding {
    code: "oauth.tenant_missing",
    sign: "an application that is to use a mailbox by itself, and an endpoint for all tenants",
    retried: AFTER_CHANGE,
};
pub(crate) const CREDENTIAL_ENDS: Finding = Finding {
    code: "oauth.credential_ends",
    sign: "a client secret or a certificate of the application with 30 days or fewer left",
    retried: AFTER_CHANGE,
};
pub(crate) const NOT_CONNECTED: Finding = Finding {
    code: "oauth.not_connected",
    sign: "a server with OAuth and no refresh token",
    retried: AFTER_CONSENT,
};
pub(crate) const TOKEN_AUDIENCE: Finding = Finding {
    code: "oauth.token_audience",
    sign: "an access token whose `aud` is not Exchange Online",
    retried: AFTER_CHANGE,
};
pub(crate) const TOKEN_SCOPE: Finding = Finding {
    code: "oauth.token_scope",
    sign: "an access token without SMTP.Send (sending) or IMAP.AccessAsUser.All (fetching)",
    retried: AFTER_CHANGE,
};
pub(crate) const TOKEN_ACCOUNT: Finding = Finding {
    code: "oauth.token_account",
    sign: "an access token of another account than the user name of an outgoing server",
    retried: AFTER_CHANGE,
};
pub(crate) const NO_ENCRYPTION: Finding = Finding {
    code: "tls.none",
    sign: "a server without SSL/TLS or STARTTLS",
    retried: NO,
};
pub(crate) const CERTIFICATE_UNVERIFIED: Finding = Finding {
    code: "tls.unverified",
    sign: "a server that the parameter postern.tls_unverified_servers names",
    retried: NO,
};
pub(crate) const CERTIFICATE_ENDS: Finding = Finding {
    code: "tls.certificate_ends",
    sign: "a certificate with fewer than 14 days left",
    retried: NO,
};
pub(crate) const INCOMPLETE: Finding = Finding {
    code: "server.incomplete",
    sign: "a server without a host, a port or what else is needed",
    retried: AFTER_CHANGE,
};
pub(crate) const NO_SENDER: Finding = Finding {
    code: "sender.missing",
    sign: "no FROM filter, no address for notifications, no address of a user",
    retried: AFTER_CHANGE,
};
pub(crate) const SENDER_UNCOVERED: Finding = Finding {
    code: "sender.uncovered",
    sign: "senders that no FROM filter covers, and an address for notifications that none covers either",
    retried: NO,
};

const FINDINGS: [&Finding; 13] = [
    &CLIENT_MISSING,
    &TENANT_MISSING,
    &CREDENTIAL_ENDS,
    &NOT_CONNECTED,
    &TOKEN_AUDIENCE,
    &TOKEN_SCOPE,
    &TOKEN_ACCOUNT,
    &NO_ENCRYPTION,
    &CERTIFICATE_UNVERIFIED,
    &CERTIFICATE_ENDS,
    &INCOMPLETE,
    &NO_SENDER,
    &SENDER_UNCOVERED,
];

/// All that is known, one family after the other.
pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = auth::oauth::entries().map(of_provider).collect();
    rows.extend(mail::atlas::entries().map(of_server));
    rows.extend(auth::remote::entries().map(of_receiver));
    rows.extend(FINDINGS.map(of_finding));
    // Stable: within a family they stay in the order in which they were written down.
    rows.sort_by_key(|row| {
        FAMILIES
            .iter()
            .position(|(name, _)| *name == family(row.code))
    });
    rows
}

/// The failure of this name.
pub fn find(code: &str) -> Option<Row> {
    rows().into_iter().find(|row| row.code == code)
}

/// A failure outside of this program, by a code that was written down earlier: a version before may have had others.
pub(crate) fn outside(code: &str, message: Text) -> Error {
    match find(code) {
        Some(row) => Error::Outside {
            code: row.code,
            message,
        },
        None => Error::User(message),
    }
}

impl Finding {
    /// What to do.
    pub(crate) fn remedy(&self) -> Text {
        words::atlas::remedy(self.code)
    }

    /// It, as the failure of a call.
    pub(crate) fn error(&self) -> Error {
        Error::Outside {
            code: self.code,
            message: words::atlas::told(self.code, self.code),
        }
    }
}

impl Row {
    /// What happened.
    pub fn what(&self) -> Text {
        words::atlas::what(self.code)
    }

    /// What to do.
    pub fn remedy(&self) -> Text {
        words::atlas::remedy(self.code)
    }

    /// What to do, the commands included.
    pub fn advice(&self) -> Text {
        words::atlas::advice(self.code, self.commands)
    }
}

fn family(code: &str) -> &str {
    code.split_once('.').map_or(code, |(family, _)| family)
}

fn of_provider(entry: &'static auth::oauth::Entry) -> Row {
    let numbers = entry.numbers.iter().map(|number| format!("AADSTS{number}"));
    let words = entry.words.iter().map(|word| (*word).to_owned());
    let sign = Some(entry.sign.to_owned()).filter(|sign| !sign.is_empty());
    let signs: Vec<String> = numbers.chain(words).chain(sign).collect();
    Row {
        code: entry.code,
        sign: signs.join(", "),
        commands: &[],
        retried: match entry.class {
            ErrorClass::Transient => YES,
            ErrorClass::Permanent(Cause::Reconnect) => AFTER_CONSENT,
            ErrorClass::Permanent(Cause::Configuration) => AFTER_CHANGE,
        },
    }
}

fn of_server(entry: &'static mail::atlas::Entry) -> Row {
    Row {
        code: entry.code,
        sign: entry.sign.to_owned(),
        commands: entry.commands,
        retried: match entry.retried {
            Retried::Later => YES,
            Retried::AfterChange => AFTER_CHANGE,
            Retried::Never => NO,
            Retried::Doubtful => DOUBTFUL,
        },
    }
}

fn of_receiver(entry: &'static auth::remote::Entry) -> Row {
    Row {
        code: entry.code,
        sign: entry.sign.to_owned(),
        commands: &[],
        retried: if entry.needs_change {
            AFTER_CHANGE
        } else {
            YES
        },
    }
}

fn of_finding(finding: &'static Finding) -> Row {
    Row {
        code: finding.code,
        sign: finding.sign.to_owned(),
        commands: &[],
        retried: finding.retried,
    }
}

/// What the first part of a code stands for, in the order of the page.
const FAMILIES: [(&str, &str); 11] = [
    ("oauth", "Signing in with the provider"),
    ("network", "The way to a mail server"),
    ("tls", "Encryption and certificates"),
    ("sasl", "Signing in at a mail server"),
    ("smtp", "Sending"),
    ("imap", "Mailboxes over IMAP"),
    ("pop3", "Mailboxes over POP3"),
    ("mailbox", "Mailboxes"),
    ("server", "What was entered for a server"),
    ("sender", "Senders"),
    ("remote", "Handing on, and webhooks"),
];

const HEAD: &str = "\
# Error codes

Each failure of a mail server, of an OAuth provider or of a program that mail is handed on to has a code that stays the same
from version to version. It stands in brackets at the end of the text that a client, a page or a mail's `failure_reason`
shows, behind it what a support desk asks for (`[oauth.secret_expired, AADSTS7000222, correlation id …]`), and in the log as
the field `code`.
`postern errors CODE` explains one; `postern doctor` looks for them.

This page is made from the program by `postern errors --markdown`; a test holds it against the code.

A mail that is tried again waits in the queue, with pauses that double up to an hour, for as long as
`postern.outbox.give_up_hours` says; a mailbox is looked into again after at most five minutes; what is handed on is tried
for five days, and five times where it is refused. Commands are those of Exchange Online PowerShell, after
`Connect-ExchangeOnline`.
";

/// The page docs/errors.md.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    let mut current = "";
    for row in rows() {
        let name = family(row.code);
        if name != current {
            current = name;
            let title = FAMILIES.iter().find(|(family, _)| *family == name);
            let title = title.map_or(name, |(_, title)| title);
            let _ = write!(
                page,
                "\n## {title}\n\n| Code | Seen as | What happened | What to do | Tried again |\n|---|---|---|---|---|\n"
            );
        }
        let commands: String = row
            .commands
            .iter()
            .map(|command| format!("<br>`{command}`"))
            .collect();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {}{commands} | {} |",
            row.code,
            cell(&row.sign),
            cell(&row.what().to_string()),
            cell(&row.remedy().to_string()),
            row.retried
        );
    }
    page
}

/// A text that stays one cell of a table, and words in angle brackets that stay words.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_stands_once_in_a_family_that_has_a_title() {
        let mut codes = BTreeSet::new();
        for row in rows() {
            assert!(codes.insert(row.code), "{}", row.code);
            let name = family(row.code);
            assert!(FAMILIES.iter().any(|(known, _)| *known == name), "{name}");
        }
    }

    #[test]
    fn the_page_has_every_code_and_every_command() {
        let page = markdown();
        for row in rows() {
            assert!(
                page.contains(&format!("| `{}` |", row.code)),
                "{}",
                row.code
            );
            for command in row.commands {
                assert!(page.contains(&format!("`{command}`")), "{command}");
            }
        }
    }

    #[test]
    fn the_page_in_the_documentation_is_that_of_the_code() {
        let kept = include_str!("../../../docs/errors.md");
        assert!(
            kept == markdown(),
            "docs/errors.md is out of date: write it with `cargo run -- errors --markdown > docs/errors.md`"
        );
    }

    #[test]
    fn every_failure_is_explained_in_every_language() {
        for row in rows() {
            let english = [row.what(), row.remedy()].map(|text| text.to_string());
            for lang in words::Lang::ALL {
                for (text, english) in [row.what(), row.remedy()].iter().zip(&english) {
                    let told = text.in_lang(lang);
                    assert!(told.ends_with(['.', '。']), "{}: {told}", row.code);
                    let is_english = lang == words::Lang::English;
                    assert_eq!(told == *english, is_english, "{}: {told}", row.code);
                }
            }
        }
    }

    #[test]
    fn a_failure_is_found_by_its_code() {
        let row = find("smtp.auth_disabled_mailbox").expect("known");
        assert!(
            row.advice()
                .to_string()
                .contains("Set-CASMailbox -Identity <mailbox>")
        );
        assert_eq!(find("smtp.nothing"), None);
    }
}
