//! `postern queue | mail | servers | users | audit`: how things stand, as tables or as JSON, beside a running service.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;

use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use secrecy::ExposeSecret;
use server_model::backend::Backend;
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::value::{AnyValue, Map, map};

use crate::config::Config;
use crate::error::Error;
use crate::{password, server};

/// What is looked at.
#[derive(Clone, Debug, Subcommand)]
pub enum Console {
    /// List the mails that are not sent, the oldest first
    Queue(Queue),
    /// Show one mail: where it goes, what became of it, and why
    Mail(Mail),
    /// List the mail servers, and whether their mailboxes may be used
    Servers(Json),
    /// List the users; or give one a new password
    Users(Users),
    /// List who changed what in the set-up, the newest first
    Audit(Audit),
}

/// Which mails are listed.
#[derive(Args, Clone, Debug)]
pub struct Queue {
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = ["outgoing", "exception", "cancel", "sent", "received"])]
    pub state: Option<String>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub limit: u32,
    #[command(flatten)]
    pub json: Json,
}

/// Which mail is shown.
#[derive(Args, Clone, Debug)]
pub struct Mail {
    /// The id of the mail.mail
    pub id: i32,
    #[command(flatten)]
    pub json: Json,
}

/// What is done with users.
#[derive(Args, Clone, Debug)]
pub struct Users {
    #[command(subcommand)]
    pub task: Option<UserTask>,
    #[command(flatten)]
    pub json: Json,
}

/// Which acts are listed.
#[derive(Args, Clone, Debug)]
pub struct Audit {
    /// Only what was done to records of this model, such as ir.mail_server
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub limit: u32,
    #[command(flatten)]
    pub json: Json,
}

/// A change to a user.
#[derive(Clone, Debug, Subcommand)]
pub enum UserTask {
    /// Give a user a new password, which is printed; their sessions end
    ResetPassword {
        /// The login of the user
        login: String,
    },
}

/// The form of what is printed.
#[derive(Args, Clone, Copy, Debug)]
pub struct Json {
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// The most servers and users that are listed.
const MOST: u32 = 10_000;

/// A list: the model, the fields that are shown, and the heads above them.
struct List {
    model: &'static str,
    columns: &'static [(&'static str, &'static str)],
    order: &'static str,
}

const QUEUE: List = List {
    model: "mail.mail",
    columns: &[
        ("id", "Mail"),
        ("state", "State"),
        ("create_date", "Since"),
        ("email_from", "From"),
        ("email_to", "To"),
        ("mail_server_id", "Server"),
        ("failure_reason", "Reason"),
    ],
    order: "id",
};
const OUTGOING: List = List {
    model: "ir.mail_server",
    columns: &[
        ("id", "Outgoing"),
        ("name", "Name"),
        ("smtp_host", "Host"),
        ("smtp_user", "User"),
        ("smtp_authentication", "Signs in by"),
        ("from_filter", "FROM filter"),
        ("active", "Active"),
        ("postern_oauth_state", "Connection"),
        ("postern_last_success", "Last success"),
    ],
    order: "sequence, id",
};
const INCOMING: List = List {
    model: "fetchmail.server",
    columns: &[
        ("id", "Incoming"),
        ("name", "Name"),
        ("server", "Host"),
        ("user", "User"),
        ("server_type", "Kind"),
        ("state", "State"),
        ("active", "Active"),
        ("postern_oauth_state", "Connection"),
        ("date", "Last look"),
    ],
    order: "priority, id",
};
const USERS: List = List {
    model: "res.users",
    columns: &[
        ("id", "User"),
        ("login", "Login"),
        ("name", "Name"),
        ("active", "Active"),
        ("share", "Portal or public"),
        ("login_date", "Last sign-in"),
    ],
    order: "login",
};
const AUDIT: List = List {
    model: "postern.audit",
    columns: &[
        ("create_date", "When"),
        ("login", "Who"),
        ("address", "From"),
        ("act", "Did"),
        ("model", "Model"),
        ("res_id", "ID"),
        ("record", "Record"),
        ("changes", "Changes"),
    ],
    order: "id desc",
};
/// What is shown of one mail, one line each.
const MAIL: &[(&str, &str)] = &[
    ("id", "Mail"),
    ("state", "State"),
    ("subject", "Subject"),
    ("email_from", "From"),
    ("email_to", "To"),
    ("email_cc", "Cc"),
    ("recipient_ids", "Contacts"),
    ("message_id", "Message-ID"),
    ("create_date", "Created"),
    ("scheduled_date", "Not before"),
    ("mail_server_id", "Server"),
    ("auto_delete", "Deleted once sent"),
    ("failure_type", "Failure"),
    ("failure_reason", "Reason"),
];

/// Looks and prints.
///
/// # Errors
/// When the database cannot be opened, or there is nothing of that kind.
pub async fn run(config: &Config, what: &Console) -> Result<(), Error> {
    let backend = server::open_existing(config).await?;
    let text = look(&backend, what).await;
    backend.database().clone().close().await;
    // Whoever closed the other end does not want to read on.
    let _ = io::stdout().lock().write_all(text?.as_bytes());
    Ok(())
}

async fn look(backend: &Arc<Backend>, what: &Console) -> Result<String, Error> {
    // What is done by hand, nobody else than a person did.
    let superuser = Caller::superuser(Arc::clone(backend)).on_command_line();
    match what {
        Console::Queue(queue) => {
            let domain = match &queue.state {
                Some(state) => condition("state", "=", state.as_str().into()),
                None => {
                    let unsent = ["outgoing", "exception"].map(AnyValue::from);
                    condition("state", "in", AnyValue::List(unsent.into()))
                }
            };
            let found = QUEUE.read(&superuser, domain, queue.limit).await?;
            if queue.json.json {
                return json(&found);
            }
            Ok(QUEUE.table(&found))
        }
        Console::Mail(mail) => {
            let domain = condition("id", "=", mail.id.into());
            let names = MAIL.iter().map(|(name, _)| *name);
            let found = read(&superuser, "mail.mail", domain, names, 1, "id").await?;
            if rows(&found).is_empty() {
                return Err(Error::Unknown(format!("There is no mail {}.", mail.id)));
            }
            let history = history(&superuser, mail.id).await?;
            if mail.json.json {
                return json(&with_history(found, history));
            }
            Ok(format!("{}{}", upright(&found), told(&history)))
        }
        Console::Servers(form) => {
            let outgoing = OUTGOING.read(&superuser, everything(), MOST).await?;
            let incoming = INCOMING.read(&superuser, everything(), MOST).await?;
            if form.json {
                let both = map([(OUTGOING.model, outgoing), (INCOMING.model, incoming)]);
                return json(&both.into());
            }
            let tables = [OUTGOING.table(&outgoing), INCOMING.table(&incoming)];
            Ok(tables.join("\n"))
        }
        Console::Audit(audit) => {
            let domain = match &audit.model {
                Some(model) => condition("model", "=", model.as_str().into()),
                None => everything(),
            };
            let found = AUDIT.read(&superuser, domain, audit.limit).await?;
            if audit.json.json {
                return json(&found);
            }
            Ok(AUDIT.table(&found))
        }
        Console::Users(Users {
            task: Some(UserTask::ResetPassword { login }),
            ..
        }) => reset_password(&superuser, login).await,
        Console::Users(users) => {
            let found = USERS.read(&superuser, everything(), MOST).await?;
            if users.json.json {
                return json(&found);
            }
            Ok(USERS.table(&found))
        }
    }
}

/// What became of a mail's attempts: maps with `at`, `server`, `outcome`, `reason`, `code` and `next_attempt`.
async fn history(superuser: &Caller, id: i32) -> Result<Vec<AnyValue>, Error> {
    let ids = AnyValue::List(vec![i64::from(id).into()]);
    let story = call_kw(
        superuser,
        "mail.mail",
        "postern_story",
        vec![ids],
        Map::new(),
    )
    .await
    .map_err(Error::Look)?;
    let first = story.as_list().and_then(|stories| stories.first());
    let history = first
        .and_then(AnyValue::as_map)
        .and_then(|story| story.get("history"))
        .and_then(AnyValue::as_list);
    Ok(history.unwrap_or_default().to_vec())
}

async fn reset_password(superuser: &Caller, login: &str) -> Result<String, Error> {
    let domain = condition("login", "=", login.into());
    let found = read(superuser, "res.users", domain, ["id"], 1, "id").await?;
    let Some(id) = rows(&found).first().and_then(|row| row.first()) else {
        return Err(Error::Unknown(format!(
            "Nobody signs in as {login:?}; `postern users` lists all."
        )));
    };
    let password = password::generate().map_err(Error::Runtime)?;
    let values = map([("password", password.expose_secret().into())]);
    let arguments = vec![AnyValue::List(vec![id.clone()]), values.into()];
    call_kw(superuser, "res.users", "write", arguments, Map::new())
        .await
        .map_err(Error::Look)?;
    Ok(format!("{}\n", password.expose_secret()))
}

impl List {
    async fn read(
        &self,
        superuser: &Caller,
        domain: AnyValue,
        limit: u32,
    ) -> Result<AnyValue, Error> {
        let names = self.columns.iter().map(|(name, _)| *name);
        read(superuser, self.model, domain, names, limit, self.order).await
    }

    fn table(&self, found: &AnyValue) -> String {
        let mut table = Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(self.columns.iter().map(|(_, head)| *head));
        for row in rows(found) {
            table.add_row(row.iter().map(plain));
        }
        format!("{table}\n")
    }
}

/// Field and value, one line each.
fn upright(found: &AnyValue) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    for row in rows(found) {
        for ((_, head), value) in MAIL.iter().zip(row) {
            if !value.is_falsy() {
                table.add_row([(*head).to_owned(), plain(value)]);
            }
        }
    }
    format!("{table}\n")
}

/// The mail with its attempts as one more member.
fn with_history(found: AnyValue, history: Vec<AnyValue>) -> AnyValue {
    let AnyValue::Records(records) = found else {
        return found;
    };
    let mails = records.into_maps().into_iter().map(|mut mail| {
        mail.insert("history".into(), AnyValue::List(history.clone()));
        mail.into()
    });
    AnyValue::List(mails.collect())
}

/// The attempts, one below the other: when, by which server, how it ended, what was answered and when it is tried again.
fn told(history: &[AnyValue]) -> String {
    let mut text = String::new();
    for attempt in history.iter().filter_map(AnyValue::as_map) {
        let part = |name: &str| attempt.get(name).map(plain).unwrap_or_default();
        let (at, server, outcome) = (part("at"), part("server"), part("outcome"));
        let _ = writeln!(text, "\n{at} UTC  {outcome}  {server}");
        for line in part("reason").lines() {
            let _ = writeln!(text, "  {line}");
        }
        let next = part("next_attempt");
        if !next.is_empty() {
            let _ = writeln!(text, "  next attempt at {next} UTC");
        }
    }
    text
}

fn json(found: &AnyValue) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(&rpc::Wire(found));
    let text = text.map_err(|error| Error::Runtime(io::Error::other(error)))?;
    Ok(text + "\n")
}

async fn read(
    superuser: &Caller,
    model: &str,
    domain: AnyValue,
    names: impl IntoIterator<Item = &'static str>,
    limit: u32,
    order: &str,
) -> Result<AnyValue, Error> {
    let names = names.into_iter().map(AnyValue::from).collect();
    let arguments = vec![
        domain,
        AnyValue::List(names),
        0.into(),
        i64::from(limit).into(),
        order.into(),
    ];
    // Those that were put away, too.
    let context = map([("active_test", false.into())]);
    let named = map([("context", context.into())]);
    call_kw(superuser, model, "search_read", arguments, named)
        .await
        .map_err(Error::Look)
}

fn everything() -> AnyValue {
    AnyValue::List(Vec::new())
}

fn condition(field: &'static str, operator: &'static str, value: AnyValue) -> AnyValue {
    AnyValue::List(vec![AnyValue::List(vec![
        field.into(),
        operator.into(),
        value,
    ])])
}

fn rows(found: &AnyValue) -> &[Vec<AnyValue>] {
    match found {
        AnyValue::Records(records) => &records.rows,
        _ => &[],
    }
}

/// A value as a person reads it in a cell: of a linked record its name.
fn plain(value: &AnyValue) -> String {
    match value {
        AnyValue::Bool(true) => "yes".into(),
        AnyValue::List(pair) => match pair.as_slice() {
            [AnyValue::Int(_), name @ AnyValue::Text(_)] => plain(name),
            all => all.iter().map(plain).collect::<Vec<_>>().join(", "),
        },
        value if value.is_falsy() => String::new(),
        value => value.to_python_text(),
    }
}
