//! What any provider may answer, by the word in `error` and by the HTTP status, and what happens when none answers.

use super::{CONFIGURATION, Entry, RECONNECT, TRANSIENT, entry};

pub(crate) const SLOW_DOWN: Entry = entry("oauth.slow_down", TRANSIENT)
    .words(&["slow_down", "rate_limit_exceeded"])
    .sign("HTTP 429");
pub(crate) const UNAVAILABLE: Entry = entry("oauth.unavailable", TRANSIENT)
    .numbers(&[50033, 90006, 90024, 90033, 90055])
    .words(&["temporarily_unavailable", "server_error"])
    .sign("HTTP 408, 425, 5xx");
pub(crate) const REDIRECTED: Entry = entry("oauth.redirected", CONFIGURATION).sign("HTTP 3xx");
pub(crate) const CLOSED: Entry = entry("oauth.destination_closed", CONFIGURATION)
.sign("an endpoint with an address of a cloud's own services, or in a private network that the settings close");
pub(crate) const UNEXPECTED: Entry =
    entry("oauth.refused", CONFIGURATION).sign("any other HTTP status than 200");
pub(crate) const UNKNOWN: Entry =
    entry("oauth.unknown", RECONNECT).sign("a way back without a code and without a known `error`");
pub(crate) const UNREADABLE: Entry = entry("oauth.unreadable_answer", CONFIGURATION)
    .sign("an answer that is no JSON object with tokens");
pub(crate) const UNUSABLE_TOKEN: Entry = entry("oauth.unusable_token", CONFIGURATION)
    .sign("an access token that is empty, expired or of another type than bearer");
pub(crate) const TIMEOUT: Entry =
    entry("oauth.timeout", TRANSIENT).sign("no answer within 20 seconds");
pub(crate) const DNS: Entry =
    entry("oauth.host_unknown", TRANSIENT).sign("the lookup of the name failed");
pub(crate) const TLS: Entry = entry("oauth.tls", TRANSIENT).sign("the TLS handshake failed");
pub(crate) const CONNECT: Entry =
    entry("oauth.unreachable", TRANSIENT).sign("the connection was refused or not answered");
pub(crate) const INTERRUPTED: Entry = entry("oauth.interrupted", TRANSIENT).sign("the line broke");

pub(super) static ENTRIES: &[&Entry] = &[
    &entry("oauth.grant_refused", RECONNECT).words(&["invalid_grant"]),
    &entry("oauth.sign_in_needed", RECONNECT).words(&[
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
    ]),
    &entry("oauth.access_denied", RECONNECT).words(&["access_denied"]),
    &entry("oauth.client_refused", CONFIGURATION).words(&[
        "invalid_client",
        "unauthorized_client",
        "deleted_client",
        "disabled_client",
    ]),
    &entry("oauth.scope_refused", CONFIGURATION).words(&[
        "invalid_scope",
        "invalid_resource",
        "invalid_target",
    ]),
    &entry("oauth.app_untrusted", CONFIGURATION).words(&["admin_policy_enforced", "org_internal"]),
    &entry("oauth.request_refused", CONFIGURATION).words(&[
        "invalid_request",
        "unsupported_grant_type",
        "unsupported_response_type",
    ]),
    &SLOW_DOWN,
    &UNAVAILABLE,
    &CLOSED,
    &REDIRECTED,
    &UNEXPECTED,
    &UNKNOWN,
    &UNREADABLE,
    &UNUSABLE_TOKEN,
    &TIMEOUT,
    &DNS,
    &TLS,
    &CONNECT,
    &INTERRUPTED,
];
