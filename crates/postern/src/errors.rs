//! `postern errors`: what the codes of failures mean.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use server_model::atlas::{self, Row};

/// Which codes, and in which form.
#[derive(Args, Clone, Debug)]
pub struct Errors {
    /// Only this code, such as smtp.auth_disabled_tenant, or all of a family, such as smtp
    #[arg(value_name = "CODE")]
    pub code: Option<String>,

    /// Print all of them as the page docs/errors.md
    #[arg(long, conflicts_with = "code")]
    pub markdown: bool,
}

/// Prints them. Ends with 1 when there is no such code.
pub fn run(options: &Errors) -> ExitCode {
    let text = if options.markdown {
        atlas::markdown()
    } else {
        let rows = chosen(options.code.as_deref());
        if rows.is_empty() {
            eprintln!("error: there is no such code; `postern errors` lists them all");
            return ExitCode::FAILURE;
        }
        rows.iter().map(explained).collect()
    };
    // Whoever closed the other end does not want to read on.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn chosen(code: Option<&str>) -> Vec<Row> {
    let mut rows = atlas::rows();
    if let Some(code) = code {
        let of_family =
            |row: &Row| row.code.split_once('.').map(|(family, _)| family) == Some(code);
        rows.retain(|row| row.code == code || of_family(row));
    }
    rows
}

fn explained(row: &Row) -> String {
    let mut text = format!("{}\n", row.code);
    for (title, part) in [
        ("seen as", row.sign.clone()),
        ("what", row.what().to_string()),
        ("do", row.remedy().to_string()),
    ] {
        let _ = writeln!(text, "  {title:8} {part}");
    }
    for command in row.commands {
        let _ = writeln!(text, "           {command}");
    }
    let _ = writeln!(text, "  {:8} {}\n", "retried", row.retried);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_code_or_a_family_or_all_are_chosen() {
        assert_eq!(chosen(Some("smtp.auth_disabled_tenant")).len(), 1);
        assert!(
            chosen(Some("tls"))
                .iter()
                .all(|row| row.code.starts_with("tls."))
        );
        assert!(chosen(Some("smtp.none")).is_empty());
        assert!(chosen(None).len() > 80);
    }

    #[test]
    fn an_explanation_has_the_commands() {
        let text: String = chosen(Some("smtp.auth_disabled_mailbox"))
            .iter()
            .map(explained)
            .collect();
        assert!(
            text.starts_with("smtp.auth_disabled_mailbox\n  seen as"),
            "{text}"
        );
        assert!(
            text.contains("\n           Set-CASMailbox -Identity <mailbox>"),
            "{text}"
        );
    }
}
