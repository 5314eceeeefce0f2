//! The secrets in the database, at the start and by `postern vault`.

use std::sync::Arc;

use secrecy::ExposeSecret;
use server_model::backend::Backend;
use server_model::vault::{self, Census};

use crate::config::{Config, Vault};
use crate::error::Error;
use crate::progress::Progress;
use crate::server;

/// Checks at the start that all secrets can be opened, seals those that lie open, and says where the
/// database has none to seal with.
///
/// # Errors
/// When a key is missing, or the database fails.
pub async fn seal(
    config: &Config,
    backend: &Arc<Backend>,
    progress: &Progress,
) -> Result<(), Error> {
    let census = vault::check_keys(backend).await.map_err(Error::Vault)?;
    let Some(keys) = &config.vault_keys else {
        tracing::warn!(
            secrets = census.plain,
            "secrets are stored unsealed, as Odoo does; give Postern a key to seal them with (--vault-key-file, see `postern vault key --help`)"
        );
        return Ok(());
    };
    if !backend.vault().seals() {
        tracing::warn!(
            secrets = census.plain,
            "secrets are stored unsealed, although there is a key, because Odoo reads them too; --seal-odoo-secrets seals them, and then only Postern can sign in at the mail servers"
        );
        return Ok(());
    }
    if census.plain == 0 {
        return Ok(());
    }
    let bar = progress.begin("Sealing secrets", Some(census.plain));
    let sealed = vault::seal_all(backend, &|done| bar.reach(done, census.plain)).await;
    drop(bar);
    let sealed = sealed.map_err(Error::Vault)?;
    if sealed > 0 {
        tracing::info!(
            secrets = sealed,
            key = keys.sealing_key(),
            "secrets that lay open were sealed"
        );
    }
    Ok(())
}

/// Prints a new key.
///
/// # Errors
/// For a name that no key can have.
pub fn print_key(id: Option<&str>) -> Result<(), Error> {
    let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
    let key = vault::new_key(id.unwrap_or(&today)).ok_or(Error::KeyName)?;
    println!("{}", key.expose_secret());
    Ok(())
}

/// Does what `postern vault` is told, beside making keys.
///
/// # Errors
/// When a key is missing, or the database fails; then nothing was changed.
pub async fn run(config: &Config, task: &Vault, progress: &Progress) -> Result<(), Error> {
    let backend = server::open_existing(config).await?;
    match task {
        Vault::Key { .. } => {}
        Vault::Status => {
            let census = vault::census(&backend).await.map_err(Error::Vault)?;
            print!("{}", told(&census, config));
        }
        Vault::Rotate => {
            let census = vault::check_keys(&backend).await.map_err(Error::Vault)?;
            let concerned = census.total() - under_first_key(&census, config);
            let bar = progress.begin("Sealing secrets", Some(concerned));
            let count = vault::reseal(&backend, &|done| bar.reach(done, concerned)).await;
            drop(bar);
            let count = count.map_err(Error::Vault)?;
            println!("{count} secrets were sealed anew.");
        }
        Vault::Unseal => {
            let census = vault::check_keys(&backend).await.map_err(Error::Vault)?;
            let concerned = census.total() - census.plain;
            let bar = progress.begin("Opening secrets", Some(concerned));
            let count = vault::unseal_all(&backend, &|done| bar.reach(done, concerned)).await;
            drop(bar);
            let count = count.map_err(Error::Vault)?;
            println!(
                "{count} secrets lie open now. A Postern that has a key seals them again when it starts."
            );
        }
    }
    Ok(())
}

/// How many secrets are sealed with the key that is used for new ones.
fn under_first_key(census: &Census, config: &Config) -> usize {
    let first = config.vault_keys.as_ref().map(|keys| keys.sealing_key());
    let count = first.and_then(|id| census.sealed.get(id));
    count.copied().unwrap_or_default()
}

fn told(census: &Census, config: &Config) -> String {
    let keys = config.vault_keys.as_ref();
    let mut lines = vec![format!("{:>6}  not sealed", census.plain)];
    for (id, count) in &census.sealed {
        let remark = match keys {
            Some(keys) if keys.sealing_key() == id => "",
            Some(keys) if keys.has(id) => ", which `postern vault rotate` replaces",
            _ => ", WHICH IS NOT AMONG THE KEYS GIVEN",
        };
        lines.push(format!("{count:>6}  sealed with the key {id:?}{remark}"));
    }
    lines.join("\n") + "\n"
}
