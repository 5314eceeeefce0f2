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
    "SMTP AUTH is switched off for the whole tenant, which blocks signing in with a token too.",
    "An Exchange administrator allows it for the tenant (Exchange admin center > Settings > Mail flow), or for this \
     mailbox alone, which counts more than the tenant's setting; it takes up to an hour to have an effect.",
)
.commands(&[ENABLE_MAILBOX, ENABLE_TENANT]);
const AUTH_DISABLED_MAILBOX: Entry = entry(
    "smtp.auth_disabled_mailbox",
    AfterChange,
    "535 5.7.139 … disabled for the Mailbox",
    "SMTP AUTH is switched off for this mailbox, which blocks signing in with a token too.",
    "An Exchange administrator allows it (Microsoft 365 admin center > Users > Active users > the user > Mail > Manage \
     email apps > Authenticated SMTP).",
)
.commands(&[ENABLE_MAILBOX]);
const AUTH_DISABLED: Entry = entry(
    "smtp.auth_disabled",
    AfterChange,
    "535 5.7.139 without saying for whom",
    "SMTP AUTH is switched off for the mailbox or the whole tenant, which blocks signing in with a token too.",
    "An Exchange administrator allows it for the mailbox, which counts more than the tenant's setting.",
)
.commands(&[ENABLE_MAILBOX, ENABLE_TENANT]);
const AUTH_BLOCKED_BY_POLICY: Entry = entry(
    "smtp.auth_blocked_by_policy",
    AfterChange,
    "535 5.7.139 … security defaults, … did not meet the criteria, … basic authentication is disabled",
    "A policy of the organization does not let this user sign in with a password.",
    "Connect the account by OAuth (Outlook OAuth Authentication), or ask an administrator to look at the sign-in log \
     (Entra admin center > Sign-in logs).",
);
const AUTH_UNSUCCESSFUL: Entry = entry(
    "smtp.auth_unsuccessful",
    AfterChange,
    "535 5.7.3; 535 5.7.139 … credentials were incorrect",
    "Exchange does not let this user in: the token belongs to another account than the user name, or lacks the \
     permission SMTP.Send, or the password is wrong, or the mailbox has no licence.",
    "The user name must be the account that was connected, also where mail is sent for a shared mailbox. Connect the \
     account again. An app that signs in without a user must be known to Exchange and have rights to the mailbox.",
)
.commands(&[
    "New-ServicePrincipal -AppId <client id> -ObjectId <object id of the enterprise application>",
    "Add-MailboxPermission -Identity <mailbox> -User <object id of the enterprise application> -AccessRights FullAccess",
    "Add-RecipientPermission -Identity <mailbox> -Trustee <object id of the enterprise application> -AccessRights SendAs",
]);
const PASSWORDS_RETIRED: Entry = entry(
    "smtp.passwords_retired",
    AfterChange,
    "550 5.7.30",
    "The service no longer takes passwords for SMTP.",
    "Connect the account by OAuth: choose Outlook OAuth Authentication for the server.",
);
const NOT_SIGNED_IN: Entry = entry(
    "smtp.not_signed_in",
    AfterChange,
    "530 5.7.57",
    "Exchange takes mail only from somebody who signed in, and this session is not signed in.",
    "Set up the authentication of this server: Outlook OAuth Authentication with the mailbox as the user name.",
);
const STARTTLS_REQUIRED: Entry = entry(
    "smtp.starttls_required",
    AfterChange,
    "530 … STARTTLS",
    "The server takes no commands on an unencrypted line.",
    "Choose STARTTLS as the encryption.",
);
const SIGN_IN_REQUIRED: Entry = entry(
    "smtp.sign_in_required",
    AfterChange,
    "530",
    "The server wants a user to sign in before it takes mail.",
    "Enter a user name and a password, or choose another kind of authentication.",
);
const TOO_MANY_CONNECTIONS: Entry = entry(
    "smtp.too_many_connections",
    Later,
    "432 4.3.2, or another 4xx with 4.3.2",
    "Too many connections of this mailbox at once; Microsoft 365 allows three.",
    "Nothing needs to be done: it is tried again later. Others may use the mailbox too: give this server fewer \
     connections (postern.mail.budget).",
);
const CLOSING: Entry = entry(
    "smtp.closing",
    Later,
    "421",
    "The server ends the session: it is busy, or thinks that we ask too much of it.",
    "Nothing needs to be done: it is tried again later.",
);
const TLS_UNAVAILABLE: Entry = entry(
    "smtp.tls_unavailable",
    Later,
    "454 to STARTTLS",
    "The server cannot encrypt the line at the moment.",
    "Nothing needs to be done: it is tried again later.",
);
const SEND_AS_DENIED: Entry = entry(
    "smtp.send_as_denied",
    Never,
    "550 or 554 5.7.60; 554 5.2.252; 554 5.2.0 … SendAsDenied",
    "The account that signed in may not send as this address.",
    "Grant it Send As (Exchange admin center > Recipients > Mailboxes > the address > Delegation), or send from its own \
     address: the FROM filter of the server keeps other senders away.",
)
.commands(&[GRANT_SEND_AS]);
const SENDER_BLOCKED: Entry = entry(
    "smtp.sender_blocked",
    Never,
    "550 5.1.8",
    "Microsoft has blocked this sender, because what it sent looked like spam.",
    "Find out what was sent, then unblock the account (Microsoft Defender portal > Email & collaboration > Review > \
     Restricted entities).",
);
const RECIPIENT_LIMIT: Entry = entry(
    "smtp.recipient_limit",
    Never,
    "554 5.2.0 without SendAsDenied; 550 5.4.5",
    "The mailbox may have reached its daily limit of recipients: 10,000 at Microsoft 365, 500 or 2,000 at Gmail.",
    "Send it again tomorrow. A lower budget (postern.mail.budget) keeps mails waiting instead.",
);
const OWN_MAILBOX_FULL: Entry = entry(
    "smtp.own_mailbox_full",
    Never,
    "554 5.2.2",
    "The sender's own mailbox is full; what it sent counts.",
    "Make room in it, above all in the sent items, then send the mail again.",
);
const RECIPIENT_FULL: Entry = entry(
    "smtp.recipient_full",
    Never,
    "552 5.2.2",
    "The recipient's mailbox is full.",
    "Ask the recipient to make room, then send the mail again.",
);
const RECIPIENT_UNKNOWN: Entry = entry(
    "smtp.recipient_unknown",
    Never,
    "550 5.1.1, 5.1.10, to RCPT TO",
    "There is no such mailbox at the recipient's server.",
    "Check the address of the recipient.",
);
const RELAY_DENIED: Entry = entry(
    "smtp.relay_denied",
    Never,
    "550 or 554 … relay, to RCPT TO",
    "The server takes no mail for other servers from us.",
    "Sign in at the server, or choose one that sends for this machine.",
);
const APP_PASSWORD_NEEDED: Entry = entry(
    "smtp.app_password_needed",
    AfterChange,
    "534 5.7.9",
    "The account has two-step verification, so its own password is not taken here.",
    "Connect the account by OAuth (Gmail OAuth Authentication), or make an app password \
     (https://myaccount.google.com/apppasswords).",
);
const GMAIL_REFUSED: Entry = entry(
    "smtp.gmail_refused",
    AfterChange,
    "535 5.7.8 of Gmail",
    "Google does not accept this user name with this password or token.",
    "Google takes no account's own password: connect the account by OAuth (Gmail OAuth Authentication) again, or use an \
     app password.",
);
pub(super) const TOO_LARGE: Entry = entry(
    "smtp.too_large",
    Never,
    "552, 5.3.4, or more than the server announces to take",
    "The message is larger than the server accepts.",
    "Send fewer or smaller attachments, or a link to them.",
);
pub(super) const UNICODE_MISSING: Entry = entry(
    "smtp.unicode_missing",
    Never,
    "a sender with other letters than those of ASCII, and no SMTPUTF8",
    "The server cannot take the sender's address.",
    "Use a sender whose address has ASCII letters only in front of the @.",
);
pub(super) const EIGHT_BIT_MISSING: Entry = entry(
    "smtp.eight_bit_missing",
    Never,
    "8-bit content, and no 8BITMIME",
    "The server takes messages of 7-bit content only.",
    "Send through another server.",
);
pub(super) const INPUT_INVALID: Entry = entry(
    "smtp.input_invalid",
    Never,
    "an address or name that cannot stand in a command",
    "An address or a name has characters that would change the command around it.",
    "Correct the address or the name.",
);
const OUT_OF_STEP: Entry = entry(
    "smtp.out_of_step",
    Later,
    "503",
    "Server and client lost track of the session, which says nothing about the mail.",
    "Nothing needs to be done: it is tried again over a new connection.",
);
const REFUSED_FOR_NOW: Entry = entry(
    "smtp.refused_for_now",
    Later,
    "any other 4xx",
    "The server does not take the mail at the moment.",
    "Nothing needs to be done: it is tried again later. The server's words say why.",
);
const REFUSED: Entry = entry(
    "smtp.refused",
    Never,
    "any other 5xx to MAIL FROM, RCPT TO, DATA or the message",
    "The server does not take the mail.",
    "The server's words say why.",
);
const NOT_SERVED: Entry = entry(
    "smtp.not_served",
    AfterChange,
    "any other 5xx before a mail",
    "The server does not want to talk to this machine.",
    "The server's words say why; a server for other servers' mail (port 25) may want a better known address than ours.",
);
pub(super) const FATE_UNKNOWN: Entry = entry(
    "smtp.fate_unknown",
    Doubtful,
    "no answer after the end of the message",
    "The whole message was handed over, and then the server said nothing more: it may have accepted the mail.",
    "Look into the sent mails of the mailbox, or ask the recipient, before sending it again.",
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
