//! The figures that change by themselves, for the script on the pages that show them.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use server_model::error::Error;

use crate::failure::Result;
use crate::records::{Records, condition};
use crate::visitor::Visitor;

/// The states of outgoing mails that are counted.
const STATES: [&str; 4] = ["exception", "outgoing", "sent", "cancel"];

/// Answers with the figures as a JSON object of numbers: `mail.<state>` for outgoing mails, `received`,
/// and `quarantine`. What the user may not see is left out.
pub async fn show(visitor: Visitor) -> Result<HttpResponse> {
    let mut figures = BTreeMap::new();
    let mails = Records::of(&visitor, "mail.mail");
    for state in STATES {
        let counted = mails.count(vec![condition("state", "=", state)]).await;
        add(&mut figures, format!("mail.{state}"), counted)?;
    }
    let received = vec![condition("message_type", "=", "email")];
    let received = Records::of(&visitor, "mail.message").count(received).await;
    add(&mut figures, "received".into(), received)?;
    let quarantine = Records::of(&visitor, "postern.quarantine");
    let quarantined = quarantine.count(Vec::new()).await;
    add(&mut figures, "quarantine".into(), quarantined)?;
    Ok(HttpResponse::Ok().json(figures))
}

fn add(
    figures: &mut BTreeMap<String, i64>,
    name: String,
    counted: Result<i64, Error>,
) -> Result<()> {
    match counted {
        Ok(count) => {
            figures.insert(name, count);
            Ok(())
        }
        Err(Error::Access(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
