//! The outgoing server of the configuration.

use secrecy::ExposeSecret;

use super::super::Protection;
use super::{AUTHORITY, World, assert_says};

#[test]
fn the_outgoing_server_of_the_configuration_is_named_as_in_odoos_file() {
    let settings = "smtp_server = 'smtp.example.com'\nsmtp_port = 587\nsmtp_ssl = true\n\
        smtp_user = 'postern'\nsmtp_password_file = 'secret'\n\
        email_from = '\"Robot\" <robot@example.com>'\nfrom_filter = 'example.com'\n";
    let by_file = World::default()
        .config(settings)
        .file("secret", "hunter2\n");
    let by_variables = World::default()
        .variable("POSTERN_SMTP_SERVER", "smtp.example.com")
        .variable("POSTERN_SMTP_PORT", "587")
        .variable("POSTERN_SMTP_SSL", "yes")
        .variable("POSTERN_SMTP_USER", "postern")
        .variable("POSTERN_SMTP_PASSWORD", "hunter2")
        .variable("POSTERN_EMAIL_FROM", "\"Robot\" <robot@example.com>")
        .variable("POSTERN_FROM_FILTER", "example.com");
    let by_flags = World::default()
        .variable("POSTERN_SMTP_PASSWORD_FILE", "secret")
        .file("secret", "hunter2")
        .arguments(&[
            "--smtp",
            "smtp.example.com",
            "--smtp-port",
            "587",
            "--smtp-ssl",
            "--smtp-user",
            "postern",
            "--email-from",
            "\"Robot\" <robot@example.com>",
            "--from-filter",
            "example.com",
        ]);
    for world in [by_file, by_variables, by_flags] {
        let own = world.load().expect("good values").own_server;
        assert_eq!(own.server.as_deref(), Some("smtp.example.com"));
        assert_eq!((own.port, own.protection), (587, Protection::StartTls));
        assert_eq!(own.user.as_deref(), Some("postern"));
        let password = own.password.as_ref().map(ExposeSecret::expose_secret);
        assert_eq!(password, Some("hunter2"));
        assert_eq!(
            own.email_from.as_deref(),
            Some("\"Robot\" <robot@example.com>")
        );
        assert_eq!(own.from_filter.as_deref(), Some("example.com"));
        assert!(!format!("{own:?}").contains("hunter2"));
    }
    let nothing = World::default().load().expect("defaults").own_server;
    assert!(nothing.server.is_none() && nothing.identity.is_none());
    assert_eq!((nothing.port, nothing.protection), (25, Protection::None));
    let other_port = World::default().arguments(&["--smtp-ssl", "--smtp-port", "465"]);
    let other_port = other_port.load().expect("good values").own_server;
    assert_eq!(other_port.protection, Protection::Tls);
}

#[test]
fn what_cannot_be_an_outgoing_server_is_refused_by_its_name() {
    let refused = |arguments: &[&'static str]| World::default().arguments(arguments).refusal();
    assert_says(
        &refused(&["--smtp-server", "smtp.example.com:587"]),
        &[
            "--smtp-server",
            "smtp.example.com:587",
            "the port has a setting of its own",
        ],
    );
    assert_says(
        &refused(&["--smtp-port", "0"]),
        &["--smtp-port", "\"0\"", "587"],
    );
    assert_says(
        &refused(&["--email-from", "nonsense"]),
        &["--email-from", "nonsense", "notifications@example.com"],
    );
    assert_says(
        &World::default()
            .config("smtp_password = 'hunter2'")
            .refusal(),
        &["smtp_password", "see smtp_password_file"],
    );
}

#[test]
fn a_client_certificate_takes_a_key_and_a_protected_line() {
    let authority = || {
        World::default()
            .file("cert.pem", AUTHORITY)
            .file("key.pem", "no key")
    };
    let refused = |arguments: &[&'static str]| authority().arguments(arguments).refusal();
    let certificate = ["--smtp-ssl-certificate-filename", "cert.pem"];
    let key = ["--smtp-ssl-private-key-filename", "key.pem"];
    assert_says(&refused(&certificate), &[certificate[0], key[0]]);
    assert_says(&refused(&key), &[key[0], certificate[0]]);
    let both = [certificate[0], certificate[1], key[0], key[1]];
    assert_says(&refused(&both), &[certificate[0], "over TLS", "--smtp-ssl"]);
    let over_tls = [both[0], both[1], both[2], both[3], "--smtp-ssl"];
    let refusal = refused(&over_tls);
    assert_says(&refusal, &[key[0], "key.pem holds no usable private key"]);
    assert!(!refusal.contains("no key\n"), "{refusal}");
}
