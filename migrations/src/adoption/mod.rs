//! One database with Odoo: adopting it, and giving it back.
//!
//! Adopting adds Postern's own tables, none of which has a key into one of Odoo's, and switches off the
//! two jobs by which Odoo sends its queue and fetches its mailboxes; both in one transaction. Nothing
//! else of Odoo's is changed, and only the two rows of `ir_cron` are locked. [`release`] takes all of it
//! back.

mod beside;
mod holdings;
mod inspect;
mod jobs;

use std::collections::{BTreeMap, BTreeSet};

use sea_orm_migration::prelude::{ConnectionTrait, DbErr};
use sea_orm_migration::sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, Statement, Value,
};

pub use beside::{keep_jobs_off, sweep};
pub use holdings::{Alias, Holdings, Incoming, Outgoing, Queue};
pub use jobs::Job;

use crate::Passed;
use crate::home::{self, Home};

/// The columns that the program reads and writes, by their tables.
pub type Needs = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// What adopting a database found and did.
#[derive(Debug)]
pub struct Adoption {
    /// The version of Odoo's module `base`, such as `18.0.1.3`.
    pub version: String,
    /// Whether the database was adopted before.
    pub is_known: bool,
    /// The jobs of Odoo's that are off now.
    pub jobs: Vec<Job>,
    /// Postern's own tables.
    pub tables: Vec<String>,
    /// What Postern takes over.
    pub holdings: Holdings,
    /// What is to be known beside: sentences, each of which names what it is about.
    pub remarks: Vec<String>,
}

/// What giving a database back did.
#[derive(Debug)]
pub struct Release {
    /// The jobs of Odoo's, as they are again.
    pub jobs: Vec<Job>,
    /// The tables that were taken away.
    pub tables: Vec<String>,
    /// What went with them and is lost for good: sentences with a number in each.
    pub lost: Vec<String>,
}

/// Why a database is not adopted, or not given back. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum AdoptionError {
    /// No Odoo works on it.
    #[error("{0}")]
    NotOdoo(String),
    /// An Odoo, but not one that Postern can work beside.
    #[error(
        "Postern works beside Odoo 18.0 with its module mail, and this database ({version}) differs:\n{}",
        listed(.differences)
    )]
    Unfit {
        /// What it calls itself.
        version: String,
        /// What differs, a sentence each.
        differences: Vec<String>,
    },
    /// Something is in the way that passes or that somebody can clear away.
    #[error("{what}:\n{}", listed(.reasons))]
    NotNow {
        /// What cannot be done.
        what: &'static str,
        /// What is in the way, with what to do.
        reasons: Vec<String>,
    },
    /// What the database refused.
    #[error("the database refused a statement")]
    Database(#[from] DbErr),
}

fn listed(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("  - {line}")).collect();
    lines.join("\n")
}

type Result<T> = std::result::Result<T, AdoptionError>;

/// How long Odoo may hold one of the two rows of `ir_cron`, as it does while it runs the job.
const PATIENCE: &str = "10s";

/// Adopts the database of an Odoo 18; with `is_trial` all of it is taken back at the end. `passed` is told of the steps that
/// make Postern's tables.
///
/// # Errors
/// If it is not that of an Odoo 18 with all that `needs` names, or the database refuses a statement.
pub async fn adopt(
    db: &DatabaseConnection,
    needs: &Needs,
    is_trial: bool,
    passed: Passed<'_>,
) -> Result<Adoption> {
    let transaction = begin(db).await?;
    let home = home::home(&transaction).await?;
    if home == Home::Own {
        return Err(AdoptionError::NotOdoo(not_odoos(&transaction).await?));
    }
    let version = inspect::inspect(&transaction, needs).await?;
    let is_known = home == Home::Adopted;
    if !is_known {
        refuse_leftovers(&transaction).await?;
        for statement in TABLES {
            transaction.execute_unprepared(statement).await?;
        }
        note_version(&transaction, &version).await?;
    }
    let jobs = jobs::switch_off(&transaction)
        .await
        .map_err(|error| busy(error, "Odoo's jobs cannot be switched off now"))?;
    crate::apply(&transaction, passed).await?;
    let mut remarks = inspect::remarks(&transaction).await?;
    remarks.extend(jobs::others(&transaction).await?);
    let adoption = Adoption {
        version,
        is_known,
        jobs,
        tables: own_tables(&transaction).await?,
        holdings: holdings::read(&transaction).await?,
        remarks,
    };
    if is_trial {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    Ok(adoption)
}

/// Gives an adopted database back to its Odoo; with `is_trial` all of it is taken back at the end.
///
/// What would be lost stops it, unless `discards` says that it may.
///
/// # Errors
/// If the database was not adopted, a Postern works on it, or something would be lost.
pub async fn release(db: &DatabaseConnection, discards: bool, is_trial: bool) -> Result<Release> {
    let transaction = begin(db).await?;
    if home::home(&transaction).await? != Home::Adopted {
        return Err(AdoptionError::NotOdoo(
            "This database was not adopted, so there is nothing to give back.".into(),
        ));
    }
    const WHAT: &str = "The database cannot be given back yet";
    let mut reasons = beside::others_at_work(&transaction).await?;
    let lost = beside::would_be_lost(&transaction).await?;
    if !discards {
        reasons.extend(lost.iter().cloned());
    }
    if !reasons.is_empty() {
        return Err(AdoptionError::NotNow {
            what: WHAT,
            reasons,
        });
    }
    let jobs = jobs::restore(&transaction)
        .await
        .map_err(|error| busy(error, WHAT))?;
    let tables = own_tables(&transaction).await?;
    let names: Vec<String> = tables.iter().map(|name| format!("\"{name}\"")).collect();
    let drop = format!("DROP TABLE {}", names.join(", "));
    transaction
        .execute_unprepared(&drop)
        .await
        .map_err(|error| busy(error, WHAT))?;
    if is_trial {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    Ok(Release { jobs, tables, lost })
}

/// What is remembered of an adoption, beside the tables of the migrations.
const TABLES: [&str; 2] = [
    "CREATE TABLE postern_adoption (
        name character varying PRIMARY KEY,
        value text NOT NULL
    )",
    "CREATE TABLE postern_adopted_job (
        external_id character varying PRIMARY KEY,
        cron_id integer NOT NULL,
        was_active boolean NOT NULL
    )",
];

async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Err(AdoptionError::NotOdoo(
            "An Odoo keeps its data in PostgreSQL: name its database, as in --database-url postgres://USER@HOST/DATABASE."
                .into(),
        ));
    }
    let transaction = crate::begin(db).await?;
    transaction
        .execute_unprepared(&format!("SET LOCAL lock_timeout = '{PATIENCE}'"))
        .await?;
    Ok(transaction)
}

async fn not_odoos(transaction: &DatabaseTransaction) -> Result<String> {
    let is_posterns = !own_tables(transaction).await?.is_empty();
    Ok(if is_posterns {
        "This is a database of Postern's own, which needs no adopting: start Postern on it.".into()
    } else {
        "No Odoo works on this database: it has no table ir_module_module. Is it the right one, and is its schema in the search path?".into()
    })
}

/// Tables of Postern's without a note of an adoption are nobody knows whose.
async fn refuse_leftovers(transaction: &DatabaseTransaction) -> Result<()> {
    let tables = own_tables(transaction).await?;
    if tables.is_empty() {
        return Ok(());
    }
    Err(AdoptionError::NotNow {
        what: "The database cannot be adopted",
        reasons: vec![format!(
            "It has tables that are named as Postern's and were made by no adoption: {}. Drop or rename them if nothing needs them.",
            tables.join(", ")
        )],
    })
}

async fn note_version(transaction: &DatabaseTransaction, version: &str) -> Result<()> {
    let note = statement(
        "INSERT INTO postern_adoption (name, value) VALUES ('odoo_version', $1), \
         ('adopted_at', to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD HH24:MI:SS'))",
        [version.into()],
    );
    transaction.execute_raw(note).await?;
    Ok(())
}

async fn own_tables(transaction: &DatabaseTransaction) -> std::result::Result<Vec<String>, DbErr> {
    texts(
        transaction,
        "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() \
         AND starts_with(tablename, 'postern_') ORDER BY 1",
    )
    .await
}

/// A row that Odoo holds for longer than the patience is one of a job that runs right now.
fn busy(error: DbErr, what: &'static str) -> AdoptionError {
    // lock_not_available
    if error.to_string().contains("lock timeout") {
        return AdoptionError::NotNow {
            what,
            reasons: vec![format!(
                "Another program has held a lock for more than {PATIENCE}; most often Odoo runs the job at this moment. Try again."
            )],
        };
    }
    AdoptionError::Database(error)
}

fn statement<const N: usize>(sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

async fn rows<C: ConnectionTrait>(
    db: &C,
    sql: &str,
) -> std::result::Result<Vec<QueryResult>, DbErr> {
    db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
}

async fn texts<C: ConnectionTrait>(db: &C, sql: &str) -> std::result::Result<Vec<String>, DbErr> {
    let rows = rows(db, sql).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

async fn count<C: ConnectionTrait>(db: &C, sql: &str) -> std::result::Result<i64, DbErr> {
    match rows(db, sql).await?.first() {
        Some(row) => row.try_get_by_index(0),
        None => Ok(0),
    }
}
