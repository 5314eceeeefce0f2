//! A scripted person with a browser: signs in and consents at a provider, by plain HTTP, redirects and cookies.

use actix_web::cookie::Cookie;
use actix_web::cookie::time::OffsetDateTime;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use url::Url;

/// How many pages and redirects the person follows before giving up.
const PATIENCE: usize = 20;

/// What the person answers on the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Consents.
    Yes,
    /// Declines.
    No,
}

/// Why the person did not come back to the application.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The provider showed an error page, whose text is given.
    #[error("the provider answered {status} to {url}: {text}")]
    Page {
        /// The status.
        status: u16,
        /// The page.
        url: Url,
        /// The page's text, without its tags.
        text: String,
    },
    /// A page without the form that was expected.
    #[error("the page {0} has no form that a person could fill in")]
    NoForm(Url),
    /// Redirects without end, or a sign-in that starts again and again.
    #[error("the sign-in did not come to an end; the last page was {0}")]
    Endless(Url),
    /// Not a URL.
    #[error("an address is not a URL")]
    Url(#[from] url::ParseError),
    /// The authorize URL lacks `redirect_uri`, so there is nothing to come back to.
    #[error("the authorize URL names no redirect_uri")]
    NoRedirectUri,
    /// The provider could not be reached.
    #[error("the provider could not be reached")]
    Http(#[from] reqwest::Error),
}

/// One person's browser. Each starts without cookies.
pub struct Person {
    http: Client,
    cookies: Vec<StoredCookie>,
}

struct StoredCookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

impl Default for Person {
    fn default() -> Self {
        Self::new()
    }
}

impl Person {
    /// A person with a fresh browser.
    #[expect(
        clippy::expect_used,
        reason = "a client without options can only fail for want of memory or TLS roots"
    )]
    pub fn new() -> Self {
        let http = Client::builder()
            .redirect(Policy::none())
            .build()
            .expect("a plain HTTP client can be built");
        Self {
            http,
            cookies: Vec::new(),
        }
    }

    /// Opens the authorize URL at the double, signs in as `account` and decides; returns the redirect back to the
    /// application, with `code` and `state` or with `error`, without following it.
    ///
    /// # Errors
    /// When the provider shows a page that the person cannot get past, as for an unregistered redirect URI.
    pub async fn consent_at_double(
        &mut self,
        authorize_url: &Url,
        account: &str,
        decision: Decision,
    ) -> Result<Url, Error> {
        let decision = match decision {
            Decision::Yes => "yes",
            Decision::No => "no",
        };
        self.sign_in(
            authorize_url,
            &[("account", account), ("decision", decision)],
        )
        .await
    }

    /// The same at `oidc-provider` with its built-in pages, which ask for the login first and for consent after.
    ///
    /// # Errors
    /// When the provider shows a page that the person cannot get past.
    pub async fn consent_at_oidc_provider(
        &mut self,
        authorize_url: &Url,
        account: &str,
    ) -> Result<Url, Error> {
        self.sign_in(authorize_url, &[("login", account), ("password", "any")])
            .await
    }

    /// Follows redirects and fills in forms until the provider sends the browser back to the application.
    async fn sign_in(
        &mut self,
        authorize_url: &Url,
        answers: &[(&str, &str)],
    ) -> Result<Url, Error> {
        let redirect_uri = redirect_uri(authorize_url)?;
        let mut response = self.request(Method::GET, authorize_url, None).await?;
        let mut page = authorize_url.clone();
        let mut refused_before = None;
        for _ in 0..PATIENCE {
            if response.status().is_redirection() {
                let location = response
                    .headers()
                    .get(LOCATION)
                    .and_then(|value| value.to_str().ok());
                page = page.join(location.unwrap_or_default())?;
                if is_at(&page, &redirect_uri) {
                    return Ok(page);
                }
                response = self.request(Method::GET, &page, None).await?;
                continue;
            }
            let status = response.status();
            let html = response.text().await?;
            // The same page again after it was filled in means that the answers were refused.
            if !status.is_success() || refused_before.as_ref() == Some(&page) {
                return Err(Error::Page {
                    status: status.as_u16(),
                    url: page,
                    text: text_of(&html),
                });
            }
            let form = Form::find(&html).ok_or_else(|| Error::NoForm(page.clone()))?;
            let target = page.join(&form.action)?;
            refused_before = Some(target.clone());
            page = target;
            response = self
                .request(Method::POST, &page, Some(&form.filled_in(answers)))
                .await?;
        }
        Err(Error::Endless(page))
    }

    async fn request(
        &mut self,
        method: Method,
        url: &Url,
        form: Option<&[(String, String)]>,
    ) -> Result<Response, Error> {
        let mut request = self.http.request(method, url.clone());
        let cookies = self.cookies_for(url);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies);
        }
        if let Some(form) = form {
            request = request.form(form);
        }
        let response = request.send().await?;
        for header in response.headers().get_all(SET_COOKIE) {
            if let Some(cookie) = header
                .to_str()
                .ok()
                .and_then(|text| Cookie::parse(text.to_owned()).ok())
            {
                self.keep(url, &cookie);
            }
        }
        Ok(response)
    }

    fn cookies_for(&self, url: &Url) -> String {
        let host = authority(url);
        let sent = self
            .cookies
            .iter()
            .filter(|cookie| cookie.host == host && covers(&cookie.path, url.path()));
        sent.map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// Stores a cookie, in place of one with the same name and path; one that has expired only removes it.
    fn keep(&mut self, url: &Url, cookie: &Cookie<'_>) {
        let host = authority(url);
        let path = cookie.path().unwrap_or("/").to_owned();
        self.cookies.retain(|known| {
            !(known.host == host && known.path == path && known.name == cookie.name())
        });
        let expired = cookie
            .expires_datetime()
            .is_some_and(|when| when <= OffsetDateTime::now_utc());
        if !expired && cookie.max_age().is_none_or(|age| age.is_positive()) {
            let (name, value) = (cookie.name().to_owned(), cookie.value().to_owned());
            self.cookies.push(StoredCookie {
                host,
                path,
                name,
                value,
            });
        }
    }
}

fn redirect_uri(authorize_url: &Url) -> Result<Url, Error> {
    let named = authorize_url
        .query_pairs()
        .find(|(name, _)| name == "redirect_uri");
    Ok(Url::parse(&named.ok_or(Error::NoRedirectUri)?.1)?)
}

fn is_at(url: &Url, target: &Url) -> bool {
    url.origin() == target.origin() && url.path() == target.path()
}

fn authority(url: &Url) -> String {
    format!(
        "{}:{}",
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or_default()
    )
}

/// RFC 6265 section 5.1.4.
fn covers(cookie_path: &str, path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

/// The first form of a page.
struct Form {
    action: String,
    /// Name and value of each input.
    inputs: Vec<(String, String)>,
}

impl Form {
    fn find(html: &str) -> Option<Self> {
        let start = html.find("<form")?;
        let form = &html[start..];
        let form = &form[..form.find("</form>").unwrap_or(form.len())];
        let action = attribute(&form[..form.find('>')?], "action").unwrap_or_default();
        let inputs = form.split("<input").skip(1).filter_map(|rest| {
            let tag = &rest[..rest.find('>')?];
            Some((
                attribute(tag, "name")?,
                attribute(tag, "value").unwrap_or_default(),
            ))
        });
        Some(Self {
            action,
            inputs: inputs.collect(),
        })
    }

    /// The inputs with the person's answers. `decision` is not an input but the button that is pressed.
    fn filled_in(&self, answers: &[(&str, &str)]) -> Vec<(String, String)> {
        let answer = |name: &str| {
            answers
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let mut fields: Vec<(String, String)> = self
            .inputs
            .iter()
            .map(|(name, value)| (name.clone(), answer(name).unwrap_or_else(|| value.clone())))
            .collect();
        fields.extend(answer("decision").map(|decision| ("decision".to_owned(), decision)));
        fields
    }
}

/// The value of a quoted attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescape(rest.split_once('"')?.0))
}

fn unescape(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    entities
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| {
            text.replace(entity, character)
        })
}

fn text_of(html: &str) -> String {
    let body = html.split_once("<body>").map_or(html, |(_, body)| body);
    let pieces = body
        .split('<')
        .map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    unescape(&pieces.collect::<Vec<_>>().join(" "))
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
