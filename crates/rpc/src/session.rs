//! The routes under `/web/session`, and the two other JSON routes that need no session.

use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use server_model::backend::Backend;
use server_model::env::Caller;
use server_model::error::Error as ModelError;
use server_model::sessions;
use server_model::value::{AnyValue, Map};

use words::say;

use crate::caller::{self, session_value};
use crate::dispatch::{database_names, languages, version};
use crate::envelope::{JsonBody, SMALL_BODY_LIMIT, answer, needed, refuse};
use crate::error::{Error, Result};
use crate::fault::{Fault, span};
use crate::page;
use crate::session_info::session_info;

/// The Odoo modules whose work is done here; clients look for the ones they need.
const MODULES: &[&str] = &[
    "base",
    "web",
    "base_setup",
    "bus",
    "google_gmail",
    "mail",
    "microsoft_outlook",
];

/// `/web/session/authenticate`: signs in and gives what `get_session_info` gives.
pub async fn authenticate(
    request: HttpRequest,
    body: JsonBody,
    backend: web::Data<Backend>,
) -> HttpResponse {
    let mut cookie = None;
    let mut response = answer(
        body,
        SMALL_BODY_LIMIT,
        "/web/session/authenticate",
        async |params| {
            let credentials = Credentials::read(&backend, params)?;
            let reached = forwarded::base_url(&request);
            let opened = sessions::sign_in(
                &backend,
                &credentials.login,
                &credentials.password,
                reached.as_deref(),
                forwarded::client_address(&request),
            )
            .await?;
            let info = session_info(&opened.caller).await?;
            // The session that the client had before is of no use to it any more, and its id may be
            // known to others.
            if let Some(before) = session_value(&request) {
                sessions::sign_out(&backend, &before).await?;
            }
            cookie = Some(caller::session_cookie(
                &opened.cookie,
                forwarded::is_https(&request),
            ));
            Ok(info)
        },
    )
    .await;
    if let Some(cookie) = cookie
        && let Err(error) = response.add_cookie(&cookie)
    {
        tracing::error!(%error, "the session cookie could not be set");
    }
    response
}

struct Credentials {
    login: String,
    password: SecretString,
}

impl Credentials {
    fn read(backend: &Backend, mut params: Map) -> Result<Credentials> {
        let db = needed(&mut params, "db")?;
        let login = needed(&mut params, "login")?;
        let password = needed(&mut params, "password")?;
        if db.as_text() != Some(backend.database().name()) {
            return Err(ModelError::Access(say!("error-no-such-database")).into());
        }
        match (login, password) {
            (AnyValue::Text(login), AnyValue::Text(password)) => Ok(Credentials {
                login,
                password: SecretString::from(password),
            }),
            _ => Err(Error::denied(
                "Login and password must both be given, as texts.",
            )),
        }
    }
}

/// `/web/session/get_session_info`: who is signed in, and what a client wants to know at its start.
pub async fn get_session_info(
    request: HttpRequest,
    body: JsonBody,
    backend: web::Data<Backend>,
) -> HttpResponse {
    within(
        &request,
        body,
        &backend,
        "/web/session/get_session_info",
        async |caller| session_info(&caller).await,
    )
    .await
}

/// `/web/session/check`: nothing, as long as the session lives.
pub async fn check(
    request: HttpRequest,
    body: JsonBody,
    backend: web::Data<Backend>,
) -> HttpResponse {
    within(&request, body, &backend, "/web/session/check", async |_| {
        Ok(AnyValue::Null)
    })
    .await
}

/// `/web/session/modules`: the names of the modules.
pub async fn modules(
    request: HttpRequest,
    body: JsonBody,
    backend: web::Data<Backend>,
) -> HttpResponse {
    within(
        &request,
        body,
        &backend,
        "/web/session/modules",
        async |_| {
            Ok(AnyValue::List(
                MODULES.iter().map(|name| AnyValue::from(*name)).collect(),
            ))
        },
    )
    .await
}

/// `/web/session/destroy`: ends the session.
pub async fn destroy(
    request: HttpRequest,
    body: JsonBody,
    backend: web::Data<Backend>,
) -> HttpResponse {
    let mut response = within(
        &request,
        body,
        &backend,
        "/web/session/destroy",
        async |_| {
            end_session(&request, &backend).await?;
            Ok(AnyValue::Null)
        },
    )
    .await;
    forget_cookie(&mut response, forwarded::is_https(&request));
    response
}

/// `GET /web/session/logout`: ends the session and sends the browser to the start.
pub async fn logout(request: HttpRequest, backend: web::Data<Backend>) -> HttpResponse {
    if let Err(error) = end_session(&request, &backend).await {
        return span(request.path())
            .in_scope(|| Fault::tell(&error))
            .page(page::browser_lang(&request));
    }
    let mut response = page::redirect("/odoo");
    forget_cookie(&mut response, forwarded::is_https(&request));
    response
}

/// `/web/session/get_lang_list`: `[code, name]` of the languages.
pub async fn get_lang_list(body: JsonBody, backend: web::Data<Backend>) -> HttpResponse {
    answer(
        body,
        SMALL_BODY_LIMIT,
        "/web/session/get_lang_list",
        async |_| languages(&backend, false).await,
    )
    .await
}

/// `/web/webclient/version_info`: the release.
pub async fn version_info(body: JsonBody) -> HttpResponse {
    answer(
        body,
        SMALL_BODY_LIMIT,
        "/web/webclient/version_info",
        async |_| Ok(version()),
    )
    .await
}

/// `/web/database/list`: the names of the databases.
pub async fn database_list(body: JsonBody, backend: web::Data<Backend>) -> HttpResponse {
    answer(body, SMALL_BODY_LIMIT, "/web/database/list", async |_| {
        Ok(database_names(&backend))
    })
    .await
}

/// Answers a route that needs a session. Whether there is one is asked before the request is
/// read.
async fn within(
    request: &HttpRequest,
    body: JsonBody,
    backend: &web::Data<Backend>,
    path: &str,
    work: impl AsyncFnOnce(Caller) -> Result<AnyValue>,
) -> HttpResponse {
    match caller::required(request, backend).await {
        Ok(caller) => answer(body, SMALL_BODY_LIMIT, path, async |_| work(caller).await).await,
        Err(error) => refuse(body, path, error).await,
    }
}

async fn end_session(request: &HttpRequest, backend: &web::Data<Backend>) -> Result<()> {
    if let Some(value) = session_value(request) {
        sessions::sign_out(backend, &value).await?;
    }
    Ok(())
}

fn forget_cookie(response: &mut HttpResponse, https: bool) {
    if let Err(error) = response.add_cookie(&caller::ended_cookie(https)) {
        tracing::error!(%error, "the session cookie could not be taken back");
    }
}
