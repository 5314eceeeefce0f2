//! A client of Postern as the suite needs it: web session, services, and pages, over plain HTTP.

use std::fmt;

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// A refusal in Odoo's error object.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `error.code`: 200, or 100 for an ended session.
    pub code: i64,
    /// `error.data.name`: the Python name of the exception.
    pub name: String,
    /// `error.data.message`.
    pub message: String,
    /// `error.data.debug`.
    pub debug: String,
}

impl fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.name, self.message)
    }
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// Postern refused.
    #[error("{0:?}")]
    Refused(Refusal),
    /// The answer is not JSON-RPC.
    #[error("the answer with status {status} is no JSON-RPC: {body}")]
    Shape {
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Nothing came back.
    #[error("Postern could not be reached")]
    Http(#[from] reqwest::Error),
}

impl RpcError {
    /// The refusal.
    ///
    /// # Panics
    /// When the call failed otherwise.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            other => panic!("a refusal was expected, not: {other:?}"),
        }
    }
}

/// A client with or without a session.
#[derive(Clone, Debug)]
pub struct Rpc {
    http: Client,
    base_url: String,
    database: String,
    session: Option<String>,
    uid: i64,
    info: Value,
}

impl Rpc {
    /// A client that nobody is signed in with. It follows no redirect.
    #[must_use]
    pub fn anonymous(base_url: &str, database: &str) -> Self {
        let http = Client::builder().redirect(Policy::none()).no_proxy();
        Self::by(http.build().unwrap_or_default(), base_url, database)
    }

    /// The same by a client that knows its way, such as whom to trust.
    #[must_use]
    pub fn by(http: Client, base_url: &str, database: &str) -> Self {
        Self {
            http,
            base_url: base_url.to_owned(),
            database: database.to_owned(),
            session: None,
            uid: 0,
            info: Value::Null,
        }
    }

    /// Signs in by `/web/session/authenticate` and keeps the cookie.
    ///
    /// # Errors
    /// When the credentials are refused.
    pub async fn sign_in(
        base_url: &str,
        database: &str,
        login: &str,
        password: &str,
    ) -> Result<Self, RpcError> {
        Self::anonymous(base_url, database)
            .signed_in(login, password)
            .await
    }

    /// This client with a session.
    ///
    /// # Errors
    /// When the credentials are refused.
    pub async fn signed_in(mut self, login: &str, password: &str) -> Result<Self, RpcError> {
        let params = json!({"db": self.database, "login": login, "password": password});
        let response = self
            .post("/web/session/authenticate", &params)
            .send()
            .await?;
        let cookies = response.headers().get_all(SET_COOKIE).iter();
        self.session = cookies
            .filter_map(|cookie| cookie.to_str().ok()?.strip_prefix("session_id="))
            .filter_map(|cookie| Some(cookie.split(';').next()?.to_owned()))
            .next();
        self.info = result(response).await?;
        self.uid = self.info["uid"].as_i64().unwrap_or_default();
        Ok(self)
    }

    /// The name of the database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The id of the user who is signed in.
    #[must_use]
    pub fn uid(&self) -> i64 {
        self.uid
    }

    /// What the sign-in answered.
    #[must_use]
    pub fn session_info(&self) -> &Value {
        &self.info
    }

    /// Calls a method of a model by `/web/dataset/call_kw`, with positional arguments.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn call(&self, model: &str, method: &str, args: Value) -> Result<Value, RpcError> {
        self.call_kw(model, method, args, json!({})).await
    }

    /// The same with named arguments too.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn call_kw(
        &self,
        model: &str,
        method: &str,
        args: Value,
        kwargs: Value,
    ) -> Result<Value, RpcError> {
        let path = format!("/web/dataset/call_kw/{model}/{method}");
        let params = json!({"model": model, "method": method, "args": args, "kwargs": kwargs});
        self.json(&path, &params).await
    }

    /// Presses a button of one record by `/web/dataset/call_button`.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn button(&self, model: &str, method: &str, id: i64) -> Result<Value, RpcError> {
        let params = json!({"model": model, "method": method, "args": [[id]], "kwargs": {}});
        self.json("/web/dataset/call_button", &params).await
    }

    /// Calls a method by `/jsonrpc` with user id and password, as programs without a session do.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn execute_kw(
        &self,
        (uid, password): (i64, &str),
        model: &str,
        method: &str,
        args: Value,
        kwargs: Value,
    ) -> Result<Value, RpcError> {
        let args = json!([self.database, uid, password, model, method, args, kwargs]);
        let params = json!({"service": "object", "method": "execute_kw", "args": args});
        self.json("/jsonrpc", &params).await
    }

    /// Posts a JSON-RPC request to any path.
    ///
    /// # Errors
    /// When it is refused, or the answer is not JSON-RPC.
    pub async fn json(&self, path: &str, params: &Value) -> Result<Value, RpcError> {
        result(self.post(path, params).send().await?).await
    }

    /// The id that `create` gave for one dictionary.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn create(&self, model: &str, values: Value) -> Result<i64, RpcError> {
        let id = self.call(model, "create", json!([values])).await?;
        Ok(id.as_i64().unwrap_or_default())
    }

    /// The fields of one record.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn read(&self, model: &str, id: i64, fields: &[&str]) -> Result<Value, RpcError> {
        let mut rows = self.call(model, "read", json!([[id], fields])).await?;
        Ok(rows[0].take())
    }

    /// Sets fields of one record.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn write(&self, model: &str, id: i64, values: Value) -> Result<Value, RpcError> {
        self.call(model, "write", json!([[id], values])).await
    }

    /// Sets a system parameter.
    ///
    /// # Errors
    /// When the call is refused.
    pub async fn set_param(&self, key: &str, value: &str) -> Result<(), RpcError> {
        self.call("ir.config_parameter", "set_param", json!([key, value]))
            .await
            .map(drop)
    }

    /// Opens an address of Postern as a browser would, with the session's cookie.
    ///
    /// # Errors
    /// When Postern cannot be reached.
    pub async fn get(&self, path: &str) -> Result<Page, RpcError> {
        self.page(Method::GET, path, None).await
    }

    /// Any request with an optional form.
    ///
    /// # Errors
    /// When Postern cannot be reached.
    pub async fn page(
        &self,
        method: Method,
        path: &str,
        form: Option<&[(&str, &str)]>,
    ) -> Result<Page, RpcError> {
        let request = self.request(method, path);
        let request = match form {
            Some(form) => request.form(form),
            None => request,
        };
        Page::read(request.send().await?).await
    }

    /// A request with the session's cookie, for whatever else there is.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base_url));
        match &self.session {
            Some(session) => request.header(COOKIE, format!("session_id={session}")),
            None => request,
        }
    }

    fn post(&self, path: &str, params: &Value) -> RequestBuilder {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "call", "params": params});
        self.request(Method::POST, path).json(&body)
    }
}

/// An answer as a browser sees it.
#[derive(Clone, Debug)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// `Location`, or empty.
    pub location: String,
    /// `Content-Type`, or empty.
    pub content_type: String,
    /// The value of a `session_id` that was set.
    pub session: Option<String>,
    /// All cookies that were set, as `name=value`.
    pub cookies: Vec<String>,
    /// The body.
    pub body: String,
}

impl Page {
    async fn read(response: Response) -> Result<Self, RpcError> {
        let header = |name| {
            let value = response.headers().get(name);
            let text = value.and_then(|value| value.to_str().ok());
            text.unwrap_or_default().to_owned()
        };
        let cookies: Vec<String> = response
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|cookie| Some(cookie.to_str().ok()?.split(';').next()?.to_owned()))
            .collect();
        let session = cookies
            .iter()
            .find_map(|cookie| cookie.strip_prefix("session_id="));
        Ok(Self {
            status: response.status().as_u16(),
            location: header(LOCATION),
            content_type: header(CONTENT_TYPE),
            session: session.map(str::to_owned),
            cookies,
            body: response.text().await?,
        })
    }

    /// The token of the forms on the page; empty when there is none.
    #[must_use]
    pub fn token(&self) -> &str {
        let after = self.body.split("name=\"csrf_token\" value=\"").nth(1);
        after
            .and_then(|after| after.split('"').next())
            .unwrap_or_default()
    }
}

async fn result(response: Response) -> Result<Value, RpcError> {
    let status = response.status().as_u16();
    let body = response.text().await?;
    let Ok(mut answer) = serde_json::from_str::<Value>(&body) else {
        return Err(RpcError::Shape { status, body });
    };
    if let Some(error) = answer.get("error") {
        let text = |name: &str| {
            let value = error["data"][name].as_str();
            value.unwrap_or_default().to_owned()
        };
        return Err(RpcError::Refused(Refusal {
            code: error["code"].as_i64().unwrap_or_default(),
            name: text("name"),
            message: text("message"),
            debug: text("debug"),
        }));
    }
    if answer.get("jsonrpc").is_none() {
        return Err(RpcError::Shape { status, body });
    }
    // Odoo leaves the member out where Python gives None.
    Ok(answer
        .get_mut("result")
        .map(Value::take)
        .unwrap_or_default())
}
