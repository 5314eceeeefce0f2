//! A JSON-RPC client of a hundred lines, enough to set up the demo and the bench.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};

use crate::Failure;

/// Postern, called as an administrator.
#[derive(Debug)]
pub struct Caller {
    address: SocketAddr,
    database: String,
    password: String,
    uid: i64,
}

impl Caller {
    /// Signs in as `admin`.
    pub fn sign_in(address: SocketAddr, password: &str) -> Result<Self, Failure> {
        let databases = call(address, "db", "list", json!([]))?;
        let database = databases[0]
            .as_str()
            .ok_or("Postern names no database")?
            .to_owned();
        let uid = call(
            address,
            "common",
            "login",
            json!([database, "admin", password]),
        )?
        .as_i64()
        .ok_or("Postern refuses the administrator's password")?;
        Ok(Self {
            address,
            database,
            password: password.to_owned(),
            uid,
        })
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The administrator's id.
    pub fn uid(&self) -> i64 {
        self.uid
    }

    /// Calls a model's method with positional arguments.
    pub fn execute(&self, model: &str, method: &str, arguments: &Value) -> Result<Value, Failure> {
        call(
            self.address,
            "object",
            "execute_kw",
            json!([
                self.database,
                self.uid,
                self.password,
                model,
                method,
                arguments,
                {}
            ]),
        )
        .map_err(|error| format!("{model}.{method}: {error}").into())
    }
}

fn call(
    address: SocketAddr,
    service: &str,
    method: &str,
    arguments: Value,
) -> Result<Value, Failure> {
    let mut answer = post(
        address,
        "/jsonrpc",
        &json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "call",
            "params": {"service": service, "method": method, "args": arguments},
        }),
    )?;
    if let Some(error) = answer.get("error") {
        let message = error.pointer("/data/message").unwrap_or(error);
        return Err(message.to_string().into());
    }
    Ok(answer["result"].take())
}

fn post(address: SocketAddr, path: &str, body: &Value) -> Result<Value, Failure> {
    let (head, body) = exchange(address, path, None, &body.to_string())?;
    serde_json::from_str(&body).map_err(|_| {
        let status = head.lines().next().unwrap_or_default();
        format!("{path} answers {status}").into()
    })
}

/// Posts JSON, within a session where its cookie is given, and answers the head and the body of
/// what comes back. HTTP/1.0, so that the answer ends where the connection does.
pub fn exchange(
    address: SocketAddr,
    path: &str,
    session: Option<&str>,
    body: &str,
) -> Result<(String, String), Failure> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{body}",
        cookie(session),
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("an answer without a body")?;
    Ok((head.to_owned(), body.to_owned()))
}

/// The line of a request's head that names the session.
pub fn cookie(session: Option<&str>) -> String {
    session.map_or_else(String::new, |value| {
        format!("Cookie: session_id={value}\r\n")
    })
}
