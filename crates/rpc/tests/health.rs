//! What a supervisor and a proxy are told: whether the process lives, and whether it is ready.

#[expect(dead_code, reason = "nothing here calls a method")]
mod wire;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

use wire::{send, started};

#[actix_web::test]
async fn who_is_about_to_stop_lives_and_is_not_ready() {
    let backend = started().await;
    let ask = async |path: &str| send(&backend, TestRequest::get().uri(path)).await;
    for path in [
        "/web/health",
        "/web/health?db=1",
        "/web/health?db_server_status=1",
    ] {
        let well = ask(path).await;
        assert_eq!(well.status, StatusCode::OK, "{path}");
        assert_eq!(well.json()["status"], "pass", "{path}");
    }
    backend.begin_to_stop();
    let lives = ask("/web/health").await;
    assert_eq!(lives.status, StatusCode::OK);
    let ready = ask("/web/health?db=1").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    let told = ready.json();
    assert_eq!(
        (&told["status"], &told["stopping"]),
        (&"fail".into(), &true.into())
    );
    assert_eq!(told["db_server_status"], true);
}
