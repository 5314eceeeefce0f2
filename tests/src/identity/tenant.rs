//! Who may sign in where: the tenant in the path against the audience of the application and the home of the account.

use super::config::{Audience, HOME_TENANT, PERSONAL_TENANT, User};
use super::problem::Problem;

/// The first segment of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenant {
    /// `common`: organisations and personal accounts.
    Common,
    /// `organizations`: any organisation.
    Organizations,
    /// `consumers`: personal accounts.
    Consumers,
    /// One organisation, by GUID or by domain name.
    One(String),
}

impl Tenant {
    /// Reads the path segment.
    ///
    /// # Errors
    /// AADSTS90002 for a tenant that is not among those `known`.
    pub fn parse(segment: &str, known: &[String]) -> Result<Self, Problem> {
        match segment.to_ascii_lowercase().as_str() {
            "common" => Ok(Self::Common),
            "organizations" => Ok(Self::Organizations),
            "consumers" | PERSONAL_TENANT => Ok(Self::Consumers),
            HOME_TENANT => Ok(Self::One(HOME_TENANT.to_owned())),
            other if known.iter().any(|name| name.eq_ignore_ascii_case(other)) => {
                Ok(Self::One(other.to_owned()))
            }
            _ => Err(Problem::aadsts(90002).about(segment)),
        }
    }

    /// Whether an application of this audience can be used at this endpoint.
    ///
    /// # Errors
    /// AADSTS50194, 9002331, 9002332 or 700016.
    pub fn check_client(&self, audience: &Audience, client_id: &str) -> Result<(), Problem> {
        let refused = match (audience, self) {
            (Audience::SingleTenant(_), Self::Common | Self::Organizations) => Some(50194),
            (Audience::SingleTenant(_) | Audience::Organizations, Self::Consumers) => Some(9002332),
            (Audience::SingleTenant(home), Self::One(tenant))
                if !home.eq_ignore_ascii_case(tenant) =>
            {
                Some(700016)
            }
            (Audience::Personal, tenant) if *tenant != Self::Consumers => Some(9002331),
            _ => None,
        };
        refused.map_or(Ok(()), |code| Err(Problem::aadsts(code).about(client_id)))
    }

    /// Whether the account can sign in here.
    ///
    /// # Errors
    /// AADSTS50057 for a disabled account, AADSTS50020 for one that lives elsewhere.
    pub fn check_user(&self, user: &User, audience: &Audience) -> Result<(), Problem> {
        if user.disabled {
            return Err(Problem::aadsts(50057).about(&user.login));
        }
        let personal = user.tenant == PERSONAL_TENANT;
        let welcome = match self {
            Self::Common => {
                !personal || matches!(audience, Audience::Everyone | Audience::Personal)
            }
            Self::Organizations => !personal,
            Self::Consumers => personal,
            Self::One(tenant) => user.tenant.eq_ignore_ascii_case(tenant),
        };
        if welcome {
            Ok(())
        } else {
            Err(Problem::aadsts(50020).about(&user.login))
        }
    }
}
