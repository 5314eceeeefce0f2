//! Signing in and out.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::{ExposeSecret, SecretString};
use server_model::error::Error;
use server_model::sessions;
use uuid::Uuid;

use crate::failure::{Failure, Result};
use crate::lang::{self, Lang};
use crate::redirect::{self, local_target};
use crate::shell::{Query, page};
use crate::visitor::{self, SESSION_COOKIE, SignedForm, Visitor};

/// The cookie that the token of the sign-in form is bound to, as there is no session yet.
const FORM_COOKIE: &str = "sign_in_form";
/// How long a browser keeps the session's cookie; the session itself is renewed by use.
const COOKIE_DAYS: i64 = 7;
const PATH: &str = "/web/login";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    lang: Lang,
    token: &'a str,
    redirect: &'a str,
    login: &'a str,
    error: &'a str,
    /// Whether the person comes from changing the password, which ends the session.
    password_changed: bool,
}

/// Shows the sign-in form, or goes on for those who are signed in.
pub async fn show(request: HttpRequest, query: Query) -> Result<HttpResponse> {
    let wanted = query.get("redirect").map(String::as_str);
    let target = local_target(wanted.unwrap_or_default());
    if Visitor::find(&request).await?.is_some() {
        return Ok(redirect::see_other(target));
    }
    form(&request, target, "", "").await
}

/// Signs in and goes on to where one wanted to go.
pub async fn submit(
    request: HttpRequest,
    body: actix_web::Result<web::Form<Vec<(String, String)>>>,
) -> Result<HttpResponse> {
    let fields = visitor::read_fields(body)?;
    let backend = visitor::backend(&request)?;
    let bound_to = request.cookie(FORM_COOKIE).ok_or(Failure::Forged)?;
    visitor::check_token(&backend, bound_to.value(), &fields).await?;

    let text = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let target = local_target(text("redirect"));
    let login = text("login").trim();
    let password = SecretString::from(text("password"));
    let base_url = forwarded::base_url(&request);
    let address = forwarded::client_address(&request);
    match sessions::sign_in(&backend, login, &password, base_url.as_deref(), address).await {
        Ok(opened) => {
            // The session that the browser had before is of no use to it any more, and its id may
            // be known to others.
            if let Some(before) = request.cookie(SESSION_COOKIE) {
                sessions::sign_out(&backend, before.value()).await?;
            }
            let mut response = redirect::see_other(target);
            let https = forwarded::is_https(&request);
            let session = cookie(SESSION_COOKIE, opened.cookie.expose_secret(), "/", https);
            add(
                &mut response,
                session.max_age(Duration::days(COOKIE_DAYS)).finish(),
            )?;
            add(&mut response, ended(FORM_COOKIE, PATH, https))?;
            Ok(response)
        }
        Err(Error::AccessDenied(message)) => {
            let message = message.in_lang(lang::of_browser(&request));
            form(&request, target, login, &message).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends the session.
pub async fn sign_out(request: HttpRequest, form: SignedForm) -> Result<HttpResponse> {
    form.visitor.sign_out().await?;
    let mut response = redirect::see_other(PATH);
    add(
        &mut response,
        ended(SESSION_COOKIE, "/", forwarded::is_https(&request)),
    )?;
    Ok(response)
}

/// The form, with a token bound to the cookie that the browser has or now gets.
async fn form(
    request: &HttpRequest,
    target: &str,
    login: &str,
    error: &str,
) -> Result<HttpResponse> {
    let backend = visitor::backend(request)?;
    let known = request
        .cookie(FORM_COOKIE)
        .map(|cookie| cookie.value().to_owned())
        .filter(|value| Uuid::try_parse(value).is_ok());
    let bound_to = known.unwrap_or_else(|| Uuid::new_v4().to_string());
    let mut response = page(
        actix_web::http::StatusCode::OK,
        &SignInPage {
            lang: lang::of_browser(request),
            token: &sessions::form_token(&backend, &bound_to).await?,
            redirect: target,
            login,
            error,
            password_changed: request.query_string() == "done=password",
        },
    )?;
    let cookie = cookie(FORM_COOKIE, &bound_to, PATH, forwarded::is_https(request));
    add(&mut response, cookie.finish())?;
    Ok(response)
}

fn cookie<'a>(
    name: &'a str,
    value: &'a str,
    path: &'a str,
    https: bool,
) -> actix_web::cookie::CookieBuilder<'a> {
    Cookie::build(name, value)
        .path(path)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(https)
}

fn ended<'a>(name: &'a str, path: &'a str, https: bool) -> Cookie<'a> {
    cookie(name, "", path, https)
        .max_age(Duration::ZERO)
        .finish()
}

fn add(response: &mut HttpResponse, cookie: Cookie<'_>) -> Result<()> {
    response.add_cookie(&cookie).map_err(|error| {
        Failure::Model(Error::Internal(format!(
            "A cookie could not be set: {error}"
        )))
    })
}
