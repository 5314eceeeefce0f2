//! Who looks at a page, and whether a form came from a page of theirs.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use server_model::backend::Backend;
use server_model::env::Caller;
use server_model::sessions;
use server_model::value::Map;

use crate::failure::{Failure, Result};
use crate::lang::{self, Lang};
use crate::records::Records;
use crate::redirect;

/// The name of the cookie of a session, as Odoo's clients know it.
pub const SESSION_COOKIE: &str = "session_id";
/// The name of the hidden input that every form carries.
pub const TOKEN: &str = "csrf_token";

/// The fields of a submitted form. A name that comes twice keeps its last value.
pub type Fields = HashMap<String, String>;

type Found<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

/// A signed-in user. As an argument of a handler it sends everybody else to the sign-in page.
pub struct Visitor {
    /// Reads and writes with the user's rights.
    pub caller: Caller,
    /// The language of the pages.
    pub lang: Lang,
    /// What the user is called.
    pub name: String,
    /// The value of the session's cookie, which the tokens of forms are bound to.
    cookie: String,
}

impl Visitor {
    /// The token for the forms of a page.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn form_token(&self) -> Result<String> {
        Ok(sessions::form_token(self.caller.backend(), &self.cookie).await?)
    }

    /// Ends the session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_out(&self) -> Result<()> {
        Ok(sessions::sign_out(self.caller.backend(), &self.cookie).await?)
    }

    /// The user of the request's session, if there is a live one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(request: &HttpRequest) -> Result<Option<Visitor>> {
        let Some(cookie) = request.cookie(SESSION_COOKIE) else {
            return Ok(None);
        };
        let cookie = cookie.value().to_owned();
        let Some(caller) = sessions::find(&backend(request)?, &cookie).await? else {
            return Ok(None);
        };
        let mut visitor = Visitor {
            caller: caller.from_address(forwarded::client_address(request)),
            lang: lang::of_browser(request),
            name: String::new(),
            cookie,
        };
        visitor.introduce().await?;
        request.extensions_mut().insert(visitor.lang);
        Ok(Some(visitor))
    }

    /// Asks for name and language. Where English is the only language in use, as in a new database,
    /// nobody could choose another one, and the browser's stays.
    async fn introduce(&mut self) -> Result<()> {
        let users = Records::of(self, "res.users");
        let user = users.read(self.caller.uid(), &["name", "lang"]).await?;
        let chosen = Lang::of_code(&user.text("lang"));
        let counts = match chosen {
            Some(Lang::English) => languages_in_use(self).await? > 1,
            _ => true,
        };
        self.name = user.text("name");
        if let Some(chosen) = chosen.filter(|_| counts) {
            self.lang = chosen;
        }
        Ok(())
    }

    async fn required(request: &HttpRequest) -> Result<Visitor> {
        Visitor::find(request).await?.ok_or_else(|| {
            Failure::SignIn(redirect::sign_in_location(
                request.path(),
                request.query_string(),
            ))
        })
    }
}

/// How many languages a user can choose.
async fn languages_in_use(visitor: &Visitor) -> Result<usize> {
    let languages = Records::of(visitor, "res.lang");
    let found = languages
        .call("get_installed", Vec::new(), Map::new())
        .await?;
    Ok(found.as_list().unwrap_or_default().len())
}

impl FromRequest for Visitor {
    type Error = Failure;
    type Future = Found<Visitor>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Visitor::required(&request).await })
    }
}

/// A form that a signed-in user sent from one of our pages. There is no other way to read a form
/// behind the sign-in page, so that no handler can forget the check.
pub struct SignedForm {
    /// Who sent it.
    pub visitor: Visitor,
    /// What was typed.
    pub fields: Fields,
}

impl FromRequest for SignedForm {
    type Error = Failure;
    type Future = Found<SignedForm>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = web::Form::<Vec<(String, String)>>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let visitor = Visitor::required(&request).await?;
            let fields = read_fields(body.await)?;
            check_token(visitor.caller.backend(), &visitor.cookie, &fields).await?;
            Ok(SignedForm { visitor, fields })
        })
    }
}

/// The fields of a form as it came from the wire.
///
/// # Errors
/// [`Failure::Unreadable`].
pub fn read_fields(
    body: std::result::Result<web::Form<Vec<(String, String)>>, actix_web::Error>,
) -> Result<Fields> {
    match body {
        Ok(form) => Ok(form.into_inner().into_iter().collect()),
        Err(error) => Err(Failure::Unreadable(error.to_string())),
    }
}

/// Makes sure that the form carries a token made for this cookie.
///
/// # Errors
/// [`Failure::Forged`].
pub async fn check_token(backend: &Arc<Backend>, cookie: &str, fields: &Fields) -> Result<()> {
    let token = fields.get(TOKEN).map(String::as_str).unwrap_or_default();
    if !token.is_empty() && sessions::check_form_token(backend, cookie, token).await? {
        Ok(())
    } else {
        Err(Failure::Forged)
    }
}

/// The running program.
///
/// # Errors
/// When the application was put together without it.
pub fn backend(request: &HttpRequest) -> Result<Arc<Backend>> {
    request
        .app_data::<web::Data<Backend>>()
        .map(|data| Arc::clone(data))
        .ok_or_else(|| {
            Failure::Model(server_model::error::Error::Internal(
                "The pages were set up without the backend.".into(),
            ))
        })
}
