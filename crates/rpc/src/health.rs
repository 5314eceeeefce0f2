//! `/web/health`: whether this process answers, and on request whether its database does.

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
}

/// `{"status": "pass"}`; with `?db_server_status=1` (Odoo's name) or `?db=1` also the database is
/// asked, and status 503 says that it does not answer.
pub async fn health(request: HttpRequest, backend: web::Data<Backend>) -> HttpResponse {
    let database = match asks_for_database(request.query_string()) {
        true => Some(backend.database().is_alive().await),
        false => None,
    };
    let mut response = match database {
        Some(false) => HttpResponse::ServiceUnavailable(),
        _ => HttpResponse::Ok(),
    };
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Health {
            status: if database == Some(false) {
                "fail"
            } else {
                "pass"
            },
            db_server_status: database,
        })
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
