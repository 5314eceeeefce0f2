//! The yardstick of `cargo xtask bench`: what `search_read` of 80 mail servers costs when nothing
//! stands between the HTTP server and the database. No session, no rights, no transaction: two
//! statements by sqlx, and the rows written as JSON in the same envelope.
//!
//! Takes the address of the database from `BARE_DATABASE_URL` and prints where it listens.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::{App, HttpResponse, HttpServer, web};
use chrono::NaiveDateTime;
use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Serialize, Serializer};
use sqlx::postgres::{PgPool, PgPoolOptions, PgRow};
use sqlx::{Error, Row as _};

/// As many connections as Postern opens when nobody says otherwise.
const CONNECTIONS: u32 = 10;

const SERVERS: &str = "SELECT id, name, smtp_host, smtp_port, smtp_user, smtp_encryption, \
    smtp_authentication, from_filter, sequence, create_uid, write_date \
    FROM ir_mail_server WHERE active ORDER BY id LIMIT $1";

const NAMES: &str = "SELECT u.id, p.name FROM res_users u JOIN res_partner p ON p.id = u.partner_id \
    WHERE u.id = ANY($1)";

/// The part of a request that the answer needs.
#[derive(Deserialize)]
struct Request {
    id: i64,
}

#[derive(Serialize)]
struct Answer {
    jsonrpc: &'static str,
    id: i64,
    result: Vec<MailServer>,
}

#[derive(Serialize)]
struct MailServer {
    id: i32,
    name: OrFalse<String>,
    smtp_host: OrFalse<String>,
    smtp_port: i32,
    smtp_user: OrFalse<String>,
    smtp_encryption: OrFalse<String>,
    smtp_authentication: OrFalse<String>,
    from_filter: OrFalse<String>,
    sequence: i32,
    create_uid: OrFalse<Named>,
    write_date: OrFalse<Moment>,
}

/// A value, or `false` where there is none, as Odoo writes it.
struct OrFalse<T>(Option<T>);

impl<T: Serialize> Serialize for OrFalse<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(value) => value.serialize(to),
            None => to.serialize_bool(false),
        }
    }
}

/// A link to a record, written `[id, name]`.
struct Named(i32, String);

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut pair = to.serialize_tuple(2)?;
        pair.serialize_element(&self.0)?;
        pair.serialize_element(&self.1)?;
        pair.end()
    }
}

/// A moment to the second.
struct Moment(NaiveDateTime);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0.format("%Y-%m-%d %H:%M:%S"))
    }
}

async fn search_read(
    request: web::Bytes,
    pool: web::Data<PgPool>,
) -> actix_web::Result<HttpResponse> {
    let request: Request = serde_json::from_slice(&request)?;
    let result = mail_servers(&pool)
        .await
        .map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().json(Answer {
        jsonrpc: "2.0",
        id: request.id,
        result,
    }))
}

async fn mail_servers(pool: &PgPool) -> Result<Vec<MailServer>, Error> {
    let mut connection = pool.acquire().await?;
    let rows = sqlx::query(SERVERS)
        .bind(80_i64)
        .fetch_all(&mut *connection)
        .await?;
    let mut users: Vec<i32> = Vec::with_capacity(rows.len());
    for row in &rows {
        users.extend(row.try_get::<Option<i32>, _>(9)?);
    }
    users.sort_unstable();
    users.dedup();
    let names = sqlx::query(NAMES)
        .bind(users)
        .fetch_all(&mut *connection)
        .await?;
    drop(connection);
    let names = names
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<HashMap<i32, String>, Error>>()?;
    rows.iter().map(|row| read(row, &names)).collect()
}

fn read(row: &PgRow, names: &HashMap<i32, String>) -> Result<MailServer, Error> {
    let user: Option<i32> = row.try_get(9)?;
    let moment: Option<NaiveDateTime> = row.try_get(10)?;
    Ok(MailServer {
        id: row.try_get(0)?,
        name: OrFalse(row.try_get(1)?),
        smtp_host: OrFalse(row.try_get(2)?),
        smtp_port: row.try_get::<Option<i32>, _>(3)?.unwrap_or(0),
        smtp_user: OrFalse(row.try_get(4)?),
        smtp_encryption: OrFalse(row.try_get(5)?),
        smtp_authentication: OrFalse(row.try_get(6)?),
        from_filter: OrFalse(row.try_get(7)?),
        sequence: row.try_get::<Option<i32>, _>(8)?.unwrap_or(0),
        create_uid: OrFalse(user.and_then(|id| Some(Named(id, names.get(&id)?.clone())))),
        write_date: OrFalse(moment.map(Moment)),
    })
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("BARE_DATABASE_URL")?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        // What Postern does without, its yardstick does without too.
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(20))
        .connect(&url)
        .await?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let pool = web::Data::new(pool);
    HttpServer::new(move || {
        App::new()
            .app_data(pool.clone())
            .route("/search_read", web::post().to(search_read))
    })
    .listen(listener)?
    .run()
    .await?;
    Ok(())
}
