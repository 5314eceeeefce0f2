//! `postern mailgate`: reads a mail from standard input and hands it in to a running Postern or Odoo, as
//! the pipe of a mail server wants it.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use secrecy::SecretString;
use server_model::mailgate::{self, Account, Failure, Target, Wishes};

/// The variable with the password, which should not stand on a command line that others can see.
const PASSWORD_VARIABLE: &str = "POSTERN_MAILGATE_PASSWORD";
/// The largest mail that is read, in bytes, as for mailboxes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// How the program ends, in the numbers that mail servers understand (`sysexits.h`). All but the first
/// send the mail back.
mod exit {
    /// The mail server is to keep the mail and to try again.
    pub const TEMPORARY: u8 = 75;
    /// Nobody takes mail for these recipients.
    pub const NO_USER: u8 = 67;
    /// It is no mail, or too large.
    pub const DATA: u8 = 65;
    /// The mail was refused.
    pub const UNAVAILABLE: u8 = 69;
}

/// Where a mail is handed in, and how.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("account").required(true))]
pub struct Mailgate {
    /// The host that Postern or Odoo runs on
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    pub host: String,

    /// The port that it listens at
    #[arg(long, value_name = "PORT", default_value_t = 8069)]
    pub port: u16,

    /// Speak HTTPS; without it the host must be this machine
    #[arg(long)]
    pub https: bool,

    /// The name of the database
    #[arg(long, short, value_name = "NAME")]
    pub database: String,

    /// The id of the user who hands the mail in
    #[arg(long, short = 'u', value_name = "ID", group = "account")]
    pub userid: Option<i64>,

    /// The login of the user, instead of the id
    #[arg(long, value_name = "LOGIN", group = "account")]
    pub user: Option<String>,

    /// The password or an API key; others on this machine can see it here, so rather use a file
    #[arg(long, short, value_name = "PASSWORD", conflicts_with = "password_file")]
    pub password: Option<String>,

    /// A file that holds the password or an API key [variable for the password itself: POSTERN_MAILGATE_PASSWORD]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,

    /// Make a record of this model of a mail that is no reply and meant for no alias
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,

    /// Keep the whole mail as a file too
    #[arg(long)]
    pub save_original: bool,

    /// Leave out the files of the mail
    #[arg(long)]
    pub strip_attachments: bool,

    /// Trust the certificate authorities of this PEM file, beside the system's
    #[arg(long = "ca", value_name = "FILE")]
    pub authorities: Option<PathBuf>,
}

/// Reads the mail and hands it in.
pub fn run(options: &Mailgate) -> ExitCode {
    let (code, problem) = match hand_in(options) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(failed) => failed,
    };
    // A mail server writes the last line into its log and into the message to the sender.
    eprintln!("{problem}");
    ExitCode::from(code)
}

/// The command line cannot be used. That is no fault of the mail, so it is to wait until somebody has
/// corrected it.
pub fn misused(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(exit::TEMPORARY)
    } else {
        ExitCode::SUCCESS
    }
}

/// Whether the program was called for this, as far as that can be told from a command line that is wrong.
pub fn is_meant() -> bool {
    std::env::args_os().any(|argument| argument == "mailgate")
}

fn hand_in(options: &Mailgate) -> Result<(), (u8, String)> {
    let settings = |problem: String| (exit::TEMPORARY, problem);
    let key = password(options).map_err(settings)?;
    let extra_roots_pem = match &options.authorities {
        Some(file) => Some(
            std::fs::read(file)
                .map_err(|error| settings(format!("--ca {}: {error}", file.display())))?,
        ),
        None => None,
    };
    let raw = read_mail(io::stdin().lock())?;
    let scheme = if options.https { "https" } else { "http" };
    let account = match (&options.user, options.userid) {
        (Some(login), _) => Account::Login(login.clone()),
        (None, id) => Account::User(id.unwrap_or_default()),
    };
    let target = Target {
        address: format!("{scheme}://{}:{}", bracketed(&options.host), options.port),
        database: options.database.clone(),
        account,
        key,
        extra_roots_pem,
    };
    let wishes = Wishes {
        model: options.model.clone(),
        save_original: options.save_original,
        strip_attachments: options.strip_attachments,
    };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| settings(format!("the program cannot run here: {error}")))?;
    runtime
        .block_on(mailgate::hand_in(target, &raw, &wishes))
        .map_err(|failure| {
            let code = match failure {
                Failure::Settings(_) | Failure::Later(_) => exit::TEMPORARY,
                Failure::Nowhere(_) => exit::NO_USER,
                Failure::Refused(_) => exit::UNAVAILABLE,
            };
            (code, failure.to_string())
        })
}

fn read_mail(input: impl Read) -> Result<Vec<u8>, (u8, String)> {
    let mut raw = Vec::new();
    input
        .take(MOST_BYTES + 1)
        .read_to_end(&mut raw)
        .map_err(|error| (exit::TEMPORARY, format!("the mail cannot be read: {error}")))?;
    if raw.is_empty() {
        return Err((exit::DATA, "there is no mail on standard input".to_owned()));
    }
    if raw.len() as u64 > MOST_BYTES {
        return Err((
            exit::DATA,
            format!("the mail has more than {MOST_BYTES} bytes, which is not taken"),
        ));
    }
    Ok(raw)
}

fn password(options: &Mailgate) -> Result<SecretString, String> {
    if let Some(password) = &options.password {
        return Ok(SecretString::from(password.clone()));
    }
    if let Some(file) = &options.password_file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("--password-file {}: {error}", file.display()))?;
        return Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])));
    }
    std::env::var(PASSWORD_VARIABLE)
        .map(SecretString::from)
        .map_err(|_| {
            format!(
                "give the password with --password-file, or in the variable {PASSWORD_VARIABLE}"
            )
        })
}

/// An IPv6 address stands in brackets before a port.
fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_too_much_are_no_mails() {
        let (code, problem) = read_mail(io::empty()).expect_err("no mail");
        assert_eq!(code, exit::DATA, "{problem}");
        let endless = io::repeat(b'x');
        let (code, problem) = read_mail(endless).expect_err("too large");
        assert_eq!(code, exit::DATA, "{problem}");
        assert_eq!(read_mail(&b"a: b"[..]), Ok(b"a: b".to_vec()));
    }

    #[test]
    fn an_address_of_six_stands_in_brackets() {
        assert_eq!(bracketed("::1"), "[::1]");
        assert_eq!(bracketed("[::1]"), "[::1]");
        assert_eq!(bracketed("localhost"), "localhost");
    }
}
