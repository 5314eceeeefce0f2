//! What all pages behind the sign-in page have around them.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::failure::Result;
use crate::form::Problem;
use crate::lang::Lang;
use crate::visitor::Visitor;

/// The parts of the program, for the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What to do next.
    Home,
    /// Outgoing servers.
    Outgoing,
    /// Incoming servers.
    Incoming,
    /// Outgoing mails.
    Mails,
    /// Received messages and the quarantine.
    Messages,
    /// Settings, email domains and system parameters.
    Settings,
    /// The user's own account.
    Account,
}

/// The name of the user, the token for forms, and what there is to say above the page.
#[derive(Debug)]
pub struct Shell {
    /// The language of the page.
    pub lang: Lang,
    /// Which part of the program it is.
    pub section: Section,
    /// Who is signed in.
    pub user: String,
    /// The token that each form carries.
    pub token: String,
    /// What was just done; empty when nothing was.
    pub done: String,
    /// What went wrong; empty when nothing did.
    pub error: String,
    /// The field that is to blame; empty for none.
    pub wrong: &'static str,
}

/// The parameters in an address.
pub type Query = actix_web::web::Query<HashMap<String, String>>;

impl Shell {
    /// The surroundings of a page for this visitor.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn around(visitor: &Visitor, section: Section) -> Result<Shell> {
        Ok(Shell {
            lang: visitor.lang,
            section,
            user: visitor.name.clone(),
            token: visitor.form_token().await?,
            done: String::new(),
            error: String::new(),
            wrong: "",
        })
    }

    /// Says what was just done, when the address tells (`?done=saved`).
    pub fn done(mut self, query: &Query) -> Shell {
        let key = query.get("done").and_then(|done| done_key(done));
        self.done = key.map(|key| self.lang.say(key)).unwrap_or_default();
        self
    }

    /// Says what went wrong.
    pub fn problem(mut self, problem: Problem) -> Shell {
        self.error = problem.message;
        self.wrong = problem.field.unwrap_or_default();
        self
    }

    /// The status of the page: a form shown again because of an error is no success.
    pub fn status(&self) -> StatusCode {
        if self.error.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }

    /// `aria-current` for the link to a section.
    pub fn current(&self, section: &str) -> &'static str {
        let name = match self.section {
            Section::Home => "home",
            Section::Outgoing => "outgoing",
            Section::Incoming => "incoming",
            Section::Mails => "mails",
            Section::Messages => "messages",
            Section::Settings => "settings",
            Section::Account => "account",
        };
        if name == section { "page" } else { "false" }
    }
}

/// The message for a word in an address; others say nothing.
fn done_key(done: &str) -> Option<&'static str> {
    Some(match done {
        "created" => "done-created",
        "saved" => "done-saved",
        "tested" => "done-tested",
        "confirmed" => "done-confirmed",
        "fetched" => "done-fetched",
        "reset" => "done-reset",
        "archived" => "done-archived",
        "restored" => "done-restored",
        "deleted" => "done-deleted",
        "revoked" => "done-revoked",
        "replayed" => "done-replayed",
        "kept" => "done-kept",
        "discarded" => "done-discarded",
        "retried" => "done-retried",
        "measured" => "done-measured",
        _ => return None,
    })
}

/// Answers with a page.
///
/// # Errors
/// When the template cannot be filled.
pub fn page(status: StatusCode, template: &impl Template) -> Result<HttpResponse> {
    let html = template.render()?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(html))
}

/// How many records a list shows at once.
const PAGE: i64 = 50;

/// Which part of a long list is shown.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Counted from 1.
    pub number: i64,
    /// Whether there is more.
    pub more: bool,
}

impl Part {
    /// The part that the address asks for (`?page=2`).
    pub fn asked(query: &Query) -> Part {
        let number = query.get("page").and_then(|text| text.parse().ok());
        Part {
            number: number.unwrap_or(1).clamp(1, 1_000_000),
            more: false,
        }
    }

    /// How many records come before.
    pub fn offset(&self) -> i64 {
        (self.number - 1) * PAGE
    }

    /// How many records to ask for: one more than is shown, to know whether there is more.
    pub fn limit(&self) -> i64 {
        PAGE + 1
    }

    /// Cuts the extra record off and remembers that it was there.
    pub fn cut<T>(&mut self, records: &mut Vec<T>) {
        let shown = usize::try_from(PAGE).unwrap_or(usize::MAX);
        self.more = records.len() > shown;
        records.truncate(shown);
    }

    /// The number of the part before.
    pub fn before(&self) -> String {
        (self.number - 1).to_string()
    }

    /// The number of the part behind.
    pub fn after(&self) -> String {
        (self.number + 1).to_string()
    }
}
