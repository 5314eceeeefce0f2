//! What the program says to people: every message that code names is there, with the arguments that stand in its text,
//! in every language, and nothing is said past the texts.

#![expect(
    clippy::disallowed_methods,
    reason = "the sources and texts are read as they lie in the repository"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser;

const LANGUAGES: [&str; 3] = ["en", "vi", "zh-CN"];

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory of ours") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() && !path.ends_with("tests") {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The sources of the program, without their tests and without comments, by their path.
fn sources() -> Vec<(String, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for name in ["auth", "mail", "server-model", "rpc", "web"] {
        for file in files(&crates.join(name).join("src"), ".rs") {
            let text = fs::read_to_string(&file).expect("a file of ours");
            let text = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            let code: Vec<&str> = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            found.push((file.display().to_string(), code.join("\n")));
        }
    }
    found
}

fn variables(pattern: &Pattern<&str>, found: &mut BTreeSet<String>) {
    fn inline(expression: &InlineExpression<&str>, found: &mut BTreeSet<String>) {
        if let InlineExpression::VariableReference { id } = expression {
            found.insert(id.name.to_owned());
        }
    }
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else {
            continue;
        };
        match expression {
            Expression::Inline(one) => inline(one, found),
            Expression::Select { selector, variants } => {
                inline(selector, found);
                for variant in variants {
                    variables(&variant.value, found);
                }
            }
        }
    }
}

/// The messages of a language by their keys, each with the arguments in its text.
fn messages(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let locales = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales");
    let mut found = BTreeMap::new();
    for file in files(&locales.join(language), ".ftl") {
        let text = fs::read_to_string(&file).expect("a file of ours");
        let resource = parser::parse(text.as_str())
            .unwrap_or_else(|(_, errors)| panic!("{}: {errors:?}", file.display()));
        for entry in &resource.body {
            if let Entry::Message(message) = entry
                && let Some(pattern) = &message.value
            {
                let mut named = BTreeSet::new();
                variables(pattern, &mut named);
                found.insert(message.id.name.to_owned(), named);
            }
        }
    }
    found
}

/// The arguments of a call, from just behind its opening bracket: what commas outside of inner brackets and quotes
/// separate.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    let (mut from, mut found) = (0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 || (c == ',' && depth == 1 && !quoted) {
            found.push(text[from..at].trim());
            from = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    found.retain(|argument| !argument.is_empty());
    found
}

/// Every `say!` of the program: where it is, its key, and its arguments.
fn said() -> Vec<(String, String, BTreeSet<String>)> {
    let mut found = Vec::new();
    for (file, text) in sources() {
        for (at, opening) in text.match_indices("say!(") {
            let arguments = arguments(&text[at + opening.len()..]);
            let key = arguments
                .first()
                .map(|key| key.trim_matches('"').to_owned());
            let named = arguments.iter().skip(1).map(|argument| {
                let name = argument.split_once('=').map_or(*argument, |(name, _)| name);
                name.trim().trim_start_matches(['?', '%']).to_owned()
            });
            found.push((file.clone(), key.unwrap_or_default(), named.collect()));
        }
    }
    found
}

#[test]
fn every_message_that_is_said_is_there_with_its_arguments() {
    let said = said();
    assert!(said.len() > 300, "the sources are not where they were");
    for language in LANGUAGES {
        let known = messages(language);
        for (file, key, named) in &said {
            let wanted = known
                .get(key)
                .unwrap_or_else(|| panic!("{file}: {language} has no {key}"));
            assert_eq!(
                named, wanted,
                "{file}: the arguments of {key} in {language}"
            );
        }
    }
}

/// What is quoted are the words of others, and names; a sentence of ours would be the same in every language.
#[test]
fn no_sentence_of_ours_is_passed_off_as_a_quote() {
    let commands = ["MAIL FROM", "RCPT TO"];
    for (file, text) in sources() {
        for (at, opening) in text.match_indices("Text::quote(") {
            let quoted = arguments(&text[at + opening.len()..]).join(", ");
            for literal in quoted.split('"').skip(1).step_by(2) {
                let words = literal
                    .split_whitespace()
                    .filter(|word| !word.contains('{') && word.chars().any(char::is_alphabetic));
                assert!(
                    commands.contains(&literal)
                        || words.count() < 2
                        || literal.starts_with("postern "),
                    "{file}: {literal:?}"
                );
            }
        }
    }
}

#[test]
fn commas_within_an_argument_separate_none() {
    assert_eq!(
        arguments("\"key\", a = f(b, \"c, \\\"d)\"), ?e,) rest, (x)"),
        ["\"key\"", "a = f(b, \"c, \\\"d)\")", "?e"]
    );
    assert!(arguments(")").is_empty());
}
