//! Which value counts, and how the ones that cannot be used are refused.

mod own_server;
mod vault_keys;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use clap::Parser;
use forwarded::Trusted;
use secrecy::ExposeSecret;
use tracing::level_filters::LevelFilter;

use super::{Arguments, Config, ConfigError, LogDirective, LogFormat, Place, Surroundings};

const AUTHORITY: &[u8] = include_bytes!("../../tests/fixtures/authority.pem");

/// A world of a test's own: a command line, an environment, and files.
#[derive(Default)]
struct World {
    arguments: Vec<&'static str>,
    variables: BTreeMap<&'static str, OsString>,
    files: BTreeMap<&'static str, Vec<u8>>,
    commands: BTreeMap<&'static str, Vec<u8>>,
}

impl World {
    fn arguments(mut self, arguments: &[&'static str]) -> World {
        self.arguments = arguments.to_vec();
        self
    }

    fn variable(mut self, name: &'static str, value: &str) -> World {
        self.variables.insert(name, value.into());
        self
    }

    fn file(mut self, path: &'static str, content: impl AsRef<[u8]>) -> World {
        self.files.insert(path, content.as_ref().to_vec());
        self
    }

    fn command(mut self, command: &'static str, printed: &str) -> World {
        self.commands.insert(command, printed.into());
        self
    }

    /// A file that `--config` names, too.
    fn config(self, content: &str) -> World {
        self.file("postern.toml", content)
            .variable("POSTERN_CONFIG", "postern.toml")
    }

    fn load(&self) -> Result<Config, ConfigError> {
        let command_line = std::iter::once("postern").chain(self.arguments.iter().copied());
        let arguments = Arguments::try_parse_from(command_line).expect("known flags");
        Config::load(
            &arguments,
            &Surroundings {
                variable: &|name| self.variables.get(name).cloned(),
                read: &|path| {
                    path.to_str()
                        .and_then(|path| self.files.get(path).cloned())
                        .ok_or_else(|| io::ErrorKind::NotFound.into())
                },
                run: &|command| {
                    let printed = self.commands.get(command).cloned();
                    printed.ok_or_else(|| io::Error::other("it ended with status 1"))
                },
            },
        )
    }

    fn refusal(&self) -> String {
        self.load()
            .expect_err("a value that cannot be used")
            .to_string()
    }
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

#[test]
fn without_any_settings_it_serves_an_sqlite_file_on_the_loopback() {
    let config = World::default().load().expect("defaults");
    assert_eq!(config.database.expose(), "sqlite://postern.sqlite");
    assert_eq!(
        *config.database.place(),
        Place::File("postern.sqlite".into())
    );
    assert_eq!(config.listen.to_string(), "127.0.0.1:8069");
    assert_eq!(config.db_connections, 10);
    assert!(config.workers >= 1);
    assert_eq!(config.drain, Duration::ZERO);
    assert!(config.jobs && config.private_networks);
    assert_eq!(config.trust_forwarded, Trusted::Nobody);
    assert!(config.tls_ca.is_none() && config.admin_password.is_none());
    assert_eq!(config.log, LogDirective::default_list());
    assert_eq!(config.log_format, LogFormat::Text);
}

#[test]
fn the_flag_counts_more_than_the_variable_and_the_variable_more_than_the_file() {
    let world = || World::default().config("listen = '127.0.0.1:3'\n");
    let listen = |world: World| world.load().expect("good values").listen.port();
    assert_eq!(listen(world()), 3);
    let world = || world().variable("POSTERN_LISTEN", "127.0.0.1:2");
    assert_eq!(listen(world()), 2);
    assert_eq!(listen(world().arguments(&["--listen", "127.0.0.1:1"])), 1);
}

#[test]
fn every_setting_can_come_from_each_of_the_three_places() {
    let by_file = World::default()
        .config(
            "database_url = 'postgres://db/mail'\ndb_connections = 7\ndb_pooler = true\nlisten = '0.0.0.0:80'\n\
             metrics_listen = '127.0.0.1:9'\notlp_endpoint = 'http://[::1]:4318'\nworkers = 3\ndrain = 10\nprivate_networks = false\ntrust_forwarded = true\ntls_ca = 'ca.pem'\nno_jobs = true\n\
             log = 'warn,rpc=debug'\nlog_format = 'json'\nadmin_password_file = 'password'\n",
        )
        .file("password", "a secret\n");
    let by_variables = World::default()
        .variable("POSTERN_DATABASE_URL", "postgres://db/mail")
        .variable("POSTERN_DB_CONNECTIONS", "7")
        .variable("POSTERN_DB_POOLER", "1")
        .variable("POSTERN_LISTEN", "0.0.0.0:80")
        .variable("POSTERN_METRICS_LISTEN", "127.0.0.1:9")
        .variable("POSTERN_OTLP_ENDPOINT", "http://[::1]:4318")
        .variable("POSTERN_WORKERS", "3")
        .variable("POSTERN_DRAIN", "10")
        .variable("POSTERN_PRIVATE_NETWORKS", "no")
        .variable("POSTERN_TRUST_FORWARDED", "1")
        .variable("POSTERN_TLS_CA", "ca.pem")
        .variable("POSTERN_NO_JOBS", "yes")
        .variable("POSTERN_LOG", "warn,rpc=debug")
        .variable("POSTERN_LOG_FORMAT", "json")
        .variable("POSTERN_ADMIN_PASSWORD", "a secret");
    let by_flags = World::default()
        .arguments(&[
            "--database-url=postgres://db/mail",
            "--db-connections=7",
            "--db-pooler",
            "--listen=0.0.0.0:80",
            "--metrics-listen=127.0.0.1:9",
            "--otlp-endpoint=http://[::1]:4318",
            "--workers=3",
            "--drain=10",
            "--private-networks=false",
            "--trust-forwarded",
            "--tls-ca=ca.pem",
            "--no-jobs",
            "--log=warn,rpc=debug",
            "--log-format=json",
        ])
        .variable("POSTERN_ADMIN_PASSWORD", "a secret");
    for world in [by_file, by_variables, by_flags] {
        let config = world.file("ca.pem", AUTHORITY).load().expect("good values");
        assert_eq!(config.database.expose(), "postgres://db/mail");
        assert_eq!(config.db_connections, 7);
        assert!(config.db_pooler);
        assert_eq!(config.listen.to_string(), "0.0.0.0:80");
        assert_eq!(config.metrics_listen, "127.0.0.1:9".parse().ok());
        let collector = config.otlp_endpoint.expect("the collector");
        assert_eq!(collector.as_str(), "http://[::1]:4318/");
        assert_eq!(config.workers, 3);
        assert_eq!(config.drain, Duration::from_secs(10));
        assert_eq!(config.trust_forwarded, Trusted::Anybody);
        assert!(!config.private_networks);
        let authority = config.tls_ca.expect("the authority");
        assert_eq!((authority.count, authority.pem.as_slice()), (1, AUTHORITY));
        assert!(!config.jobs);
        let directives = [(None, LevelFilter::WARN), (Some("rpc"), LevelFilter::DEBUG)];
        let directives = directives.map(|(target, level)| LogDirective {
            target: target.map(str::to_owned),
            level,
        });
        assert_eq!(config.log, directives);
        assert_eq!(config.log_format, LogFormat::Json);
        let password = config.admin_password.expect("the password");
        assert_eq!(password.expose_secret(), "a secret");
    }
}

#[test]
fn a_flag_can_take_back_what_the_environment_says() {
    let config = World::default()
        .variable("POSTERN_NO_JOBS", "true")
        .arguments(&["--no-jobs=false"])
        .load()
        .expect("good values");
    assert!(config.jobs);
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let config = World::default()
        .config("listen = '127.0.0.1:3'\n")
        .variable("POSTERN_LISTEN", "")
        .variable("POSTERN_ADMIN_PASSWORD", "")
        .load()
        .expect("good values");
    assert_eq!(config.listen.port(), 3);
    assert!(config.admin_password.is_none());
}

#[test]
fn the_address_of_the_database_is_looked_for_by_postern_s_name_first() {
    let world = || World::default().variable("DATABASE_URL", "postgres://general/a");
    let url = |world: World| {
        world
            .load()
            .expect("good values")
            .database
            .expose()
            .to_owned()
    };
    assert_eq!(url(world()), "postgres://general/a");
    let own = || world().variable("POSTERN_DATABASE_URL", "postgres://own/b");
    assert_eq!(url(own()), "postgres://own/b");
    let by_file = || world().variable("POSTERN_DATABASE_URL_FILE", "url");
    assert_eq!(
        url(by_file().file("url", "postgres://u:p@file/c\n")),
        "postgres://u:p@file/c"
    );
    assert_eq!(
        url(own()
            .variable("POSTERN_DATABASE_URL_FILE", "url")
            .arguments(&["--database-url", "sqlite://d.sqlite"])),
        "sqlite://d.sqlite"
    );
}

#[test]
fn the_password_of_the_database_can_come_from_a_file() {
    let world = |url: &'static str| {
        World::default()
            .variable("DATABASE_URL", url)
            .variable("POSTERN_DATABASE_PASSWORD_FILE", "secret")
            .file("secret", "s e\n")
    };
    let config = world("postgres://me@db/mail").load().expect("good values");
    assert_eq!(config.database.expose(), "postgres://me:s%20e@db/mail");
    assert_says(
        &world("sqlite://a.sqlite").refusal(),
        &["POSTERN_DATABASE_PASSWORD_FILE", "SQLite"],
    );
}

#[test]
fn a_secret_given_in_two_ways_is_refused() {
    let refusal = World::default()
        .variable("POSTERN_ADMIN_PASSWORD", "one")
        .variable("POSTERN_ADMIN_PASSWORD_FILE", "password")
        .file("password", "two")
        .refusal();
    assert_says(
        &refusal,
        &[
            "POSTERN_ADMIN_PASSWORD ",
            "POSTERN_ADMIN_PASSWORD_FILE",
            "one of them",
        ],
    );
    let refusal = World::default()
        .variable("POSTERN_DATABASE_URL", "sqlite://a")
        .variable("POSTERN_DATABASE_URL_FILE", "url")
        .file("url", "sqlite://b")
        .refusal();
    assert_says(
        &refusal,
        &["POSTERN_DATABASE_URL)", "POSTERN_DATABASE_URL_FILE"],
    );
}

#[test]
fn a_wrong_value_is_refused_with_its_name_the_value_and_what_would_be_right() {
    let cases: [(&[&'static str], [&str; 3]); 12] = [
        (
            &["--listen", "8069"],
            ["--listen", "\"8069\"", "127.0.0.1:8069"],
        ),
        (
            &["--listen", "localhost:80"],
            ["--listen", "\"localhost:80\"", "ADDRESS:PORT"],
        ),
        (
            &["--listen", "127.0.0.1:70000"],
            ["--listen", "127.0.0.1:70000", "ADDRESS:PORT"],
        ),
        (
            &["--workers", "0"],
            ["--workers", "\"0\"", "from 1 to 1024"],
        ),
        (&["--drain", "1m"], ["--drain", "\"1m\"", "from 0 to 300"]),
        (
            &["--db-connections", "many"],
            ["--db-connections", "\"many\"", "from 1 to 1000"],
        ),
        (
            &["--no-jobs=maybe"],
            ["--no-jobs", "\"maybe\"", "true or false"],
        ),
        (&["--log", "verbose"], ["--log", "\"verbose\"", "debug"]),
        (&["--log", "rpc=loud"], ["--log", "\"rpc=loud\"", "debug"]),
        (
            &["--log-format", "xml"],
            ["--log-format", "\"xml\"", "text or json"],
        ),
        (
            &["--database-url", "mysql://u:pw@h/d"],
            ["--database-url", "\"mysql\"", "postgres://"],
        ),
        (
            &["--tls-ca", "nowhere.pem"],
            ["--tls-ca", "nowhere.pem", "BEGIN CERTIFICATE"],
        ),
    ];
    for (arguments, parts) in cases {
        assert_says(&World::default().arguments(arguments).refusal(), &parts);
    }
}

#[test]
fn a_wrong_value_is_refused_with_the_place_it_came_from() {
    let by_variable = World::default()
        .variable("POSTERN_LISTEN", "here")
        .refusal();
    assert_says(
        &by_variable,
        &["--listen", "the variable POSTERN_LISTEN", "\"here\""],
    );
    let by_file = World::default().config("log_format = 'xml'").refusal();
    assert_says(
        &by_file,
        &["--log-format", "`log_format` in postern.toml", "\"xml\""],
    );
    let by_flag = World::default().arguments(&["--listen=x"]).refusal();
    assert_says(&by_flag, &["the command line"]);
}

#[test]
fn a_refused_address_of_a_database_is_not_repeated() {
    for url in [
        "mysql://me:hidden@db/d",
        "me:hidden@db",
        "hidden",
        "POSTGRES://me:hidden@db/d",
    ] {
        let refusal = World::default().variable("DATABASE_URL", url).refusal();
        assert!(!refusal.contains("hidden"), "{refusal}");
        assert_says(
            &refusal,
            &["--database-url", "DATABASE_URL", "sqlite://FILE"],
        );
    }
}

#[test]
fn a_file_for_the_authority_must_hold_certificates() {
    let refusal = |content: &str| {
        World::default()
            .variable("POSTERN_TLS_CA", "ca.pem")
            .file("ca.pem", content)
            .refusal()
    };
    assert_says(
        &refusal("nothing of the kind"),
        &["--tls-ca", "ca.pem", "holds no certificate"],
    );
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_says(
        &refusal(garbage),
        &["--tls-ca", "ca.pem", "no usable certificates"],
    );
}

#[test]
fn a_key_that_is_no_setting_is_refused_with_what_may_have_been_meant() {
    let refusal = World::default()
        .config("database-url = 'sqlite://a'")
        .refusal();
    assert_says(
        &refusal,
        &[
            "postern.toml",
            "`database-url`",
            "spelled `database_url`",
            "log_format",
        ],
    );
    let refusal = World::default()
        .config("admin_password = 'hidden'")
        .refusal();
    assert_says(&refusal, &["admin_password_file"]);
    assert!(!refusal.contains("hidden"), "{refusal}");
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_the_line_and_without_its_content() {
    let refusal = World::default()
        .config("listen = '127.0.0.1:1'\ndatabase_url = postgres://me:hidden@db/d\n")
        .refusal();
    assert_says(&refusal, &["--config", "postern.toml", "line 2"]);
    assert!(!refusal.contains("hidden"), "{refusal}");
}

#[test]
fn a_value_of_the_wrong_kind_in_the_file_is_refused() {
    let refusal = World::default()
        .config("listen = ['127.0.0.1:1']")
        .refusal();
    assert_says(
        &refusal,
        &["`listen` in postern.toml", "array", "whole number"],
    );
}

#[test]
fn a_configuration_file_that_cannot_be_read_is_refused() {
    let refusal = World::default()
        .arguments(&["--config", "absent.toml"])
        .refusal();
    assert_says(&refusal, &["--config", "absent.toml", "cannot be read"]);
}

#[test]
fn a_variable_that_is_not_utf_8_is_refused() {
    let mut world = World::default();
    world
        .variables
        .insert("POSTERN_LISTEN", OsString::from_vec(vec![0xff]));
    assert_says(&world.refusal(), &["--listen", "POSTERN_LISTEN", "UTF-8"]);
}

#[test]
fn an_empty_secret_file_is_refused_and_a_secret_is_in_no_debug_output() {
    let world = |content: &str| {
        World::default()
            .variable("POSTERN_ADMIN_PASSWORD_FILE", "password")
            .variable("DATABASE_URL", "postgres://me:hidden@db/mail")
            .file("password", content)
    };
    assert_says(
        &world("\n").refusal(),
        &["POSTERN_ADMIN_PASSWORD_FILE", "empty"],
    );
    let config = world("hidden\n").load().expect("good values");
    assert!(!format!("{config:?}").contains("hidden"), "{config:?}");
}

#[test]
fn the_command_line_is_consistent_in_itself() {
    use clap::CommandFactory;
    Arguments::command().debug_assert();
}
