//! `/web/health`: whether this process lives, and on request whether it is ready for work.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use server_model::backend::Backend;
use url::form_urlencoded;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    db_server_status: Option<bool>,
    /// Only while the program is about to end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stopping: bool,
}

/// `{"status": "pass"}` as long as the process answers. With `?db_server_status=1` (Odoo's name) or `?db=1` it is
/// asked whether it is ready: status 503 says that the database does not answer, or that the program is about to end.
/// That the tables are up to date needs no question: before they are, nothing is answered at all.
pub async fn health(request: HttpRequest, backend: web::Data<Backend>) -> HttpResponse {
    if !asks_for_database(request.query_string()) {
        return answer(&Health {
            status: "pass",
            db_server_status: None,
            stopping: false,
        });
    }
    let is_alive = backend.database().is_alive().await;
    let stopping = backend.is_stopping();
    answer(&Health {
        status: if is_alive && !stopping {
            "pass"
        } else {
            "fail"
        },
        db_server_status: Some(is_alive),
        stopping,
    })
}

fn answer(health: &Health) -> HttpResponse {
    let mut response = match health.status {
        "pass" => HttpResponse::Ok(),
        _ => HttpResponse::ServiceUnavailable(),
    };
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(health)
}

fn asks_for_database(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, value)| {
        matches!(name.as_ref(), "db_server_status" | "db")
            && !matches!(value.as_ref(), "" | "0" | "false" | "False")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_asked_only_on_request() {
        for query in ["", "db=0", "db=", "x=1", "db_server_status=false"] {
            assert!(!asks_for_database(query), "{query:?}");
        }
        for query in ["db=1", "x=1&db_server_status=1", "db_server_status=true"] {
            assert!(asks_for_database(query), "{query:?}");
        }
    }
}
