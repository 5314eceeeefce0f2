//! The wire on an empty database in memory, and API keys for it.

use std::sync::Arc;

use actix_web::App;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use server_model::backend::Backend;
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::sessions;
use server_model::start::{self, StartSettings};
use server_model::value::{AnyValue, Map, map};

/// The administrator's password.
pub const PASSWORD: &str = "a long enough password";

/// A program that was just started on an empty database.
pub async fn started() -> Arc<Backend> {
    let backend = start::open(StartSettings::at("sqlite::memory:"))
        .await
        .expect("SQLite opens in memory");
    migrations::migrate(backend.database().connection())
        .await
        .expect("an empty database can be migrated");
    start::install(&backend, &SecretString::from(PASSWORD))
        .await
        .expect("a migrated database can be filled");
    backend
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    /// The name of the exception in an error of `/json/2`.
    pub fn exception(&self) -> String {
        self.json()["name"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends a request.
pub async fn send(backend: &Arc<Backend>, request: TestRequest) -> Answer {
    let app = App::new()
        .app_data(Data::from(Arc::clone(backend)))
        .configure(rpc::configure);
    let service = init_service(app).await;
    let response = call_service(&service, request.to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read_body(response).await;
    Answer {
        status,
        headers,
        body: String::from_utf8(body.to_vec()).expect("answers are UTF-8"),
    }
}

/// A request with a JSON body.
pub fn post(path: &str, body: &str) -> TestRequest {
    TestRequest::with_uri(path)
        .method(Method::POST)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .set_payload(body.to_owned())
}

/// Calls a method as somebody.
pub async fn call(caller: &Caller, model: &str, method: &str, args: Vec<AnyValue>) -> AnyValue {
    call_kw(caller, model, method, args, Map::new())
        .await
        .unwrap_or_else(|error| panic!("{model}.{method}: {error}"))
}

/// The administrator in a web session.
pub async fn signed_in(backend: &Arc<Backend>) -> Caller {
    let opened = sessions::sign_in(backend, "admin", &SecretString::from(PASSWORD), None, None)
        .await
        .expect("the password is right");
    sessions::find(backend, opened.cookie.expose_secret())
        .await
        .expect("the database answers")
        .expect("the session was just opened")
}

/// Makes an API key the way a client does: describe it, prove who one is, take the key.
pub async fn make_key(caller: &Caller) -> String {
    let values = map([("name", "for a test".into()), ("duration", "1".into())]);
    let form = call(
        caller,
        "res.users.apikeys.description",
        "web_save",
        vec![AnyValue::List(vec![]), values.into(), Map::new().into()],
    )
    .await;
    let AnyValue::Records(form) = form else {
        panic!("web_save() gives records, not {form:?}");
    };
    let form = form.rows[0][0].clone();
    let mut action = call(
        caller,
        "res.users.apikeys.description",
        "make_key",
        vec![form],
    )
    .await;
    if member(&action, "res_model").as_text() == Some("res.users.identitycheck") {
        let check = member(&action, "res_id").clone();
        let password = map([("password", PASSWORD.into())]);
        call(
            caller,
            "res.users.identitycheck",
            "write",
            vec![check.clone(), password.into()],
        )
        .await;
        action = call(caller, "res.users.identitycheck", "run_check", vec![check]).await;
    }
    let key = member(member(&action, "context"), "default_key");
    key.as_text().expect("a key").to_owned()
}

fn member<'a>(value: &'a AnyValue, name: &str) -> &'a AnyValue {
    value
        .as_map()
        .and_then(|map| map.get(name))
        .unwrap_or_else(|| panic!("{name} is missing in {value:?}"))
}
