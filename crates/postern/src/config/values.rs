//! From texts to values: addresses, counts, truth, log filters, certificates.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use forwarded::Trusted;
use ipnet::IpNet;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tracing::level_filters::LevelFilter;
use url::Url;

use super::Surroundings;
use super::error::ConfigError;
use super::sources::Given;

/// In which form log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// How much is logged, of everything or of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDirective {
    /// The module path that it is for; everything without one.
    pub target: Option<String>,
    /// The finest level that is written.
    pub level: LevelFilter,
}

impl LogDirective {
    /// Warnings and errors only.
    pub fn warnings() -> Vec<LogDirective> {
        vec![LogDirective {
            target: None,
            level: LevelFilter::WARN,
        }]
    }

    /// What is logged when nothing is said.
    pub fn default_list() -> Vec<LogDirective> {
        let directive = |target: Option<&str>, level| LogDirective {
            target: target.map(str::to_owned),
            level,
        };
        vec![
            directive(None, LevelFilter::INFO),
            // Each of its workers announces itself, and says goodbye.
            directive(Some("actix_server"), LevelFilter::WARN),
        ]
    }
}

/// Certificates of authorities, checked to be such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFile {
    /// Where they were read.
    pub path: PathBuf,
    /// Their PEM text.
    pub pem: Vec<u8>,
    /// How many there are.
    pub count: usize,
}

/// An address with a port.
pub fn address(given: Given) -> Result<SocketAddr, ConfigError> {
    given.text.parse().map_err(|_| {
        let problem = format!("{:?} is no IP address with a port", given.text);
        given.refuse(
            problem,
            "ADDRESS:PORT, such as 127.0.0.1:8069, 0.0.0.0:8069 or [::1]:8069",
        )
    })
}

/// The address of a web server.
pub fn web_address(given: Given) -> Result<Url, ConfigError> {
    match Url::parse(&given.text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => {
            let problem = format!("{:?} is no address of a web server", given.text);
            Err(given.refuse(
                problem,
                "http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:4318",
            ))
        }
    }
}

/// A whole number from 1 to `most`.
pub fn count(given: Given, most: u32) -> Result<u32, ConfigError> {
    match given.text.parse::<u32>() {
        Ok(count) if (1..=most).contains(&count) => Ok(count),
        _ => {
            let problem = format!("{:?} is no whole number from 1 to {most}", given.text);
            Err(given.refuse(problem, "a number within these bounds, such as 8"))
        }
    }
}

/// A time in whole seconds, from none to `most`.
pub fn seconds(given: Given, most: u32) -> Result<Duration, ConfigError> {
    match given.text.parse::<u32>() {
        Ok(seconds) if seconds <= most => Ok(Duration::from_secs(seconds.into())),
        _ => {
            let problem = format!("{:?} is no whole number from 0 to {most}", given.text);
            Err(given.refuse(problem, "a number of seconds, such as 10"))
        }
    }
}

/// A TCP port to connect to.
pub fn port(given: Given) -> Result<u16, ConfigError> {
    match given.text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => {
            let problem = format!("{:?} is no TCP port", given.text);
            Err(given.refuse(problem, "a number from 1 to 65535, such as 587"))
        }
    }
}

/// A host name or an IP address, without anything else.
pub fn host(given: Given) -> Result<String, ConfigError> {
    let text = given.text.trim();
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    let is_name = !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_'));
    if is_address || is_name {
        return Ok(text.to_owned());
    }
    let problem = format!("{:?} is neither a host name nor an IP address", given.text);
    Err(given.refuse(
        problem,
        "the name alone, such as smtp.example.com; the port has a setting of its own",
    ))
}

/// An e-mail address, with a name or without.
pub fn email_address(given: Given) -> Result<String, ConfigError> {
    match server_model::email_normalize(&given.text) {
        Some(_) => Ok(given.text),
        None => {
            let problem = format!("{:?} is no e-mail address", given.text);
            Err(given.refuse(problem, "one address, such as notifications@example.com"))
        }
    }
}

/// Whose word is believed: a truth, or addresses and networks with commas between them.
pub fn trusted(given: Given) -> Result<Trusted, ConfigError> {
    match given.text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => return Ok(Trusted::Anybody),
        "false" | "0" | "no" | "off" => return Ok(Trusted::Nobody),
        _ => {}
    }
    let network = |text: &str| {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address.or_else(|_| text.parse::<IpNet>()).ok()
    };
    let networks: Option<Vec<IpNet>> = given
        .text
        .split(',')
        .map(|text| network(text.trim()))
        .collect();
    match networks {
        Some(networks) => Ok(Trusted::At(networks)),
        None => {
            let problem = format!(
                "{:?} is neither a truth nor a list of addresses",
                given.text
            );
            Err(given.refuse(
                problem,
                "the addresses of your proxies, such as 127.0.0.1,10.0.0.0/8; or true, where nobody but a proxy can connect",
            ))
        }
    }
}

/// A folder that is there.
pub fn folder(given: Given) -> Result<PathBuf, ConfigError> {
    let path = PathBuf::from(&given.text);
    if path.is_dir() {
        return Ok(path);
    }
    let problem = format!(
        "there is no folder {:?}, or none that can be entered",
        given.text
    );
    Err(given.refuse(
        problem,
        "the folder of the database in Odoo's data directory, such as /var/lib/odoo/filestore/DATABASE",
    ))
}

/// A truth in one of its usual spellings.
pub fn yes_or_no(given: Given) -> Result<bool, ConfigError> {
    match given.text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => {
            let problem = format!("{:?} is neither true nor false", given.text);
            Err(given.refuse(problem, "true or false"))
        }
    }
}

/// A list of levels and of targets with a level.
///
/// Stricter than the filters of `tracing`, which take a misspelt level for the name of a target
/// and then log nothing.
pub fn log(given: Given) -> Result<Vec<LogDirective>, ConfigError> {
    let directives: Option<Vec<LogDirective>> = given
        .text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            None => Some(LogDirective {
                target: None,
                level: level(part)?,
            }),
            Some((target, word)) if is_target(target.trim()) => Some(LogDirective {
                target: Some(target.trim().to_owned()),
                level: level(word.trim())?,
            }),
            Some(_) => None,
        })
        .collect();
    match directives {
        Some(directives) if !directives.is_empty() => Ok(directives),
        _ => {
            let problem = format!("{:?} is no log filter", given.text);
            Err(given.refuse(
                problem,
                "off, error, warn, info, debug or trace, or pairs such as info,server_model=debug",
            ))
        }
    }
}

fn level(word: &str) -> Option<LevelFilter> {
    // `LevelFilter` itself would also take numbers and an empty text.
    match word.to_ascii_lowercase().as_str() {
        "off" => Some(LevelFilter::OFF),
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

fn is_target(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':' | '-'))
}

/// "text" or "json".
pub fn log_format(given: Given) -> Result<LogFormat, ConfigError> {
    match given.text.as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => {
            let problem = format!("{:?} is no format of the log", given.text);
            Err(given.refuse(problem, "text or json"))
        }
    }
}

/// The certificates in the file that the setting names.
///
/// They are looked at here, so that a wrong file is refused by the setting's name and not by the
/// first connection that needs it.
pub fn certificates(
    given: Given,
    around: &Surroundings<'_>,
) -> Result<CertificateFile, ConfigError> {
    const RIGHT: &str =
        "a PEM file with the certificate of the authority (-----BEGIN CERTIFICATE-----)";
    let pem = file(&given, around, RIGHT)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let fault = match certificate {
            Ok(certificate) => roots.add(certificate).err().map(|fault| fault.to_string()),
            Err(fault) => Some(fault.to_string()),
        };
        if let Some(fault) = fault {
            let problem = format!("{} holds no usable certificates: {fault}", given.text);
            return Err(given.refuse(problem, RIGHT));
        }
    }
    if roots.is_empty() {
        let problem = format!("{} holds no certificate", given.text);
        return Err(given.refuse(problem, RIGHT));
    }
    Ok(CertificateFile {
        path: PathBuf::from(&given.text),
        pem,
        count: roots.len(),
    })
}

/// The bytes of the file that the setting names.
pub fn file(
    given: &Given,
    around: &Surroundings<'_>,
    right: &'static str,
) -> Result<Vec<u8>, ConfigError> {
    let path = Path::new(&given.text);
    (around.read)(path).map_err(|source| ConfigError::Unreadable {
        setting: given.setting,
        origin: given.origin.clone(),
        path: path.to_owned(),
        right,
        source,
    })
}
