//! The mailboxes that an administrator has made one's own, to be connected by signing in as their users.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use server_model::error::Error;
use server_model::value::Map;

use crate::failure::Result;
use crate::form::label_of;
use crate::records::{Record, Records, many, one};
use crate::shell::{Query, Section, Shell, page};
use crate::visitor::Visitor;

const MODEL: &str = "postern.mailbox";

#[derive(Template)]
#[template(path = "my_mailboxes.html")]
struct MailboxesPage {
    shell: Shell,
    mailboxes: Vec<Mailbox>,
}

struct Mailbox {
    name: String,
    user: String,
    outgoing: bool,
    gmail: bool,
    /// Whether the provider lets the mailbox be used, as far as is known.
    valid: bool,
    state: String,
    message: String,
    /// The provider's sign-in page; empty when there is none.
    address: String,
}

/// Shows them.
pub async fn show(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let found = many(records.call("mine", Vec::new(), Map::new()).await?);
    let mut mailboxes = Vec::with_capacity(found.len());
    for mailbox in &found {
        mailboxes.push(described(&visitor, mailbox).await?);
    }
    let shell = Shell::around(&visitor, Section::Account).await?;
    let shell = shell.done(&query);
    page(StatusCode::OK, &MailboxesPage { shell, mailboxes })
}

async fn described(visitor: &Visitor, mailbox: &Record) -> Result<Mailbox> {
    let model = mailbox.text("model");
    let state = mailbox.text("state");
    let records = Records::of(visitor, MODEL);
    let named = vec![model.as_str().into(), mailbox.id().into()];
    let address = match records.call("open_uri", named, Map::new()).await {
        Ok(action) => one(action).text("url"),
        // What is missing is an administrator's business; the page says that there is no address.
        Err(Error::User(_) | Error::Outside { .. }) => String::new(),
        Err(error) => return Err(error.into()),
    };
    let usable = address.starts_with("https://") || address.starts_with("http://");
    Ok(Mailbox {
        name: mailbox.text("name"),
        user: mailbox.text("user"),
        outgoing: model == "ir.mail_server",
        gmail: mailbox.text("service") == "gmail",
        valid: matches!(state.as_str(), "connected" | "waiting"),
        state: label_of(visitor.lang, &model, "postern_oauth_state", &state),
        message: mailbox.text("message"),
        address: if usable { address } else { String::new() },
    })
}
