//! Mail servers whose certificate is taken as it is, because somebody said so: the parameter
//! `postern.tls_unverified_servers`. Empty unless an administrator fills it, and shown as a warning wherever such a
//! server is.

use std::sync::Arc;

use mail::tls::Trust;

use words::{Text, say};

use crate::backend::Backend;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::ir_config_parameter;

/// The parameter: `HOST` for all ports of a host, or `HOST:PORT`, several separated by commas.
pub const PARAMETER: &str = "postern.tls_unverified_servers";

/// The servers that the parameter names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unverified(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    host: String,
    port: Option<u16>,
}

impl Unverified {
    /// Reads the parameter.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(env: &Env) -> Result<Unverified> {
        let value = ir_config_parameter::get(env, PARAMETER).await?;
        // What was written past the check of the model means nobody rather than everybody.
        Ok(Unverified::parse(&value.unwrap_or_default()).unwrap_or_default())
    }

    /// Reads the parameter in a transaction of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(backend: &Arc<Backend>) -> Result<Unverified> {
        let caller = Caller::superuser(Arc::clone(backend));
        let env = caller.begin(Intent::Read).await?;
        let found = Unverified::read(&env).await;
        env.rollback().await?;
        found
    }

    /// Reads the value of the parameter.
    ///
    /// # Errors
    /// [`Error::Validation`] for what is not the name of one server.
    pub fn parse(value: &str) -> Result<Unverified> {
        value
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                Entry::parse(entry).ok_or_else(|| {
                    Error::Validation(
                        say!("error-unverified-servers", parameter = %PARAMETER, ?entry),
                    )
                })
            })
            .collect::<Result<_>>()
            .map(Unverified)
    }

    /// Whether the certificate of this server is taken as it is.
    pub fn names(&self, host: &str, port: u16) -> bool {
        let host = host.trim().trim_matches(['[', ']']);
        self.0.iter().any(|entry| {
            entry.host.eq_ignore_ascii_case(host) && entry.port.is_none_or(|known| known == port)
        })
    }

    /// Each as it is written in the parameter.
    pub fn list(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|entry| match (entry.port, entry.host.contains(':')) {
                (None, _) => entry.host.clone(),
                (Some(port), false) => format!("{}:{port}", entry.host),
                (Some(port), true) => format!("[{}]:{port}", entry.host),
            })
            .collect()
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Entry> {
        if text.parse::<std::net::Ipv6Addr>().is_ok() {
            return Some(Entry {
                host: text.to_owned(),
                port: None,
            });
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, behind) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                match behind {
                    "" => (host, None),
                    _ => (host, Some(behind.strip_prefix(':')?)),
                }
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
            None => None,
        };
        let is_host = !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
        is_host.then(|| Entry {
            host: host.to_owned(),
            port,
        })
    }
}

/// A connection to a mail server, as far as its certificate is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Line<'x> {
    /// The host, as it is configured.
    pub host: &'x str,
    /// The TCP port.
    pub port: u16,
    /// Whether there is TLS at all.
    pub encrypted: bool,
    /// Whether an OAuth token is shown to the server: then its certificate is verified whatever the
    /// parameter says.
    pub by_token: bool,
}

impl Line<'_> {
    fn may_stay_unverified(self) -> bool {
        self.encrypted && !self.by_token
    }

    /// What a person is told where the certificate is not verified.
    pub fn warning(self, unverified: &Unverified) -> Option<Text> {
        let Line { host, port, .. } = self;
        let host = host.trim();
        (self.may_stay_unverified() && unverified.names(host, port))
            .then(|| say!("told-unverified", %host, %port, parameter = %PARAMETER))
    }
}

/// The trust for a connection: the usual one, or any certificate where the parameter names the server,
/// which is logged each time.
///
/// # Errors
/// When the database fails.
pub async fn trust_for(caller: &Caller, line: Line<'_>) -> Result<Trust> {
    let backend = caller.backend();
    if !line.may_stay_unverified() {
        return Ok(backend.trust().clone());
    }
    let Some(warning) = line.warning(&Unverified::of(backend).await?) else {
        return Ok(backend.trust().clone());
    };
    tracing::warn!("{warning}");
    backend
        .trust()
        .unverified()
        .map_err(|error| Error::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_host_or_by_host_and_port() {
        let list = Unverified::parse(" mail.lab.example:465 , Relay.example,[::1]:25,10.0.0.7")
            .expect("a good list");
        assert!(list.names("MAIL.lab.example", 465) && !list.names("mail.lab.example", 587));
        assert!(list.names("relay.example", 25) && list.names("relay.example", 993));
        assert!(list.names("::1", 25) && list.names("[::1]", 25) && !list.names("::1", 26));
        assert!(list.names("10.0.0.7", 1));
        assert!(!list.names("other.example", 465) && !list.names("lab.example", 465));
        assert_eq!(
            list.list(),
            [
                "mail.lab.example:465",
                "Relay.example",
                "[::1]:25",
                "10.0.0.7"
            ]
        );
        assert_eq!(
            Unverified::parse("").expect("nothing"),
            Unverified::default()
        );
    }

    #[test]
    fn there_is_no_way_to_name_all_servers() {
        for entry in [
            "*",
            "*.example",
            "0.0.0.0/0",
            "a b",
            ":25",
            "host:0",
            "host:x",
            "[x]:1",
        ] {
            let refused = Unverified::parse(entry).expect_err("no server").to_string();
            assert!(
                refused.contains(entry) && refused.contains(PARAMETER),
                "{refused}"
            );
        }
    }

    #[test]
    fn only_a_line_with_tls_and_without_a_token_goes_unverified() {
        let list = Unverified::parse("mail.lab.example").expect("a good list");
        let line = Line {
            host: " mail.lab.example ",
            port: 465,
            encrypted: true,
            by_token: false,
        };
        let warning = line.warning(&list).expect("a warning");
        assert!(
            warning.to_string().contains("mail.lab.example:465"),
            "{warning}"
        );
        let clear = Line {
            encrypted: false,
            ..line
        };
        let token = Line {
            by_token: true,
            ..line
        };
        assert_eq!(clear.warning(&list), None);
        assert_eq!(token.warning(&list), None);
        assert_eq!(line.warning(&Unverified::default()), None);
    }
}
