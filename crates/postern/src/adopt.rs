//! `postern adopt` and `postern release`: taking over the mail of an Odoo in its own database, and giving
//! it back.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Args;
use migrations::adoption::{self, Adoption, Incoming, Job};
use server_model::database::Database;
use server_model::{home, vault};

use crate::banner;
use crate::config::Config;
use crate::error::Error;
use crate::progress::Progress;
use crate::server;

/// How a database is adopted.
#[derive(Args, Clone, Debug)]
pub struct Adopt {
    /// Change nothing, and print what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// How a database is given back.
#[derive(Args, Clone, Debug)]
pub struct Release {
    /// Change nothing, and print what would be done
    #[arg(long)]
    pub dry_run: bool,

    /// Give the database back although mails are lost or sent twice by it
    ///
    /// Without it they are counted, and nothing is done.
    #[arg(long)]
    pub discard: bool,
}

/// Adopts the database and prints what that means.
///
/// # Errors
/// If it is not that of an Odoo 18 that Postern can work beside.
pub async fn adopt(config: &Config, options: &Adopt, progress: &Progress) -> Result<(), Error> {
    let database = open(config).await?;
    let bar = progress.begin("Adopting the database", None);
    let passed = |done, steps| bar.reach(done, steps);
    let needs = home::needs();
    let adopted = adoption::adopt(database.connection(), &needs, options.dry_run, &passed).await;
    drop(bar);
    let name = database.name().to_owned();
    database.close().await;
    print(&told(
        &name,
        &adopted.map_err(Error::Adoption)?,
        options.dry_run,
    ));
    Ok(())
}

/// Gives the database back and prints what was done.
///
/// # Errors
/// If it was not adopted, a Postern works on it, or something would be lost.
pub async fn release(config: &Config, options: &Release, progress: &Progress) -> Result<(), Error> {
    refuse_sealed(config).await?;
    let database = open(config).await?;
    let bar = progress.begin("Giving the database back", None);
    let released = adoption::release(database.connection(), options.discard, options.dry_run).await;
    drop(bar);
    database.close().await;
    let released = released.map_err(Error::Adoption)?;
    let mut text = String::from(if options.dry_run {
        "Nothing is changed: this is what would be done.\n\n"
    } else {
        "The database is Odoo's alone again.\n\n"
    });
    let _ = writeln!(text, "Odoo's jobs:");
    for job in &released.jobs {
        let state = if job.was_active { "on" } else { "off" };
        let _ = writeln!(text, "  {}  {state}", job.external_id);
    }
    let _ = writeln!(text, "Removed: {}", released.tables.join(", "));
    if !released.lost.is_empty() {
        list(&mut text, "Lost, or left to Odoo:", &released.lost);
    }
    print(&text);
    Ok(())
}

/// One connection, so that no other of this process counts as somebody else's.
async fn open(config: &Config) -> Result<Database, Error> {
    Database::open(config.database.expose(), 1)
        .await
        .map_err(|source| Error::Open {
            place: banner::described(config.database.place()),
            remedy: "PostgreSQL has to run there and to know the database, the user and the password.",
            source,
        })
}

/// Odoo cannot read what is sealed.
async fn refuse_sealed(config: &Config) -> Result<(), Error> {
    let backend = server::connect(config).await?;
    let census = if backend.home().is_odoos() {
        vault::census(&backend).await
    } else {
        Ok(vault::Census::default())
    };
    backend.database().clone().close().await;
    let sealed: usize = census.map_err(Error::Vault)?.sealed.values().sum();
    if sealed == 0 {
        return Ok(());
    }
    Err(Error::Adoption(adoption::AdoptionError::NotNow {
        what: "The database cannot be given back yet",
        reasons: vec![format!(
            "{sealed} secrets are sealed, and Odoo could not read them: run `postern vault unseal` with the key first."
        )],
    }))
}

fn print(text: &str) {
    // Whoever closed the other end does not want to read on.
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

fn told(database: &str, adoption: &Adoption, is_trial: bool) -> String {
    let mut text = String::new();
    let begin = match (is_trial, adoption.is_known) {
        (true, _) => "Nothing is changed: this is what would be done.",
        (false, true) => "The database had been adopted before.",
        (false, false) => "The database is adopted.",
    };
    let _ = writeln!(text, "{begin}\n");
    let _ = writeln!(
        text,
        "{database} is an Odoo 18.0 (base {}).",
        adoption.version
    );
    let _ = writeln!(text, "Odoo's jobs, which Postern does from now on:");
    for Job {
        external_id,
        was_active,
        ..
    } in &adoption.jobs
    {
        let was = if *was_active { "was on" } else { "was off" };
        let _ = writeln!(text, "  {external_id}  off ({was})");
    }
    let holdings = &adoption.holdings;
    let _ = writeln!(text, "Outgoing servers:");
    for server in &holdings.outgoing {
        let state = if server.active { "" } else { ", archived" };
        let _ = writeln!(
            text,
            "  {} {} ({}, {}{state})",
            server.id, server.name, server.host, server.authentication
        );
    }
    let _ = writeln!(text, "Incoming servers:");
    for server in &holdings.incoming {
        let state = match (server.active, server.hands_on) {
            (true, true) => "is fetched",
            (true, false) => "is fetched once it has a postern.handoff",
            (false, _) => "is not fetched: not confirmed, or archived",
        };
        let _ = writeln!(
            text,
            "  {} {} ({}, {}) {state}",
            server.id, server.name, server.host, server.server_type
        );
    }
    let queue = &holdings.queue;
    let _ = writeln!(
        text,
        "Queue: {} mails due, {} for later, {} failed before (they stay as they are)",
        queue.due, queue.scheduled, queue.failed
    );
    let _ = writeln!(text, "Aliases:");
    for alias in &holdings.aliases {
        let whose = if home::holds(&alias.model) {
            "Postern makes the record"
        } else {
            "handed on to Odoo"
        };
        let _ = writeln!(
            text,
            "  {} ({}): {whose}",
            alias.names.join(", "),
            alias.model
        );
    }
    let _ = writeln!(text, "Postern's own tables: {}", adoption.tables.len());
    let mut remarks = adoption.remarks.clone();
    remarks.extend(not_handed_on(adoption));
    if !remarks.is_empty() {
        list(&mut text, "To be done or to be known:", &remarks);
    }
    text
}

/// What is missing before mailboxes are fetched.
fn not_handed_on(adoption: &Adoption) -> Option<String> {
    let holdings = &adoption.holdings;
    let waits = |server: &&Incoming| server.active && !server.hands_on;
    let waiting: Vec<&str> = holdings
        .incoming
        .iter()
        .filter(waits)
        .map(|server| server.name.as_str())
        .collect();
    if waiting.is_empty() {
        return None;
    }
    let aliased = holdings.aliases.iter().map(|alias| &alias.model);
    let made = holdings
        .incoming
        .iter()
        .filter_map(|one| one.model.as_ref());
    let mut models: Vec<&str> = aliased
        .chain(made)
        .map(String::as_str)
        .filter(|model| !home::holds(model))
        .collect();
    models.sort_unstable();
    models.dedup();
    let models = if models.is_empty() {
        String::new()
    } else {
        format!(
            " Aliases and servers make records of {} there.",
            models.join(", ")
        )
    };
    Some(format!(
        "Mail that is for Odoo's records has to be handed on to Odoo.{models} Give each incoming server a postern.handoff with Odoo's address and an API key; until then nothing is fetched from: {}.",
        waiting.join(", ")
    ))
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    let _ = writeln!(text, "{title}");
    for line in lines {
        let _ = writeln!(text, "  - {line}");
    }
}
