//! Every route, and what nobody, a plain user and an administrator get from it. A route without a row here fails the
//! test, so that none comes in without somebody having thought about who may use it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tests::lab::Described;
use tests::postern::{ADMIN, ADMIN_PASSWORD, Options, Postern};
use tests::rpc_client::Rpc;
use tests::steps;

const PLAIN: &str = "plain";

/// What a request carries.
enum Send {
    /// Nothing: a link that is followed.
    Get,
    /// A form without the token of a page.
    Form,
    /// Parameters of a JSON-RPC call.
    Json(Value),
    /// A call of `ir.mail_server.search_count` with the visitor's own user id and password, as JSON.
    WithPassword,
    /// The same as XML.
    WithPasswordXml,
    /// The same with the visitor's API key, as JSON of bare arguments.
    WithKey,
    /// A link that is followed with the visitor's API key.
    GetWithKey,
}

/// A request, and what becomes of it for nobody, a plain user and an administrator.
struct Row {
    /// The path as the source declares it.
    declared: &'static str,
    path: String,
    send: Send,
    /// Statuses of pages (with ` login` when they lead to the sign-in page); for calls `result`, or the last part of
    /// the exception's name; for XML `value` or `fault`.
    outcomes: [&'static str; 3],
}

fn row(declared: &'static str, send: Send, outcomes: [&'static str; 3]) -> Row {
    Row {
        declared,
        path: declared.to_owned(),
        send,
        outcomes,
    }
}

impl Row {
    /// The path to ask for, where it is not the declared one.
    fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
}

const FOR_ALL: [&str; 3] = ["result", "result", "result"];
const FOR_USERS: [&str; 3] = ["SessionExpiredException", "result", "result"];
const FOR_ADMINS: [&str; 3] = ["SessionExpiredException", "AccessError", "result"];
const PAGE_FOR_ALL: [&str; 3] = ["200", "200", "200"];
const PAGE_FOR_USERS: [&str; 3] = ["303 login", "200", "200"];
const PAGE_FOR_ADMINS: [&str; 3] = ["303 login", "403", "200"];
const MISSING_FOR_ADMINS: [&str; 3] = ["303 login", "403", "404"];
/// A form without a token of the session changes nothing, whoever sends it.
const NO_TOKEN: [&str; 3] = ["303 login", "400", "400"];

fn wire(attachment: i64) -> Vec<Row> {
    let count = || {
        let (model, method) = ("ir.mail_server", "search_count");
        Send::Json(json!({"model": model, "method": method, "args": [[]], "kwargs": {}}))
    };
    let nothing = || Send::Json(json!({}));
    let wrong = json!({"db": "x", "login": "admin", "password": "x"});
    vec![
        row(
            "/jsonrpc",
            Send::WithPassword,
            ["AccessDenied", "AccessError", "result"],
        ),
        row(
            "/jsonrpc/2",
            Send::WithPassword,
            ["AccessDenied", "AccessError", "result"],
        ),
        row(
            "/json/2/{model}/{method}",
            Send::WithKey,
            ["401", "403", "200"],
        )
        .at("/json/2/ir.mail_server/search_count"),
        row(
            "/json/2/openapi.json",
            Send::GetWithKey,
            ["401", "200", "200"],
        ),
        row(
            "/xmlrpc/2/{service}",
            Send::WithPasswordXml,
            ["fault", "fault", "value"],
        )
        .at("/xmlrpc/2/object"),
        row(
            "/xmlrpc/{service}",
            Send::WithPasswordXml,
            ["fault", "fault", "value"],
        )
        .at("/xmlrpc/object"),
        row(
            "/web/session/authenticate",
            Send::Json(wrong),
            ["AccessError"; 3],
        ),
        row("/web/session/get_session_info", nothing(), FOR_USERS),
        row("/web/session/check", nothing(), FOR_USERS),
        row("/web/session/modules", nothing(), FOR_USERS),
        row("/web/session/get_lang_list", nothing(), FOR_ALL),
        row("/web/session/destroy", nothing(), FOR_USERS),
        row("/web/session/logout", Send::Get, ["303", "303", "303"]),
        row("/web/dataset/call_kw", count(), FOR_ADMINS),
        row("/web/dataset/call_kw/{path:.*}", count(), FOR_ADMINS)
            .at("/web/dataset/call_kw/ir.mail_server/search_count"),
        row("/web/dataset/call_button", count(), FOR_ADMINS),
        row("/web/dataset/call_button/{path:.*}", count(), FOR_ADMINS)
            .at("/web/dataset/call_button/ir.mail_server/search_count"),
        row("/web/webclient/version_info", nothing(), FOR_ALL),
        row("/web/database/list", nothing(), FOR_ALL),
        row("/web/health", Send::Get, PAGE_FOR_ALL),
        // A file of a message that only its author and administrators may read.
        row("/web/content/{id:[0-9]+}", Send::Get, ["404", "404", "200"])
            .at(format!("/web/content/{attachment}")),
        // Without a state of one's own nobody gets further.
        row(
            "/microsoft_outlook/confirm",
            Send::Get,
            ["303 login", "403", "403"],
        ),
        row(
            "/google_gmail/confirm",
            Send::Get,
            ["303 login", "403", "403"],
        ),
    ]
}

/// The records that the pages are about.
struct Made {
    server: i64,
    inbox: i64,
    mail: i64,
    message: i64,
    domain: i64,
}

fn pages(made: &Made) -> Vec<Row> {
    let Made {
        server,
        inbox,
        mail,
        message,
        domain,
    } = made;
    let page = |declared: &'static str, outcomes| {
        row(declared, Send::Get, outcomes).at(format!("/odoo{declared}"))
    };
    let form =
        |declared: &'static str| row(declared, Send::Form, NO_TOKEN).at(format!("/odoo{declared}"));
    vec![
        row("/", Send::Get, ["303", "303", "303"]),
        row("style::PATH", Send::Get, PAGE_FOR_ALL).at("/web/static/postern.css"),
        row("style::SCRIPT_PATH", Send::Get, PAGE_FOR_ALL).at("/web/static/postern.js"),
        row("style::ICON_PATH", Send::Get, PAGE_FOR_ALL).at("/web/static/postern.svg"),
        row("/web/login", Send::Get, ["200", "303", "303"]),
        row("/web/login", Send::Form, ["400", "400", "400"]),
        row("/web/logout", Send::Form, NO_TOKEN),
        row("/odoo", Send::Get, PAGE_FOR_USERS),
        page("", PAGE_FOR_USERS),
        page("/figures", PAGE_FOR_USERS),
        page("/preferences", PAGE_FOR_USERS),
        page("/my-mailboxes", PAGE_FOR_USERS),
        form("/preferences"),
        form(r"/res.users.apikeys/{id:\d+}").at("/odoo/res.users.apikeys/1"),
        page("/settings", PAGE_FOR_ADMINS),
        form("/settings"),
        page("/mail.alias.domain/new", PAGE_FOR_ADMINS),
        form("/mail.alias.domain/new"),
        page(r"/mail.alias.domain/{id:\d+}", PAGE_FOR_ADMINS)
            .at(format!("/odoo/mail.alias.domain/{domain}")),
        form(r"/mail.alias.domain/{id:\d+}").at(format!("/odoo/mail.alias.domain/{domain}")),
        page("/ir.config_parameter", PAGE_FOR_ADMINS),
        page("/ir.config_parameter/new", PAGE_FOR_ADMINS),
        form("/ir.config_parameter/new"),
        page(r"/ir.config_parameter/{id:\d+}", PAGE_FOR_ADMINS).at("/odoo/ir.config_parameter/1"),
        form(r"/ir.config_parameter/{id:\d+}").at("/odoo/ir.config_parameter/1"),
        page("/postern.audit", PAGE_FOR_ADMINS),
        page(r"/postern.audit/{id:\d+}", PAGE_FOR_ADMINS).at("/odoo/postern.audit/1"),
        page("/ir.mail_server", PAGE_FOR_ADMINS),
        page("/ir.mail_server/new", PAGE_FOR_ADMINS),
        form("/ir.mail_server/new"),
        page(r"/ir.mail_server/{id:\d+}", PAGE_FOR_ADMINS)
            .at(format!("/odoo/ir.mail_server/{server}")),
        form(r"/ir.mail_server/{id:\d+}").at(format!("/odoo/ir.mail_server/{server}")),
        page("/fetchmail.server", PAGE_FOR_ADMINS),
        page("/fetchmail.server/new", PAGE_FOR_ADMINS),
        form("/fetchmail.server/new"),
        page(r"/fetchmail.server/{id:\d+}", PAGE_FOR_ADMINS)
            .at(format!("/odoo/fetchmail.server/{inbox}")),
        form(r"/fetchmail.server/{id:\d+}").at(format!("/odoo/fetchmail.server/{inbox}")),
        page("/mail.mail", PAGE_FOR_ADMINS),
        form("/mail.mail"),
        page("/mail.mail/new", PAGE_FOR_ADMINS),
        form("/mail.mail/new"),
        page(r"/mail.mail/{id:\d+}", PAGE_FOR_ADMINS).at(format!("/odoo/mail.mail/{mail}")),
        form(r"/mail.mail/{id:\d+}").at(format!("/odoo/mail.mail/{mail}")),
        page("/mail.message", PAGE_FOR_USERS),
        page(r"/mail.message/{id:\d+}", PAGE_FOR_ADMINS)
            .at(format!("/odoo/mail.message/{message}")),
        page("/postern.quarantine", PAGE_FOR_ADMINS),
        // Nothing is there; that is told to those only who may know.
        page(r"/postern.quarantine/{id:\d+}", MISSING_FOR_ADMINS).at("/odoo/postern.quarantine/1"),
        form(r"/postern.quarantine/{id:\d+}").at("/odoo/postern.quarantine/1"),
        page(r"/postern.quarantine/{id:\d+}/raw", MISSING_FOR_ADMINS)
            .at("/odoo/postern.quarantine/1/raw"),
    ]
}

/// Who asks, and the credentials for calls that carry their own.
struct Visitor {
    rpc: Rpc,
    credentials: (i64, &'static str),
    key: String,
}

struct Site {
    postern: Postern,
    plain: i64,
    /// The API keys of the three visitors, the first of which is none.
    keys: [String; 3],
}

impl Site {
    /// Signed in anew for each request, since some routes end the session.
    async fn visitors(&self) -> [Visitor; 3] {
        let nobody = Rpc::anonymous(&self.postern.base_url(), self.postern.database_name());
        let plain = self.postern.sign_in(PLAIN, ADMIN_PASSWORD).await.unwrap();
        let admin = self.postern.sign_in(ADMIN, ADMIN_PASSWORD).await.unwrap();
        let known = [
            (nobody, (2, "wrong")),
            (plain, (self.plain, ADMIN_PASSWORD)),
            (admin, (2, ADMIN_PASSWORD)),
        ];
        let mut keys = self.keys.iter();
        known.map(|(rpc, credentials)| Visitor {
            rpc,
            credentials,
            key: keys.next().cloned().unwrap_or_default(),
        })
    }

    async fn ask(&self, row: &Row, visitor: &Visitor) -> String {
        let (uid, password) = visitor.credentials;
        let database = self.postern.database_name();
        let request = match &row.send {
            Send::Get => visitor.rpc.request(Method::GET, &row.path),
            Send::Form => {
                let form = [("name", "x"), ("csrf_token", "00")];
                visitor.rpc.request(Method::POST, &row.path).form(&form)
            }
            Send::Json(params) => {
                let body = json!({"jsonrpc": "2.0", "id": 1, "params": params});
                visitor.rpc.request(Method::POST, &row.path).json(&body)
            }
            Send::WithPassword => {
                let (model, method) = ("ir.mail_server", "search_count");
                let args = json!([database, uid, password, model, method, [[]]]);
                let body = if row.path.ends_with("/2") {
                    json!({"jsonrpc": "2.0", "id": 1, "method": "object.execute_kw", "params": args})
                } else {
                    let params = json!({"service": "object", "method": "execute_kw", "args": args});
                    json!({"jsonrpc": "2.0", "id": 1, "params": params})
                };
                visitor.rpc.request(Method::POST, &row.path).json(&body)
            }
            Send::WithKey => {
                let request = visitor.rpc.request(Method::POST, &row.path);
                let body = json!({"domain": []});
                request.bearer_auth(&visitor.key).json(&body)
            }
            Send::GetWithKey => {
                let nobody = Rpc::anonymous(&self.postern.base_url(), database);
                let request = nobody.request(Method::GET, &row.path);
                request.bearer_auth(&visitor.key)
            }
            Send::WithPasswordXml => {
                let text =
                    |text: &str| format!("<param><value><string>{text}</string></value></param>");
                let body = format!(
                    "<methodCall><methodName>execute</methodName><params>{}<param><value><int>{uid}</int></value></param>{}{}{}<param><value><array><data></data></array></value></param></params></methodCall>",
                    text(database),
                    text(password),
                    text("ir.mail_server"),
                    text("search_count"),
                );
                let request = visitor.rpc.request(Method::POST, &row.path);
                request.header(CONTENT_TYPE, "text/xml").body(body)
            }
        };
        outcome(request.send().await.unwrap()).await
    }
}

async fn outcome(answer: reqwest::Response) -> String {
    let status = answer.status();
    let header = |name| {
        let value = answer.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let (kind, location) = (header("content-type"), header("location"));
    let body = answer.text().await.unwrap();
    if kind.starts_with("application/json") && body.contains("\"jsonrpc\"") {
        let answer: Value = serde_json::from_str(&body).unwrap();
        let name = answer["error"]["data"]["name"].as_str().map(str::to_owned);
        let name = name.unwrap_or_else(|| "result".to_owned());
        return name.rsplit('.').next().unwrap_or_default().to_owned();
    }
    if kind.starts_with("text/xml") {
        let found = if body.contains("<fault>") {
            "fault"
        } else {
            "value"
        };
        return found.to_owned();
    }
    if location.starts_with("/web/login") {
        return format!("{} login", status.as_u16());
    }
    status.as_u16().to_string()
}

#[tokio::test]
async fn every_route_lets_in_only_those_it_is_for() {
    let lab = Described::from_env();
    let postern = Postern::start(&lab, &Options::on(lab.databases[0])).unwrap();
    let admin = postern.admin().await.unwrap();
    let values = json!({"name": PLAIN, "login": PLAIN, "password": ADMIN_PASSWORD});
    let plain = admin.create("res.users", values).await.unwrap();
    let ports = (lab.host.as_str(), &lab.mail);
    let server = steps::outgoing_server(&admin, ports, "a@example.test")
        .await
        .unwrap();
    let inbox = steps::incoming_server(&admin, ports, "a@example.test")
        .await
        .unwrap();
    let letter = json!({"subject": "x", "email_to": "b@example.test", "body_html": "x"});
    let mail = admin.create("mail.mail", letter).await.unwrap();
    let message = json!({"subject": "not for everybody", "message_type": "email"});
    let message = admin.create("mail.message", message).await.unwrap();
    let file = json!({"name": "x", "raw": "x", "res_model": "mail.message", "res_id": message});
    let attachment = admin.create("ir.attachment", file).await.unwrap();
    let clerk = postern.sign_in(PLAIN, ADMIN_PASSWORD).await.unwrap();
    let keys = [
        "0".repeat(40),
        steps::api_key(&clerk, ADMIN_PASSWORD).await.unwrap(),
        steps::api_key(&admin, ADMIN_PASSWORD).await.unwrap(),
    ];
    let site = Site {
        postern,
        plain,
        keys,
    };

    let domain = json!({"name": "example.test"});
    let made = Made {
        domain: admin.create("mail.alias.domain", domain).await.unwrap(),
        server,
        inbox,
        mail,
        message,
    };
    let rows = [wire(attachment), pages(&made)].concat_rows();
    let mut wrong = Vec::new();
    for row in &rows {
        for (visitor, expected) in site.visitors().await.iter().zip(row.outcomes) {
            let found = site.ask(row, visitor).await;
            if found != expected {
                let who = visitor.credentials.0;
                wrong.push(format!("{} as {who}: {found}, not {expected}", row.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let known: BTreeSet<&str> = rows.iter().map(|row| row.declared).collect();
    let declared = declared_routes();
    let without_row: Vec<_> = declared
        .iter()
        .filter(|path| !known.contains(path.as_str()))
        .collect();
    assert!(
        without_row.is_empty(),
        "routes without a row in this test: {without_row:?}"
    );
    let gone: Vec<_> = known
        .iter()
        .filter(|path| !declared.contains(**path))
        .collect();
    assert!(
        gone.is_empty(),
        "rows for routes that do not exist: {gone:?}"
    );
}

trait ConcatRows {
    fn concat_rows(self) -> Vec<Row>;
}

impl ConcatRows for [Vec<Row>; 2] {
    fn concat_rows(self) -> Vec<Row> {
        self.into_iter().flatten().collect()
    }
}

/// The paths that the sources of the wire and the pages declare: the first argument of whatever declares one, as a
/// text or as the name of a constant.
fn declared_routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for directory in ["../crates/rpc/src", "../crates/web/src"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        read_sources(&directory, &mut found);
    }
    found
}

fn read_sources(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        // By custom the tests of a file are its end.
        let (code, _) = source.split_once("#[cfg(test)]").unwrap_or((&source, ""));
        for word in ["json(", "xml(", "page(", "resource(", "scope("] {
            let uses = code
                .match_indices(word)
                .map(|(at, _)| &code[at + word.len()..]);
            found.extend(uses.filter_map(first_path));
        }
    }
}

fn first_path(arguments: &str) -> Option<String> {
    let arguments = arguments.trim_start().trim_start_matches('[');
    let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
    let name = arguments.split(end).next().unwrap_or_default();
    if name.ends_with("PATH") {
        return Some(name.to_owned());
    }
    let text = arguments
        .strip_prefix('r')
        .unwrap_or(arguments)
        .strip_prefix('"')?;
    let text = text.split('"').next()?;
    (text.is_empty() || text.starts_with('/')).then(|| text.to_owned())
}
