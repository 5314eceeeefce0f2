//! What is said of a known failure, by the code that it has in the atlas: `smtp.auth_disabled_tenant`.

use crate::say;
use crate::text::{Arg, Text};

/// The key of its message.
fn key(code: &str) -> String {
    format!("atlas-{}", code.replace('.', "-"))
}

/// What happened.
pub fn what(code: &str) -> Text {
    Text::new(key(code))
}

/// What to do.
pub fn remedy(code: &str) -> Text {
    Text::new(format!("{}.remedy", key(code)))
}

/// What to do, and the commands of Exchange Online PowerShell that do it.
pub fn advice(code: &str, commands: &[&str]) -> Text {
    let remedy = remedy(code);
    match commands {
        [] => remedy,
        _ => say!(
            "atlas-remedy-with-commands",
            remedy,
            commands = commands.join("; ")
        ),
    }
}

/// What happened, what to do, and in brackets the code with what a support desk asks for.
pub fn told(code: &str, marks: impl Into<Arg>) -> Text {
    say!(
        "atlas-told",
        what = what(code),
        remedy = remedy(code),
        marks = marks
    )
}
