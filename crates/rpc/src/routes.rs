//! Every path of the wire, in one table.

use actix_web::dev::HttpServiceFactory;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, web};

use crate::{confirm, content, dataset, health, json2, page, session, strict, xmlrpc};

/// Registers every path, and [`not_found`] for all others.
///
/// The paths of the pages that people see must be registered before, or with other prefixes.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg
        // The paths are tried one after the other, so those that are called most come first.
        // The services, with credentials in each call.
        .service(json("/jsonrpc", dataset::jsonrpc))
        // Calls of models within a session.
        .service(json("/web/dataset/call_kw/{path:.*}", dataset::call_kw))
        .service(json("/web/dataset/call_kw", dataset::call_kw))
        .service(json("/web/dataset/call_button", dataset::call_button))
        .service(json(
            "/web/dataset/call_button/{path:.*}",
            dataset::call_button,
        ))
        .service(xml("/xmlrpc/2/{service}", xmlrpc::call))
        .service(xml("/xmlrpc/{service}", xmlrpc::call_old))
        .service(
            resource("/jsonrpc/2")
                .route(web::post().to(strict::call))
                .default_service(web::to(strict::wrong_verb)),
        )
        // Calls of models with an API key.
        .service(page("/json/2/openapi.json", json2::description, wrong_verb))
        .service(
            resource("/json/2/{model}/{method}")
                .route(web::post().to(json2::call))
                .default_service(web::to(json2::wrong_verb)),
        )
        // Web sessions.
        .service(json("/web/session/authenticate", session::authenticate))
        .service(json(
            "/web/session/get_session_info",
            session::get_session_info,
        ))
        .service(json("/web/session/check", session::check))
        .service(json("/web/session/modules", session::modules))
        .service(json("/web/session/get_lang_list", session::get_lang_list))
        .service(json("/web/session/destroy", session::destroy))
        .service(page("/web/session/logout", session::logout, wrong_verb))
        // What needs nobody.
        .service(json("/web/webclient/version_info", session::version_info))
        .service(json("/web/database/list", session::database_list))
        .service(
            resource("/web/health")
                .route(web::get().to(health::health))
                .route(web::head().to(health::health))
                .default_service(web::to(wrong_verb)),
        )
        // Files.
        .service(page(
            "/web/content/{id:[0-9]+}",
            content::content,
            wrong_verb,
        ))
        // Where providers send the browser back to.
        .service(page(
            "/microsoft_outlook/confirm",
            confirm::microsoft,
            confirm::not_by_get,
        ))
        .service(page(
            "/google_gmail/confirm",
            confirm::google,
            confirm::not_by_get,
        ))
        .default_service(web::to(not_found));
}

/// The answer to a path that does not exist.
pub async fn not_found() -> HttpResponse {
    page::plain(
        StatusCode::NOT_FOUND,
        "Not found",
        "There is nothing at this address.",
    )
}

/// A JSON route, by POST or PUT. Other verbs are answered like a request that is no JSON.
fn json<F, Args>(path: &str, handler: F) -> impl HttpServiceFactory + use<F, Args>
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource(path)
        .route(web::post().to(handler.clone()))
        .route(web::put().to(handler))
        .default_service(web::to(no_json))
}

/// An XML-RPC route, by POST.
fn xml<F, Args>(path: &str, handler: F) -> impl HttpServiceFactory + use<F, Args>
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource(path)
        .route(web::post().to(handler))
        .default_service(web::to(wrong_verb))
}

/// An address for browsers, by GET only: a HEAD must not end a session or use up a code.
fn page<F, Args, O, OtherArgs>(
    path: &str,
    handler: F,
    otherwise: O,
) -> impl HttpServiceFactory + use<F, Args, O, OtherArgs>
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
    O: Handler<OtherArgs>,
    OtherArgs: FromRequest + 'static,
    O::Output: Responder + 'static,
{
    resource(path)
        .route(web::get().to(handler))
        .default_service(web::to(otherwise))
}

/// A slash at the end of a path makes no difference.
fn resource(path: &str) -> Resource {
    web::resource([path.to_owned(), format!("{path}/")])
}

async fn no_json() -> HttpResponse {
    page::bad_request("This address takes JSON by POST only.")
}

async fn wrong_verb(request: HttpRequest) -> HttpResponse {
    let allowed = if request.path().starts_with("/xmlrpc/") {
        "POST"
    } else {
        "GET"
    };
    let mut response = page::plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "Method not allowed",
        "This address is not meant to be used by this HTTP method.",
    );
    response
        .headers_mut()
        .insert(header::ALLOW, header::HeaderValue::from_static(allowed));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::App;
    use actix_web::http::Method;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    async fn status_and_type(request: TestRequest) -> (u16, String) {
        let app = init_service(App::new().configure(configure)).await;
        let answer = call_service(&app, request.to_request()).await;
        let kind = answer
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        (answer.status().as_u16(), kind)
    }

    const HTML: &str = "text/html; charset=utf-8";
    const VERSION: &str = r#"{"id": 1, "params": {}}"#;

    fn version_request(method: Method, path: &str) -> TestRequest {
        TestRequest::with_uri(path)
            .method(method)
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .set_payload(VERSION)
    }

    #[actix_web::test]
    async fn an_unknown_path_is_a_page_with_status_404() {
        let answer = status_and_type(version_request(Method::POST, "/no/such/path")).await;
        assert_eq!(answer, (404, HTML.into()));
    }

    #[actix_web::test]
    async fn json_routes_take_post_and_put_and_a_slash_at_the_end() {
        for (method, path) in [
            (Method::POST, "/web/webclient/version_info"),
            (Method::PUT, "/web/webclient/version_info"),
            (Method::POST, "/web/webclient/version_info/"),
            (Method::POST, "/web/webclient/version_info?db=other"),
        ] {
            let answer = status_and_type(version_request(method, path)).await;
            assert_eq!(answer, (200, "application/json".into()), "{path}");
        }
    }

    #[actix_web::test]
    async fn other_verbs_and_bodies_on_json_routes_are_bad_requests() {
        let path = "/web/webclient/version_info";
        for method in [Method::GET, Method::DELETE, Method::PATCH] {
            let answer = status_and_type(version_request(method, path)).await;
            assert_eq!(answer, (400, HTML.into()));
        }
        let form = TestRequest::post().uri(path).set_form([("a", "b")]);
        assert_eq!(status_and_type(form).await, (400, HTML.into()));
        let bare = TestRequest::post().uri(path).set_payload(VERSION);
        assert_eq!(status_and_type(bare).await, (400, HTML.into()));
        let broken = version_request(Method::POST, path).set_payload("[]");
        assert_eq!(status_and_type(broken).await, (400, HTML.into()));
    }

    #[actix_web::test]
    async fn a_body_beyond_the_limit_is_refused_as_too_long() {
        let long = "x".repeat(crate::envelope::SMALL_BODY_LIMIT + 1);
        let request =
            version_request(Method::POST, "/web/webclient/version_info").set_payload(long);
        assert_eq!(status_and_type(request).await, (413, HTML.into()));
    }

    #[actix_web::test]
    async fn xml_rpc_by_get_and_callbacks_by_post_are_refused() {
        let get = TestRequest::get().uri("/xmlrpc/2/common");
        assert_eq!(status_and_type(get).await, (405, HTML.into()));
        let post = TestRequest::post()
            .uri("/microsoft_outlook/confirm")
            .set_form([("code", "c")]);
        assert_eq!(status_and_type(post).await, (400, HTML.into()));
    }

    #[actix_web::test]
    async fn the_version_is_answered_in_odoos_envelope() {
        let app = init_service(App::new().configure(configure)).await;
        let request = version_request(Method::POST, "/web/webclient/version_info").to_request();
        let body = read_body(call_service(&app, request).await).await;
        let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(
            answer,
            serde_json::json!({
                "jsonrpc": "2.0",
                "id": 1,
                "result": {
                    "server_version": "18.0",
                    "server_version_info": [18, 0, 0, "final", 0, ""],
                    "server_serie": "18.0",
                    "protocol_version": 1,
                },
            })
        );
    }
}
