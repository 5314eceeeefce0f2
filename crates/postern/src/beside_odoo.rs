//! What has to be looked after in an adopted database while Postern works in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use migrations::adoption;
use migrations::sea_orm::DbErr;
use server_model::backend::Backend;
use server_model::database::Intent;
use tokio_util::sync::CancellationToken;

/// How often Odoo's jobs are looked at.
const EVERY: Duration = Duration::from_secs(15);
/// How often Postern's tables are swept.
const SWEEP: Duration = Duration::from_secs(600);

/// Looks after it until `stop` is cancelled; ends at once in a database of Postern's own.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    if !backend.home().is_odoos() {
        return;
    }
    tracing::info!("working beside an Odoo, in its database");
    let mut swept: Option<Instant> = None;
    while !stop.is_cancelled() {
        let is_due = swept.is_none_or(|at| at.elapsed() >= SWEEP);
        match look(&backend, is_due).await {
            Ok(()) if is_due => swept = Some(Instant::now()),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "Odoo's jobs could not be looked at");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn look(backend: &Backend, sweeps: bool) -> Result<(), Trouble> {
    let transaction = backend.database().begin(Intent::Work).await?;
    let jobs = adoption::keep_jobs_off(&transaction).await?;
    transaction.commit().await?;
    for job in jobs {
        tracing::warn!(%job, "Odoo switched a job on again that Postern does, and it was switched off");
    }
    if sweeps {
        let transaction = backend.database().begin(Intent::Work).await?;
        adoption::sweep(&transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Why it could not be looked at.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// There is no transaction to be had.
    #[error(transparent)]
    Begin(#[from] server_model::error::Error),
    /// The database refuses.
    #[error(transparent)]
    Database(#[from] DbErr),
}
