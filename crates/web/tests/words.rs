//! The texts of the pages: the same messages with the same variables in every language, each of them used, and none
//! used that is not there.

#![expect(
    clippy::disallowed_methods,
    reason = "the texts and templates are read as they lie in the repository"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{
    Entry, Expression, InlineExpression, Message, Pattern, PatternElement, Resource,
};
use fluent_syntax::parser;
use server_model::registry;

const LANGUAGES: [&str; 3] = ["en", "vi", "zh-CN"];

/// Whether a message is about a field of a model, and so may be in the other languages alone: what models declare is
/// English.
fn is_of_field(message: &str) -> bool {
    registry::registry().iter().any(|entry| {
        let field = message.strip_prefix(&prefix(entry.name()));
        field.is_some_and(|field| entry.field(field).is_ok())
    })
}

/// The beginning of the keys of a model's fields.
fn prefix(model: &str) -> String {
    format!("{}-", model.replace('.', "-"))
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory of ours") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The messages of a language, attributes among them as `key.attribute`, each with the variables in it.
fn messages(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for file in files(&here("../words/locales").join(language), ".ftl") {
        let text = fs::read_to_string(&file).expect("a file of ours");
        let resource: Resource<&str> = parser::parse(text.as_str())
            .unwrap_or_else(|(_, errors)| panic!("{}: {errors:?}", file.display()));
        for entry in &resource.body {
            match entry {
                Entry::Message(message) => add(&mut found, message),
                Entry::Junk { content } => panic!("{}: {content}", file.display()),
                _ => {}
            }
        }
    }
    found
}

fn add(found: &mut BTreeMap<String, BTreeSet<String>>, message: &Message<&str>) {
    let key = message.id.name;
    let own = message.value.as_ref().map(|value| (key.to_owned(), value));
    let attributes = message
        .attributes
        .iter()
        .map(|one| (format!("{key}.{}", one.id.name), &one.value));
    for (name, pattern) in own.into_iter().chain(attributes) {
        let mut variables = BTreeSet::new();
        collect(pattern, &mut variables);
        let before = found.insert(name.clone(), variables);
        assert!(before.is_none(), "{name} stands there twice");
    }
}

fn collect(pattern: &Pattern<&str>, variables: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            match expression {
                Expression::Inline(inline) => collect_inline(inline, variables),
                Expression::Select { selector, variants } => {
                    collect_inline(selector, variables);
                    for variant in variants {
                        collect(&variant.value, variables);
                    }
                }
            }
        }
    }
}

fn collect_inline(inline: &InlineExpression<&str>, variables: &mut BTreeSet<String>) {
    if let InlineExpression::VariableReference { id } = inline {
        variables.insert(id.name.to_owned());
    }
}

/// All that stands between double quotes in the templates and the sources of the program, without their tests.
fn quoted() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let sources = ["auth", "mail", "server-model", "rpc", "web", "words"]
        .map(|name| files(&here("..").join(name).join("src"), ".rs"));
    let templates = files(&here("templates"), ".html");
    for file in templates.into_iter().chain(sources.into_iter().flatten()) {
        let text = fs::read_to_string(&file).expect("a file of ours");
        let text = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        found.extend(text.split('"').map(str::to_owned));
    }
    found
}

#[test]
fn every_language_says_the_same_with_the_same_variables() {
    let english = messages("en");
    for language in &LANGUAGES[1..] {
        let others = messages(language);
        for (key, variables) in &english {
            let there = others
                .get(key)
                .unwrap_or_else(|| panic!("{language} lacks {key}"));
            assert_eq!(there, variables, "the variables of {key} in {language}");
        }
        for key in others.keys() {
            let message = key.split('.').next().unwrap_or_default();
            let is_known = english.contains_key(key) || is_of_field(message);
            assert!(is_known, "{language} has {key} alone");
        }
    }
    let keys = |language| messages(language).into_keys().collect::<BTreeSet<_>>();
    assert_eq!(keys("vi"), keys("zh-CN"));
}

/// A label, a help or a choice of a field that is no longer there would stay for ever.
#[test]
fn what_is_told_of_fields_in_other_languages_is_declared() {
    let english = messages("en");
    let mut declared = BTreeSet::new();
    for entry in registry::registry().iter() {
        for field in entry.fields.values() {
            let key = format!("{}{}", prefix(entry.name()), field.name);
            let has_help = !field.help.is_empty();
            declared.extend(has_help.then(|| format!("{key}.help")));
            for (value, _) in entry.choices(field, Default::default()) {
                let value = value.replace(' ', "_");
                declared.insert(format!("{key}.is-{value}"));
            }
            declared.insert(key);
        }
    }
    for key in messages("vi").keys() {
        let is_there = english.contains_key(key) || declared.contains(key);
        assert!(is_there, "nothing declares {key}");
    }
}

#[test]
fn nothing_is_left_in_english() {
    // What is a name, a format or a sign in every language.
    let same = [
        "SSL/TLS",
        "TLS (STARTTLS)",
        "Cc",
        "Token",
        "{ $count } byte",
        "ID",
        "Email",
        "URI",
        // Parts put together in one way everywhere.
        "{ $label } ({ $name })",
        "{ $account } { $remedy } [{ $code }]",
        "{ $account } { $what } { $remedy } [{ $code }]",
        "{ $what } { $remedy } [{ $marks }]",
        "{ $before } { $next }",
        "{ $done } { $warnings }",
        "{ $server }: { $problem }",
        "{ $peer }, { $phase }: { $cause }.",
        "{ $key }: { $why }.",
        "\"{ $title }\" ({ $name })",
        "smtp_ssl_certificate_filename: { $why }.",
        "Microsoft Outlook Mixin",
    ];
    let text_of = |language: &str| {
        let mut found = BTreeMap::new();
        for file in files(&here("../words/locales").join(language), ".ftl") {
            let text = fs::read_to_string(&file).expect("a file of ours");
            let name = file.file_name().map(|name| name.to_owned());
            let mut message = "";
            for line in text.lines() {
                let Some((key, value)) = line.split_once(" = ") else {
                    continue;
                };
                if !key.starts_with(' ') {
                    message = key;
                }
                found.insert(
                    (name.clone(), message.to_owned(), key.to_owned()),
                    value.to_owned(),
                );
            }
        }
        found
    };
    let english = text_of("en");
    for language in &LANGUAGES[1..] {
        for (key, value) in text_of(language) {
            let left = english.get(&key) == Some(&value);
            assert!(
                !left || same.contains(&value.as_str()),
                "{language}, {key:?}: {value}"
            );
        }
    }
}

#[test]
fn every_message_is_used() {
    let quoted = quoted();
    for key in messages("en").keys() {
        let message = key.split('.').next().unwrap_or_default();
        let of_model = registry::registry()
            .iter()
            .any(|entry| message == format!("model-{}", entry.name().replace('.', "-")));
        let of_failure = server_model::atlas::rows()
            .iter()
            .any(|row| message == format!("atlas-{}", row.code.replace('.', "-")));
        let of_shared_label = message.strip_prefix("field-").is_some_and(|field| {
            let mut models = registry::registry().iter();
            models.any(|entry| entry.field(field).is_ok())
        });
        assert!(
            is_of_field(message)
                || of_model
                || of_failure
                || of_shared_label
                || quoted.contains(message),
            "nothing says {message}"
        );
    }
}

/// The keys that the templates and sources name: the first argument of the functions that say something.
#[test]
fn every_message_that_is_named_is_there() {
    let known = messages("en");
    let says = [
        ".say(\"",
        ".count(\"",
        ".with(\"",
        ".with_all(\"",
        ".of(\"",
        ".hint(\"setting",
        ".attribute(\"",
    ];
    let templates = files(&here("templates"), ".html");
    for file in templates.into_iter().chain(files(&here("src"), ".rs")) {
        let text = fs::read_to_string(&file).expect("a file of ours");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for call in says {
            let prefix = call.split('"').nth(1).unwrap_or_default();
            for part in text.split(call).skip(1) {
                let rest = part.split('"').next().unwrap_or_default();
                let key = format!("{prefix}{rest}");
                assert!(known.contains_key(&key), "{}: {key}", file.display());
            }
        }
    }
}

/// What is left of a template without its tags and expressions has no words, and neither have the attributes that
/// are read to people.
#[test]
fn no_template_has_words_of_its_own() {
    // The program's name, a header's name, a unit, and what a UID is called.
    let names = [
        "Postern",
        "UTC",
        "Message-Id",
        "UID",
        "portal.azure.com",
        "SMTP.Send",
        "IMAP.AccessAsUser.All",
    ];
    for file in files(&here("templates"), ".html") {
        let text = fs::read_to_string(&file).expect("a file of ours");
        let text = without(&without(&text, "{{", "}}"), "{%", "%}");
        for attribute in [
            "aria-label",
            "title",
            "placeholder",
            "alt",
            "data-label",
            "data-ask",
            "data-copied",
        ] {
            for part in text.split(&format!(" {attribute}=\"")).skip(1) {
                let value = part.split('"').next().unwrap_or_default();
                assert!(
                    !value.chars().any(char::is_alphabetic),
                    "{}: {attribute}={value:?}",
                    file.display()
                );
            }
        }
        let mut words = without(&text, "<", ">");
        for name in names {
            words = words.replace(name, "");
        }
        // What a macro writes into a tag stands outside of one here.
        let mut words = words
            .split_whitespace()
            .filter(|word| !word.contains("=\""));
        let word = words.find(|word| word.chars().any(char::is_alphabetic));
        assert_eq!(word, None, "{}", file.display());
    }
}

fn without(text: &str, open: &str, close: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once(open) {
        kept.push_str(before);
        rest = after.split_once(close).map_or("", |(_, after)| after);
    }
    kept + rest
}

#[test]
fn what_is_left_of_a_template_are_its_words() {
    assert_eq!(without("a{{ b }}c{{ d }}e", "{{", "}}"), "ace");
    assert_eq!(without("<p class=\"x\">Words</p>", "<", ">"), "Words");
}
