//! A site on an empty database in memory, and a browser that clicks through it.

use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::cookie::{Cookie, time::Duration};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use actix_web::web::Data;
use actix_web::{App, test};
use secrecy::SecretString;
use server_model::backend::Backend;
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::start::{self, StartSettings};
use server_model::value::{AnyValue, Map};

/// The administrator's password of each test.
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

type Coming = Pin<Box<dyn Future<Output = Answer>>>;

/// The pages on that program: takes a request, gives the answer.
pub struct Site {
    answer: Box<dyn Fn(TestRequest) -> Coming>,
}

/// The pages on that program.
pub async fn pages(backend: &Arc<Backend>) -> Site {
    let backend = Data::from(Arc::clone(backend));
    let app = App::new().app_data(backend).configure(web::configure);
    let service = Rc::new(test::init_service(app).await);
    Site {
        answer: Box::new(move |request| {
            let service = Rc::clone(&service);
            Box::pin(async move {
                let response = test::call_service(&*service, request.to_request()).await;
                Answer {
                    status: response.status(),
                    headers: response.headers().clone(),
                    cookies: response
                        .response()
                        .cookies()
                        .map(Cookie::into_owned)
                        .collect(),
                    body: String::from_utf8(test::read_body(response).await.to_vec())
                        .expect("pages are UTF-8"),
                }
            })
        }),
    }
}

/// Calls a method as the administrator.
pub async fn call(
    backend: &Arc<Backend>,
    model: &str,
    method: &str,
    positional: Vec<AnyValue>,
) -> AnyValue {
    let caller = Caller::new(Arc::clone(backend), start::ADMINISTRATOR);
    call_kw(&caller, model, method, positional, Map::new())
        .await
        .unwrap_or_else(|error| panic!("{model}.{method}: {error}"))
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    cookies: Vec<Cookie<'static>>,
    pub body: String,
}

impl Answer {
    /// Where it leads.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// A header; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The token of the forms on the page; empty when there is none.
    pub fn token(&self) -> String {
        let after = self.body.split("name=\"csrf_token\" value=\"").nth(1);
        let token = after.and_then(|after| after.split('"').next());
        token.unwrap_or_default().to_owned()
    }
}

/// A browser: keeps cookies, follows nothing by itself.
pub struct Browser<'a> {
    site: &'a Site,
    pub cookies: HashMap<String, String>,
    /// What it sends as `Accept-Language`.
    pub language: &'static str,
}

impl<'a> Browser<'a> {
    /// A browser without cookies.
    pub fn new(site: &'a Site) -> Browser<'a> {
        Browser {
            site,
            cookies: HashMap::new(),
            language: "en",
        }
    }

    /// A browser of somebody who signed in.
    pub async fn signed_in(site: &'a Site, login: &str, password: &str) -> Browser<'a> {
        let mut browser = Browser::new(site);
        let fields = [("login", login), ("password", password)];
        let answer = browser.submit("/web/login", "/web/login", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        assert_eq!(answer.location(), "/odoo");
        browser
    }

    /// Opens a page.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(TestRequest::get().uri(path)).await
    }

    /// Opens a page that must be there.
    pub async fn open(&mut self, path: &str) -> Answer {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer
    }

    /// Sends a form without looking at a page first.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = TestRequest::default().method(Method::POST).uri(path);
        self.send(request.set_form(fields)).await
    }

    /// Opens the page of a form and sends the form to `action` with the page's token.
    pub async fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.open(page).await.token();
        let fields = [&[("csrf_token", token.as_str())], fields].concat();
        self.post(action, &fields).await
    }

    async fn send(&mut self, mut request: TestRequest) -> Answer {
        request = request
            .insert_header((header::HOST, "127.0.0.1:8069"))
            .insert_header((header::ACCEPT_LANGUAGE, self.language));
        for (name, value) in &self.cookies {
            request = request.cookie(Cookie::new(name.clone(), value.clone()));
        }
        let answer = (self.site.answer)(request).await;
        for cookie in &answer.cookies {
            if cookie.max_age() == Some(Duration::ZERO) {
                self.cookies.remove(cookie.name());
            } else {
                let (name, value) = (cookie.name().to_owned(), cookie.value().to_owned());
                self.cookies.insert(name, value);
            }
        }
        answer
    }
}
