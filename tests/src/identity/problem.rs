//! Refusals as Microsoft words them: an OAuth error, an AADSTS number and a bundle of ids for its support desk.
//!
//! Numbers and their OAuth errors follow Microsoft's published list (entra-docs, `reference-error-codes.md`) and answers
//! quoted in public bug reports; the sentences are ours, for clients must not read them anyway.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::json;
use url::Url;
use uuid::Uuid;

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The AADSTS number.
    pub code: u32,
    /// The OAuth error, the only part that a client may act on.
    pub error: String,
    /// Microsoft's finer grain beside `error`, for a few numbers.
    pub suberror: Option<String>,
    /// The sentence after the number.
    pub text: String,
    /// The status at the token endpoint.
    pub status: u16,
}

impl Problem {
    /// The refusal that goes with an AADSTS number; one that this list does not know becomes `invalid_grant`.
    pub fn aadsts(code: u32) -> Self {
        let (error, text) = describe(code);
        let status = match error {
            "invalid_client" => 401,
            "temporarily_unavailable" => 503,
            _ => 400,
        };
        let suberror = match code {
            65001 | 65004 => Some("consent_required"),
            50076 | 50079 | 50074 => Some("basic_action"),
            53000 | 53003 => Some("message_only"),
            50173 | 70043 => Some("bad_token"),
            _ => None,
        };
        Self {
            code,
            error: error.to_owned(),
            suberror: suberror.map(str::to_owned),
            text: text.to_owned(),
            status,
        }
    }

    /// The same refusal with what it is about.
    #[must_use]
    pub fn about(mut self, what: impl AsRef<str>) -> Self {
        self.text = format!("{} ({})", self.text, what.as_ref());
        self
    }

    /// `error_description`, with ids that differ each time.
    pub fn description(&self, trace: &Trace) -> String {
        format!(
            "AADSTS{}: {}. Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code, self.text, trace.trace_id, trace.correlation_id, trace.timestamp
        )
    }

    /// The answer of the token endpoint.
    pub fn json(&self, now: DateTime<Utc>) -> HttpResponse {
        let trace = Trace::new(now);
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(&trace),
            "error_codes": [self.code],
            "timestamp": trace.timestamp,
            "trace_id": trace.trace_id,
            "correlation_id": trace.correlation_id,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        if let (Some(suberror), Some(members)) = (&self.suberror, body.as_object_mut()) {
            members.insert("suberror".to_owned(), json!(suberror));
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        HttpResponse::build(status)
            .insert_header(("Cache-Control", "no-store, no-cache"))
            .json(body)
    }

    /// The way back to the application from the authorize endpoint (RFC 6749 section 4.1.2.1).
    pub fn redirect(&self, redirect_uri: &Url, state: Option<&str>, now: DateTime<Utc>) -> Url {
        let mut target = redirect_uri.clone();
        let error = match self.error.as_str() {
            // At the authorize endpoint a refused grant is a matter of the user's consent or of a new sign-in.
            "invalid_grant" => "access_denied",
            other => other,
        };
        target
            .query_pairs_mut()
            .append_pair("error", error)
            .append_pair("error_description", &self.description(&Trace::new(now)))
            .append_pair(
                "error_uri",
                &format!("https://login.microsoftonline.com/error?code={}", self.code),
            );
        if let Some(suberror) = &self.suberror {
            target
                .query_pairs_mut()
                .append_pair("error_subcode", suberror);
        }
        if let Some(state) = state {
            target.query_pairs_mut().append_pair("state", state);
        }
        target
    }
}

/// The ids that Microsoft's support asks for.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Names this one answer.
    pub trace_id: String,
    /// Names the sign-in it belongs to.
    pub correlation_id: String,
    /// When, in Microsoft's format.
    pub timestamp: String,
}

impl Trace {
    /// New ids.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            trace_id: Uuid::new_v4().to_string(),
            correlation_id: Uuid::new_v4().to_string(),
            timestamp: now.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        }
    }
}

/// The OAuth error of a number, and a sentence.
fn describe(code: u32) -> (&'static str, &'static str) {
    match code {
        28000 | 700022 => (
            "invalid_request",
            "The scope parameter names more than one resource",
        ),
        28002 => (
            "invalid_request",
            "The scope is not one that an access token can be asked for",
        ),
        28003 => (
            "invalid_request",
            "The scope is empty and the code carries none to fall back on",
        ),
        50011 => (
            "invalid_request",
            "The redirect URI of the request is not registered for the application",
        ),
        500112 => (
            "invalid_client",
            "The redirect URI is not the one that the code was asked for with",
        ),
        500011 => (
            "invalid_resource",
            "The resource does not exist in the tenant",
        ),
        50020 => (
            "invalid_request",
            "The account does not exist in this tenant and cannot use the application there",
        ),
        50033 => (
            "temporarily_unavailable",
            "A passing error has occurred; try again",
        ),
        50034 => (
            "invalid_request",
            "The account does not exist in the directory",
        ),
        50053 => (
            "invalid_grant",
            "The account is locked after too many wrong passwords",
        ),
        50055 => ("invalid_grant", "The password of the account has expired"),
        50057 => ("invalid_grant", "The account is disabled"),
        50058 => (
            "login_required",
            "A silent sign-in was asked for but nobody is signed in",
        ),
        50074 | 50076 | 50079 => (
            "interaction_required",
            "Multi-factor authentication is required",
        ),
        50078 => (
            "interaction_required",
            "The multi-factor sign-in has expired",
        ),
        50089 => (
            "invalid_grant",
            "The grant has expired because the sign-in is too old",
        ),
        50105 => (
            "invalid_grant",
            "The account is not assigned to the application",
        ),
        50126 => ("invalid_grant", "The user name or the password is wrong"),
        50173 => (
            "invalid_grant",
            "The grant was revoked; the user has to sign in again",
        ),
        50194 => (
            "invalid_request",
            "The application is single-tenant, the common endpoint is not for it",
        ),
        50196 => ("invalid_grant", "The server sees a client request loop"),
        500208 => (
            "invalid_request",
            "The domain of the account is not one that may sign in here",
        ),
        501481 => (
            "invalid_grant",
            "The code verifier does not match the code challenge",
        ),
        501491 => (
            "invalid_request",
            "The code challenge or its method is not valid",
        ),
        53000 => (
            "interaction_required",
            "The device does not comply with the access policy",
        ),
        53003 => (
            "interaction_required",
            "An access policy blocks the sign-in",
        ),
        530032 | 530035 => ("invalid_grant", "Security defaults block the sign-in"),
        54005 => (
            "invalid_grant",
            "The authorization code was already redeemed",
        ),
        65001 => (
            "invalid_grant",
            "Neither the user nor an administrator has consented to the application",
        ),
        65004 => ("access_denied", "The user declined to consent"),
        650052 => (
            "invalid_client",
            "The organisation has no subscription to the service asked for",
        ),
        650053 => (
            "invalid_client",
            "The application asked for a scope that the resource does not have",
        ),
        650056 => (
            "invalid_client",
            "The application lists no permission for the resource",
        ),
        650057 => (
            "invalid_resource",
            "The resource is not listed in the permissions of the application",
        ),
        700021 | 700023 => (
            "invalid_client",
            "The assertion names another application or another endpoint",
        ),
        700024 => ("invalid_client", "The assertion is not within its time"),
        700027 => (
            "invalid_client",
            "The signature of the assertion is not that of a certificate of the application",
        ),
        1_000_502 => ("invalid_client", "The certificate is not within its time"),
        1_002_012 => (
            "invalid_scope",
            "An application in its own name asks for the scope /.default of one resource",
        ),
        70000 => ("invalid_grant", "The grant that was shown is not valid"),
        70001 => ("unauthorized_client", "The application is switched off"),
        70002 => (
            "invalid_client",
            "The credentials of the application are wrong",
        ),
        70003 => ("unsupported_grant_type", "The grant type is not supported"),
        70007 => ("invalid_request", "The response mode is not supported"),
        70008 => ("invalid_grant", "The code or the refresh token has expired"),
        70011 => ("invalid_scope", "A scope of the request is not valid"),
        70016 => ("authorization_pending", "The user has not yet signed in"),
        70043 => (
            "invalid_grant",
            "The refresh token has expired because of the sign-in frequency policy",
        ),
        700005 => ("invalid_grant", "The code is meant for another tenant"),
        700011 | 700016 => (
            "unauthorized_client",
            "The application was not found in the directory",
        ),
        700025 => (
            "invalid_client",
            "The client is public and must send neither secret nor assertion",
        ),
        700054 => (
            "unsupported_response_type",
            "The response type is not supported",
        ),
        700082 => (
            "invalid_grant",
            "The refresh token has expired for lack of use",
        ),
        7000112 => ("unauthorized_client", "The application is disabled"),
        7000215 => (
            "invalid_client",
            "The client secret is wrong; the value is wanted, not its id",
        ),
        7000218 => (
            "invalid_client",
            "The request lacks the client secret or assertion",
        ),
        7000222 => (
            "invalid_client",
            "The client secrets of the application have expired",
        ),
        90002 => ("invalid_request", "The tenant was not found"),
        90006 | 90024 | 90033 | 90055 => (
            "temporarily_unavailable",
            "The service is unavailable for a while",
        ),
        90014 | 900144 => ("invalid_request", "A required parameter is missing"),
        90023 => ("invalid_request", "The request is not valid"),
        90038 => (
            "invalid_request",
            "The tenant belongs to another national cloud",
        ),
        90094 | 90095 => ("access_denied", "An administrator has to consent"),
        90130 | 9001023 => (
            "invalid_request",
            "The grant type is not supported at this endpoint for the application",
        ),
        900561 => ("invalid_request", "The endpoint takes POST requests only"),
        9000411 => ("invalid_request", "A parameter is given twice"),
        9002331 => (
            "invalid_request",
            "The application is for personal accounts, use the consumers endpoint",
        ),
        9002332 => (
            "invalid_request",
            "The application is for accounts of organisations, not for the consumers endpoint",
        ),
        _ => ("invalid_grant", "The request was refused"),
    }
}
