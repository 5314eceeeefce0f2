//! Microsoft's endpoints and scopes.
//!
//! Source: Microsoft's pages "Microsoft identity platform and OAuth 2.0 authorization code flow"
//! and "Authenticate an IMAP, POP or SMTP connection using OAuth".

use url::Url;

use super::provider::{Family, Provider};
use crate::Error;

/// Where Microsoft's global cloud signs in accounts of any tenant. A single-tenant app needs its
/// tenant id in place of `common`.
pub const DEFAULT_ENDPOINT: &str = "https://login.microsoftonline.com/common/oauth2/v2.0/";
/// Permission to send by SMTP.
pub const SMTP_SEND: &str = "https://outlook.office.com/SMTP.Send";
/// Permission to read and change a mailbox by IMAP.
pub const IMAP_ACCESS: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";

/// The provider at `endpoint`, or at [`DEFAULT_ENDPOINT`] if that is absent or empty.
///
/// `authorize` and `token` are joined to the endpoint as links are (RFC 3986, section 5.2), and as
/// Odoo does: an endpoint without a slash at its end loses its last part, query and fragment go.
///
/// # Errors
/// If the endpoint is not a URL, or one [`Provider::new`] refuses.
pub fn provider(endpoint: Option<&str>) -> Result<Provider, Error> {
    let endpoint = endpoint
        .map(str::trim)
        .filter(|endpoint| !endpoint.is_empty())
        .unwrap_or(DEFAULT_ENDPOINT);
    let join = |last: &str| {
        Url::parse(endpoint)
            .and_then(|base| base.join(last))
            .map_err(|source| Error::EndpointUnreadable {
                value: endpoint.to_owned(),
                source,
            })
    };
    Provider::new(Family::Microsoft, join("authorize")?, join("token")?)
}

/// The scopes for one permission: the permission itself, and that we get a refresh token with it.
///
/// One permission at a time, because the token endpoint accepts scopes of one resource only.
pub fn scope(permission: &str) -> String {
    format!("offline_access {permission}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_joined_as_links_are() {
        let default = "https://login.microsoftonline.com/common/oauth2/v2.0";
        let cases = [
            (None, default),
            (Some(""), default),
            (Some("  "), default),
            (
                Some("https://login.x.test/tenant/v2/"),
                "https://login.x.test/tenant/v2",
            ),
            (
                Some("https://login.x.test/tenant/v2"),
                "https://login.x.test/tenant",
            ),
            (Some("https://login.x.test"), "https://login.x.test"),
            (
                Some("https://login.x.test/t/?a=b"),
                "https://login.x.test/t",
            ),
            (Some("https://login.x.test/t/v#f"), "https://login.x.test/t"),
            (Some("http://127.0.0.1:9/t/"), "http://127.0.0.1:9/t"),
        ];
        for (endpoint, base) in cases {
            let provider = provider(endpoint).expect("a usable endpoint");
            assert_eq!(
                provider.authorize_endpoint().as_str(),
                format!("{base}/authorize")
            );
            assert_eq!(provider.token_endpoint().as_str(), format!("{base}/token"));
        }
    }

    #[test]
    fn an_endpoint_that_is_no_url_is_named_in_the_error() {
        for wrong in ["login.x.test/tenant/", "nonsense", "https://", "mailto:a@b"] {
            let error = provider(Some(wrong)).expect_err(wrong);
            assert!(
                matches!(error, Error::EndpointUnreadable { .. }),
                "{wrong}: {error:?}"
            );
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }

    #[test]
    fn the_scope_string_is_the_one_odoo_sends() {
        assert_eq!(
            scope(SMTP_SEND),
            "offline_access https://outlook.office.com/SMTP.Send"
        );
        assert_eq!(
            scope(IMAP_ACCESS),
            "offline_access https://outlook.office.com/IMAP.AccessAsUser.All"
        );
    }
}
