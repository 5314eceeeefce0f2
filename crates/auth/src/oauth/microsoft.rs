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

/// What may be done with a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Send by SMTP.
    Send,
    /// Read and change by IMAP.
    Read,
}

impl Permission {
    const fn name(self) -> &'static str {
        match self {
            Permission::Send => "SMTP.Send",
            Permission::Read => "IMAP.AccessAsUser.All",
        }
    }
}

/// Microsoft's clouds, which know nothing of each other. Source: Microsoft's page "National clouds";
/// the names of Exchange Online in the page "Microsoft 365 endpoints" of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// The one of all others.
    Global,
    /// The United States Government's.
    UsGovernment,
    /// China's, operated by 21Vianet.
    China,
}

impl Cloud {
    /// The cloud by its name in the settings: `global`, `us_government` or `china`.
    pub fn named(name: &str) -> Option<Cloud> {
        match name {
            "global" => Some(Cloud::Global),
            "us_government" => Some(Cloud::UsGovernment),
            "china" => Some(Cloud::China),
            _ => None,
        }
    }

    /// The cloud that an endpoint belongs to. One that is not Microsoft's, a proxy's perhaps, is taken
    /// to stand for the global one.
    pub fn of(endpoint: &Url) -> Cloud {
        let host = endpoint.host_str();
        let clouds = [Cloud::UsGovernment, Cloud::China];
        let found = clouds.into_iter().find(|cloud| host == Some(cloud.login()));
        found.unwrap_or(Cloud::Global)
    }

    /// The host that people sign in at.
    const fn login(self) -> &'static str {
        match self {
            Cloud::Global => "login.microsoftonline.com",
            Cloud::UsGovernment => "login.microsoftonline.us",
            Cloud::China => "login.partner.microsoftonline.cn",
        }
    }

    /// The name of Exchange Online in the permissions that a user gives.
    const fn exchange(self) -> &'static str {
        match self {
            Cloud::Global => "https://outlook.office.com",
            Cloud::UsGovernment => "https://outlook.office365.us",
            Cloud::China => "https://partner.outlook.cn",
        }
    }

    /// The endpoint for the accounts of a tenant: its id or a domain of it, or `common`, `organizations`
    /// or `consumers`.
    pub fn endpoint(self, tenant: &str) -> String {
        format!("https://{}/{tenant}/oauth2/v2.0/", self.login())
    }

    /// The scopes for one permission of a user: the permission itself, and that we get a refresh token
    /// with it.
    ///
    /// One permission at a time, because the token endpoint accepts scopes of one resource only.
    pub fn scope(self, permission: Permission) -> String {
        format!("offline_access {}/{}", self.exchange(), permission.name())
    }

    /// The scope for the application itself: everything that an administrator allowed it at Exchange
    /// Online (`SMTP.SendAsApp`, `IMAP.AccessAsApp`).
    pub fn application_scope(self) -> String {
        let exchange = match self {
            Cloud::Global => "https://outlook.office365.com",
            other => other.exchange(),
        };
        format!("{exchange}/.default")
    }
}

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

/// Whether the endpoint stands for many tenants at once, so that it can give no token to an application itself.
pub fn is_for_many_tenants(provider: &Provider) -> bool {
    let tenant = provider
        .token_endpoint()
        .path_segments()
        .and_then(|mut path| path.next());
    matches!(tenant, Some("common" | "organizations" | "consumers"))
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
            Cloud::Global.scope(Permission::Send),
            "offline_access https://outlook.office.com/SMTP.Send"
        );
        assert_eq!(
            Cloud::Global.scope(Permission::Read),
            "offline_access https://outlook.office.com/IMAP.AccessAsUser.All"
        );
    }

    #[test]
    fn each_cloud_has_its_own_hosts_and_is_known_by_them() {
        let cases = [
            ("global", "outlook.office.com", "outlook.office365.com"),
            (
                "us_government",
                "outlook.office365.us",
                "outlook.office365.us",
            ),
            ("china", "partner.outlook.cn", "partner.outlook.cn"),
        ];
        for (name, exchange, application) in cases {
            let cloud = Cloud::named(name).expect(name);
            let endpoint = cloud.endpoint("contoso.example");
            let provider = provider(Some(&endpoint)).expect("a usable endpoint");
            assert_eq!(Cloud::of(provider.token_endpoint()), cloud);
            let scope = format!("offline_access https://{exchange}/SMTP.Send");
            assert_eq!(cloud.scope(Permission::Send), scope);
            let scope = format!("https://{application}/.default");
            assert_eq!(cloud.application_scope(), scope);
        }
        assert_eq!(Cloud::Global.endpoint("common"), DEFAULT_ENDPOINT);
        assert_eq!(Cloud::named("mars"), None);
    }
}
