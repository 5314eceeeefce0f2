//! Any text is an XML-RPC call: what can be read comes back the same when it is written and read again.

#![no_main]

use rpc::fuzzing::{xmlrpc_call, xmlrpc_response};
use server_model::value::AnyValue;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok((_, args)) = xmlrpc_call(text) else {
        return;
    };
    let args = AnyValue::List(args);
    // Characters that XML cannot write are refused.
    let Ok(written) = xmlrpc_response(&args) else {
        return;
    };
    let as_call = written
        .replacen("<methodResponse>", "<methodCall><methodName>again</methodName>", 1)
        .replacen("</methodResponse>", "</methodCall>", 1);
    let (_, again) = xmlrpc_call(&as_call).expect("what was written can be read");
    let again = again.first().map(xmlrpc_response);
    assert_eq!(again.and_then(Result::ok).as_deref(), Some(written.as_str()));
});
