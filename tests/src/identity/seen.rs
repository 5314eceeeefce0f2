//! What the double has seen: token requests without their secrets, and totals.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A token request that was seen. Secrets appear as [`fingerprint`](super::fingerprint)s only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// When, by the double's clock.
    pub at: DateTime<Utc>,
    /// The tenant in the path.
    pub tenant: String,
    /// `grant_type`.
    pub grant_type: Option<String>,
    /// `client_id`.
    pub client_id: Option<String>,
    /// `scope`.
    pub scope: Option<String>,
    /// `redirect_uri`.
    pub redirect_uri: Option<String>,
    /// Fingerprint of the client secret.
    pub client_secret: Option<String>,
    /// Fingerprint of the signed assertion in place of a secret.
    pub client_assertion: Option<String>,
    /// Fingerprint of `code`.
    pub code: Option<String>,
    /// Fingerprint of `code_verifier`.
    pub code_verifier: Option<String>,
    /// Fingerprint of `refresh_token`.
    pub refresh_token: Option<String>,
    /// Fingerprint of the refresh token that was given out.
    pub new_refresh_token: Option<String>,
    /// `ok`, `AADSTSnnn`, or `fault: …`.
    pub outcome: String,
}

/// How often things happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Consent pages shown.
    pub pages: u64,
    /// Consents given.
    pub consents: u64,
    /// Consents declined.
    pub declines: u64,
    /// Codes exchanged for tokens.
    pub codes_redeemed: u64,
    /// Refreshes that gave tokens.
    pub refreshes: u64,
    /// Tokens given to applications in their own name.
    pub applications: u64,
    /// Token requests refused by the double's own judgement.
    pub refusals: u64,
    /// Requests at any endpoint that met a queued fault.
    pub faults: u64,
    /// Introspections that found a good token.
    pub introspections_active: u64,
    /// Introspections that did not.
    pub introspections_inactive: u64,
    /// Used refresh tokens shown again under [`Rotation::RevokeOld`](super::Rotation::RevokeOld).
    pub replays: u64,
}
