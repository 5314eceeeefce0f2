//! `/{tenant}/oauth2/v2.0/token` and the introspection endpoint.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::fault::{After, Endpoint, Played, disconnect, play};
use super::fingerprint;
use super::form::Parameters;
use super::problem::Problem;
use super::seen::TokenRequest;
use super::server::Shared;
use super::state::{Issued, State};
use super::tenant::Tenant;

/// POST: a code, a refresh token or the application's own name for new tokens.
pub async fn exchange(
    request: HttpRequest,
    tenant: web::Path<String>,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let parameters = Parameters::new(url::form_urlencoded::parse(&body).into_owned().collect());
    let credentials = Credentials::read(&request, &parameters);
    let (fault, now) = {
        let mut state = shared.lock();
        (
            state.take_fault(Endpoint::Token, parameters.get("grant_type")),
            state.now(),
        )
    };
    let mut seen = describe(&tenant, &parameters, credentials.as_ref().ok(), now);
    if let Some(fault) = &fault {
        seen.outcome = format!("fault: {fault:?}");
    }
    // Recorded before the fault plays, for some faults never come back here.
    let number = shared.lock().record(seen);
    let after = match play(fault, &request, now).await {
        Played::Answer(answer) => return answer,
        Played::CarryOn(after) => after,
    };

    let mut state = shared.lock();
    let result = credentials.and_then(|credentials| {
        carry_out(&mut state, &request, &tenant, &parameters, &credentials)
    });
    state.conclude(number, &result);
    let now = state.now();
    drop(state);
    match (result, after) {
        (_, After::Lose) => disconnect(&request),
        (Err(problem), _) => problem.json(now),
        (Ok(issued), after) => success(&issued, after),
    }
}

/// Any other method.
pub async fn wrong_method(shared: web::Data<Shared>) -> HttpResponse {
    Problem::aadsts(900561).json(shared.lock().now())
}

/// POST: whether a token is good, for the mail server (RFC 7662).
pub async fn introspect(
    request: HttpRequest,
    body: web::Bytes,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let parameters = Parameters::new(url::form_urlencoded::parse(&body).into_owned().collect());
    let (fault, now) = {
        let mut state = shared.lock();
        (state.take_fault(Endpoint::Introspect, None), state.now())
    };
    if let Played::Answer(answer) = play(fault, &request, now).await {
        return answer;
    }
    let mut state = shared.lock();
    let (id, secret) = &state.config.introspection_client;
    if basic(&request).is_none_or(|(name, password)| name != *id || password != *secret) {
        return HttpResponse::Unauthorized()
            .insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"introspection\""))
            .json(json!({"error": "invalid_client"}));
    }
    match parameters.get("token") {
        None => HttpResponse::BadRequest().json(json!({"error": "invalid_request"})),
        Some(token) => HttpResponse::Ok().json(state.introspect(token)),
    }
}

/// What the application says about itself, in the form or by HTTP basic authentication.
struct Credentials {
    client_id: String,
    secret: Option<String>,
}

impl Credentials {
    fn read(request: &HttpRequest, parameters: &Parameters) -> Result<Self, Problem> {
        let in_form = parameters.get("client_secret").map(str::to_owned);
        let Some((client_id, secret)) = basic(request) else {
            return Ok(Self {
                client_id: parameters.require("client_id")?.to_owned(),
                secret: in_form,
            });
        };
        // RFC 6749 section 2.3: one method a request.
        if in_form.is_some()
            || parameters
                .get("client_id")
                .is_some_and(|other| other != client_id)
        {
            return Err(
                Problem::aadsts(90023).about("credentials both in the form and in the header")
            );
        }
        Ok(Self {
            client_id,
            secret: Some(secret),
        })
    }
}

/// Name and password of HTTP basic authentication, each form-encoded first (RFC 6749 section 2.3.1).
fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(HeaderValue::to_str)?
        .ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((form_decode(name), form_decode(password)))
}

fn form_decode(text: &str) -> String {
    // A lone value parses as a name without a value. The two bytes that would end it are put out of the way first.
    let text = text.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect()
}

fn carry_out(
    state: &mut State,
    request: &HttpRequest,
    tenant: &str,
    parameters: &Parameters,
    credentials: &Credentials,
) -> Result<Issued, Problem> {
    parameters.refuse_twice()?;
    let tenant = Tenant::parse(tenant, &state.config.tenants)?;
    let grant_type = parameters.require("grant_type")?;
    let id = credentials.client_id.as_str();
    if let Some(assertion) = parameters.get("client_assertion") {
        let client = state.known(&tenant, id)?.client.clone();
        let here = request.full_url();
        let kind = parameters.get("client_assertion_type");
        state.check_assertion(&client, here.as_str(), kind, assertion)?;
    } else {
        state.authenticate(&tenant, id, credentials.secret.as_deref())?;
    }
    let scope = parameters.get("scope");
    match grant_type {
        "authorization_code" => {
            let code = parameters.require("code")?;
            let redirect_uri = parameters.require("redirect_uri")?;
            state.redeem(
                &tenant,
                id,
                code,
                redirect_uri,
                parameters.get("code_verifier"),
                scope,
            )
        }
        "refresh_token" => state.refresh(id, parameters.require("refresh_token")?, scope),
        "client_credentials" => {
            let client = state.known(&tenant, id)?.client.clone();
            state.client_credentials(&tenant, &client, parameters.require("scope")?)
        }
        other => Err(Problem::aadsts(70003).about(other)),
    }
}

fn success(issued: &Issued, after: After) -> HttpResponse {
    let mut body = json!({
        "token_type": "Bearer",
        "scope": issued.scope,
        "expires_in": issued.expires_in,
        "ext_expires_in": issued.expires_in,
        "access_token": issued.access_token,
    });
    if let (Some(token), Some(members)) = (&issued.refresh_token, body.as_object_mut())
        && after != After::WithoutRefreshToken
    {
        members.insert("refresh_token".to_owned(), json!(token));
    }
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store, no-cache"))
        .insert_header((header::PRAGMA, "no-cache"))
        .json(body)
}

fn describe(
    tenant: &str,
    parameters: &Parameters,
    credentials: Option<&Credentials>,
    at: DateTime<Utc>,
) -> TokenRequest {
    let plain = |name: &str| parameters.get(name).map(str::to_owned);
    let hidden = |name: &str| parameters.get(name).map(fingerprint);
    TokenRequest {
        at,
        tenant: tenant.to_owned(),
        grant_type: plain("grant_type"),
        client_id: credentials.map(|credentials| credentials.client_id.clone()),
        scope: plain("scope"),
        redirect_uri: plain("redirect_uri"),
        client_secret: credentials
            .and_then(|credentials| credentials.secret.as_deref())
            .map(fingerprint),
        client_assertion: hidden("client_assertion"),
        code: hidden("code"),
        code_verifier: hidden("code_verifier"),
        refresh_token: hidden("refresh_token"),
        new_refresh_token: None,
        outcome: String::new(),
    }
}

impl State {
    /// Notes a token request and gives its number.
    fn record(&mut self, seen: TokenRequest) -> usize {
        self.seen.push(seen);
        self.forgotten + self.seen.len() - 1
    }

    /// Adds to the note how the request ended. A fault that let it through stays visible before the outcome.
    fn conclude(&mut self, number: usize, result: &Result<Issued, Problem>) {
        if result.is_err() {
            self.counters.refusals += 1;
        }
        // Tests may have cleared the list in the meantime.
        let index = number.checked_sub(self.forgotten);
        let Some(seen) = index.and_then(|index| self.seen.get_mut(index)) else {
            return;
        };
        let outcome = match result {
            Ok(issued) => {
                seen.new_refresh_token = issued.refresh_token.as_deref().map(fingerprint);
                "ok".to_owned()
            }
            Err(problem) => format!("AADSTS{}", problem.code),
        };
        seen.outcome = if seen.outcome.is_empty() {
            outcome
        } else {
            format!("{}; {outcome}", seen.outcome)
        };
    }

    /// Forgets the token requests seen so far.
    pub fn forget_seen(&mut self) {
        self.forgotten += self.seen.len();
        self.seen.clear();
    }

    /// The fault that waits for this request.
    pub fn take_fault(
        &mut self,
        at: Endpoint,
        grant_type: Option<&str>,
    ) -> Option<super::fault::Fault> {
        let fault = self.faults.take(at, grant_type);
        self.counters.faults += u64::from(fault.is_some());
        fault
    }
}
