//! What opens, and what does not.

use super::*;

use secrecy::ExposeSecret;

/// A file of keys.
fn joined(lines: &[SecretString]) -> String {
    let lines: Vec<&str> = lines.iter().map(ExposeSecret::expose_secret).collect();
    lines.join("\n")
}

fn keyring(ids: &[&str]) -> Keyring {
    let lines: Vec<SecretString> = ids
        .iter()
        .map(|id| new_key(id).expect("an id of letters"))
        .collect();
    Keyring::read(&joined(&lines)).expect("keys as they are printed")
}

const PLACE: Place<'static> = Place {
    table: "ir_mail_server",
    column: "smtp_pass",
    record: 7,
};

fn opened(keyring: &Keyring, place: &Place<'_>, sealed: &str) -> Result<String, OpenError> {
    keyring
        .open(place, sealed)
        .map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn what_was_sealed_opens_at_its_place_and_nowhere_else() {
    let keys = keyring(&["2026"]);
    for secret in ["", "hunter2", "päss wörd\n", &"x".repeat(100_000)] {
        let sealed = keys.seal(&PLACE, secret).expect("sealed");
        assert_eq!(key_of(&sealed), Some("2026"));
        assert_eq!(opened(&keys, &PLACE, &sealed).as_deref(), Ok(secret));
        for elsewhere in [
            Place { record: 8, ..PLACE },
            Place {
                column: "smtp_user",
                ..PLACE
            },
            Place {
                table: "fetchmail_server",
                ..PLACE
            },
        ] {
            assert_eq!(opened(&keys, &elsewhere, &sealed), Err(OpenError::Forged));
        }
    }
}

#[test]
fn the_same_secret_never_looks_the_same() {
    let keys = keyring(&["2026"]);
    assert_ne!(keys.seal(&PLACE, "hunter2"), keys.seal(&PLACE, "hunter2"));
}

#[test]
fn a_changed_value_does_not_open() {
    let keys = keyring(&["2026"]);
    let sealed = keys.seal(&PLACE, "hunter2").expect("sealed");
    let content = sealed.rsplit(':').next().expect("a content");
    let mut bytes = STANDARD.decode(content).expect("base64");
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        let changed = format!("postern:v1:2026:{}", STANDARD.encode(&bytes));
        assert_eq!(opened(&keys, &PLACE, &changed), Err(OpenError::Forged));
        bytes[at] ^= 1;
    }
    for broken in [
        "postern:v1:2026:",
        "postern:v1:2026:AAAA",
        "postern:v1:2026:?",
    ] {
        assert_eq!(opened(&keys, &PLACE, broken), Err(OpenError::Forged));
    }
}

#[test]
fn older_keys_open_and_the_first_one_seals() {
    let lines = [
        new_key("old").expect("a key"),
        new_key("new").expect("a key"),
    ];
    let old = Keyring::read(lines[0].expose_secret()).expect("a key");
    let sealed = old.seal(&PLACE, "hunter2").expect("sealed");
    let both = [lines[1].clone(), lines[0].clone()];
    let both = Keyring::read(&joined(&both)).expect("two keys");
    assert_eq!(opened(&both, &PLACE, &sealed).as_deref(), Ok("hunter2"));
    let anew = both.seal(&PLACE, "hunter2").expect("sealed");
    assert_eq!(key_of(&anew), Some("new"));
    assert_eq!(
        opened(&old, &PLACE, &anew),
        Err(OpenError::UnknownKey("new".into()))
    );
}

#[test]
fn what_is_not_sealed_is_known_by_its_look() {
    for plain in [
        "",
        "hunter2",
        "postern:v1:",
        "postern:v1:a b:AAAA",
        "v1:x:y",
    ] {
        assert_eq!(key_of(plain), None, "{plain}");
    }
}

#[test]
fn a_line_that_is_no_key_is_named_without_being_told() {
    let good = new_key("a").expect("a key");
    let good = good.expose_secret();
    let cases = [
        (String::new(), KeyringError::Empty),
        ("# nothing\n\n".into(), KeyringError::Empty),
        (format!("{good}\nnot a key"), KeyringError::Line(2)),
        ("a:c2hvcnQ=".into(), KeyringError::Line(1)),
        (format!("b c{}", &good[1..]), KeyringError::Line(1)),
        (format!("{good}\n{good}"), KeyringError::Twice(2)),
    ];
    for (text, expected) in cases {
        let error = Keyring::read(&text).expect_err("no keys");
        assert_eq!(error, expected);
        assert!(!error.to_string().contains("c2hvcnQ="));
    }
    assert_eq!(
        format!("{:?}", keyring(&["one", "two"])),
        r#"["one", "two"]"#
    );
}
