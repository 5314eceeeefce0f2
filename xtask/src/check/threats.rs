//! The tests that docs/security.md names for each threat exist.

use std::collections::BTreeSet;

/// A sentence for each name that no source file has, and for a threat without a test.
pub fn breaches(document: &str, sources: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for row in document.lines().filter(|line| line.starts_with("| ")) {
        let mut cells = row.trim_matches('|').split(" | ").map(str::trim);
        let (Some(threat), Some(tests)) = (cells.next(), cells.last()) else {
            continue;
        };
        if threat == "Threat" {
            continue;
        }
        let names: BTreeSet<&str> = tests.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            found.push(format!("docs/security.md: no test for {threat:?}"));
        }
        let is_there = |name: &str| sources.iter().any(|text| has_word(text, name));
        let missing = names.into_iter().filter(|name| !is_there(name));
        found.extend(missing.map(|name| format!("docs/security.md: there is no test {name}")));
    }
    found
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, found)| {
        !text[..at].ends_with(is_part) && !text[at + found.len()..].starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threat_without_a_test_that_exists_is_a_breach() {
        let document = "| Threat | What | Test |\n|---|---|---|\n| One | x | `is_there`, `is_not` |\n| Two | x | none |\n";
        let sources = [
            "fn is_there() {}".to_owned(),
            "fn is_not_there() {}".to_owned(),
        ];
        let found = breaches(document, &sources);
        assert_eq!(
            found,
            [
                "docs/security.md: there is no test is_not",
                "docs/security.md: no test for \"Two\"",
            ]
        );
    }
}
