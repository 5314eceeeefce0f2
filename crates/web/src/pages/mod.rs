//! The pages, one file a part of the program, named after what it shows.

pub mod account;
pub mod alias_domains;
pub mod audit;
mod buttons;
pub mod connection;
pub mod fetchmail_server;
pub mod figures;
pub mod home;
pub mod mail_server;
pub mod mail_servers;
pub mod mails;
pub mod messages;
pub mod my_mailboxes;
pub mod parameters;
mod pem;
pub mod quarantine;
pub mod settings;
pub mod sign_in;

use actix_web::web::Path;
use server_model::value::Id;
use url::form_urlencoded::byte_serialize;

use crate::failure::{Failure, Result};

/// The id in a path.
///
/// # Errors
/// [`Failure::NoRecord`] for a number that no id can be.
pub fn id(path: &Path<String>) -> Result<Id> {
    path.parse::<Id>()
        .map_err(|_| Failure::NoRecord(path.to_string()))
}

/// The address of a list that was searched, ready for one more parameter.
fn searched_address(model: &str, wanted: &str) -> String {
    if wanted.is_empty() {
        return format!("/odoo/{model}?");
    }
    let encoded: String = byte_serialize(wanted.as_bytes()).collect();
    format!("/odoo/{model}?search={encoded}&")
}

#[cfg(test)]
mod tests {
    use server_model::registry;
    use server_model::schema::Kind;

    use crate::form::Form;
    use crate::lang::Lang;

    static FORMS: [&Form; 7] = [
        &super::account::KEY_FORM,
        &super::alias_domains::FORM,
        &super::fetchmail_server::FORM,
        &super::mail_server::BUDGET,
        &super::mail_server::FORM,
        &super::mails::FORM,
        &super::settings::FORM,
    ];

    /// The selections whose values pages name without a form.
    const SHOWN: [(&str, &str); 5] = [
        ("ir.mail_server", "postern_oauth_state"),
        ("fetchmail.server", "postern_oauth_state"),
        ("mail.mail", "state"),
        ("mail.mail", "failure_type"),
        ("mail.notification", "notification_status"),
    ];

    #[test]
    fn every_field_of_a_form_and_every_choice_has_its_words_in_every_language() {
        let forms = FORMS.iter().flat_map(|form| {
            let fields = form.fields.iter().chain(form.secrets);
            fields.map(|field| (form.model, *field))
        });
        for (model, name) in forms.chain(SHOWN) {
            let entry = registry::entry(model).expect("a model of ours");
            let field = entry.field(name).expect("a field of the model");
            let key = format!("{}-{name}", model.replace('.', "-"));
            for lang in Lang::ALL {
                assert!(lang.known(&key).is_some(), "no label: {lang:?} {key}");
                let Kind::Selection(choices) = field.kind else {
                    continue;
                };
                for (value, _) in choices {
                    let choice = lang.attribute(&key, &format!("is-{value}"));
                    assert!(choice.is_some(), "no name: {lang:?} {key} {value}");
                }
            }
        }
    }
}
