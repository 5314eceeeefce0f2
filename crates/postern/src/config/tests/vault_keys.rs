//! The keys of the vault.

use super::{World, assert_says};

/// A key of zeros, which is as good as any for being read.
const KEY: &str = "one:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const OTHER: &str = "two:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn sealing_key(world: &World) -> Option<String> {
    let keys = world.load().expect("good settings").vault_keys?;
    Some(keys.sealing_key().to_owned())
}

#[test]
fn keys_come_from_a_variable_a_file_or_a_command() {
    assert_eq!(sealing_key(&World::default()), None);
    let both = format!("# the new one\n{OTHER}\n{KEY}\n");
    for world in [
        World::default().variable("POSTERN_VAULT_KEY", &both),
        World::default()
            .arguments(&["--vault-key-file", "keys"])
            .file("keys", &both),
        World::default()
            .config("vault_key_file = 'keys'")
            .file("keys", &both),
        World::default()
            .arguments(&["--vault-key-command", "secret-tool lookup postern vault"])
            .command("secret-tool lookup postern vault", &both),
    ] {
        assert_eq!(sealing_key(&world).as_deref(), Some("two"));
    }
}

#[test]
fn keys_that_cannot_be_used_are_refused_without_being_told() {
    let bad = "one:AAAAAAAAAAAAAAAA";
    for (world, parts) in [
        (
            World::default().variable("POSTERN_VAULT_KEY", bad),
            vec!["POSTERN_VAULT_KEY", "line 1 is no key", "postern vault key"],
        ),
        (
            World::default()
                .variable("POSTERN_VAULT_KEY_FILE", "keys")
                .file("keys", "\n"),
            vec!["--vault-key-file", "it holds no key"],
        ),
        (
            World::default().variable("POSTERN_VAULT_KEY_FILE", "keys"),
            vec!["--vault-key-file", "keys cannot be read"],
        ),
        (
            World::default().arguments(&["--vault-key-command", "false"]),
            vec!["--vault-key-command", "status 1"],
        ),
        (
            World::default()
                .variable("POSTERN_VAULT_KEY", KEY)
                .arguments(&["--vault-key-command", "true"]),
            vec!["POSTERN_VAULT_KEY", "--vault-key-command", "Keep one"],
        ),
        (
            World::default().config(&format!("vault_key = '{KEY}'")),
            vec!["vault_key", "see vault_key_file"],
        ),
    ] {
        let text = world.load().expect_err("bad settings").to_string();
        assert_says(&text, &parts);
        assert!(!text.contains("AAAA"), "{text}");
    }
}
