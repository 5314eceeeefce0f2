//! The address of the database: which kind it is, and what of it may be shown.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::error::ConfigError;
use super::sources::Given;

/// The address of the database. It may hold a password and is shown only by its [`Place`].
#[derive(Clone, Debug)]
pub struct DatabaseUrl {
    url: SecretString,
    place: Place,
}

/// Where the data is kept, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this SQLite file.
    File(PathBuf),
    /// In memory, for as long as the process runs.
    Memory,
    /// On a PostgreSQL server: `HOST:PORT/DATABASE`, or nothing where the address is too unusual
    /// to tell host and password apart.
    Server(Option<String>),
}

impl Default for DatabaseUrl {
    fn default() -> Self {
        DatabaseUrl {
            url: "sqlite://postern.sqlite".to_owned().into(),
            place: Place::File("postern.sqlite".into()),
        }
    }
}

impl DatabaseUrl {
    /// Takes `sqlite:…`, `postgres://…` and `postgresql://…`.
    ///
    /// # Errors
    /// For any other scheme, named; nothing else of the address is repeated.
    pub fn parse(given: Given) -> Result<DatabaseUrl, ConfigError> {
        DatabaseUrl::new(given.text.clone()).map_err(|()| {
            let problem = match scheme(&given.text) {
                Some(scheme) => format!("there is no support for databases of the kind {scheme:?}"),
                None => "the value does not begin like the address of a database (it is not \
                         repeated here, as it may hold a password)"
                    .into(),
            };
            given.refuse(
                problem,
                "sqlite://FILE or postgres://USER@HOST:PORT/DATABASE",
            )
        })
    }

    fn new(url: String) -> Result<DatabaseUrl, ()> {
        let place = match scheme(&url) {
            Some("sqlite") => sqlite_place(&url),
            Some("postgres" | "postgresql") => Place::Server(server(&url)),
            _ => return Err(()),
        };
        Ok(DatabaseUrl {
            url: url.into(),
            place,
        })
    }

    /// Puts a password into the address of a server that names a user and no password.
    ///
    /// # Errors
    /// Says why it cannot.
    pub fn with_password(self, password: &SecretString) -> Result<DatabaseUrl, &'static str> {
        if !matches!(self.place, Place::Server(_)) {
            return Err("there is a password for the database, but the database is an SQLite file");
        }
        let url = self.url.expose_secret();
        let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", ""));
        match rest.split_once('@') {
            Some((user, _)) if user.contains([':', '/', '?']) => {
                Err("there is a password for the database, but its address holds one already")
            }
            Some((user, place)) if !user.is_empty() => {
                let password = percent_encode(password.expose_secret());
                DatabaseUrl::new(format!("{scheme}://{user}:{password}@{place}"))
                    .map_err(|()| "the address of the database cannot be used")
            }
            _ => Err("there is a password for the database, but its address names no user"),
        }
    }

    /// The whole address, password included: for opening the database only.
    pub fn expose(&self) -> &str {
        self.url.expose_secret()
    }

    /// Where the data is kept.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

/// The word before the first colon, if it looks like a scheme.
fn scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once(':')?;
    let is_word = !scheme.is_empty() && scheme.chars().all(|letter| letter.is_ascii_lowercase());
    // `localhost:5432` and `user:password@host` begin with a word and a colon, too.
    (is_word && (scheme == "sqlite" || rest.starts_with("//"))).then_some(scheme)
}

/// The file as sqlx finds it: `sqlite://FILE?options`, relative to the current directory.
fn sqlite_place(url: &str) -> Place {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    let (path, options) = path.split_once('?').unwrap_or((path, ""));
    if path.is_empty() || path == ":memory:" || options.contains("mode=memory") {
        Place::Memory
    } else {
        Place::File(PathBuf::from(percent_decode(path)))
    }
}

/// `HOST:PORT/DATABASE` of a server's address, if it is certain that no part of a password is in it.
fn server(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
    if options.contains('@') {
        // An unescaped question mark in a password looks like this.
        return None;
    }
    let place = match rest.rsplit_once('@') {
        Some((_, place)) => place,
        // `HOST:PORT`, but also a forgotten `@HOST` behind `USER:PASSWORD`.
        None => {
            let authority = rest.split('/').next().unwrap_or_default();
            let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
            if !port.chars().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            rest
        }
    };
    let is_plain = place
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "._-:[]%/".contains(letter));
    is_plain.then(|| place.trim_end_matches('/').to_owned())
}

fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| text_of(after.get(..2)?))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, Place, percent_decode, percent_encode, server};

    #[test]
    fn the_place_of_a_server_never_holds_a_part_of_its_password() {
        for (url, place) in [
            ("postgres://u:secret@db:5432/mail", Some("db:5432/mail")),
            ("postgres://u@db/mail?sslmode=require", Some("db/mail")),
            (
                "postgres://localhost:5432/mail",
                Some("localhost:5432/mail"),
            ),
            ("postgres://u:se/cret@db/mail", Some("db/mail")),
            ("postgres://u:se@cret@db/mail", Some("db/mail")),
            ("postgres://u:se?cret@db/mail", None),
            ("postgres://u:secret", None),
            ("postgres://db/mail?password=sec@ret", None),
        ] {
            assert_eq!(server(url).as_deref(), place, "{url}");
        }
    }

    #[test]
    fn an_sqlite_address_names_its_file() {
        for (url, file) in [
            ("sqlite://postern.sqlite", "postern.sqlite"),
            (
                "sqlite:///var/lib/postern/a.sqlite?mode=rwc",
                "/var/lib/postern/a.sqlite",
            ),
            ("sqlite:data/b.sqlite", "data/b.sqlite"),
            ("sqlite://with%20space.sqlite", "with space.sqlite"),
        ] {
            let parsed = DatabaseUrl::new(url.into()).expect("a good address");
            assert_eq!(*parsed.place(), Place::File(file.into()), "{url}");
        }
        let memory = DatabaseUrl::new("sqlite::memory:".into()).expect("a good address");
        assert_eq!(*memory.place(), Place::Memory);
    }

    #[test]
    fn a_password_is_escaped_into_the_address_of_a_server() {
        let url = DatabaseUrl::new("postgres://postern@db:5432/mail".into())
            .expect("a good address")
            .with_password(&"p@ss/w:rd?".to_owned().into())
            .expect("a user without a password");
        assert_eq!(
            url.expose(),
            "postgres://postern:p%40ss%2Fw%3Ard%3F@db:5432/mail"
        );
        assert_eq!(*url.place(), Place::Server(Some("db:5432/mail".into())));
    }

    #[test]
    fn a_password_needs_a_server_a_user_and_no_other_password() {
        for url in [
            "sqlite://a.sqlite",
            "postgres://db/mail",
            "postgres://u:p@db/mail",
        ] {
            let url = DatabaseUrl::new(url.into()).expect("a good address");
            assert!(url.with_password(&"secret".to_owned().into()).is_err());
        }
    }

    #[test]
    fn decoding_undoes_encoding_and_leaves_stray_percent_signs() {
        assert_eq!(percent_decode(&percent_encode("a b/ü%")), "a b/ü%");
        assert_eq!(percent_decode("100%"), "100%");
        assert_eq!(percent_decode("%ü1"), "%ü1");
    }
}
