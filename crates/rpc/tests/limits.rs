//! How long a request may be, and who is asked before it is read.

#[expect(dead_code, reason = "nothing here needs a key")]
mod wire;

use actix_web::http::StatusCode;

use wire::{post, send, started};

/// A call of so many bytes.
fn of_length(bytes: usize) -> String {
    let call = r#"{"id": 1, "params": {"x": ""}}"#;
    call.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - call.len())))
}

#[actix_web::test]
async fn where_nothing_long_is_to_be_said_nothing_long_is_read() {
    let backend = started().await;
    for path in [
        "/web/session/authenticate",
        "/web/session/get_lang_list",
        "/web/webclient/version_info",
        "/web/database/list",
    ] {
        let long = send(&backend, post(path, &of_length(64 * 1024 + 1))).await;
        assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        let short = send(&backend, post(path, &of_length(64 * 1024))).await;
        assert_eq!(short.status, StatusCode::OK, "{path}");
    }
}

#[actix_web::test]
async fn whoever_has_no_session_is_told_so_before_the_request_is_read() {
    let backend = started().await;
    for path in ["/web/dataset/call_kw", "/web/session/check"] {
        for body in [of_length(65 * 1024 * 1024), "no JSON".to_owned()] {
            let answer = send(&backend, post(path, &body)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.json()["error"]["code"], 100, "{path}");
        }
    }
}

#[actix_web::test]
async fn calls_that_bring_attachments_may_be_long() {
    let backend = started().await;
    let answer = send(&backend, post("/jsonrpc", &of_length(1024 * 1024))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = send(&backend, post("/jsonrpc", &of_length(64 * 1024 * 1024 + 1))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
