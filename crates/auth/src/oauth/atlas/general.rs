//! What any provider may answer, by the word in `error` and by the HTTP status, and what happens when none answers.

use super::{CONFIGURATION, Entry, RECONNECT, TRANSIENT, entry};

const WAIT: &str = "Nothing needs to be done: it is tried again later. If it lasts for hours, look \
     at the provider's status page.";
pub(super) const CONNECT_AGAIN: &str = "Open the mail server's form and connect the mailbox again.";

pub(crate) const SLOW_DOWN: Entry = entry(
    "oauth.slow_down",
    TRANSIENT,
    "The provider asks for fewer requests.",
    "Nothing needs to be done: it is tried again later.",
)
.words(&["slow_down", "rate_limit_exceeded"])
.sign("HTTP 429");
pub(crate) const UNAVAILABLE: Entry = entry(
    "oauth.unavailable",
    TRANSIENT,
    "The provider cannot answer at the moment.",
    WAIT,
)
.numbers(&[50033, 90006, 90024, 90033, 90055])
.words(&["temporarily_unavailable", "server_error"])
.sign("HTTP 408, 425, 5xx");
pub(crate) const REDIRECTED: Entry = entry(
    "oauth.redirected",
    CONFIGURATION,
    "The token endpoint sends us to another address, which is not followed because our client \
     secret would go there.",
    "Check the endpoint in the settings: it must be the provider's own, with https.",
)
.sign("HTTP 3xx");
pub(crate) const CLOSED: Entry = entry(
    "oauth.destination_closed",
    CONFIGURATION,
    "The endpoint leads to an address that is not connected to.",
    "Check the endpoint in the settings. If it is in your own network, start Postern without --private-networks=false.",
)
.sign("an endpoint with an address of a cloud's own services, or in a private network that the settings close");
pub(crate) const UNEXPECTED: Entry = entry(
    "oauth.refused",
    CONFIGURATION,
    "The provider refused the request without a reason we know.",
    "Check the endpoint, the client id and the client secret in the settings.",
)
.sign("any other HTTP status than 200");
pub(crate) const UNKNOWN: Entry = entry(
    "oauth.unknown",
    RECONNECT,
    "The provider did not grant access, for a reason we do not know.",
    CONNECT_AGAIN,
)
.sign("a way back without a code and without a known `error`");
pub(crate) const UNREADABLE: Entry = entry(
    "oauth.unreadable_answer",
    CONFIGURATION,
    "The endpoint's answer is not that of an OAuth token endpoint.",
    "Check the endpoint in the settings; a proxy or a sign-in page may answer in its place.",
)
.sign("an answer that is no JSON object with tokens");
pub(crate) const UNUSABLE_TOKEN: Entry = entry(
    "oauth.unusable_token",
    CONFIGURATION,
    "The provider's answer has no access token that mail servers accept.",
    "Check the app registration: it must grant bearer tokens for the mail scopes.",
)
.sign("an access token that is empty, expired or of another type than bearer");
pub(crate) const TIMEOUT: Entry = entry(
    "oauth.timeout",
    TRANSIENT,
    "The provider did not answer in time.",
    WAIT,
)
.sign("no answer within 20 seconds");
pub(crate) const DNS: Entry = entry(
    "oauth.host_unknown",
    TRANSIENT,
    "The provider's host name could not be resolved.",
    "Check the endpoint's host name and this server's name resolution; it is tried again later.",
)
.sign("the lookup of the name failed");
pub(crate) const TLS: Entry = entry(
    "oauth.tls",
    TRANSIENT,
    "No trusted encrypted connection to the provider could be made.",
    "Check this server's clock and certificate authorities (a private one is added with --tls-ca); \
     it is tried again later.",
)
.sign("the TLS handshake failed");
pub(crate) const CONNECT: Entry = entry(
    "oauth.unreachable",
    TRANSIENT,
    "No connection to the provider could be made.",
    "Check that this server may reach the endpoint (network, firewall); it is tried again later.",
)
.sign("the connection was refused or not answered");
pub(crate) const INTERRUPTED: Entry = entry(
    "oauth.interrupted",
    TRANSIENT,
    "The connection to the provider broke off before its answer was complete.",
    WAIT,
)
.sign("the line broke");

pub(super) static ENTRIES: &[&Entry] = &[
    &entry(
        "oauth.grant_refused",
        RECONNECT,
        "The provider no longer accepts the code or the permission we have.",
        CONNECT_AGAIN,
    )
    .words(&["invalid_grant"]),
    &entry(
        "oauth.sign_in_needed",
        RECONNECT,
        "The provider wants the account's owner to sign in.",
        CONNECT_AGAIN,
    )
    .words(&[
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
    ]),
    &entry(
        "oauth.access_denied",
        RECONNECT,
        "Access was refused at sign-in.",
        "Connect the mailbox again and accept the permissions; if the organization does not \
         allow it, ask its administrator.",
    )
    .words(&["access_denied"]),
    &entry(
        "oauth.client_refused",
        CONFIGURATION,
        "The provider does not accept our client id and client secret.",
        "Compare both in the settings with the app registration.",
    )
    .words(&[
        "invalid_client",
        "unauthorized_client",
        "deleted_client",
        "disabled_client",
    ]),
    &entry(
        "oauth.scope_refused",
        CONFIGURATION,
        "The provider does not give the permissions asked for.",
        "Add the mail permissions to the app registration.",
    )
    .words(&["invalid_scope", "invalid_resource", "invalid_target"]),
    &entry(
        "oauth.app_untrusted",
        CONFIGURATION,
        "A policy of the organization does not allow this app.",
        "Ask an administrator of the organization to trust the app (Google: Admin console > \
         Security > Access and data control > API controls).",
    )
    .words(&["admin_policy_enforced", "org_internal"]),
    &entry(
        "oauth.request_refused",
        CONFIGURATION,
        "The provider does not understand the request.",
        "Check the endpoint in the settings, and that the app is registered for the platform \
         \"Web\".",
    )
    .words(&[
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
