//! Finding a setting's text: flag, then environment, then file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::database_url::DatabaseUrl;
use super::error::{ConfigError, Origin};
use super::{Surroundings, values};

/// The names that one setting has in each place.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// On the command line.
    pub flag: Option<&'static str>,
    /// In the environment; the first one that is set counts.
    pub variables: &'static [&'static str],
    /// In the file.
    pub key: Option<&'static str>,
}

impl Setting {
    /// The name that errors call it by.
    pub fn name(&self) -> &'static str {
        self.flag
            .or_else(|| self.variables.first().copied())
            .unwrap_or("a setting")
    }
}

/// Every setting there is.
pub mod setting {
    use super::Setting;

    const fn plain(
        flag: &'static str,
        variables: &'static [&'static str],
        key: &'static str,
    ) -> Setting {
        Setting {
            flag: Some(flag),
            variables,
            key: Some(key),
        }
    }

    pub const CONFIG: Setting = Setting {
        flag: Some("--config"),
        variables: &["POSTERN_CONFIG"],
        key: None,
    };
    pub const DATABASE_URL: Setting = plain(
        "--database-url",
        &["POSTERN_DATABASE_URL", "DATABASE_URL"],
        "database_url",
    );
    pub const DATABASE_URL_FILE: Setting = Setting {
        flag: None,
        variables: &["POSTERN_DATABASE_URL_FILE"],
        key: None,
    };
    pub const DATABASE_PASSWORD_FILE: Setting = Setting {
        flag: None,
        variables: &["POSTERN_DATABASE_PASSWORD_FILE"],
        key: Some("database_password_file"),
    };
    pub const DB_CONNECTIONS: Setting = plain(
        "--db-connections",
        &["POSTERN_DB_CONNECTIONS"],
        "db_connections",
    );
    pub const DB_POOLER: Setting = plain("--db-pooler", &["POSTERN_DB_POOLER"], "db_pooler");
    pub const LISTEN: Setting = plain("--listen", &["POSTERN_LISTEN"], "listen");
    pub const METRICS_LISTEN: Setting = plain(
        "--metrics-listen",
        &["POSTERN_METRICS_LISTEN"],
        "metrics_listen",
    );
    pub const OTLP_ENDPOINT: Setting = plain(
        "--otlp-endpoint",
        &["POSTERN_OTLP_ENDPOINT"],
        "otlp_endpoint",
    );
    pub const WORKERS: Setting = plain("--workers", &["POSTERN_WORKERS"], "workers");
    pub const DRAIN: Setting = plain("--drain", &["POSTERN_DRAIN"], "drain");
    pub const TRUST_FORWARDED: Setting = plain(
        "--trust-forwarded",
        &["POSTERN_TRUST_FORWARDED"],
        "trust_forwarded",
    );
    pub const PRIVATE_NETWORKS: Setting = plain(
        "--private-networks",
        &["POSTERN_PRIVATE_NETWORKS"],
        "private_networks",
    );
    pub const TLS_CA: Setting = plain("--tls-ca", &["POSTERN_TLS_CA"], "tls_ca");
    pub const NO_JOBS: Setting = plain("--no-jobs", &["POSTERN_NO_JOBS"], "no_jobs");
    pub const ODOO_FILESTORE: Setting = plain(
        "--odoo-filestore",
        &["POSTERN_ODOO_FILESTORE"],
        "odoo_filestore",
    );
    pub const SEAL_ODOO_SECRETS: Setting = plain(
        "--seal-odoo-secrets",
        &["POSTERN_SEAL_ODOO_SECRETS"],
        "seal_odoo_secrets",
    );
    pub const LOG: Setting = plain("--log", &["POSTERN_LOG"], "log");
    pub const LOG_FORMAT: Setting = plain("--log-format", &["POSTERN_LOG_FORMAT"], "log_format");
    pub const SMTP_SERVER: Setting =
        plain("--smtp-server", &["POSTERN_SMTP_SERVER"], "smtp_server");
    pub const SMTP_PORT: Setting = plain("--smtp-port", &["POSTERN_SMTP_PORT"], "smtp_port");
    pub const SMTP_SSL: Setting = plain("--smtp-ssl", &["POSTERN_SMTP_SSL"], "smtp_ssl");
    pub const SMTP_USER: Setting = plain("--smtp-user", &["POSTERN_SMTP_USER"], "smtp_user");
    pub const SMTP_PASSWORD: Setting = Setting {
        flag: None,
        variables: &["POSTERN_SMTP_PASSWORD"],
        key: None,
    };
    pub const SMTP_PASSWORD_FILE: Setting = Setting {
        flag: None,
        variables: &["POSTERN_SMTP_PASSWORD_FILE"],
        key: Some("smtp_password_file"),
    };
    pub const SMTP_CERTIFICATE: Setting = plain(
        "--smtp-ssl-certificate-filename",
        &["POSTERN_SMTP_SSL_CERTIFICATE_FILENAME"],
        "smtp_ssl_certificate_filename",
    );
    pub const SMTP_PRIVATE_KEY: Setting = plain(
        "--smtp-ssl-private-key-filename",
        &["POSTERN_SMTP_SSL_PRIVATE_KEY_FILENAME"],
        "smtp_ssl_private_key_filename",
    );
    pub const EMAIL_FROM: Setting = plain("--email-from", &["POSTERN_EMAIL_FROM"], "email_from");
    pub const FROM_FILTER: Setting =
        plain("--from-filter", &["POSTERN_FROM_FILTER"], "from_filter");
    pub const ADMIN_PASSWORD: Setting = Setting {
        flag: None,
        variables: &["POSTERN_ADMIN_PASSWORD"],
        key: None,
    };
    pub const ADMIN_PASSWORD_FILE: Setting = Setting {
        flag: None,
        variables: &["POSTERN_ADMIN_PASSWORD_FILE"],
        key: Some("admin_password_file"),
    };

    pub const VAULT_KEY: Setting = Setting {
        flag: None,
        variables: &["POSTERN_VAULT_KEY"],
        key: None,
    };
    pub const VAULT_KEY_FILE: Setting = plain(
        "--vault-key-file",
        &["POSTERN_VAULT_KEY_FILE"],
        "vault_key_file",
    );
    pub const VAULT_KEY_COMMAND: Setting = plain(
        "--vault-key-command",
        &["POSTERN_VAULT_KEY_COMMAND"],
        "vault_key_command",
    );

    /// The settings that the file may hold.
    pub const IN_FILE: [Setting; 29] = [
        ADMIN_PASSWORD_FILE,
        DATABASE_PASSWORD_FILE,
        DATABASE_URL,
        DB_CONNECTIONS,
        DB_POOLER,
        EMAIL_FROM,
        FROM_FILTER,
        LISTEN,
        LOG,
        LOG_FORMAT,
        NO_JOBS,
        ODOO_FILESTORE,
        SEAL_ODOO_SECRETS,
        SMTP_PASSWORD_FILE,
        SMTP_PORT,
        SMTP_SERVER,
        SMTP_SSL,
        SMTP_CERTIFICATE,
        SMTP_PRIVATE_KEY,
        SMTP_USER,
        TLS_CA,
        TRUST_FORWARDED,
        VAULT_KEY_COMMAND,
        VAULT_KEY_FILE,
        METRICS_LISTEN,
        OTLP_ENDPOINT,
        PRIVATE_NETWORKS,
        WORKERS,
        DRAIN,
    ];
}

/// A text that was found, and where.
#[derive(Debug)]
pub struct Given {
    /// The setting's name in errors.
    pub setting: &'static str,
    /// Where it was found.
    pub origin: Origin,
    /// The text.
    pub text: String,
}

impl Given {
    /// Refuses the value; `problem` must not quote what may be a secret.
    pub fn refuse(self, problem: String, right: &'static str) -> ConfigError {
        ConfigError::Value {
            setting: self.setting,
            origin: self.origin,
            problem,
            right,
        }
    }
}

/// The places where values are looked up.
pub struct Sources<'a> {
    around: &'a Surroundings<'a>,
    file: Option<File>,
}

struct File {
    path: PathBuf,
    values: BTreeMap<&'static str, String>,
}

impl<'a> Sources<'a> {
    /// Reads the configuration file, if one is named by flag or variable.
    ///
    /// # Errors
    /// If it cannot be read, is no TOML, or holds what is no setting.
    pub fn open(
        flag: Option<&str>,
        around: &'a Surroundings<'a>,
    ) -> Result<Sources<'a>, ConfigError> {
        let mut sources = Sources { around, file: None };
        if let Some(given) = sources.find(&setting::CONFIG, flag.map(str::to_owned))? {
            sources.file = Some(read_file(given, around)?);
        }
        Ok(sources)
    }

    /// The text of a setting from the place that counts most.
    ///
    /// # Errors
    /// For a variable that is not UTF-8.
    pub fn find(
        &self,
        setting: &Setting,
        flag: Option<String>,
    ) -> Result<Option<Given>, ConfigError> {
        let name = setting.name();
        if let Some(text) = flag {
            return Ok(Some(Given {
                setting: name,
                origin: Origin::Flag,
                text,
            }));
        }
        for variable in setting.variables {
            if let Some(text) = self.variable(name, variable)? {
                return Ok(Some(Given {
                    setting: name,
                    origin: Origin::Variable(variable),
                    text,
                }));
            }
        }
        Ok(self.in_file(setting))
    }

    fn in_file(&self, setting: &Setting) -> Option<Given> {
        let file = self.file.as_ref()?;
        let key = setting.key?;
        let text = file.values.get(key)?.clone();
        Some(Given {
            setting: setting.name(),
            origin: Origin::File {
                path: file.path.clone(),
                key,
            },
            text,
        })
    }

    fn variable(
        &self,
        setting: &'static str,
        name: &'static str,
    ) -> Result<Option<String>, ConfigError> {
        match (self.around.variable)(name).map(|value| value.into_string()) {
            // Compose files and unit files set variables that were left out to an empty text.
            None => Ok(None),
            Some(Ok(text)) if text.is_empty() => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(ConfigError::Value {
                setting,
                origin: Origin::Variable(name),
                problem: "the value is not UTF-8".into(),
                right: "it in UTF-8",
            }),
        }
    }

    /// A secret that a variable holds, or a file that another setting names.
    ///
    /// # Errors
    /// If both are given, or the file cannot be read or is empty.
    pub fn secret(
        &self,
        direct: &Setting,
        by_file: &Setting,
    ) -> Result<Option<SecretString>, ConfigError> {
        match (self.find(direct, None)?, self.find(by_file, None)?) {
            (Some(direct), Some(by_file)) => Err(twice(&direct, &by_file)),
            (Some(direct), None) => Ok(Some(direct.text.into())),
            (None, Some(by_file)) => self.secret_file(by_file).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn secret_file(&self, given: Given) -> Result<SecretString, ConfigError> {
        const RIGHT: &str = "a readable file of one line that holds nothing but the secret";
        let bytes = values::file(&given, self.around, RIGHT)?;
        let Ok(text) = String::from_utf8(bytes) else {
            let problem = format!("the content of {} is not UTF-8", given.text);
            return Err(given.refuse(problem, RIGHT));
        };
        // Editors and `echo` end the line; the secret does not contain that.
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() || text.contains(['\r', '\n']) {
            let problem = format!("{} is empty or has several lines", given.text);
            return Err(given.refuse(problem, RIGHT));
        }
        Ok(text.into())
    }

    /// The address of the database, with the password of a file put in where there is one.
    ///
    /// # Errors
    /// If the address cannot be used, or is given in two ways in the environment.
    pub fn database(&self, flag: Option<&str>) -> Result<DatabaseUrl, ConfigError> {
        let url = match self.find(&setting::DATABASE_URL, flag.map(str::to_owned))? {
            Some(given) if given.origin == Origin::Flag => DatabaseUrl::parse(given)?,
            direct => match (direct, self.find(&setting::DATABASE_URL_FILE, None)?) {
                // Whoever set this pair for Postern meant one of them. The general variable and
                // the configuration file are outranked by the file that is named for Postern.
                (Some(direct), Some(by_file))
                    if direct.origin == Origin::Variable("POSTERN_DATABASE_URL") =>
                {
                    return Err(twice(&direct, &by_file));
                }
                (_, Some(by_file)) => {
                    let (setting, origin) = (by_file.setting, by_file.origin.clone());
                    let text = self.secret_file(by_file)?.expose_secret().to_owned();
                    DatabaseUrl::parse(Given {
                        setting,
                        origin,
                        text,
                    })?
                }
                (Some(direct), None) => DatabaseUrl::parse(direct)?,
                (None, None) => DatabaseUrl::default(),
            },
        };
        match self.find(&setting::DATABASE_PASSWORD_FILE, None)? {
            None => Ok(url),
            Some(given) => {
                let (setting, origin) = (given.setting, given.origin.clone());
                let password = self.secret_file(given)?;
                url.with_password(&password)
                    .map_err(|problem| ConfigError::Value {
                        setting,
                        origin,
                        problem: problem.into(),
                        right: "it together with an address like postgres://USER@HOST/DATABASE",
                    })
            }
        }
    }
}

/// The refusal of two ways to give one setting.
pub fn twice(first: &Given, second: &Given) -> ConfigError {
    ConfigError::Twice {
        first: format!("{} (from {})", first.setting, first.origin),
        second: format!("{} (from {})", second.setting, second.origin),
    }
}

fn read_file(given: Given, around: &Surroundings<'_>) -> Result<File, ConfigError> {
    const RIGHT: &str = "the name of a readable TOML file";
    let path = Path::new(&given.text).to_owned();
    let bytes = values::file(&given, around, RIGHT)?;
    let Ok(text) = String::from_utf8(bytes) else {
        let problem = format!("{} is not UTF-8", given.text);
        return Err(given.refuse(problem, RIGHT));
    };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().map_or(0, |span| span.start).min(text.len());
        ConfigError::Toml {
            path: path.clone(),
            line: text.as_bytes()[..before]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
                + 1,
            problem: error.message().to_owned(),
        }
    })?;
    let mut values = BTreeMap::new();
    for (key, value) in table {
        let known = setting::IN_FILE
            .iter()
            .find_map(|setting| setting.key.filter(|known| **known == key));
        let Some(known) = known else {
            return Err(unknown_key(path, key));
        };
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(truth) => truth.to_string(),
            other => {
                return Err(ConfigError::Value {
                    setting: "--config",
                    origin: Origin::File { path, key: known },
                    problem: format!("the value is of the kind {}", other.type_str()),
                    right: "a text in quotes, a whole number, or true or false",
                });
            }
        };
        values.insert(known, text);
    }
    Ok(File { path, values })
}

fn unknown_key(path: PathBuf, key: String) -> ConfigError {
    let keys = || setting::IN_FILE.iter().filter_map(|setting| setting.key);
    let plain = key.to_lowercase().replace('-', "_");
    let hint = if matches!(
        plain.as_str(),
        "admin_password" | "smtp_password" | "vault_key"
    ) {
        format!(" (a secret itself does not belong in this file: see {plain}_file)")
    } else {
        keys()
            .find(|known| *known == plain || known.replace('_', "") == plain.replace('_', ""))
            .map(|known| format!(" (it is spelled `{known}`)"))
            .unwrap_or_default()
    };
    ConfigError::UnknownKey {
        path,
        hint,
        known: keys().collect::<Vec<_>>().join(", "),
        key,
    }
}
