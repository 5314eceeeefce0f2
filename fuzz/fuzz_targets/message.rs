//! Any bytes are a message: `cargo +nightly fuzz run message`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::parse::{ParseContext, parse_message, sanitize_html};
use mail::text::html_to_text;

fuzz_target!(|raw: &[u8]| {
    let mail = parse_message(raw, &ParseContext::default());
    let clean = sanitize_html(&mail.body_html);
    assert!(!clean.contains("<script"));
    let _ = html_to_text(&clean);
    let kept: usize = mail.attachments.iter().map(|file| file.bytes.len()).sum();
    assert!(kept <= 4096 + 12 * raw.len(), "{} bytes became {kept}", raw.len());
});
