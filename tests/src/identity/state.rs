//! What the double remembers: applications, accounts, codes, grants, tokens, and what it was asked.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::config::{Client, HOME_TENANT, IdentityConfig, PERSONAL_TENANT, Rotation, User};
use super::fault::Faults;
use super::jwt;
use super::problem::Problem;
use super::scope::{self, Scope};
use super::seen::{Counters, TokenRequest};
use super::tenant::Tenant;
use super::{Error, random_token};

/// An application with what the control API did to it.
#[derive(Clone, Debug)]
pub struct Registration {
    /// As registered.
    pub client: Client,
    /// Those of its secrets that have expired.
    pub expired_secrets: Vec<String>,
    /// Whether it was switched off.
    pub disabled: bool,
}

/// An authorization code.
#[derive(Clone, Debug)]
pub struct Code {
    /// The application it was given to.
    pub client_id: String,
    /// The redirect URI of the request, to be repeated at redemption.
    pub redirect_uri: String,
    /// The PKCE challenge (S256), if one was sent.
    pub challenge: Option<String>,
    /// The account that signed in.
    pub login: String,
    /// What it consented to.
    pub scopes: Vec<Scope>,
    /// When.
    pub issued: DateTime<Utc>,
    /// Whether it was exchanged for tokens.
    pub redeemed: bool,
}

/// One consent of one account to one application; all its tokens hang on it.
#[derive(Clone, Debug)]
struct Grant {
    login: String,
    client_id: String,
    scopes: Vec<Scope>,
    /// The number that ends every further refresh.
    ended: Option<u32>,
}

#[derive(Clone, Debug)]
struct RefreshToken {
    grant: usize,
    issued: DateTime<Utc>,
    used: bool,
}

#[derive(Clone, Debug)]
pub(super) struct AccessToken {
    pub(super) grant: Option<usize>,
    pub(super) login: String,
    pub(super) client_id: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) resource: String,
    pub(super) issued: DateTime<Utc>,
    pub(super) expires: DateTime<Utc>,
    pub(super) void: bool,
}

/// Tokens, as the token endpoint gives them out.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// The refresh token, when `offline_access` was consented to.
    pub refresh_token: Option<String>,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// What the access token is good for.
    pub scope: String,
}

/// The whole memory, behind one lock.
pub struct State {
    /// Lifetimes, rotation, tenants; the lists of clients and users in it are not used after the start.
    pub config: IdentityConfig,
    /// Faults that wait.
    pub faults: Faults,
    /// Token requests, oldest first.
    pub seen: Vec<TokenRequest>,
    /// How many token requests were dropped from the front of `seen`, so that numbers given to them stay theirs.
    pub forgotten: usize,
    /// Totals.
    pub counters: Counters,
    /// The ids of the assertions that were shown, each of which is good once.
    pub assertions: HashSet<String>,
    registrations: Vec<Registration>,
    users: Vec<User>,
    codes: HashMap<String, Code>,
    grants: Vec<Grant>,
    refresh_tokens: HashMap<String, RefreshToken>,
    pub(super) access_tokens: HashMap<String, AccessToken>,
    ahead: Duration,
}

impl State {
    /// A memory with what the configuration names.
    pub fn new(mut config: IdentityConfig) -> Self {
        let clients = std::mem::take(&mut config.clients);
        let users = std::mem::take(&mut config.users);
        let mut state = Self {
            config,
            faults: Faults::default(),
            seen: Vec::new(),
            forgotten: 0,
            counters: Counters::default(),
            assertions: HashSet::new(),
            registrations: Vec::new(),
            users,
            codes: HashMap::new(),
            grants: Vec::new(),
            refresh_tokens: HashMap::new(),
            access_tokens: HashMap::new(),
            ahead: Duration::zero(),
        };
        clients
            .into_iter()
            .for_each(|client| state.add_client(client));
        state
    }

    /// The double's time: the real one plus what tests have put it ahead.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.ahead
    }

    /// Puts the clock ahead, so that expiry can be met without waiting for it.
    pub fn advance_clock(&mut self, by: std::time::Duration) {
        self.ahead += chrono_duration(by);
    }

    /// Registers an application, in place of one with the same id.
    pub fn add_client(&mut self, client: Client) {
        self.registrations
            .retain(|known| known.client.id != client.id);
        self.registrations.push(Registration {
            client,
            expired_secrets: Vec::new(),
            disabled: false,
        });
    }

    /// The application with this id.
    pub fn client(&self, id: &str) -> Option<&Registration> {
        self.registrations
            .iter()
            .find(|known| known.client.id == id)
    }

    /// The same, to be changed.
    pub fn client_mut(&mut self, id: &str) -> Result<&mut Registration, Error> {
        let found = self
            .registrations
            .iter_mut()
            .find(|known| known.client.id == id);
        found.ok_or_else(|| Error::UnknownClient(id.to_owned()))
    }

    /// Adds an account, in place of one with the same login.
    pub fn add_user(&mut self, user: User) {
        self.users
            .retain(|known| !known.login.eq_ignore_ascii_case(&user.login));
        self.users.push(user);
    }

    /// The account with this login.
    pub fn user(&self, login: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|known| known.login.eq_ignore_ascii_case(login.trim()))
    }

    /// All accounts, for the sign-in page.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// Switches an account off or on.
    pub fn disable_user(&mut self, login: &str, disabled: bool) -> Result<(), Error> {
        let found = self
            .users
            .iter_mut()
            .find(|known| known.login.eq_ignore_ascii_case(login));
        found
            .ok_or_else(|| Error::UnknownUser(login.to_owned()))?
            .disabled = disabled;
        Ok(())
    }

    /// Judges what an application says about itself at the token endpoint.
    pub fn authenticate(
        &self,
        tenant: &Tenant,
        id: &str,
        secret: Option<&str>,
    ) -> Result<(), Problem> {
        let known = self.known(tenant, id)?;
        match (known.client.public, secret) {
            (true, None) => Ok(()),
            (true, Some(_)) => Err(Problem::aadsts(700025).about(id)),
            (false, None) => Err(Problem::aadsts(7000218)),
            (false, Some(secret)) if known.expired_secrets.iter().any(|old| old == secret) => {
                Err(Problem::aadsts(7000222).about(id))
            }
            (false, Some(secret)) if known.client.secrets.iter().any(|good| good == secret) => {
                Ok(())
            }
            (false, Some(_)) => Err(Problem::aadsts(7000215).about(id)),
        }
    }

    /// The application that asks at this tenant's endpoint, if it may at all.
    pub fn known(&self, tenant: &Tenant, id: &str) -> Result<&Registration, Problem> {
        let Some(known) = self.client(id) else {
            return Err(Problem::aadsts(700016).about(id));
        };
        tenant.check_client(&known.client.audience, id)?;
        if known.disabled {
            return Err(Problem::aadsts(7000112).about(id));
        }
        Ok(known)
    }

    /// Gives out a code.
    pub fn issue_code(&mut self, code: Code) -> String {
        let name = random_token(400);
        self.codes.insert(name.clone(), code);
        name
    }

    /// Exchanges a code for tokens. Only success uses the code up.
    pub fn redeem(
        &mut self,
        tenant: &Tenant,
        client_id: &str,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
        requested: Option<&str>,
    ) -> Result<Issued, Problem> {
        let now = self.now();
        let lifetime = chrono_duration(self.config.code_lifetime);
        let Some(known) = self.codes.get(code).cloned() else {
            return Err(Problem::aadsts(70000));
        };
        if known.client_id != client_id {
            return Err(Problem::aadsts(70000).about("the code was given to another application"));
        }
        if known.redeemed {
            return Err(Problem::aadsts(54005));
        }
        if now >= known.issued + lifetime {
            return Err(Problem::aadsts(70008));
        }
        let home = self.user(&known.login).map(|user| user.tenant.clone());
        if let Tenant::One(tenant) = tenant
            && home.as_deref() != Some(tenant)
        {
            return Err(Problem::aadsts(700005).about(tenant));
        }
        if known.redirect_uri != redirect_uri {
            return Err(Problem::aadsts(500112).about(redirect_uri));
        }
        let answered =
            verifier.map(|verifier| URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())));
        if known.challenge != answered {
            return Err(Problem::aadsts(501481));
        }
        let (scopes, resource) = scope::for_token(requested, &known.scopes)?;
        if let Some(stored) = self.codes.get_mut(code) {
            stored.redeemed = true;
        }
        self.grants.push(Grant {
            login: known.login,
            client_id: known.client_id,
            scopes: known.scopes,
            ended: None,
        });
        self.counters.codes_redeemed += 1;
        Ok(self.issue(self.grants.len() - 1, scopes, resource))
    }

    /// Exchanges a refresh token for new tokens, of any resource that was consented to.
    pub fn refresh(
        &mut self,
        client_id: &str,
        token: &str,
        requested: Option<&str>,
    ) -> Result<Issued, Problem> {
        let now = self.now();
        let lifetime = chrono_duration(self.config.refresh_token_lifetime);
        let Some(known) = self.refresh_tokens.get(token).cloned() else {
            return Err(Problem::aadsts(70000));
        };
        let grant = self.grants[known.grant].clone();
        if grant.client_id != client_id {
            return Err(
                Problem::aadsts(70000).about("the refresh token was given to another application")
            );
        }
        if let Some(code) = grant.ended {
            return Err(Problem::aadsts(code));
        }
        if now >= known.issued + lifetime {
            return Err(Problem::aadsts(700082));
        }
        if self.user(&grant.login).is_none_or(|user| user.disabled) {
            return Err(Problem::aadsts(50057).about(&grant.login));
        }
        if known.used && self.config.rotation == Rotation::RevokeOld {
            self.counters.replays += 1;
            self.end_grant(known.grant, 70000);
            return Err(Problem::aadsts(70000)
                .about("the refresh token was used before; its grant has ended"));
        }
        let (scopes, resource) = scope::for_token(requested, &grant.scopes)?;
        if let Some(stored) = self.refresh_tokens.get_mut(token) {
            stored.used = true;
        }
        self.counters.refreshes += 1;
        Ok(self.issue(known.grant, scopes, resource))
    }

    fn issue(&mut self, grant: usize, scopes: Vec<Scope>, resource: &str) -> Issued {
        let Grant {
            login,
            client_id,
            scopes: consented,
            ..
        } = self.grants[grant].clone();
        let refresh_token = scope::wants_offline_access(&consented).then(|| {
            let token = random_token(self.config.refresh_token_length);
            self.refresh_tokens.insert(
                token.clone(),
                RefreshToken {
                    grant,
                    issued: self.now(),
                    used: false,
                },
            );
            token
        });
        let scope = scope::join(&scopes);
        let access_token = self.store_access_token(Some(grant), login, client_id, scopes, resource);
        let expires_in = chrono_duration(self.config.access_token_lifetime).num_seconds();
        Issued {
            access_token,
            refresh_token,
            expires_in,
            scope,
        }
    }

    fn store_access_token(
        &mut self,
        grant: Option<usize>,
        login: String,
        client_id: String,
        scopes: Vec<Scope>,
        resource: &str,
    ) -> String {
        let tenant = self.user(&login).map(|user| user.tenant.clone());
        let tenant = tenant.unwrap_or_else(|| HOME_TENANT.to_owned());
        let length = self.config.access_token_length;
        let issued = self.now();
        let expires = issued + chrono_duration(self.config.access_token_lifetime);
        let token = if tenant == PERSONAL_TENANT {
            random_token(length)
        } else {
            let names: Vec<String> = scopes.iter().map(Scope::permission).collect();
            let subject = jwt::Subject {
                resource,
                login: Some(&login),
                permissions: &names,
                tenant: &tenant,
                client_id: &client_id,
                expires: expires.timestamp(),
            };
            jwt::make(&subject, length)
        };
        let resource = resource.to_owned();
        let stored = AccessToken {
            grant,
            login,
            client_id,
            scopes,
            resource,
            issued,
            expires,
            void: false,
        };
        self.access_tokens.insert(token.clone(), stored);
        token
    }

    /// An access token without any flow, for tests of what only consumes tokens.
    pub fn mint_access_token(
        &mut self,
        login: &str,
        client_id: &str,
        scope: &str,
    ) -> Result<String, Error> {
        let login = self
            .user(login)
            .ok_or_else(|| Error::UnknownUser(login.to_owned()))?
            .login
            .clone();
        let wanted = scope::parse(scope).map_err(|problem| Error::Scope(problem.text))?;
        let (scopes, resource) =
            scope::for_token(Some(scope), &wanted).map_err(|problem| Error::Scope(problem.text))?;
        Ok(self.store_access_token(None, login, client_id.to_owned(), scopes, resource))
    }

    /// Ends all grants of an account with AADSTS50173, its access tokens included.
    pub fn revoke_grants(&mut self, login: &str) -> Result<(), Error> {
        self.expire_access_tokens(login)?;
        let of_user = |grant: &Grant| grant.login.eq_ignore_ascii_case(login);
        let grants: Vec<usize> = (0..self.grants.len())
            .filter(|&index| of_user(&self.grants[index]))
            .collect();
        grants
            .into_iter()
            .for_each(|grant| self.end_grant(grant, 50173));
        Ok(())
    }

    /// Voids the access tokens of an account; its refresh tokens stay good.
    pub fn expire_access_tokens(&mut self, login: &str) -> Result<(), Error> {
        // A typing error in a test shall not pass for an account without tokens.
        self.user(login)
            .ok_or_else(|| Error::UnknownUser(login.to_owned()))?;
        let tokens = self
            .access_tokens
            .values_mut()
            .filter(|token| token.login.eq_ignore_ascii_case(login));
        tokens.for_each(|token| token.void = true);
        Ok(())
    }

    fn end_grant(&mut self, grant: usize, code: u32) {
        self.grants[grant].ended = Some(code);
        let tokens = self
            .access_tokens
            .values_mut()
            .filter(|token| token.grant == Some(grant));
        tokens.for_each(|token| token.void = true);
    }

    /// The answer to introspection (RFC 7662 section 2.2).
    pub fn introspect(&mut self, token: &str) -> Value {
        let now = self.now();
        let good = self
            .access_tokens
            .get(token)
            .filter(|known| !known.void && now < known.expires);
        let Some(known) = good else {
            self.counters.introspections_inactive += 1;
            return json!({"active": false});
        };
        let answer = json!({
            "active": true,
            "sub": known.login,
            "username": known.login,
            "scope": scope::join(&known.scopes),
            "aud": known.resource,
            "client_id": known.client_id,
            "token_type": "Bearer",
            "iat": known.issued.timestamp(),
            "exp": known.expires.timestamp(),
        });
        self.counters.introspections_active += 1;
        answer
    }
}

pub(super) fn chrono_duration(duration: std::time::Duration) -> Duration {
    // Only a span of more than a hundred million years fails, for which forever is as good.
    Duration::from_std(duration).unwrap_or(Duration::days(365_000))
}
