//! Any JSON value is a search domain, or a clear refusal.

#![no_main]

use server_model::domain::Domain;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(value) = rpc::fuzzing::json(text) else {
        return;
    };
    match Domain::parse_given(&value) {
        Ok(domain) => {
            let _ = domain.mentions("id");
            let both = domain.clone().and(domain);
            let _ = both.mentions("name");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
