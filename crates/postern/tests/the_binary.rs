//! The real binary as a process: what it prints, how it stops, and what it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A generous bound for a start or a stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory of its own for one test, empty at the beginning.
fn directory(test: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("cargo's directory for tests is writable");
    directory
}

/// The binary with nothing of this environment's settings.
fn postern(directory: &PathBuf) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.current_dir(directory).env_remove("DATABASE_URL");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POSTERN_") {
            command.env_remove(name);
        }
    }
    command
}

/// A service that runs, and what it has printed so far.
struct Service {
    child: Child,
    output: BufReader<ChildStdout>,
    banner: String,
}

impl Service {
    /// Starts the binary on a free port and reads its banner.
    fn start(mut command: Command) -> Service {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut banner = String::new();
        // The login is said by each start, with at most two lines about the password behind it,
        // which the rest of the output shows once the service has ended.
        while !banner.contains("login") {
            let read = output.read_line(&mut banner).expect("text");
            assert!(read > 0, "the service ended before it was ready: {banner}");
        }
        Service {
            child,
            output,
            banner,
        }
    }

    fn address(&self) -> String {
        let (_, rest) = self.banner.split_once("http://").expect("an address");
        rest.split_whitespace()
            .next()
            .expect("an address")
            .to_owned()
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn post(&self, path: &str, json: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("it runs");
    }

    /// Ends the service by `signal`; how it ended, and all that it printed.
    fn end(mut self, signal: Signal) -> (ExitStatus, String) {
        self.signal(signal);
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "{signal} does not end it");
            thread::sleep(Duration::from_millis(20));
        };
        let mut printed = self.banner.clone();
        self.output.read_to_string(&mut printed).expect("text");
        (status, printed)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn password_in(printed: &str) -> Option<&str> {
    let (_, rest) = printed.split_once("password")?;
    rest.split_whitespace().next()
}

#[test]
fn it_starts_without_settings_answers_and_ends_cleanly_by_sigterm() {
    let directory = directory("plain");
    let service = Service::start(postern(&directory));
    assert!(!service.address().ends_with(":0"), "{}", service.banner);
    let answer = service.get("/web/health");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let file = directory.join("postern.sqlite");
    let mode = std::fs::metadata(&file)
        .expect("the database")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "others can read the database");
    let (status, printed) = service.end(Signal::SIGTERM);
    assert_eq!(status.code(), Some(0));
    assert!(printed.contains(&file.display().to_string()), "{printed}");
    let password = password_in(&printed).expect("the first start prints a password");
    assert!(password.len() >= 20, "{printed}");
}

#[test]
fn it_ends_cleanly_by_ctrl_c() {
    let service = Service::start(postern(&directory("interrupt")));
    assert_eq!(service.end(Signal::SIGINT).0.code(), Some(0));
}

#[test]
fn the_second_start_prints_no_password() {
    let directory = directory("second");
    let (_, first) = Service::start(postern(&directory)).end(Signal::SIGTERM);
    assert!(password_in(&first).is_some(), "{first}");
    let (status, second) = Service::start(postern(&directory)).end(Signal::SIGTERM);
    assert_eq!(status.code(), Some(0));
    assert_eq!(password_in(&second), None, "{second}");
}

#[test]
fn a_given_password_is_taken_and_not_printed() {
    let mut command = postern(&directory("given"));
    command.env("POSTERN_ADMIN_PASSWORD", "correct-horse-battery");
    command.arg("--no-jobs");
    let (_, printed) = Service::start(command).end(Signal::SIGTERM);
    assert!(printed.contains("POSTERN_ADMIN_PASSWORD"), "{printed}");
    assert!(!printed.contains("correct-horse-battery"), "{printed}");
    assert!(printed.contains("jobs"), "{printed}");
}

#[test]
fn health_tells_a_service_from_its_absence() {
    let directory = directory("health");
    let service = Service::start(postern(&directory));
    let health = |address: &str| {
        postern(&directory)
            .args(["health", "--listen", address])
            .output()
            .expect("the binary can be started")
    };
    let address = service.address();
    let well = health(&address);
    assert_eq!(well.status.code(), Some(0), "{well:?}");
    service.end(Signal::SIGTERM);
    assert_eq!(health(&address).status.code(), Some(1));
}

#[test]
fn the_log_names_the_path_of_a_request_and_never_its_query() {
    let directory = directory("log");
    let log = std::fs::File::create(directory.join("log")).expect("a file");
    let mut command = postern(&directory);
    command
        .args(["--log", "trace", "--log-format", "json"])
        .stderr(log);
    let service = Service::start(command);
    service.get("/microsoft_outlook/confirm?code=hidden-code&state=hidden-state");
    service.end(Signal::SIGTERM);
    let log = std::fs::read_to_string(directory.join("log")).expect("the log");
    let line = log
        .lines()
        .find(|line| line.contains("/microsoft_outlook/confirm"))
        .expect("the request is logged");
    assert!(line.contains(r#""status":"#), "{line}");
    assert!(!log.contains("hidden-"), "{log}");
}

/// Runs the binary to its end, which has to come by itself.
fn refused(test: &str, prepare: impl FnOnce(&mut Command)) -> Output {
    let directory = directory(test);
    let mut command = postern(&directory);
    prepare(&mut command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("the binary can be started");
    let left: Vec<_> = std::fs::read_dir(&directory)
        .expect("the directory")
        .collect();
    assert!(
        left.is_empty(),
        "a refused start leaves files behind: {left:?}"
    );
    output
}

#[track_caller]
fn assert_refusal(output: &Output, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

#[test]
fn a_wrong_value_ends_the_start_with_status_2_and_a_sentence() {
    let output = refused("wrong_flag", |command| {
        command.args(["--listen", "everywhere"]);
    });
    assert_refusal(&output, &["--listen", "\"everywhere\"", "127.0.0.1:8069"]);
    let output = refused("wrong_variable", |command| {
        command.env("POSTERN_WORKERS", "none");
    });
    assert_refusal(
        &output,
        &["--workers", "POSTERN_WORKERS", "\"none\"", "from 1"],
    );
    let output = refused("wrong_database", |command| {
        command.env("DATABASE_URL", "mysql://me:hidden@db/mail");
    });
    assert_refusal(&output, &["--database-url", "\"mysql\"", "postgres://"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("hidden"));
    let output = refused("unknown_flag", |command| {
        command.arg("--colour");
    });
    assert_refusal(&output, &["--colour"]);
}

#[test]
fn a_taken_address_ends_the_start_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = refused("taken", |command| {
        command.args(["--listen", &address]);
    });
    assert_refusal(&output, &["--listen", &address, "listens there already"]);
}

#[test]
fn tasks_on_the_secrets_make_no_database_and_work_beside_a_service() {
    let place = directory("vault_tasks");
    let task = |name: &str| {
        let mut command = postern(&place);
        command.args(["vault", name]);
        command.env(
            "POSTERN_VAULT_KEY",
            "test:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
        );
        command.output().expect("the binary can be started")
    };
    for name in ["status", "rotate", "unseal"] {
        let output = task(name);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("Start the service once"), "{text}");
        assert!(
            !place.join("postern.sqlite").exists(),
            "{name} made a database"
        );
    }
    let service = Service::start(postern(&place));
    let output = task("status");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && printed.contains("not sealed"),
        "{printed}"
    );
    assert!(task("rotate").status.success());
    assert!(task("unseal").status.success());
    service.end(Signal::SIGTERM);
}

#[test]
fn how_things_stand_is_shown_beside_a_running_service() {
    let place = directory("console");
    let look = |arguments: &[&str]| {
        let mut command = postern(&place);
        command.args(arguments);
        let output = command.output().expect("the binary can be started");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), printed, said)
    };
    let (code, _, said) = look(&["users"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Start the service once"), "{said}");

    let mut command = postern(&place);
    command.env("POSTERN_ADMIN_PASSWORD", "the first password");
    let service = Service::start(command);
    let (code, printed, said) = look(&["users"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        printed.contains("Login") && printed.contains("admin"),
        "{printed}"
    );
    let (_, printed, _) = look(&["users", "--json"]);
    let users: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert!(
        users
            .as_array()
            .expect("a list")
            .iter()
            .any(|user| user["login"] == "admin")
    );
    let (_, printed, _) = look(&["servers", "--json"]);
    let servers: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(servers["ir.mail_server"], serde_json::json!([]));
    assert_eq!(servers["fetchmail.server"], serde_json::json!([]));
    let (_, printed, _) = look(&["queue", "--json"]);
    assert_eq!(printed.trim(), "[]");
    let (code, _, said) = look(&["queue", "--state", "nowhere"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("exception"), "{said}");
    let (code, _, said) = look(&["mail", "7"]);
    assert_eq!((code, said.trim()), (Some(1), "error: There is no mail 7."));

    let sign_in = |password: &str| {
        let body = serde_json::json!({"params": {"service": "common", "method": "login", "args": ["postern", "admin", password]}});
        service.post("/jsonrpc", &body.to_string())
    };
    assert!(sign_in("the first password").contains("\"result\":2"));
    let (code, printed, said) = look(&["users", "reset-password", "admin"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(sign_in(printed.trim()).contains("\"result\":2"));
    assert!(sign_in("the first password").contains("\"result\":false"));
    let (_, trail, _) = look(&["audit", "--model", "res.users", "--json"]);
    let trail: serde_json::Value = serde_json::from_str(&trail).expect("JSON");
    assert_eq!(trail[0]["act"], "write", "{trail}");
    assert_eq!(trail[0]["login"], false, "the command line has no login");
    assert!(!trail.to_string().contains(printed.trim()), "{trail}");
    let (code, _, said) = look(&["users", "reset-password", "nobody"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("postern users"), "{said}");
    service.end(Signal::SIGTERM);
}

#[test]
fn a_file_in_a_directory_that_does_not_exist_is_refused() {
    let output = refused("no_directory", |command| {
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            "sqlite://none/a.sqlite",
        ]);
    });
    assert_refusal(&output, &["--database-url", "none/a.sqlite", "directory"]);
}

#[test]
fn a_database_server_that_is_not_there_ends_the_start_with_status_1_and_without_the_password() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let output = refused("no_server", |command| {
        command.args(["--listen", "127.0.0.1:0"]).env(
            "POSTERN_DATABASE_URL",
            format!("postgres://me:hidden@127.0.0.1:{port}/mail"),
        );
    });
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&format!("PostgreSQL at 127.0.0.1:{port}/mail")),
        "{text}"
    );
    assert!(!text.contains("hidden"), "{text}");
}

#[test]
fn help_tells_the_defaults_the_variables_and_the_exit_statuses() {
    let output = refused("help", |command| {
        command.arg("--help");
    });
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "--database-url",
        "sqlite://postern.sqlite",
        "POSTERN_LISTEN",
        "127.0.0.1:8069",
        "--no-jobs",
        "--tls-ca",
        "POSTERN_ADMIN_PASSWORD",
        "SIGTERM",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}

/// What a collector is sent until the service has ended: the heads and bodies of all requests, as far as they are text.
fn collect(listener: TcpListener, until: &std::sync::mpsc::Receiver<()>) -> String {
    listener.set_nonblocking(true).expect("it can be asked");
    let mut all = String::new();
    while until.try_recv().is_err() {
        let Ok((mut stream, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        stream.set_nonblocking(false).expect("it can wait");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        let mut received = Vec::new();
        let mut some = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&received).to_ascii_lowercase();
            let head = text.find("\r\n\r\n").map(|end| end + 4);
            let length = text
                .split_once("content-length: ")
                .and_then(|(_, rest)| rest.split("\r\n").next()?.parse::<usize>().ok());
            // What is no text may be longer when it is shown; the head is all ASCII.
            if let (Some(head), Some(length)) = (head, length)
                && received.len() >= head + length
            {
                break;
            }
            match stream.read(&mut some).expect("it sends") {
                0 => break,
                read => received.extend_from_slice(&some[..read]),
            }
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).expect("it reads");
        all.push_str(&String::from_utf8_lossy(&received));
    }
    all
}

#[test]
fn calls_are_traced_for_a_collector_that_is_named_and_carry_no_secret() {
    let place = directory("traces");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let collector = format!("http://{}", listener.local_addr().expect("an address"));
    let (ended, until) = std::sync::mpsc::channel();
    let collected = thread::spawn(move || collect(listener, &until));

    let mut command = postern(&place);
    command
        .env("POSTERN_ADMIN_PASSWORD", "the first password")
        .env("POSTERN_OTLP_ENDPOINT", &collector);
    let service = Service::start(command);
    let args = r#"["postern", 2, "the first password", "ir.mail_server", "search_count", [[]]]"#;
    let call =
        format!(r#"{{"params": {{"service": "object", "method": "execute_kw", "args": {args}}}}}"#);
    assert!(service.post("/jsonrpc", &call).contains("\"result\":0"));
    service.end(Signal::SIGTERM);
    ended.send(()).expect("the collector waits");

    let told = collected.join().expect("the collector ends");
    assert!(told.contains("POST /v1/traces"), "{told}");
    for word in [
        "postern",
        "request",
        "/jsonrpc",
        "ir.mail_server.search_count",
    ] {
        assert!(told.contains(word), "{word} is missing: {told}");
    }
    assert!(!told.contains("the first password"));

    let output = postern(&place)
        .args(["--otlp-endpoint", "collector:4318"])
        .output()
        .expect("the binary can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("--otlp-endpoint") && said.contains("http://127.0.0.1:4318"),
        "{said}"
    );
}
