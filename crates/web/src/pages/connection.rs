//! What both kinds of servers show of their connection with Microsoft or Google, and what the doctor found.

use server_model::error::Result;

use crate::form::label_of;
use crate::lang::Lang;
use crate::records::{Record, Records, Search, condition};
use crate::visitor::Visitor;

/// The fields that [`Connection::of`] reads from a record.
pub const FIELDS: [&str; 8] = [
    "is_microsoft_outlook_configured",
    "microsoft_outlook_uri",
    "google_gmail_uri",
    "postern_oauth_state",
    "postern_oauth_error",
    "postern_oauth_grant",
    "postern_oauth_account",
    "postern_oauth_warning",
];

/// The users whom a mailbox may belong to.
///
/// # Errors
/// When the visitor may not see them, or the database fails.
pub async fn users(visitor: &Visitor) -> Result<Vec<Record>> {
    let search = Search {
        conditions: vec![
            condition("active", "=", true),
            condition("share", "=", false),
        ],
        order: "name, id",
        ..Search::default()
    };
    Records::of(visitor, "res.users")
        .list(search, &["name"])
        .await
}

/// How far a server has come with its account.
#[derive(Debug, Default)]
pub struct Connection {
    /// Whether the server signs in by a provider at all.
    pub wanted: bool,
    /// Whether that is Google; else it is Microsoft.
    pub gmail: bool,
    /// Whether the settings hold the application's id and secret.
    pub configured: bool,
    /// The provider's sign-in page for this record, as good as now; empty when there is none.
    pub address: String,
    /// Whether a token is stored, so that Postern may sign in for the account.
    pub connected: bool,
    /// Whether the token serves, as far as is known.
    pub valid: bool,
    /// What `postern_oauth_state` is called.
    pub state: String,
    /// What the provider said when it refused last, and what to do.
    pub error: String,
    /// Whether the application uses the mailbox by itself, so that nobody has to sign in.
    pub by_itself: bool,
    /// Whose account was connected; empty where that is not known.
    pub account: String,
    /// Says so when that is another one than the user name.
    pub warning: String,
}

impl Connection {
    /// The connection of a record read with [`FIELDS`] that signs in as `kind` says. No token is read.
    pub fn of(lang: Lang, model: &str, record: &Record, kind: &str) -> Connection {
        let gmail = kind == "gmail";
        let address = record.text(if gmail {
            "google_gmail_uri"
        } else {
            "microsoft_outlook_uri"
        });
        let state = record.text("postern_oauth_state");
        // The endpoint is a setting; whatever it says, a link must not become a script.
        let usable = address.starts_with("https://") || address.starts_with("http://");
        Connection {
            wanted: is_provider(kind),
            gmail,
            configured: if gmail {
                !address.is_empty()
            } else {
                record.has("is_microsoft_outlook_configured")
            },
            address: if usable { address } else { String::new() },
            connected: !matches!(state.as_str(), "" | "none"),
            valid: matches!(state.as_str(), "connected" | "waiting"),
            state: label_of(lang, model, "postern_oauth_state", &state),
            error: record.text("postern_oauth_error"),
            by_itself: !gmail && record.text("postern_oauth_grant") == "application",
            account: record.text("postern_oauth_account"),
            warning: record.text("postern_oauth_warning"),
        }
    }

    /// The words for a valid token, as Odoo has them.
    pub fn valid_words(&self, lang: &Lang) -> String {
        lang.say(if self.gmail {
            "token-valid-gmail"
        } else {
            "token-valid-outlook"
        })
    }
}

/// Whether servers of this kind sign in with a provider's token.
pub fn is_provider(kind: &str) -> bool {
    matches!(kind, "outlook" | "gmail")
}

/// One step of the doctor's way.
#[derive(Debug)]
pub struct Finding {
    /// What was examined.
    pub check: String,
    /// `good`, `bad` or, for what was left out, empty.
    pub class: &'static str,
    /// How it went, in a word.
    pub verdict: String,
    /// What was found.
    pub message: String,
    /// What to do; empty where nothing is.
    pub remedy: String,
    /// The failure's name in `docs/errors.md`; empty where nothing failed.
    pub code: String,
}

/// What the doctor finds at a server.
///
/// # Errors
/// When the user may not ask, or the database fails.
pub async fn findings(lang: Lang, records: Records<'_>, id: i32) -> Result<Vec<Finding>> {
    let checks = records.told("postern_doctor", &[id]).await?;
    Ok(checks.iter().map(|check| finding(lang, check)).collect())
}

fn finding(lang: Lang, check: &Record) -> Finding {
    let (class, verdict) = if check.has("skipped") {
        ("", "finding-skipped")
    } else if check.has("ok") {
        ("good", "finding-ok")
    } else {
        ("bad", "finding-failed")
    };
    Finding {
        check: check_name(lang, &check.text("check")),
        class,
        verdict: lang.say(verdict),
        message: check.text("message"),
        remedy: check.text("remedy"),
        code: check.text("code"),
    }
}

/// What a step is called; its own name when it is not known here.
fn check_name(lang: Lang, check: &str) -> String {
    let name = lang.attribute("doctor-checks", &format!("is-{check}"));
    name.unwrap_or_else(|| check.to_owned())
}
