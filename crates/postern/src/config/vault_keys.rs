//! The keys that secrets in the database are sealed with: from a variable, a file, or a command.

use secrecy::{ExposeSecret, SecretString};
use server_model::vault::Keyring;

use super::Surroundings;
use super::arguments::Arguments;
use super::error::ConfigError;
use super::sources::{Given, Sources, setting, twice};
use super::values;

const RIGHT: &str =
    "keys as `postern vault key` prints them, one a line, the one to seal with first";

/// The keys, if any are named. They are named in one way only, lest it be unclear which one seals.
///
/// # Errors
/// If they are named in two ways, cannot be had, or are no keys.
pub fn load(
    sources: &Sources<'_>,
    arguments: &Arguments,
    around: &Surroundings<'_>,
) -> Result<Option<Keyring>, ConfigError> {
    let direct = sources.find(&setting::VAULT_KEY, None)?;
    let file = sources.find(&setting::VAULT_KEY_FILE, arguments.vault_key_file.clone())?;
    let command = sources.find(
        &setting::VAULT_KEY_COMMAND,
        arguments.vault_key_command.clone(),
    )?;
    let mut named = [direct, file, command].into_iter().flatten();
    let Some(given) = named.next() else {
        return Ok(None);
    };
    if let Some(other) = named.next() {
        return Err(twice(&given, &other));
    }
    let text = text(&given, around)?;
    match Keyring::read(text.expose_secret()) {
        Ok(keys) => Ok(Some(keys)),
        Err(error) => Err(given.refuse(error.to_string(), RIGHT)),
    }
}

fn text(given: &Given, around: &Surroundings<'_>) -> Result<SecretString, ConfigError> {
    let is = |setting: &super::sources::Setting| given.setting == setting.name();
    let bytes = if is(&setting::VAULT_KEY_FILE) {
        values::file(given, around, RIGHT)?
    } else if is(&setting::VAULT_KEY_COMMAND) {
        (around.run)(&given.text).map_err(|source| ConfigError::Command {
            setting: given.setting,
            origin: given.origin.clone(),
            source,
        })?
    } else {
        given.text.clone().into_bytes()
    };
    // What is not UTF-8 is no key either, and the line that is none is told.
    Ok(SecretString::from(
        String::from_utf8_lossy(&bytes).into_owned(),
    ))
}
