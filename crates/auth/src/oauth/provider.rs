//! Who is asked (the provider's endpoints), who asks (our registered application), and the link
//! that sends an administrator's browser there.

use oauth2::RedirectUrl;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::credential::{ASSERTION_TYPE, ClientCertificate, Credential};
use crate::{Error, pkce};

/// The providers, by their habits on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Microsoft's identity platform, version 2.0.
    Microsoft,
    /// Google's identity platform.
    Google,
}

impl Family {
    /// Parameters of the authorize link beyond those of RFC 6749.
    fn authorize_extras(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // The answer comes in the query of the redirect, where our route reads it.
            Family::Microsoft => &[("response_mode", "query")],
            // Without both, Google gives a refresh token on the first consent only.
            Family::Google => &[("access_type", "offline"), ("prompt", "consent")],
        }
    }

    /// Whether `scope` (with a code) and `redirect_uri` (with a refresh token) are sent to the
    /// token endpoint too. Odoo sends both to Microsoft, which wants one resource's scope each
    /// time; RFC 6749 has neither, and a stricter provider may refuse them.
    pub(super) fn repeats_parameters(self) -> bool {
        self == Family::Microsoft
    }
}

/// The two endpoints of a provider.
#[derive(Debug, Clone)]
pub struct Provider {
    family: Family,
    authorize: Url,
    token: Url,
}

impl Provider {
    /// A provider at these endpoints; use [`microsoft::provider`](super::microsoft::provider) or
    /// [`google::provider`](super::google::provider) for the public ones.
    ///
    /// # Errors
    /// If an endpoint is neither https nor, on this machine itself, http, or has credentials in it.
    pub fn new(family: Family, authorize: Url, token: Url) -> Result<Provider, Error> {
        require_protected(&authorize)?;
        require_protected(&token)?;
        Ok(Provider {
            family,
            authorize,
            token,
        })
    }

    /// Whose habits apply.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Where the browser goes.
    pub fn authorize_endpoint(&self) -> &Url {
        &self.authorize
    }

    /// Where we go with a code or a refresh token.
    pub fn token_endpoint(&self) -> &Url {
        &self.token
    }

    /// The link for the administrator's browser, with the parameters in the order Odoo has them,
    /// then those it does not send: `login_hint` and the PKCE challenge.
    pub fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Url {
        let application = request.application;
        let mut url = self.authorize.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_id", &application.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", application.redirect_uri.as_str())
            .extend_pairs(self.family.authorize_extras())
            .append_pair("scope", request.scope)
            .append_pair("state", request.state);
        if let Some(login) = request.login_hint.filter(|login| !login.is_empty()) {
            query.append_pair("login_hint", login);
        }
        query
            .append_pair("code_challenge", request.code_challenge)
            .append_pair("code_challenge_method", pkce::METHOD);
        drop(query);
        url
    }
}

/// Refuses what would send the client secret over an open wire, or show a password in a link.
fn require_protected(endpoint: &Url) -> Result<(), Error> {
    let host = endpoint.host_str().unwrap_or_default().to_owned();
    if !endpoint.username().is_empty() || endpoint.password().is_some() {
        return Err(Error::EndpointWithCredentials { host });
    }
    match endpoint.scheme() {
        "https" => Ok(()),
        "http" if is_this_machine(endpoint) => Ok(()),
        scheme => Err(Error::EndpointUnprotected {
            host,
            scheme: scheme.to_owned(),
        }),
    }
}

fn is_this_machine(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Our registration with the provider.
#[derive(Debug, Clone)]
pub struct Application {
    pub(super) client_id: String,
    pub(super) credential: Credential,
    pub(super) redirect_uri: RedirectUrl,
}

impl Application {
    /// `client_secret` is `None` (or empty) for an app registered as a public client, which must
    /// not send one. `redirect_uri` goes out as it is written here, letter by letter, because
    /// providers compare it that way with what is registered.
    ///
    /// # Errors
    /// If the client id is empty or the redirect address is not a URL.
    pub fn new(
        client_id: &str,
        client_secret: Option<SecretString>,
        redirect_uri: &str,
    ) -> Result<Application, Error> {
        let secret = client_secret.filter(|secret| !secret.expose_secret().is_empty());
        let credential = secret.map_or(Credential::Nothing, Credential::Secret);
        Application::known_by(client_id, credential, redirect_uri)
    }

    /// An application that is known by a certificate instead of a secret.
    ///
    /// # Errors
    /// As for [`Application::new`].
    pub fn with_certificate(
        client_id: &str,
        certificate: ClientCertificate,
        redirect_uri: &str,
    ) -> Result<Application, Error> {
        let credential = Credential::Certificate(certificate);
        Application::known_by(client_id, credential, redirect_uri)
    }

    fn known_by(
        client_id: &str,
        credential: Credential,
        redirect_uri: &str,
    ) -> Result<Application, Error> {
        if client_id.is_empty() {
            return Err(Error::ClientIdMissing);
        }
        let redirect_uri =
            RedirectUrl::new(redirect_uri.to_owned()).map_err(|source| Error::RedirectAddress {
                value: redirect_uri.to_owned(),
                source,
            })?;
        Ok(Application {
            client_id: client_id.to_owned(),
            credential,
            redirect_uri,
        })
    }

    /// What goes along with each request to prove who we are, beside a client secret: name and value.
    pub(super) fn assertion(
        &self,
        provider: &Provider,
    ) -> Option<[(&'static str, SecretString); 2]> {
        let Credential::Certificate(certificate) = &self.credential else {
            return None;
        };
        let assertion = certificate.assertion(&self.client_id, provider.token_endpoint().as_str());
        Some([
            ("client_assertion_type", ASSERTION_TYPE.into()),
            ("client_assertion", assertion),
        ])
    }

    /// Its client secret, if that is what it is known by.
    pub(super) fn client_secret(&self) -> Option<&SecretString> {
        match &self.credential {
            Credential::Secret(secret) => Some(secret),
            Credential::Nothing | Credential::Certificate(_) => None,
        }
    }

    /// Whether this is the secret that it shows the provider.
    pub fn has_secret(&self, secret: &str) -> bool {
        self.client_secret()
            .is_some_and(|own| crate::equal(own.expose_secret().as_bytes(), secret.as_bytes()))
    }
}

/// What the link asks for.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizeRequest<'a> {
    /// Who asks.
    pub application: &'a Application,
    /// Scopes, separated by blanks; see [`Cloud::scope`](super::microsoft::Cloud::scope).
    pub scope: &'a str,
    /// Comes back to us unchanged: which record it is about, and a
    /// [`csrf`](crate::csrf) token.
    pub state: &'a str,
    /// The mailbox's address, so that the provider proposes the right account.
    pub login_hint: Option<&'a str>,
    /// The [`pkce::challenge`](crate::pkce::challenge).
    pub code_challenge: &'a str,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::oauth::{google, microsoft};

    const REDIRECT: &str = "http://odoo.x.test/microsoft_outlook/confirm";

    fn application(client_id: &str) -> Application {
        Application::new(client_id, Some("s".into()), REDIRECT).expect("a usable application")
    }

    fn link(provider: &Provider, application: &Application, hint: Option<&str>) -> Url {
        provider.authorize_url(&AuthorizeRequest {
            application,
            scope: &microsoft::Cloud::Global.scope(microsoft::Permission::Send),
            state: r#"{"model": "ir.mail_server", "id": 7, "csrf_token": "00ff"}"#,
            login_hint: hint,
            code_challenge: "challenge",
        })
    }

    fn query(url: &Url) -> BTreeMap<String, String> {
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn the_microsoft_link_has_the_parameters_of_odoo_with_pkce_and_login_hint() {
        let provider = microsoft::provider(None).expect("the public endpoint");
        let url = link(&provider, &application("a b&c=d/é"), Some("me@x.test"));
        let base = "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=";
        assert!(url.as_str().starts_with(base), "{url}");
        let expected = [
            ("client_id", "a b&c=d/é"),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("response_mode", "query"),
            (
                "scope",
                "offline_access https://outlook.office.com/SMTP.Send",
            ),
            (
                "state",
                r#"{"model": "ir.mail_server", "id": 7, "csrf_token": "00ff"}"#,
            ),
            ("login_hint", "me@x.test"),
            ("code_challenge", "challenge"),
            ("code_challenge_method", "S256"),
        ];
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn an_empty_or_absent_login_gives_no_hint() {
        let provider = microsoft::provider(None).expect("the public endpoint");
        for hint in [None, Some("")] {
            let url = link(&provider, &application("id"), hint);
            assert!(!query(&url).contains_key("login_hint"));
        }
    }

    #[test]
    fn the_google_link_asks_for_a_lasting_grant() {
        let provider = google::provider().expect("the public endpoint");
        let url = link(&provider, &application("id"), None);
        assert!(
            url.as_str()
                .starts_with("https://accounts.google.com/o/oauth2/v2/auth?")
        );
        let query = query(&url);
        assert_eq!(query["access_type"], "offline");
        assert_eq!(query["prompt"], "consent");
        assert!(!query.contains_key("response_mode"));
        assert_eq!(
            provider.token_endpoint().as_str(),
            "https://oauth2.googleapis.com/token"
        );
    }

    #[test]
    fn unprotected_endpoints_are_refused_except_on_this_machine() {
        let new = |text: &str| {
            let url = Url::parse(text).expect("a URL");
            Provider::new(Family::Microsoft, url.clone(), url)
        };
        let fine = [
            "https://login.x.test/t/",
            "http://127.0.0.1:8080/t/",
            "http://127.9.9.9/",
            "http://[::1]:1/",
            "http://localhost/",
            "http://idp.localhost/",
        ];
        for text in fine {
            assert!(new(text).is_ok(), "{text}");
        }
        for text in [
            "http://login.x.test/",
            "http://10.0.0.1/",
            "ftp://localhost/",
            "file:///t",
        ] {
            let error = new(text).expect_err(text);
            assert!(
                matches!(error, Error::EndpointUnprotected { .. }),
                "{text}: {error}"
            );
        }
        let error = new("https://user:hunter2@login.x.test/").expect_err("credentials");
        assert!(matches!(error, Error::EndpointWithCredentials { .. }));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn an_application_without_id_or_with_a_broken_redirect_address_is_refused() {
        let error = Application::new("", None, REDIRECT).expect_err("no id");
        assert!(matches!(error, Error::ClientIdMissing));
        let error =
            Application::new("id", None, "/microsoft_outlook/confirm").expect_err("no host");
        assert!(error.to_string().contains("web.base.url"), "{error}");
    }

    #[test]
    fn an_empty_client_secret_is_none_and_a_secret_is_not_shown() {
        let public = Application::new("id", Some("".into()), REDIRECT).expect("fine");
        assert!(public.client_secret().is_none());
        let ours = Application::new("id", Some("hunter2".into()), REDIRECT).expect("fine");
        assert!(!format!("{ours:?}").contains("hunter2"));
    }
}
