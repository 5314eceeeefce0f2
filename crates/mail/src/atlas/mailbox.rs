//! What IMAP and POP3 servers answer: Exchange Online and Gmail in particular.

use super::Retried::{AfterChange, Later, Never};
use super::{Entry, entry, says};
use crate::transport_error::{Phase, Reply};

const NOT_CONNECTED: Entry = entry(
    "imap.not_connected",
    Later,
    "BAD … User is authenticated but not connected",
)
.commands(&["Add-MailboxPermission -Identity <mailbox> -User <account> -AccessRights FullAccess"]);
const AUTHENTICATE_FAILED: Entry = entry("imap.authenticate_failed", AfterChange, "NO AUTHENTICATE failed")
.commands(&[
    "Set-CASMailbox -Identity <mailbox> -ImapEnabled $true",
    "New-ServicePrincipal -AppId <client id> -ObjectId <object id of the enterprise application>",
    "Add-MailboxPermission -Identity <mailbox> -User <object id of the enterprise application> -AccessRights FullAccess",
]);
const TOKEN_EXPIRED: Entry = entry(
    "imap.token_expired",
    Later,
    "BYE Session invalidated - AccessTokenExpired",
);
const ENDED: Entry = entry("imap.session_ended", Later, "BYE");
const MAILBOX_MISSING: Entry = entry(
    "imap.mailbox_missing",
    AfterChange,
    "NO [NONEXISTENT]; … mailbox not found, … does not exist",
);
const APP_PASSWORD_NEEDED: Entry = entry(
    "imap.app_password_needed",
    AfterChange,
    "NO [ALERT] Application-specific password required",
);
const WEB_LOGIN_NEEDED: Entry = entry(
    "imap.web_login_needed",
    AfterChange,
    "NO [ALERT] or [WEBALERT] … log in via your web browser",
);
const DISABLED: Entry = entry(
    "imap.disabled",
    AfterChange,
    "NO [ALERT] … not enabled for IMAP, … IMAP access is disabled",
)
.commands(&["Set-CASMailbox -Identity <mailbox> -ImapEnabled $true"]);
const TOO_MANY_CONNECTIONS: Entry = entry(
    "imap.too_many_connections",
    AfterChange,
    "NO … Too many simultaneous connections",
);
const OVER_LIMIT: Entry = entry(
    "imap.over_limit",
    AfterChange,
    "NO [OVERQUOTA]; … exceeded command or bandwidth limits",
);
const IN_USE: Entry = entry("pop3.in_use", Later, "-ERR [IN-USE]");
pub(super) const TOO_LARGE: Entry = entry(
    "mailbox.message_too_large",
    Never,
    "a message of more than 64 MiB",
);
const REFUSED_FOR_NOW: Entry = entry(
    "mailbox.refused_for_now",
    Later,
    "any other NO or -ERR that may pass",
);
const REFUSED: Entry = entry(
    "mailbox.refused",
    AfterChange,
    "BAD; NO or -ERR to the opening of the mailbox",
);

pub(super) static ENTRIES: &[&Entry] = &[
    &NOT_CONNECTED,
    &AUTHENTICATE_FAILED,
    &TOKEN_EXPIRED,
    &ENDED,
    &MAILBOX_MISSING,
    &APP_PASSWORD_NEEDED,
    &WEB_LOGIN_NEEDED,
    &DISABLED,
    &TOO_MANY_CONNECTIONS,
    &OVER_LIMIT,
    &IN_USE,
    &TOO_LARGE,
    &REFUSED_FOR_NOW,
    &REFUSED,
];

/// The entry for a session that the server ended by itself.
pub(super) fn bye(text: &str) -> &'static Entry {
    if says(text, "accesstokenexpired") {
        &TOKEN_EXPIRED
    } else {
        &ENDED
    }
}

/// The entry for an answer that means one thing, whoever gives it.
pub(super) fn known(phase: Phase, reply: &Reply) -> Option<&'static Entry> {
    let code = reply.enhanced.as_deref().unwrap_or_default();
    let is_code = |wanted: &str| code.eq_ignore_ascii_case(wanted);
    let said = |part: &str| says(&reply.text, part);
    let opening = matches!(phase, Phase::Auth | Phase::Select);
    if said("authenticated but not connected") {
        return Some(&NOT_CONNECTED);
    }
    if is_code("IN-USE") {
        return Some(&IN_USE);
    }
    if !opening {
        return None;
    }
    if said("application-specific password") {
        Some(&APP_PASSWORD_NEEDED)
    } else if said("web browser") || code.to_ascii_uppercase().starts_with("WEBALERT") {
        Some(&WEB_LOGIN_NEEDED)
    } else if said("not enabled for imap") || said("imap access is disabled") {
        Some(&DISABLED)
    } else if said("too many simultaneous connections") {
        Some(&TOO_MANY_CONNECTIONS)
    } else if is_code("OVERQUOTA") || said("bandwidth limits") {
        Some(&OVER_LIMIT)
    } else if is_code("NONEXISTENT") || said("mailbox not found") || said("does not exist") {
        Some(&MAILBOX_MISSING)
    } else if phase == Phase::Auth && said("authenticate failed") {
        Some(&AUTHENTICATE_FAILED)
    } else {
        None
    }
}

/// The entry for a refusal that says no more than that.
pub(super) fn of_refusal(is_transient: bool) -> &'static Entry {
    if is_transient {
        &REFUSED_FOR_NOW
    } else {
        &REFUSED
    }
}
