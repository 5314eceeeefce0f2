//! What an application does in its own name: prove itself by a certificate (`private_key_jwt`, RFC 7523), and get tokens
//! without anybody's consent (client credentials, RFC 6749 section 4.4).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::config::{Client, HOME_TENANT};
use super::jwt;
use super::problem::Problem;
use super::scope;
use super::state::{AccessToken, Issued, State, chrono_duration};
use super::tenant::Tenant;

/// The value of `client_assertion_type`.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What the application may do with a mailbox that was opened to it.
const ROLES: [&str; 2] = ["SMTP.SendAsApp", "IMAP.AccessAsApp"];

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    sub: String,
    jti: String,
    nbf: i64,
    exp: i64,
}

impl State {
    /// Judges an assertion, signed with the key of a registered certificate.
    ///
    /// # Errors
    /// AADSTS700027 for a signature that no registered certificate made, 700021 for another application, 700023 for
    /// another endpoint, 700024 outside its time, 1000502 for a certificate that has ended, 70000 for one shown twice.
    pub fn check_assertion(
        &mut self,
        client: &Client,
        endpoint: &str,
        kind: Option<&str>,
        assertion: &str,
    ) -> Result<(), Problem> {
        if kind != Some(TYPE) {
            return Err(Problem::aadsts(90023).about("client_assertion_type"));
        }
        let unknown = || Problem::aadsts(700027).about(&client.id);
        let header = decode_header(assertion).map_err(|_| unknown())?;
        let thumbprint = header.x5t_s256.ok_or_else(unknown)?;
        let certificate = client.certificates.iter().find_map(|pem| {
            let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
            let found = URL_SAFE_NO_PAD.encode(digest(&SHA256, &pem.contents));
            (found == thumbprint).then_some(pem.contents)
        });
        let der = certificate.ok_or_else(unknown)?;
        let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| unknown())?;
        let key = DecodingKey::from_rsa_der(&certificate.public_key().subject_public_key.data);
        let mut validation = Validation::new(Algorithm::PS256);
        // Audience and times are judged here, because each has a number of its own.
        validation.validate_aud = false;
        validation.validate_exp = false;
        let claims = decode::<Claims>(assertion, &key, &validation);
        let claims = claims.map_err(|_| unknown())?.claims;
        let now = self.now().timestamp();
        if certificate.validity().not_after.timestamp() < now {
            return Err(Problem::aadsts(1_000_502).about(&client.id));
        }
        if claims.iss != client.id || claims.sub != client.id {
            return Err(Problem::aadsts(700021).about(&claims.iss));
        }
        if claims.aud != endpoint {
            return Err(Problem::aadsts(700023).about(&claims.aud));
        }
        if now < claims.nbf || claims.exp <= now {
            return Err(Problem::aadsts(700024));
        }
        if !self.assertions.insert(claims.jti) {
            return Err(Problem::aadsts(70000).about("the assertion was shown before"));
        }
        Ok(())
    }

    /// An access token of the application itself. One that was opened no mailbox gets it too, without any role.
    ///
    /// # Errors
    /// AADSTS1002012 for a scope that does not end in `/.default`; 700016 where the path names no tenant, in which the
    /// application could be found.
    pub fn client_credentials(
        &mut self,
        tenant: &Tenant,
        client: &Client,
        requested: &str,
    ) -> Result<Issued, Problem> {
        if !matches!(tenant, Tenant::One(_)) {
            return Err(Problem::aadsts(700016).about(&client.id));
        }
        let scopes = scope::parse(requested)?;
        let (Some(resource), [one]) = (
            scopes.first().and_then(|scope| scope.resource),
            scopes.as_slice(),
        ) else {
            return Err(Problem::aadsts(1_002_012).about(requested));
        };
        if !one.name.ends_with("/.default") {
            return Err(Problem::aadsts(1_002_012).about(requested));
        }
        let roles: Vec<String> = client
            .mailbox
            .iter()
            .flat_map(|_| ROLES.map(str::to_owned))
            .collect();
        Ok(self.issue_to_application(client, roles, resource))
    }

    /// A token of the application itself, by which the mail server lets it into the mailbox that was opened to it.
    fn issue_to_application(
        &mut self,
        client: &Client,
        roles: Vec<String>,
        resource: &str,
    ) -> Issued {
        let issued = self.now();
        let expires = issued + chrono_duration(self.config.access_token_lifetime);
        let subject = jwt::Subject {
            resource,
            login: None,
            permissions: &roles,
            tenant: HOME_TENANT,
            client_id: &client.id,
            expires: expires.timestamp(),
        };
        let access_token = jwt::make(&subject, self.config.access_token_length);
        let stored = AccessToken {
            grant: None,
            login: client.mailbox.clone().unwrap_or_default(),
            client_id: client.id.clone(),
            scopes: Vec::new(),
            resource: resource.to_owned(),
            issued,
            expires,
            void: roles.is_empty(),
        };
        self.access_tokens.insert(access_token.clone(), stored);
        self.counters.applications += 1;
        Issued {
            access_token,
            refresh_token: None,
            expires_in: (expires - issued).num_seconds(),
            scope: format!("{resource}.default"),
        }
    }
}
