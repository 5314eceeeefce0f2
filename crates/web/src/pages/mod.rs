//! The pages, one file a part of the program, named after what it shows.

pub mod fetchmail_server;
pub mod home;
pub mod mail_server;
pub mod mails;
pub mod messages;
pub mod outlook;
pub mod settings;
pub mod sign_in;

use actix_web::web::Path;
use server_model::value::Id;

use crate::failure::{Failure, Result};

/// The id in a path.
///
/// # Errors
/// [`Failure::NotFound`] for a number that no id can be.
pub fn id(path: &Path<String>) -> Result<Id> {
    path.parse::<Id>()
        .map_err(|_| Failure::NotFound(format!("There is no record with the number {path}.")))
}
