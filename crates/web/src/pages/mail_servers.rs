//! The list of outgoing mail servers: what each is for and how it is, and who would send a mail.

use std::collections::HashMap;

use actix_web::HttpResponse;
use askama::Template;
use server_model::error::Error;
use server_model::value::{Id, Map, map};

use super::connection::is_provider;
use crate::failure::Result;
use crate::form::{Refusal, label_of};
use crate::lang::Lang;
use crate::records::{Record, Records, Search, one};
use crate::shell::{Query, Section, Shell, page};
use crate::visitor::Visitor;

const MODEL: &str = "ir.mail_server";

#[derive(Template)]
#[template(path = "mail_servers.html")]
struct ListPage {
    shell: Shell,
    servers: Vec<Line>,
    uncovered: Uncovered,
    /// The address that the simulator is asked about; empty when it is not.
    asked: String,
    answer: Option<Record>,
}

struct Line {
    id: Id,
    name: String,
    address: String,
    method: String,
    user: String,
    from_filter: String,
    active: bool,
    unverified: bool,
    state: State,
    queue: i64,
    budget: Vec<String>,
    paused_until: String,
    last_success: String,
}

/// How the sign-in stands, as a badge.
pub struct State {
    /// `good`, `warn`, `bad`, or empty.
    pub class: &'static str,
    /// What it says; empty for servers that sign in without a provider.
    pub label: String,
}

impl State {
    /// The badge for a record with `postern_oauth_state` that signs in as `kind` says.
    pub fn of(lang: Lang, model: &str, record: &Record, kind: &str) -> State {
        let state = record.text("postern_oauth_state");
        let (class, key) = match (state.as_str(), kind) {
            ("connected", "gmail") => ("good", "token-valid-gmail"),
            ("connected", _) => ("good", "token-valid-outlook"),
            ("waiting" | "none", _) => ("warn", ""),
            ("", _) => ("", ""),
            _ => ("bad", ""),
        };
        let label = match key {
            "" => label_of(lang, model, "postern_oauth_state", &state),
            key => lang.say(key),
        };
        State { class, label }
    }
}

/// Senders that no server is meant for.
#[derive(Default)]
struct Uncovered {
    senders: String,
    stand_in: String,
}

/// Shows all servers in the order in which they are tried, and what the simulator says of an address
/// (`?from=joe@example.com`).
pub async fn list(visitor: Visitor, query: Query) -> Result<HttpResponse> {
    let records = Records::of(&visitor, MODEL);
    let fields = [
        "name",
        "smtp_host",
        "smtp_port",
        "smtp_authentication",
        "smtp_user",
        "from_filter",
        "active",
        "postern_oauth_state",
        "postern_tls_warning",
        "postern_last_success",
    ];
    let search = Search {
        order: "active desc, sequence, id",
        ..Search::default()
    };
    let found = records.list(search, &fields).await?;
    let ids: Vec<Id> = found.iter().map(Record::id).collect();
    let glances = records.told("postern_glance", &ids).await?;
    let glances: HashMap<Id, Record> = glances.into_iter().map(|one| (one.id(), one)).collect();
    let lang = visitor.lang;
    let servers = found
        .iter()
        .map(|server| line(lang, server, glances.get(&server.id())))
        .collect();
    let mut shell = Shell::around(&visitor, Section::Outgoing)
        .await?
        .done(&query);
    let asked = query.get("from").map(|from| from.trim().to_owned());
    let asked = asked.unwrap_or_default();
    let answer = match simulate(records, &asked).await {
        Ok(answer) => answer,
        Err(error) => {
            shell = shell.problem(Refusal::Model(error).shown()?);
            None
        }
    };
    let uncovered = records
        .call("postern_uncovered_senders", Vec::new(), Map::new())
        .await?;
    let uncovered = one(uncovered);
    page(
        shell.status(),
        &ListPage {
            shell,
            servers,
            uncovered: Uncovered {
                senders: uncovered.texts("senders").join(", "),
                stand_in: uncovered.text("stand_in"),
            },
            asked,
            answer,
        },
    )
}

async fn simulate(records: Records<'_>, asked: &str) -> Result<Option<Record>, Error> {
    if asked.is_empty() {
        return Ok(None);
    }
    let named = map([("email_from", asked.into())]);
    let answer = records.call("postern_who_sends", Vec::new(), named).await?;
    Ok(Some(one(answer)))
}

fn line(lang: Lang, server: &Record, glance: Option<&Record>) -> Line {
    let method = server.text("smtp_authentication");
    let unknown = Record::default();
    let glance = glance.unwrap_or(&unknown);
    Line {
        id: server.id(),
        name: server.text("name"),
        address: address(&server.text("smtp_host"), server.number("smtp_port")),
        method: label_of(lang, MODEL, "smtp_authentication", &method),
        user: server.text("smtp_user"),
        from_filter: server.text("from_filter"),
        active: server.has("active"),
        unverified: server.has("postern_tls_warning"),
        state: if is_provider(&method) {
            State::of(lang, MODEL, server, &method)
        } else {
            State {
                class: "",
                label: lang.say("state-in-use"),
            }
        },
        queue: glance.number("queue"),
        budget: budget(lang, glance),
        paused_until: glance.text("paused_until"),
        last_success: server.text("postern_last_success"),
    }
}

/// The budget in words, a line for each limit.
pub fn budget(lang: Lang, glance: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, used, limit) in [
        (
            "budget-minute",
            "messages_this_minute",
            "messages_per_minute",
        ),
        ("budget-day", "recipients_today", "recipients_per_day"),
    ] {
        if glance.has(limit) {
            let used = glance.number(used).to_string();
            let limit = glance.number(limit).to_string();
            lines.push(lang.with_all(key, &[("used", &used), ("limit", &limit)]));
        }
    }
    if glance.has("connections") {
        lines.push(lang.count("budget-connections", glance.number("connections")));
    }
    lines
}

/// Host and port as one text.
pub fn address(host: &str, port: i64) -> String {
    match (host, port) {
        ("", _) => String::new(),
        (host, 0) => host.to_owned(),
        (host, port) => format!("{host}:{port}"),
    }
}
