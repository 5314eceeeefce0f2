//! Any text is a JSON call: what can be read comes back the same when it is written and read again.

#![no_main]

use rpc::fuzzing::{json, json_params};
use server_model::value::AnyValue;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(value) = json(text) {
        let written = serde_json::to_string(&rpc::Wire(&value)).expect("values can be written");
        let again = json(&written).expect("what was written can be read");
        assert_eq!(written, serde_json::to_string(&rpc::Wire(&again)).expect("it can be written again"));
    }
    if let Some(params) = json_params(text) {
        assert!(!matches!(json(text), Ok(AnyValue::List(_))), "a batch is no call: {params:?}");
    }
});
