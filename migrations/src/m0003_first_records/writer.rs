//! Inserting records: columns and rows to bound parameters, stamps, and external ids.

use chrono::{NaiveDateTime, Timelike, Utc};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{JsonValue, Value};

/// The user who owns everything that comes with a database: the system itself.
pub(super) const SYSTEM: i32 = 1;

/// Writes the records of this step, all with the same creation time.
pub(super) struct Writer<'a> {
    db: &'a SchemaManagerConnection<'a>,
    /// UTC, to the second, as Odoo keeps it.
    pub(super) now: NaiveDateTime,
}

impl<'a> Writer<'a> {
    pub(super) fn new(db: &'a SchemaManagerConnection<'a>) -> Self {
        let now = Utc::now().naive_utc();
        let now = now.with_nanosecond(0).unwrap_or(now);
        Self { db, now }
    }

    /// Inserts `rows` of `columns`, created by the system user.
    pub(super) async fn insert(
        &self,
        table: &'static str,
        columns: &[&'static str],
        rows: Vec<Vec<Value>>,
    ) -> Result<(), DbErr> {
        self.insert_created_by(Some(SYSTEM), table, columns, rows)
            .await
    }

    /// Inserts `rows` whose creator does not exist yet; [`Self::own`] names it afterwards.
    pub(super) async fn insert_unowned(
        &self,
        table: &'static str,
        columns: &[&'static str],
        rows: Vec<Vec<Value>>,
    ) -> Result<(), DbErr> {
        self.insert_created_by(None, table, columns, rows).await
    }

    async fn insert_created_by(
        &self,
        creator: Option<i32>,
        table: &'static str,
        columns: &[&'static str],
        rows: Vec<Vec<Value>>,
    ) -> Result<(), DbErr> {
        let stamps = [
            ("create_uid", Value::from(creator)),
            ("write_uid", Value::from(creator)),
            ("create_date", Value::from(self.now)),
            ("write_date", Value::from(self.now)),
        ];
        let columns: Vec<_> = columns
            .iter()
            .copied()
            .chain(stamps.iter().map(|(column, _)| *column))
            .collect();
        let rows = rows.into_iter().map(|mut row| {
            row.extend(stamps.iter().map(|(_, value)| value.clone()));
            row
        });
        self.insert_bare(table, &columns, rows).await
    }

    /// Inserts rows of a table that has no stamps, such as a relation between two others.
    pub(super) async fn insert_bare(
        &self,
        table: &'static str,
        columns: &[&'static str],
        rows: impl IntoIterator<Item = Vec<Value>>,
    ) -> Result<(), DbErr> {
        let mut statement = Query::insert();
        statement.into_table(table).columns(columns.iter().copied());
        for row in rows {
            statement
                .values(row.into_iter().map(Expr::val))
                .map_err(|error| {
                    DbErr::Custom(format!("a first record of {table} is malformed: {error}"))
                })?;
        }
        self.db.execute(&statement).await?;
        Ok(())
    }

    /// Makes the system user the creator of every record of `table`.
    pub(super) async fn own(&self, table: &'static str) -> Result<(), DbErr> {
        let statement = Query::update()
            .table(table)
            .value("create_uid", SYSTEM)
            .value("write_uid", SYSTEM)
            .to_owned();
        self.db.execute(&statement).await?;
        Ok(())
    }

    /// Gives records of `model` their external ids, written `module.name`.
    pub(super) async fn register(
        &self,
        model: &'static str,
        records: impl IntoIterator<Item = (i32, String)>,
    ) -> Result<(), DbErr> {
        let mut rows = Vec::new();
        for (id, external_id) in records {
            let (module, name) = external_id.split_once('.').ok_or_else(|| {
                DbErr::Custom(format!("the external id {external_id} names no module"))
            })?;
            rows.push(vec![
                module.into(),
                name.into(),
                model.into(),
                id.into(),
                true.into(),
            ]);
        }
        self.insert(
            "ir_model_data",
            &["module", "name", "model", "res_id", "noupdate"],
            rows,
        )
        .await
    }
}

/// A translatable text, which so far is in English only.
pub(super) fn in_english(text: &str) -> Value {
    [("en_US", text)].into_iter().collect::<JsonValue>().into()
}
