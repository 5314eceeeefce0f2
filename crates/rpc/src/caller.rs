//! Who calls: by the cookie of a web session, or by user id and password.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use secrecy::{ExposeSecret, SecretString};
use server_model::backend::Backend;
use server_model::database::Intent;
use server_model::env::Caller;
use server_model::error::Error as ModelError;
use server_model::value::{AnyValue, Id};
use server_model::{credentials, sessions};

use words::say;

use crate::error::{Error, Result};

/// The name of the cookie that Odoo's clients keep.
const SESSION_COOKIE: &str = "session_id";
/// Where clients without a cookie jar put the session instead.
const SESSION_HEADER: &str = "X-Openerp-Session-Id";
/// How long a browser keeps the cookie; the session itself is renewed by use.
const COOKIE_DAYS: i64 = 7;

/// The session that the client names; the cookie counts before the header.
pub fn session_value(request: &HttpRequest) -> Option<String> {
    if let Some(cookie) = request.cookie(SESSION_COOKIE) {
        return Some(cookie.value().to_owned());
    }
    let header = request.headers().get(SESSION_HEADER)?;
    header.to_str().ok().map(str::to_owned)
}

/// The user of the session, if there is a live one.
///
/// # Errors
/// When the database fails.
pub async fn signed_in(request: &HttpRequest, backend: &Arc<Backend>) -> Result<Option<Caller>> {
    match session_value(request) {
        Some(value) => {
            let found = sessions::find(backend, &value).await?;
            Ok(found.map(|caller| caller.from_address(forwarded::client_address(request))))
        }
        None => Ok(None),
    }
}

/// The user of the session, for routes that need one.
///
/// # Errors
/// [`Error::SessionExpired`] when there is no live session.
pub async fn required(request: &HttpRequest, backend: &Arc<Backend>) -> Result<Caller> {
    signed_in(request, backend)
        .await?
        .ok_or(Error::SessionExpired)
}

/// The cookie of a session just opened.
pub fn session_cookie(value: &SecretString, https: bool) -> Cookie<'static> {
    cookie(
        value.expose_secret().to_owned(),
        https,
        Duration::days(COOKIE_DAYS),
    )
}

/// The cookie that makes a browser forget the session.
pub fn ended_cookie(https: bool) -> Cookie<'static> {
    cookie(String::new(), https, Duration::ZERO)
}

fn cookie(value: String, https: bool, max_age: Duration) -> Cookie<'static> {
    Cookie::build(SESSION_COOKIE, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(https)
        .max_age(max_age)
        .finish()
}

/// Makes sure that the database asked for is the one served.
///
/// # Errors
/// An AssertionError when none is named, [`Error::UnknownDatabase`] for another one.
pub fn check_database(backend: &Backend, name: &AnyValue) -> Result<()> {
    match name {
        AnyValue::Text(name) if name == backend.database().name() => Ok(()),
        name if name.is_falsy() => Err(Error::assertion("The name of the database is empty.")),
        name => Err(Error::UnknownDatabase(name.to_python_text())),
    }
}

/// Checks the user id and password that come with a call of the object service from an address.
///
/// # Errors
/// AccessDenied for a wrong password, an archived user and the ids 0 and `False`; MissingError
/// for an id that no user has; ValueError and TypeError for what is no id or no password.
pub async fn by_password(
    backend: &Arc<Backend>,
    uid: &AnyValue,
    password: AnyValue,
    address: Option<IpAddr>,
) -> Result<Caller> {
    let uid = user_id(uid)?;
    let password = match password {
        AnyValue::Text(text) => SecretString::from(text),
        other if other.is_falsy() => return Err(Error::denied("The password is empty.")),
        other => {
            return Err(Error::type_error(format!(
                "The password must be a text, not {}.",
                other.type_name()
            )));
        }
    };
    match credentials::check_uid(backend, uid, &password, address).await {
        Err(denied @ ModelError::AccessDenied(_)) => {
            check_exists(backend, uid).await?;
            Err(denied.into())
        }
        outcome => Ok(outcome?.from_address(address)),
    }
}

fn user_id(value: &AnyValue) -> Result<Id> {
    let number = match value {
        AnyValue::Text(text) => text.trim().parse::<i64>().map_err(|_| {
            Error::value_error("The user id is not a number. login() tells the id of a user.")
        })?,
        AnyValue::Float(number) => *number as i64,
        other => other.as_int().ok_or_else(|| {
            Error::type_error(format!(
                "The user id must be a whole number, not {}.",
                other.type_name()
            ))
        })?,
    };
    if number == 0 {
        return Err(Error::denied("Nobody is signed in: the user id is empty."));
    }
    Id::try_from(number).map_err(|_| missing_user(number))
}

/// Odoo tells an id that nobody has from a wrong password, and clients rely on it.
async fn check_exists(backend: &Arc<Backend>, uid: Id) -> Result<()> {
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Read)
        .await?;
    let found = env.as_user(uid).user().await.map(drop);
    env.rollback().await?;
    match found {
        Err(ModelError::Missing(_)) => Err(missing_user(i64::from(uid))),
        outcome => Ok(outcome?),
    }
}

fn missing_user(uid: i64) -> Error {
    ModelError::Missing(say!("error-no-user-to-call-as", %uid)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_cookie_counts_before_the_header() {
        let request = TestRequest::get()
            .cookie(Cookie::new("session_id", "c"))
            .insert_header((SESSION_HEADER, "h"))
            .to_http_request();
        assert_eq!(session_value(&request).as_deref(), Some("c"));
        let request = TestRequest::get()
            .insert_header((SESSION_HEADER, "h"))
            .to_http_request();
        assert_eq!(session_value(&request).as_deref(), Some("h"));
        assert_eq!(session_value(&TestRequest::get().to_http_request()), None);
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_secure_behind_https() {
        let secret = SecretString::from("abc");
        let text = session_cookie(&secret, true).to_string();
        for part in [
            "session_id=abc",
            "HttpOnly",
            "SameSite=Lax",
            "Path=/",
            "Secure",
            "Max-Age=604800",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(
            !session_cookie(&secret, false)
                .to_string()
                .contains("Secure")
        );
        assert!(ended_cookie(false).to_string().contains("Max-Age=0"));
    }

    #[test]
    fn user_ids_are_read_as_python_reads_them() {
        let read = |value: AnyValue| user_id(&value);
        assert_eq!(read(2.into()).expect("an id"), 2);
        assert_eq!(read("2".into()).expect("an id"), 2);
        assert_eq!(read(true.into()).expect("an id"), 1);
        let fails = |value: AnyValue| match read(value) {
            Err(Error::Model(error)) => error,
            other => panic!("{other:?}"),
        };
        assert!(matches!(fails("abc".into()), ModelError::Value(_)));
        assert!(matches!(fails(AnyValue::Null), ModelError::Type(_)));
        assert!(matches!(fails(0.into()), ModelError::AccessDenied(_)));
        assert!(matches!(fails(false.into()), ModelError::AccessDenied(_)));
        assert!(matches!(
            fails(99_999_999_999_i64.into()),
            ModelError::Missing(_)
        ));
    }
}
