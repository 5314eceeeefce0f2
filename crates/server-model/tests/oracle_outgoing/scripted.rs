//! An SMTP server that plays what a row asks for, and remembers what it was given.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::header;
use crate::world::{items, text};

/// What goes wrong with a transmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The sender is refused.
    Sender,
    /// The recipients are refused.
    Recipients,
    /// The text is refused.
    Text,
    /// The connection ends.
    HangUp,
    /// Nothing comes any more.
    Stall,
}

impl Fault {
    /// What a server does about whom Odoo's library raises this.
    fn named(name: &str) -> Fault {
        match name {
            "SMTPRecipientsRefused" => Fault::Recipients,
            "SMTPDataError" => Fault::Text,
            "SMTPServerDisconnected" => Fault::HangUp,
            "timeout" => Fault::Stall,
            // What else goes wrong on Odoo's side of the line has no other likeness on the wire.
            _ => Fault::Sender,
        }
    }
}

/// What goes wrong before a session is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConnectFault {
    Greeting,
    Hello,
    HangUp,
    Stall,
}

/// What the server was given.
#[derive(Default)]
struct Heard {
    transmissions: usize,
    sent: Vec<Value>,
}

struct Script {
    connect: Option<ConnectFault>,
    faults: Vec<Option<Fault>>,
    smtputf8: bool,
    heard: Mutex<Heard>,
}

impl Script {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server.
pub struct ScriptedServer {
    /// Where it listens; where nobody does when connections are to be refused.
    pub port: u16,
    script: Arc<Script>,
    task: Option<JoinHandle<()>>,
}

impl ScriptedServer {
    /// Starts one for a row.
    pub async fn start(input: &Value) -> ScriptedServer {
        let connect = text(&input["connect_fault"]).map(|name| match name {
            "SMTPServerDisconnected" => ConnectFault::HangUp,
            "SMTPHeloError" => ConnectFault::Hello,
            "timeout" => ConnectFault::Stall,
            _ => ConnectFault::Greeting,
        });
        let faults = items(input, "send_faults").map(|fault| text(fault).map(Fault::named));
        let script = Arc::new(Script {
            connect,
            faults: faults.collect(),
            smtputf8: input["server_smtputf8"] != json!(false),
            heard: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        if input["connect_fault"] == json!("ConnectionRefusedError") {
            return ScriptedServer {
                port,
                script,
                task: None,
            };
        }
        let shared = Arc::clone(&script);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = Arc::clone(&shared);
                tokio::spawn(async move {
                    let _ = talk(stream, &script).await;
                });
            }
        });
        ScriptedServer {
            port,
            script,
            task: Some(task),
        }
    }

    /// What it was given, in order.
    pub fn sent(&self) -> Vec<Value> {
        self.script.heard().sent.clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn talk(stream: TcpStream, script: &Script) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    match script.connect {
        Some(ConnectFault::HangUp) => return Ok(()),
        Some(ConnectFault::Stall) => return std::future::pending().await,
        Some(ConnectFault::Greeting) => return write.write_all(b"554 no service here\r\n").await,
        Some(ConnectFault::Hello) | None => write.write_all(b"220 scripted\r\n").await?,
    }
    let mut envelope = json!({});
    let mut fault = None;
    while let Some(line) = lines.next_line().await? {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" | "HELO" if script.connect.is_some() => "550 go away",
            "EHLO" if script.smtputf8 => {
                "250-scripted\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 10000000"
            }
            "EHLO" => "250-scripted\r\n250-8BITMIME\r\n250 SIZE 10000000",
            "MAIL" => {
                let mut heard = script.heard();
                fault = script.faults.get(heard.transmissions).copied().flatten();
                heard.transmissions += 1;
                envelope = json!({
                    "mail_from": between(&line),
                    "rcpt_to": [],
                    "smtputf8": line.contains(" SMTPUTF8"),
                });
                match fault {
                    Some(Fault::Sender) => "550 5.7.1 not you",
                    Some(Fault::HangUp) => return Ok(()),
                    Some(Fault::Stall) => "",
                    _ => "250 2.1.0 fine",
                }
            }
            "RCPT" if fault == Some(Fault::Recipients) => "550 5.1.1 nobody of that name",
            "RCPT" => {
                let recipients = envelope["rcpt_to"].as_array_mut().expect("a list");
                recipients.push(between(&line).into());
                "250 2.1.5 fine"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut raw = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                    raw.push_str("\r\n");
                }
                if fault == Some(Fault::Text) {
                    "554 5.6.0 not this"
                } else {
                    envelope["headers"] = header::fields(raw.as_bytes()).into();
                    script.heard().sent.push(envelope.take());
                    "250 2.0.0 taken"
                }
            }
            "QUIT" => return write.write_all(b"221 bye\r\n").await,
            _ => "250 fine",
        };
        if answer.is_empty() {
            return std::future::pending().await;
        }
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// The address between the angle brackets of a command.
fn between(line: &str) -> &str {
    let inner = line.split_once('<').map_or("", |(_, rest)| rest);
    inner.rsplit_once('>').map_or("", |(inner, _)| inner)
}
