//! Which crate may name which: imports run one way, and each outside thing has one door.

use crate::workspace::Package;

/// The crates of this workspace that each of them may use. `xtask`, `tests` and `bench` stand outside the
/// house and use the product from outside; test-only dependencies may go anywhere.
const IMPORTS: [(&str, &[&str]); 14] = [
    (
        "postern",
        &["web", "rpc", "forwarded", "server-model", "migrations"],
    ),
    ("web", &["forwarded", "server-model", "words"]),
    ("rpc", &["forwarded", "server-model", "words"]),
    (
        "server-model",
        &[
            "auth",
            "mail",
            "destinations",
            "words",
            "server-model-derive",
        ],
    ),
    ("server-model-derive", &[]),
    ("auth", &["destinations", "words"]),
    ("mail", &["destinations", "words"]),
    ("destinations", &[]),
    ("forwarded", &[]),
    ("words", &[]),
    ("migrations", &[]),
    ("tests", &[]),
    ("bench", &[]),
    ("xtask", &["tests"]),
];

/// An outside thing and the crates that may name it.
struct Door {
    /// Packages, by the beginning of their names.
    outside: &'static [&'static str],
    /// Who may; `tests` and `xtask` stand on the other side of every door but are listed where they use it.
    keepers: &'static [&'static str],
    /// Why it has a door.
    reason: &'static str,
}

const DOORS: [Door; 5] = [
    Door {
        outside: &["actix", "jsonrpc"],
        // `postern` starts the server that `rpc` and `web` configure.
        keepers: &["rpc", "web", "forwarded", "postern", "tests", "bench"],
        reason: "HTTP is spoken at the edge only",
    },
    Door {
        outside: &["sea-orm", "sea-query", "sqlx"],
        keepers: &["server-model", "migrations", "tests", "bench"],
        reason: "there is one place that knows SQL",
    },
    Door {
        outside: &["lettre", "async-imap", "mail-parser", "mail-builder"],
        keepers: &["mail"],
        reason: "mail protocols and formats are known in one place",
    },
    Door {
        outside: &["oauth2", "reqwest", "hyper", "ureq"],
        keepers: &["auth", "tests"],
        reason: "outgoing HTTP leaves by one door",
    },
    Door {
        outside: &["clap", "tracing-subscriber"],
        keepers: &["postern", "xtask"],
        reason: "arguments are read and logs are written by the binary only",
    },
];

/// A sentence for each dependency that should not be there.
pub fn breaches(packages: &[Package]) -> Vec<String> {
    let mut breaches = Vec::new();
    for package in packages {
        let name = package.name.as_str();
        let Some((_, imports)) = IMPORTS.iter().find(|(member, _)| *member == name) else {
            breaches.push(format!(
                "{}: `{name}` has no place in the house; give it a line in xtask/src/check/dependencies.rs",
                package.manifest_path.display()
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let is_ours = IMPORTS.iter().any(|(member, _)| *member == dependency.name);
            let is_for_tests = dependency.kind.as_deref() == Some("dev");
            if is_ours && !is_for_tests && !imports.contains(&dependency.name.as_str()) {
                breaches.push(format!(
                    "{}: `{name}` may not use `{}`; imports run postern -> web, rpc -> server-model -> auth, mail, \
                     and postern -> migrations",
                    package.manifest_path.display(),
                    dependency.name
                ));
            }
            for door in &DOORS {
                let is_outside = door
                    .outside
                    .iter()
                    .any(|prefix| dependency.name.starts_with(prefix));
                if is_outside && !door.keepers.contains(&name) {
                    breaches.push(format!(
                        "{}: `{name}` may not use `{}`: {}; that is for {}",
                        package.manifest_path.display(),
                        dependency.name,
                        door.reason,
                        door.keepers.join(", ")
                    ));
                }
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::breaches;
    use crate::workspace::{Dependency, Package};

    fn package(name: &str, dependency: &str, kind: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            manifest_path: "Cargo.toml".into(),
            dependencies: vec![Dependency {
                name: dependency.to_owned(),
                kind: kind.map(str::to_owned),
            }],
        }
    }

    #[test]
    fn an_import_upwards_or_sideways_is_a_breach_and_downwards_is_none() {
        assert_eq!(breaches(&[package("auth", "server-model", None)]).len(), 1);
        assert_eq!(breaches(&[package("auth", "mail", None)]).len(), 1);
        assert_eq!(breaches(&[package("server-model", "auth", None)]).len(), 0);
        assert_eq!(
            breaches(&[package("rpc", "migrations", Some("dev"))]).len(),
            0
        );
    }

    #[test]
    fn an_outside_thing_past_its_door_is_a_breach_even_for_tests_within_a_crate() {
        assert_eq!(breaches(&[package("rpc", "sqlx", None)]).len(), 1);
        assert_eq!(breaches(&[package("web", "sea-orm", Some("dev"))]).len(), 1);
        assert_eq!(breaches(&[package("mail", "lettre", None)]).len(), 0);
    }

    #[test]
    fn a_crate_nobody_placed_is_a_breach() {
        assert_eq!(breaches(&[package("helpers", "serde", None)]).len(), 1);
    }
}
