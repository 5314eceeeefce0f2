//! What is done beside a running service: looks, and work on the secrets.

use nix::sys::signal::Signal;

use crate::service::{Service, directory, postern};

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
