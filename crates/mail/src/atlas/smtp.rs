//! What SMTP servers answer, by reply code and enhanced status code: Exchange Online and Gmail in particular.

use super::Retried::{AfterChange, Doubtful, Later, Never};
use super::{Entry, entry, says};
use crate::transport_error::{Phase, Reply};

const ENABLE_TENANT: &str = "Set-TransportConfig -SmtpClientAuthenticationDisabled $false";
const ENABLE_MAILBOX: &str =
    "Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false";
const GRANT_SEND_AS: &str =
    "Add-RecipientPermission -Identity <address> -Trustee <mailbox> -AccessRights SendAs";

const AUTH_DISABLED_TENANT: Entry = entry(
    "smtp.auth_disabled_tenant",
    AfterChange,
    "535 5.7.139 … disabled for the Tenant",
)
.commands(&[ENABLE_MAILBOX, ENABLE_TENANT]);
const AUTH_DISABLED_MAILBOX: Entry = entry(
    "smtp.auth_disabled_mailbox",
    AfterChange,
    "535 5.7.139 … disabled for the Mailbox",
)
.commands(&[ENABLE_MAILBOX]);
const AUTH_DISABLED: Entry = entry(
    "smtp.auth_disabled",
    AfterChange,
    "535 5.7.139 without saying for whom",
)
.commands(&[ENABLE_MAILBOX, ENABLE_TENANT]);
const AUTH_BLOCKED_BY_POLICY: Entry = entry(
    "smtp.auth_blocked_by_policy",
    AfterChange,
    "535 5.7.139 … security defaults, … did not meet the criteria, … basic authentication is disabled",
);
const AUTH_UNSUCCESSFUL: Entry = entry("smtp.auth_unsuccessful", AfterChange, "535 5.7.3; 535 5.7.139 … credentials were incorrect")
.commands(&[
    "New-ServicePrincipal -AppId <client id> -ObjectId <object id of the enterprise application>",
    "Add-MailboxPermission -Identity <mailbox> -User <object id of the enterprise application> -AccessRights FullAccess",
    "Add-RecipientPermission -Identity <mailbox> -Trustee <object id of the enterprise application> -AccessRights SendAs",
]);
const PASSWORDS_RETIRED: Entry = entry("smtp.passwords_retired", AfterChange, "550 5.7.30");
const NOT_SIGNED_IN: Entry = entry("smtp.not_signed_in", AfterChange, "530 5.7.57");
const STARTTLS_REQUIRED: Entry = entry("smtp.starttls_required", AfterChange, "530 … STARTTLS");
const SIGN_IN_REQUIRED: Entry = entry("smtp.sign_in_required", AfterChange, "530");
const TOO_MANY_CONNECTIONS: Entry = entry(
    "smtp.too_many_connections",
    Later,
    "432 4.3.2, or another 4xx with 4.3.2",
);
const CLOSING: Entry = entry("smtp.closing", Later, "421");
const TLS_UNAVAILABLE: Entry = entry("smtp.tls_unavailable", Later, "454 to STARTTLS");
const SEND_AS_DENIED: Entry = entry(
    "smtp.send_as_denied",
    Never,
    "550 or 554 5.7.60; 554 5.2.252; 554 5.2.0 … SendAsDenied",
)
.commands(&[GRANT_SEND_AS]);
const SENDER_BLOCKED: Entry = entry("smtp.sender_blocked", Never, "550 5.1.8");
const RECIPIENT_LIMIT: Entry = entry(
    "smtp.recipient_limit",
    Never,
    "554 5.2.0 without SendAsDenied; 550 5.4.5",
);
const OWN_MAILBOX_FULL: Entry = entry("smtp.own_mailbox_full", Never, "554 5.2.2");
const RECIPIENT_FULL: Entry = entry("smtp.recipient_full", Never, "552 5.2.2");
const RECIPIENT_UNKNOWN: Entry = entry(
    "smtp.recipient_unknown",
    Never,
    "550 5.1.1, 5.1.10, to RCPT TO",
);
const RELAY_DENIED: Entry = entry("smtp.relay_denied", Never, "550 or 554 … relay, to RCPT TO");
const APP_PASSWORD_NEEDED: Entry = entry("smtp.app_password_needed", AfterChange, "534 5.7.9");
const GMAIL_REFUSED: Entry = entry("smtp.gmail_refused", AfterChange, "535 5.7.8 of Gmail");
pub(super) const TOO_LARGE: Entry = entry(
    "smtp.too_large",
    Never,
    "552, 5.3.4, or more than the server announces to take",
);
pub(super) const UNICODE_MISSING: Entry = entry(
    "smtp.unicode_missing",
    Never,
    "a sender with other letters than those of ASCII, and no SMTPUTF8",
);
pub(super) const EIGHT_BIT_MISSING: Entry = entry(
    "smtp.eight_bit_missing",
    Never,
    "8-bit content, and no 8BITMIME",
);
pub(super) const INPUT_INVALID: Entry = entry(
    "smtp.input_invalid",
    Never,
    "an address or name that cannot stand in a command",
);
const OUT_OF_STEP: Entry = entry("smtp.out_of_step", Later, "503");
const REFUSED_FOR_NOW: Entry = entry("smtp.refused_for_now", Later, "any other 4xx");
const REFUSED: Entry = entry(
    "smtp.refused",
    Never,
    "any other 5xx to MAIL FROM, RCPT TO, DATA or the message",
);
const NOT_SERVED: Entry = entry(
    "smtp.not_served",
    AfterChange,
    "any other 5xx before a mail",
);
pub(super) const FATE_UNKNOWN: Entry = entry(
    "smtp.fate_unknown",
    Doubtful,
    "no answer after the end of the message",
);

pub(super) static ENTRIES: &[&Entry] = &[
    &AUTH_DISABLED_TENANT,
    &AUTH_DISABLED_MAILBOX,
    &AUTH_DISABLED,
    &AUTH_BLOCKED_BY_POLICY,
    &AUTH_UNSUCCESSFUL,
    &PASSWORDS_RETIRED,
    &NOT_SIGNED_IN,
    &STARTTLS_REQUIRED,
    &SIGN_IN_REQUIRED,
    &APP_PASSWORD_NEEDED,
    &GMAIL_REFUSED,
    &TOO_MANY_CONNECTIONS,
    &CLOSING,
    &TLS_UNAVAILABLE,
    &OUT_OF_STEP,
    &REFUSED_FOR_NOW,
    &SEND_AS_DENIED,
    &SENDER_BLOCKED,
    &RECIPIENT_LIMIT,
    &OWN_MAILBOX_FULL,
    &RECIPIENT_FULL,
    &RECIPIENT_UNKNOWN,
    &RELAY_DENIED,
    &TOO_LARGE,
    &UNICODE_MISSING,
    &EIGHT_BIT_MISSING,
    &INPUT_INVALID,
    &REFUSED,
    &NOT_SERVED,
    &FATE_UNKNOWN,
];

/// The entry for an answer that means one thing, whoever gives it.
pub(super) fn known(phase: Phase, reply: &Reply) -> Option<&'static Entry> {
    let text = reply.text.as_str();
    let enhanced = reply.enhanced.as_deref().unwrap_or_default();
    Some(match (reply.code?, enhanced) {
        (535, "5.7.139") => auth_disabled(text),
        (535, "5.7.3") => &AUTH_UNSUCCESSFUL,
        (535, "5.7.8") if says(text, "gsmtp") || says(text, "google") => &GMAIL_REFUSED,
        (534, "5.7.9") => &APP_PASSWORD_NEEDED,
        (550, "5.7.30") => &PASSWORDS_RETIRED,
        (530, "5.7.57") => &NOT_SIGNED_IN,
        (530, _) if says(text, "starttls") => &STARTTLS_REQUIRED,
        (530, _) => &SIGN_IN_REQUIRED,
        (432, _) | (400..=499, "4.3.2") => &TOO_MANY_CONNECTIONS,
        (421, _) => &CLOSING,
        (454, _) if phase == Phase::StartTls => &TLS_UNAVAILABLE,
        (503, _) if phase != Phase::Auth => &OUT_OF_STEP,
        (550 | 554, "5.7.60") | (554, "5.2.252") => &SEND_AS_DENIED,
        (554, "5.2.0") if says(text, "sendasdenied") => &SEND_AS_DENIED,
        (554, "5.2.0") | (550, "5.4.5") => &RECIPIENT_LIMIT,
        (554, "5.2.2") => &OWN_MAILBOX_FULL,
        (552, "5.2.2") => &RECIPIENT_FULL,
        (550, "5.1.8") => &SENDER_BLOCKED,
        (552, _) | (500..=599, "5.3.4") => &TOO_LARGE,
        (550, "5.1.1" | "5.1.10") if phase == Phase::Rcpt => &RECIPIENT_UNKNOWN,
        (550 | 554, _) if phase == Phase::Rcpt && says(text, "relay") => &RELAY_DENIED,
        _ => return None,
    })
}

/// What Exchange means by `535 5.7.139` depends on its words.
fn auth_disabled(text: &str) -> &'static Entry {
    if says(text, "for the tenant") {
        &AUTH_DISABLED_TENANT
    } else if says(text, "for the mailbox") {
        &AUTH_DISABLED_MAILBOX
    } else if says(text, "credentials were incorrect") {
        &AUTH_UNSUCCESSFUL
    } else if ["security defaults", "criteria", "basic authentication"]
        .iter()
        .any(|part| says(text, part))
    {
        &AUTH_BLOCKED_BY_POLICY
    } else {
        &AUTH_DISABLED
    }
}

/// The entry for a refusal that says no more than its code.
pub(super) fn of_refusal(phase: Phase, is_transient: bool) -> &'static Entry {
    match (is_transient, phase) {
        (true, _) => &REFUSED_FOR_NOW,
        (false, Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Body | Phase::Reset) => &REFUSED,
        (false, _) => &NOT_SERVED,
    }
}
