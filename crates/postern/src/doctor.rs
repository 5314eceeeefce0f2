//! `postern doctor`: examines mail servers from here and prints what was found, one line each with its remedy.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use server_model::doctor::{self, Check};

use crate::config::Config;
use crate::error::Error;
use crate::progress::Progress;
use crate::server;

/// Which servers are examined, and how that is told.
#[derive(Args, Clone, Debug)]
pub struct Doctor {
    /// A server, such as ir.mail_server:3 or fetchmail.server:2, or its name; all active ones without it
    #[arg(value_name = "SERVER")]
    pub server: Option<String>,

    /// Print a JSON list instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Examines and prints. Ends with 1 when something failed.
///
/// # Errors
/// When the database cannot be opened, or there is no such server.
pub async fn run(
    config: &Config,
    options: &Doctor,
    progress: &Progress,
) -> Result<ExitCode, Error> {
    let backend = server::open_existing(config).await?;
    let bar = progress.begin("Examining servers", None);
    let examined = |done, servers| bar.reach(done, servers);
    let checks = doctor::run(&backend, options.server.as_deref(), &examined).await;
    drop(bar);
    backend.database().clone().close().await;
    let checks = checks.map_err(Error::Doctor)?;
    let text = if options.json {
        json_list(&checks)
    } else {
        table(&checks)
    };
    // Whoever closed the other end does not want to read on.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    let failed = checks.iter().any(|check| check.ok == Some(false));
    Ok(ExitCode::from(u8::from(failed)))
}

fn json_list(checks: &[Check]) -> String {
    let list: Vec<_> = checks
        .iter()
        .map(|check| {
            json!({
                "server": check.server,
                "check": check.check,
                "ok": check.ok,
                "message": check.message,
                "remedy": Some(&check.remedy).filter(|remedy| !remedy.is_empty()),
                "code": check.code,
            })
        })
        .collect();
    format!("{:#}\n", json!(list))
}

/// One block a server, one line a step, and below it the remedy where there is one.
fn table(checks: &[Check]) -> String {
    let mut text = String::new();
    let mut server = "";
    let width = checks.iter().map(|check| check.check.len()).max();
    let width = width.unwrap_or_default();
    for check in checks {
        if check.server != server {
            let gap = if server.is_empty() { "" } else { "\n" };
            server = &check.server;
            let _ = writeln!(text, "{gap}{server}");
        }
        let ok = match check.ok {
            Some(true) => "ok",
            Some(false) => "FAILED",
            None => "skipped",
        };
        let _ = writeln!(text, "  {:width$}  {ok:7}  {}", check.check, check.message);
        let code = check.code.map(|code| format!(" [{code}]"));
        if !check.remedy.is_empty() {
            let _ = writeln!(
                text,
                "  {:width$}           -> {}{}",
                "",
                check.remedy,
                code.unwrap_or_default()
            );
        }
    }
    let count = |ok: Option<bool>| checks.iter().filter(|check| check.ok == ok).count();
    let _ = writeln!(
        text,
        "\n{} ok, {} failed, {} skipped",
        count(Some(true)),
        count(Some(false)),
        count(None)
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(server: &str, check: &'static str, ok: Option<bool>) -> Check {
        let failed = ok == Some(false);
        Check {
            server: server.to_owned(),
            check,
            ok,
            message: "Found.".to_owned(),
            remedy: if failed { "Do this." } else { "" }.to_owned(),
            code: failed.then_some("tls.untrusted"),
        }
    }

    #[test]
    fn the_table_is_aligned_and_has_a_block_for_each_server() {
        let text = table(&[
            check("one", "name_resolution", Some(true)),
            check("one", "tls", Some(false)),
            check("two", "tls", None),
        ]);
        let expected = "\
one
  name_resolution  ok       Found.
  tls              FAILED   Found.
                            -> Do this. [tls.untrusted]

two
  tls              skipped  Found.

1 ok, 1 failed, 1 skipped
";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_list_has_null_for_what_was_left_out_and_for_what_is_not_there() {
        let list = json_list(&[check("one", "tls", None)]);
        let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
        let one = json!([{"server": "one", "check": "tls", "ok": null, "message": "Found.", "remedy": null, "code": null}]);
        assert_eq!(list, one);
    }
}
