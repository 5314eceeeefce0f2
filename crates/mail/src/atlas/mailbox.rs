//! What IMAP and POP3 servers answer: Exchange Online and Gmail in particular.

use super::Retried::{AfterChange, Later, Never};
use super::{Entry, entry, says};
use crate::transport_error::{Phase, Reply};

const NOT_CONNECTED: Entry = entry(
    "imap.not_connected",
    Later,
    "BAD … User is authenticated but not connected",
    "The token was accepted, but Exchange does not open the mailbox: the token belongs to another account than the \
     mailbox, or that account may not open it, or the service is busy.",
    "Check which account was connected (a browser may have chosen another one by itself). For a shared mailbox the user \
     name is the mailbox, and the account that was connected needs full access to it.",
)
.commands(&[
    "Add-MailboxPermission -Identity <mailbox> -User <account> -AccessRights FullAccess",
]);
const AUTHENTICATE_FAILED: Entry = entry(
    "imap.authenticate_failed",
    AfterChange,
    "NO AUTHENTICATE failed",
    "Exchange refuses the token: it belongs to another account, or lacks IMAP.AccessAsUser.All, or IMAP is switched off \
     for the mailbox, or the mailbox has no licence.",
    "Connect the account again and choose the mailbox's own account; see that IMAP is allowed and a licence assigned \
     (Microsoft 365 admin center > Users > Active users > the user > Mail > Manage email apps, and Licenses and apps).",
)
.commands(&[
    "Set-CASMailbox -Identity <mailbox> -ImapEnabled $true",
    "New-ServicePrincipal -AppId <client id> -ObjectId <object id of the enterprise application>",
    "Add-MailboxPermission -Identity <mailbox> -User <object id of the enterprise application> -AccessRights FullAccess",
]);
const TOKEN_EXPIRED: Entry = entry(
    "imap.token_expired",
    Later,
    "BYE Session invalidated - AccessTokenExpired",
    "The access token ran out during the session.",
    "Nothing needs to be done: a new connection with a new token goes on.",
);
const ENDED: Entry = entry(
    "imap.session_ended",
    Later,
    "BYE",
    "The server ended the session by itself.",
    "Nothing needs to be done unless it lasts: the server's words say why.",
);
const MAILBOX_MISSING: Entry = entry(
    "imap.mailbox_missing",
    AfterChange,
    "NO [NONEXISTENT]; … mailbox not found, … does not exist",
    "There is no such mailbox, or it has no licence.",
    "Check the user name; at Microsoft 365 see that the account has a mailbox and an Exchange Online licence (Microsoft \
     365 admin center > Users > Active users > the user > Licenses and apps).",
);
const APP_PASSWORD_NEEDED: Entry = entry(
    "imap.app_password_needed",
    AfterChange,
    "NO [ALERT] Application-specific password required",
    "The account has two-step verification, so its own password is not taken here.",
    "Connect the account by OAuth (Gmail OAuth Authentication), or make an app password \
     (https://myaccount.google.com/apppasswords).",
);
const WEB_LOGIN_NEEDED: Entry = entry(
    "imap.web_login_needed",
    AfterChange,
    "NO [ALERT] or [WEBALERT] … log in via your web browser",
    "The provider wants the account's owner to sign in with a browser first.",
    "Sign in to the account in a browser and do what is asked there, then try again.",
);
const DISABLED: Entry = entry(
    "imap.disabled",
    AfterChange,
    "NO [ALERT] … not enabled for IMAP, … IMAP access is disabled",
    "The mailbox may not be read over IMAP.",
    "Switch IMAP on (Gmail: Settings > See all settings > Forwarding and POP/IMAP; Google Admin console > Apps > Google \
     Workspace > Gmail > End User Access).",
)
.commands(&["Set-CASMailbox -Identity <mailbox> -ImapEnabled $true"]);
const TOO_MANY_CONNECTIONS: Entry = entry(
    "imap.too_many_connections",
    AfterChange,
    "NO … Too many simultaneous connections",
    "The mailbox is read by too many programs at once.",
    "Close other mail programs that use the mailbox; Gmail allows fifteen connections.",
);
const OVER_LIMIT: Entry = entry(
    "imap.over_limit",
    AfterChange,
    "NO [OVERQUOTA]; … exceeded command or bandwidth limits",
    "The mailbox was read so much that the provider pauses it, for up to a day.",
    "Wait; other programs that read the mailbox count too.",
);
const IN_USE: Entry = entry(
    "pop3.in_use",
    Later,
    "-ERR [IN-USE]",
    "Another program has the mailbox open.",
    "Nothing needs to be done: it is tried again later. If it lasts, close the other program.",
);
pub(super) const TOO_LARGE: Entry = entry(
    "mailbox.message_too_large",
    Never,
    "a message of more than 64 MiB",
    "The message is larger than what is fetched; it stays in the mailbox.",
    "Read it with another program.",
);
const REFUSED_FOR_NOW: Entry = entry(
    "mailbox.refused_for_now",
    Later,
    "any other NO or -ERR that may pass",
    "The server does not do what it was asked for at the moment.",
    "Nothing needs to be done: it is tried again later. The server's words say why.",
);
const REFUSED: Entry = entry(
    "mailbox.refused",
    AfterChange,
    "BAD; NO or -ERR to the opening of the mailbox",
    "The server does not do what it was asked for.",
    "The server's words say why; check that the user may open this mailbox.",
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
