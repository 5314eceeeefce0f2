//! Any text read as addresses. The rules are those that the suite checks on texts of its own
//! (`crates/mail/tests/addresses_hold.rs`).

#![no_main]

#[path = "../../crates/mail/tests/address_rules/mod.rs"]
mod address_rules;

libfuzzer_sys::fuzz_target!(|text: &str| address_rules::check(text));
