//! The buttons below the form of a mail server, which both kinds of servers have.

use actix_web::HttpResponse;
use server_model::value::{Id, Map, map};

use super::connection::{self, Finding};
use crate::failure::Result;
use crate::form::{Filled, Form, Refusal};
use crate::lang::Lang;
use crate::records::Records;
use crate::redirect::see_other;
use crate::shell::{Section, Shell};
use crate::visitor::{Fields, Visitor};

/// A kind of mail server, as its form treats it.
pub struct Buttons {
    /// The form.
    pub form: &'static Form,
    /// Where it is in the navigation.
    pub section: Section,
    /// What to write of what was typed.
    pub values: fn(&Fields, Lang) -> Result<Map, Refusal>,
    /// The buttons that call a method.
    pub calls: &'static [Call],
}

/// A button that calls a method on the record.
pub struct Call {
    /// What it sends as `action`.
    pub action: &'static str,
    /// The method.
    pub method: &'static str,
    /// The word for what was done then (`?done=…`).
    pub done: &'static str,
    /// Whether what the form shows is saved before.
    pub saves: bool,
}

/// What follows a button.
pub enum Outcome {
    /// Another page.
    Leaves(HttpResponse),
    /// The same form, with more to say.
    Shows(Shown),
}

/// What the form of a stored server shows beside the record.
pub struct Shown {
    /// What is around the page.
    pub shell: Shell,
    /// What was typed, when that could not be saved.
    pub typed: Option<Filled>,
    /// What the doctor found.
    pub findings: Vec<Finding>,
}

impl Shown {
    /// The record, and nothing more than this.
    pub fn record(shell: Shell) -> Shown {
        Shown {
            shell,
            typed: None,
            findings: Vec::new(),
        }
    }
}

/// Does what the pressed button says; one that says nothing known saves.
///
/// # Errors
/// What has a page of its own, as a missing right.
pub async fn press(
    visitor: &Visitor,
    buttons: &Buttons,
    id: Id,
    fields: &Fields,
) -> Result<Outcome> {
    let Buttons { form, section, .. } = buttons;
    let records = Records::of(visitor, form.model);
    let action = fields.get("action").map(String::as_str);
    let called = buttons.calls.iter().find(|one| action == Some(one.action));
    let activity = match action {
        Some("archive") => Some(false),
        Some("restore") => Some(true),
        _ => None,
    };
    let stored = match (activity, called) {
        (Some(active), _) => write(records, id, Ok(map([("active", active.into())]))).await,
        (None, Some(Call { saves: false, .. })) => Ok(()),
        (None, _) => write(records, id, (buttons.values)(fields, visitor.lang)).await,
    };
    if let Err(refusal) = stored {
        let problem = refusal.shown()?;
        let typed = form.typed(fields, visitor.lang).marked(&problem);
        let shell = Shell::around(visitor, *section).await?;
        return Ok(Outcome::Shows(Shown {
            typed: Some(typed),
            ..Shown::record(shell.problem(problem))
        }));
    }
    if action == Some("doctor") {
        let findings = connection::findings(visitor.lang, records, id).await?;
        let shell = Shell::around(visitor, *section).await?;
        return Ok(Outcome::Shows(Shown {
            findings,
            ..Shown::record(shell)
        }));
    }
    if let Some(Call { method, .. }) = called
        && let Err(error) = records.run(method, id).await
    {
        let problem = Refusal::Model(error).shown()?;
        let shell = Shell::around(visitor, *section).await?;
        return Ok(Outcome::Shows(Shown::record(shell.problem(problem))));
    }
    let done = match (activity, called) {
        (Some(false), _) => "archived",
        (Some(true), _) => "restored",
        (None, Some(call)) => call.done,
        (None, None) => "saved",
    };
    Ok(Outcome::Leaves(done_with(form.model, id, done)))
}

/// The way back to the form, which says what was done.
pub fn done_with(model: &str, id: Id, done: &str) -> HttpResponse {
    see_other(&format!("/odoo/{model}/{id}?done={done}"))
}

async fn write(records: Records<'_>, id: Id, values: Result<Map, Refusal>) -> Result<(), Refusal> {
    Ok(records.write(id, values?).await?)
}
