//! What is called: the same 80 mail servers by three ways, and the records to find.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::servers::{PASSWORD, Servers};
use crate::{
    Failure,
    rpc::{Caller, cookie, exchange},
};

/// How many mail servers there are to choose from.
const STOCK: u32 = 1000;
/// How many are made by one call.
const BATCH: u32 = 100;
/// How many are read.
const READ: u32 = 80;
/// What is read of each: texts, numbers, selections, a link and a moment.
const FIELDS: [&str; 10] = [
    "name",
    "smtp_host",
    "smtp_port",
    "smtp_user",
    "smtp_encryption",
    "smtp_authentication",
    "from_filter",
    "sequence",
    "create_uid",
    "write_date",
];

/// A call that can be made again and again.
#[derive(Debug)]
pub struct Call {
    /// What it is called in the report.
    pub name: &'static str,
    /// Whether the product answers it, and not the yardstick.
    pub is_product: bool,
    /// Who answers it.
    pub address: SocketAddr,
    path: &'static str,
    session: Option<String>,
    body: String,
}

impl Call {
    /// The whole request as it goes over a kept connection.
    pub fn request(&self) -> String {
        format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{}",
            self.path,
            self.address,
            cookie(self.session.as_deref()),
            self.body.len(),
            self.body
        )
    }
}

/// Makes the records and the calls, and makes sure that all of them give the same answer. The
/// yardstick comes first.
pub fn prepare(servers: &Servers) -> Result<Vec<Call>, Failure> {
    let product = servers.postern.address;
    let caller = Caller::sign_in(product, PASSWORD)?;
    fill(&caller)?;
    servers.analyze()?;

    let session = sign_in(product, &caller)?;
    let kwargs = json!({"fields": FIELDS, "order": "id", "limit": READ});
    let in_session = json!({
        "model": "ir.mail_server", "method": "search_read", "args": [[]], "kwargs": kwargs,
    });
    let with_password = json!({
        "service": "object",
        "method": "execute_kw",
        "args": [
            caller.database(), caller.uid(), PASSWORD, "ir.mail_server", "search_read", [[]], kwargs,
        ],
    });
    let calls = vec![
        Call {
            name: "bare handler",
            is_product: false,
            address: servers.bare.address,
            path: "/search_read",
            session: None,
            body: envelope(&in_session),
        },
        Call {
            name: "session cookie",
            is_product: true,
            address: product,
            path: "/web/dataset/call_kw/ir.mail_server/search_read",
            session: Some(session),
            body: envelope(&in_session),
        },
        Call {
            name: "execute_kw, password",
            is_product: true,
            address: product,
            path: "/jsonrpc",
            session: None,
            body: envelope(&with_password),
        },
    ];
    compare(&calls)?;
    Ok(calls)
}

fn fill(caller: &Caller) -> Result<(), Failure> {
    for batch in 0..STOCK / BATCH {
        let values: Vec<Value> = (0..BATCH)
            .map(|nth| mail_server(batch * BATCH + nth))
            .collect();
        caller.execute("ir.mail_server", "create", &json!([values]))?;
    }
    Ok(())
}

/// A mail server as they are: some without a user, some without a filter.
fn mail_server(nth: u32) -> Value {
    let filter = match nth % 3 {
        0 => json!(format!("team{nth}@branch{nth}.example.test")),
        1 => json!(format!("branch{nth}.example.test")),
        _ => json!(false),
    };
    json!({
        "name": format!("Outgoing server of branch {nth}, café and bureau"),
        "smtp_host": format!("smtp{nth}.example.test"),
        "smtp_port": if nth.is_multiple_of(2) { 587 } else { 25 },
        "smtp_user": if nth.is_multiple_of(4) { json!(false) } else { json!(format!("user{nth}@example.test")) },
        "smtp_encryption": if nth.is_multiple_of(2) { "starttls" } else { "none" },
        "smtp_authentication": "login",
        "from_filter": filter,
        "sequence": 10 + nth % 7,
    })
}

/// Signs in and answers the cookie's value.
fn sign_in(address: SocketAddr, caller: &Caller) -> Result<String, Failure> {
    let params = json!({"db": caller.database(), "login": "admin", "password": PASSWORD});
    let (head, _) = exchange(
        address,
        "/web/session/authenticate",
        None,
        &envelope(&params),
    )?;
    head.lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let value = value.trim().strip_prefix("session_id=")?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| value.split(';').next().unwrap_or_default().to_owned())
        })
        .ok_or_else(|| "Postern gives no session".into())
}

fn envelope(params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "call", "params": params}).to_string()
}

/// A ratio means something only where both give the same.
fn compare(calls: &[Call]) -> Result<(), Failure> {
    let mut answers = Vec::new();
    for call in calls {
        let (_, answer) = exchange(call.address, call.path, call.session.as_deref(), &call.body)?;
        let answer: Value = serde_json::from_str(&answer)
            .map_err(|_| format!("{} gives no JSON: {answer}", call.name))?;
        if answer["result"].as_array().map(Vec::len) != Some(READ as usize) {
            return Err(format!("{} does not give {READ} records: {answer}", call.name).into());
        }
        answers.push((call.name, answer));
    }
    for pair in answers.windows(2) {
        let [(first, one), (second, other)] = pair else {
            continue;
        };
        if one != other {
            return Err(format!(
                "{first} and {second} differ:\n{}\n{}",
                one["result"][0], other["result"][0]
            )
            .into());
        }
    }
    Ok(())
}
