//! What the person who starts the service reads on standard output.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use crate::config::Place;
use crate::files;

/// The name that the administrator signs in with, as in every new Odoo database.
const LOGIN: &str = "admin";

/// What is to be said about the administrator's password.
#[derive(Clone, Copy)]
pub enum Password<'a> {
    /// It was generated just now, and nobody else knows it.
    Generated(&'a str),
    /// It was taken from the settings just now.
    Given,
    /// The administrator has one from an earlier start.
    Kept,
}

/// What the person who starts the service reads.
pub struct Banner<'a> {
    /// Where it listens, with the real port.
    pub address: SocketAddr,
    /// The name that clients give as the database's.
    pub database: &'a str,
    /// Where the data is.
    pub place: &'a Place,
    /// The administrator's password.
    pub password: Password<'a>,
    /// Whether the queue, fetching and schedules run.
    pub jobs: bool,
    /// The mail servers whose certificates are taken as they are.
    pub unverified: &'a [String],
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Postern {} is ready.", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "  address   http://{}", self.address)?;
        writeln!(
            f,
            "  database  {} ({})",
            self.database,
            described(self.place)
        )?;
        writeln!(f, "  login     {LOGIN}")?;
        match self.password {
            Password::Generated(password) => writeln!(
                f,
                "  password  {password}\n            (generated; it is shown this once only)"
            )?,
            Password::Given => writeln!(f, "  password  as given by POSTERN_ADMIN_PASSWORD")?,
            Password::Kept => {}
        }
        if !self.jobs {
            writeln!(
                f,
                "  jobs      none: this process neither sends the queue nor fetches mail"
            )?;
        }
        if !self.unverified.is_empty() {
            writeln!(
                f,
                "  WARNING   the certificates of these mail servers are not verified: {}\n            (the parameter {} names them)",
                self.unverified.join(", "),
                server_model::unverified::PARAMETER
            )?;
        }
        Ok(())
    }
}

/// A place in words, for the banner and for errors.
pub fn described(place: &Place) -> String {
    match place {
        Place::File(path) => format!("SQLite file {}", shown(path)),
        Place::Memory => "SQLite in memory: everything is gone at the end".into(),
        Place::Server(Some(server)) => format!("PostgreSQL at {server}"),
        Place::Server(None) => "PostgreSQL".into(),
    }
}

fn shown(path: &Path) -> String {
    files::absolute(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::{Banner, Password};
    use crate::config::Place;

    fn banner(password: Password<'_>, jobs: bool) -> String {
        Banner {
            address: "127.0.0.1:8069".parse().expect("an address"),
            database: "postern",
            place: &Place::File("/srv/postern.sqlite".into()),
            password,
            jobs,
            unverified: &[],
        }
        .to_string()
    }

    #[test]
    fn the_banner_says_where_what_and_who() {
        let text = banner(Password::Kept, true);
        for part in [
            "http://127.0.0.1:8069",
            "postern (SQLite file /srv/postern.sqlite)",
            "admin",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        assert!(
            !text.contains("password") && !text.contains("jobs"),
            "{text}"
        );
    }

    #[test]
    fn only_a_generated_password_is_shown() {
        assert!(banner(Password::Generated("abcd2345"), true).contains("password  abcd2345\n"));
        assert!(banner(Password::Given, false).contains("as given by POSTERN_ADMIN_PASSWORD"));
        assert!(banner(Password::Given, false).contains("jobs      none"));
    }

    #[test]
    fn servers_whose_certificate_is_not_verified_are_named() {
        let text = Banner {
            address: "127.0.0.1:8069".parse().expect("an address"),
            database: "postern",
            place: &Place::Memory,
            password: Password::Kept,
            jobs: true,
            unverified: &["mail.lab.example:465".into(), "10.0.0.7".into()],
        }
        .to_string();
        assert!(
            text.contains("WARNING") && text.contains("mail.lab.example:465, 10.0.0.7"),
            "{text}"
        );
        assert!(!banner(Password::Kept, true).contains("WARNING"));
    }
}
