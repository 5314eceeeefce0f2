//! What there is for Postern to take over.

use sea_orm_migration::prelude::{ConnectionTrait, DbErr};

use super::rows;

/// What Postern takes over.
#[derive(Debug)]
pub struct Holdings {
    /// The outgoing servers, archived ones included.
    pub outgoing: Vec<Outgoing>,
    /// The incoming servers, archived ones included.
    pub incoming: Vec<Incoming>,
    /// The mails that wait.
    pub queue: Queue,
    /// The aliases with a name, by the model that they are for.
    pub aliases: Vec<Alias>,
}

/// An outgoing server.
#[derive(Debug)]
pub struct Outgoing {
    /// The record of `ir.mail_server`.
    pub id: i32,
    /// What it is called.
    pub name: String,
    /// Its host.
    pub host: String,
    /// How Postern signs in there: `login`, `outlook` ...
    pub authentication: String,
    /// Whether it is in use.
    pub active: bool,
}

/// An incoming server.
#[derive(Debug)]
pub struct Incoming {
    /// The record of `fetchmail.server`.
    pub id: i32,
    /// What it is called.
    pub name: String,
    /// Its host.
    pub host: String,
    /// `imap`, `pop`, `outlook` ...
    pub server_type: String,
    /// Whether it is in use: active and confirmed.
    pub active: bool,
    /// The model of which mails make a record when nothing else says where they belong.
    pub model: Option<String>,
    /// Whether a `postern.handoff` says where its mail for Odoo goes.
    pub hands_on: bool,
}

/// The mails in `mail_mail`.
#[derive(Debug)]
pub struct Queue {
    /// Those to be sent at once.
    pub due: i64,
    /// Those to be sent later.
    pub scheduled: i64,
    /// Those that failed.
    pub failed: i64,
}

/// The aliases of a model.
#[derive(Debug)]
pub struct Alias {
    /// The model.
    pub model: String,
    /// Their names, as many as there are.
    pub names: Vec<String>,
}

pub(super) async fn read<C: ConnectionTrait>(db: &C) -> Result<Holdings, DbErr> {
    let outgoing = rows(
        db,
        "SELECT id, name::text, COALESCE(smtp_host, '')::text, smtp_authentication::text, COALESCE(active, FALSE) \
         FROM ir_mail_server ORDER BY sequence, id",
    )
    .await?
    .iter()
    .map(|row| {
        Ok(Outgoing {
            id: row.try_get_by_index(0)?,
            name: row.try_get_by_index(1)?,
            host: row.try_get_by_index(2)?,
            authentication: row.try_get_by_index(3)?,
            active: row.try_get_by_index(4)?,
        })
    })
    .collect::<Result<_, DbErr>>()?;
    let incoming = rows(
        db,
        "SELECT f.id, f.name::text, COALESCE(f.server, '')::text, f.server_type::text, \
         COALESCE(f.active, FALSE) AND f.state = 'done' AND f.server_type <> 'local', m.model::text, \
         EXISTS (SELECT 1 FROM postern_handoff h WHERE h.fetchmail_server_id = f.id AND h.active) \
         FROM fetchmail_server f LEFT JOIN ir_model m ON m.id = f.object_id ORDER BY f.priority, f.id",
    )
    .await?
    .iter()
    .map(|row| {
        Ok(Incoming {
            id: row.try_get_by_index(0)?,
            name: row.try_get_by_index(1)?,
            host: row.try_get_by_index(2)?,
            server_type: row.try_get_by_index(3)?,
            active: row.try_get_by_index::<Option<bool>>(4)?.unwrap_or(false),
            model: row.try_get_by_index(5)?,
            hands_on: row.try_get_by_index(6)?,
        })
    })
    .collect::<Result<_, DbErr>>()?;
    let aliases = rows(
        db,
        "SELECT m.model::text, array_to_json(array_agg(COALESCE(a.alias_full_name, a.alias_name) ORDER BY a.id))::text \
         FROM mail_alias a JOIN ir_model m ON m.id = a.alias_model_id WHERE a.alias_name <> '' GROUP BY 1 ORDER BY 1",
    )
    .await?
    .iter()
    .map(|row| {
        let names: String = row.try_get_by_index(1)?;
        let names: sea_orm_migration::sea_orm::JsonValue = names
            .parse()
            .map_err(|error| DbErr::Custom(format!("the aliases cannot be read: {error}")))?;
        let names = names.as_array().into_iter().flatten();
        Ok(Alias {
            model: row.try_get_by_index(0)?,
            names: names.filter_map(|name| name.as_str()).map(str::to_owned).collect(),
        })
    })
    .collect::<Result<_, DbErr>>()?;
    Ok(Holdings {
        outgoing,
        incoming,
        queue: queue(db).await?,
        aliases,
    })
}

async fn queue<C: ConnectionTrait>(db: &C) -> Result<Queue, DbErr> {
    let counted = rows(
        db,
        "SELECT count(*) FILTER (WHERE state = 'outgoing' AND (scheduled_date IS NULL OR scheduled_date <= now() AT TIME ZONE 'utc')), \
         count(*) FILTER (WHERE state = 'outgoing' AND scheduled_date > now() AT TIME ZONE 'utc'), \
         count(*) FILTER (WHERE state = 'exception') FROM mail_mail",
    )
    .await?;
    let at = |place| match counted.first() {
        Some(row) => row.try_get_by_index(place),
        None => Ok(0),
    };
    Ok(Queue {
        due: at(0)?,
        scheduled: at(1)?,
        failed: at(2)?,
    })
}
