//! `cargo xtask demo`: the lab and Postern, with a mailbox that waits to be connected.

use std::{
    fs::File,
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use ::tests::lab::{Described, Scratch, Watchdog};
use clap::Args;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::{
    Failure, interrupt::Interrupt, lab, lab_process::LabProcess, rpc::Caller, workspace::Workspace,
};

/// The administrator's password of the demo.
const PASSWORD: &str = "admin";

/// Where the demo listens.
#[derive(Args, Debug)]
pub struct Options {
    /// Postern's address.
    #[arg(long, default_value = "127.0.0.1:8069", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Leave the lab's and Postern's files behind.
    #[arg(long)]
    keep: bool,
}

/// Runs until it is interrupted.
pub fn run(options: &Options, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    if TcpStream::connect_timeout(&options.listen, Duration::from_secs(1)).is_ok() {
        return Err(format!(
            "something listens on {} already; choose another place by --listen",
            options.listen
        )
        .into());
    }
    let workspace = Workspace::load()?;
    let program = workspace.build_postern()?;
    interrupt.check()?;
    let base_url = format!("http://{}", options.listen);
    let lab = LabProcess::start(
        &workspace,
        &lab::Options {
            keep: options.keep,
            servers_only: true,
            redirect_uris: vec![format!("{base_url}/microsoft_outlook/confirm")],
            ..lab::Options::default()
        },
        interrupt,
    )?;
    let scratch = Scratch::create(options.keep)?;
    let mut postern = Postern::start(&program, options.listen, lab.described(), &scratch)?;
    let answers = interrupt
        .wait_until(|| !postern.is_running() || TcpStream::connect(options.listen).is_ok());
    interrupt.check()?;
    if !answers || !postern.is_running() {
        let log = std::fs::read_to_string(scratch.path().join("postern.log")).unwrap_or_default();
        return Err(format!("Postern did not start:\n{log}").into());
    }
    let caller = Caller::sign_in(options.listen, PASSWORD)?;
    let servers = set_up(&caller, &base_url, lab.described())?;
    print_tour(&caller, &base_url, lab.described(), &servers, &scratch);
    interrupt.wait_until(|| !postern.is_running());
    interrupt.raise();
    drop(postern);
    drop(lab);
    Ok(ExitCode::SUCCESS)
}

/// The two mail servers of the demo, by id.
struct Servers {
    outgoing: i64,
    incoming: i64,
}

/// What an administrator would fill in after the guide's first half.
fn set_up(caller: &Caller, base_url: &str, lab: &Described) -> Result<Servers, Failure> {
    for (key, value) in [
        ("web.base.url", base_url),
        ("microsoft_outlook_client_id", &lab.identity.client_id),
        (
            "microsoft_outlook_client_secret",
            &lab.identity.client_secret,
        ),
        ("microsoft_outlook.endpoint", &lab.identity.endpoint),
    ] {
        caller.execute("ir.config_parameter", "set_param", &json!([key, value]))?;
    }
    let mailbox = mailbox(lab);
    let outgoing = caller.execute(
        "ir.mail_server",
        "create",
        &json!([{
            "name": "Outlook (demo)",
            "smtp_authentication": "outlook",
            "smtp_encryption": "starttls",
            "smtp_host": lab.host,
            "smtp_port": lab.mail.submission,
            "smtp_user": mailbox,
            "from_filter": mailbox,
        }]),
    )?;
    let incoming = caller.execute(
        "fetchmail.server",
        "create",
        &json!([{
            "name": "Outlook inbox (demo)",
            "server_type": "outlook",
            "is_ssl": true,
            "server": lab.host,
            "port": lab.mail.imaps,
            "user": mailbox,
        }]),
    )?;
    Ok(Servers {
        outgoing: id(&outgoing)?,
        incoming: id(&incoming)?,
    })
}

fn mailbox(lab: &Described) -> &str {
    lab.users
        .first()
        .map_or("postern@example.test", String::as_str)
}

/// `create` answers an id, or a list of one id where a list was given.
fn id(created: &Value) -> Result<i64, Failure> {
    created
        .as_i64()
        .or_else(|| created[0].as_i64())
        .ok_or_else(|| format!("`create` answered {created}, not an id").into())
}

fn print_tour(
    caller: &Caller,
    base_url: &str,
    lab: &Described,
    servers: &Servers,
    scratch: &Scratch,
) {
    let Servers { outgoing, incoming } = servers;
    let mailbox = mailbox(lab);
    let recipient = lab
        .users
        .get(1)
        .map_or("alice@example.test", String::as_str);
    let database = caller.database();
    let call = |model: &str, method: &str, arguments: Value| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "call", "params": {
            "service": "object", "method": "execute_kw",
            "args": [database, caller.uid(), PASSWORD, model, method, arguments, {}]}});
        format!("curl -s {base_url}/jsonrpc -H 'Content-Type: application/json' -d '{body}'")
    };
    let write = call(
        "mail.mail",
        "create",
        json!([{"subject": "Hello from the demo", "body_html": "<p>It works.</p>",
                "email_from": mailbox, "email_to": recipient}]),
    );
    let send = call("mail.mail", "send", json!([[1]]));
    let probe = call(
        "ir.mail_server",
        "test_smtp_connection",
        json!([[outgoing]]),
    );
    let confirm = call(
        "fetchmail.server",
        "button_confirm_login",
        json!([[incoming]]),
    );
    let fetch = call("fetchmail.server", "fetch_mail", json!([[incoming]]));
    let read = call(
        "mail.message",
        "search_read",
        json!([[], ["subject", "email_from", "date"]]),
    );
    println!(
        "{lab}

Postern is on {base_url} (database {database}, login admin, password {PASSWORD}; files in {files})

By hand:
  1. Open {base_url} and sign in.
  2. Open the outgoing server \"Outlook (demo)\" and press \"Connect your Outlook account\".
     The provider's page asks who you are: sign in as {mailbox}, and allow.
     You come back to the server, which is connected now. Do the same with the incoming server.

By calls, once both are connected:
  test the outgoing server:
    {probe}
  write a mail to {recipient}, then send it (with the id that the first call answers):
    {write}
    {send}
  read {recipient}'s mailbox with a client of your own:
    curl -s --cacert {authority} --user {recipient}:{password} 'imaps://localhost:{imaps}/INBOX;MAILINDEX=1'
  test the incoming server, fetch what lies in its mailbox, and look at it:
    {confirm}
    {fetch}
    {read}
  drop a mail into the mailbox to be fetched:
    printf 'From: you@example.test\\nTo: {mailbox}\\nSubject: to be fetched\\n\\nHello.\\n' |
      curl -s smtp://localhost:{smtp} --mail-from you@example.test --mail-rcpt {mailbox} -T -

Ctrl-C stops everything.",
        files = scratch.path().display(),
        authority = lab.authority.display(),
        password = lab.password,
        imaps = lab.mail.imaps,
        smtp = lab.mail.smtp,
    );
}

/// The product as a child process, its output in a file.
struct Postern {
    child: Child,
    watchdog: Watchdog,
}

impl Postern {
    fn start(
        program: &Path,
        listen: SocketAddr,
        lab: &Described,
        scratch: &Scratch,
    ) -> Result<Self, Failure> {
        let log = File::create(scratch.path().join("postern.log"))?;
        let database = scratch.path().join("postern.sqlite");
        let watchdog = Watchdog::start()?;
        let child = Command::new(program)
            .arg("--listen")
            .arg(listen.to_string())
            .arg("--database-url")
            .arg(format!("sqlite://{}", database.display()))
            .arg("--tls-ca")
            .arg(&lab.authority)
            .env("POSTERN_ADMIN_PASSWORD", PASSWORD)
            .env_remove("DATABASE_URL")
            .current_dir(scratch.path())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        watchdog.watch(i32::try_from(child.id())?, Signal::SIGTERM);
        Ok(Self { child, watchdog })
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Postern {
    fn drop(&mut self) {
        let process = i32::try_from(self.child.id()).unwrap_or_default();
        if self.is_running() {
            let _ = kill(Pid::from_raw(process), Signal::SIGTERM);
        }
        let begin = Instant::now();
        while self.is_running() && begin.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.watchdog.forget(process);
    }
}
