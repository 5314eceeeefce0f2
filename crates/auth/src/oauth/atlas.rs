//! The atlas of failures: for each known answer of a provider, what it means for the person who
//! runs the mail server, what that person can do, and whether trying again makes sense.
//!
//! Microsoft may change its AADSTS numbers, so `error` decides where a number is not known here;
//! numbers make the text and the class more exact. Sources: Microsoft's page "Microsoft Entra
//! authentication and authorization error codes"; RFC 6749, sections 4.1.2.1 and 5.2; OpenID
//! Connect Core, section 3.1.2.6; Google's page "Using OAuth 2.0 for Web Server Applications".

/// Whether the same request may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Yes: keep the tokens, wait, try again.
    Transient,
    /// No: someone has to act first.
    Permanent(Cause),
}

impl ErrorClass {
    /// Whether to try again later without anyone acting.
    pub fn is_transient(self) -> bool {
        self == ErrorClass::Transient
    }
}

/// Who has to act on a permanent failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The mailbox's owner (or an administrator for them) has to sign in with the provider again.
    Reconnect,
    /// An administrator has to change a setting here or at the provider.
    Configuration,
}

/// One entry. Both texts are whole sentences.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) what: &'static str,
    pub(super) remedy: &'static str,
    pub(super) class: ErrorClass,
}

const TRANSIENT: ErrorClass = ErrorClass::Transient;
const RECONNECT: ErrorClass = ErrorClass::Permanent(Cause::Reconnect);
const CONFIGURATION: ErrorClass = ErrorClass::Permanent(Cause::Configuration);

const fn entry(class: ErrorClass, what: &'static str, remedy: &'static str) -> Entry {
    Entry {
        what,
        remedy,
        class,
    }
}

const WAIT: &str = "Nothing needs to be done: it is tried again later. If it lasts for hours, look \
     at the provider's status page.";
const CONNECT_AGAIN: &str = "Open the mail server's form and connect the mailbox again.";

/// The entry for a number Microsoft gives after `AADSTS`.
pub(super) fn by_aadsts(number: u32) -> Option<&'static Entry> {
    BY_AADSTS
        .iter()
        .find(|(numbers, _)| numbers.contains(&number))
        .map(|(_, entry)| entry)
}

/// The entry for the value of `error`.
pub(super) fn by_word(word: &str) -> Option<&'static Entry> {
    BY_WORD
        .iter()
        .find(|(words, _)| words.contains(&word))
        .map(|(_, entry)| entry)
}

/// The entry for an HTTP status, for an answer that says nothing else.
pub(super) fn by_status(status: u16) -> &'static Entry {
    match status {
        429 => &SLOW_DOWN,
        _ if is_transient_status(status) => &UNAVAILABLE,
        300..=399 => &REDIRECTED,
        _ => &UNEXPECTED,
    }
}

/// Statuses after which the same request may succeed later.
pub(super) fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

const SLOW_DOWN: Entry = entry(
    TRANSIENT,
    "The provider asks for fewer requests.",
    "Nothing needs to be done: it is tried again later.",
);
const UNAVAILABLE: Entry = entry(TRANSIENT, "The provider cannot answer at the moment.", WAIT);
const REDIRECTED: Entry = entry(
    CONFIGURATION,
    "The token endpoint sends us to another address, which is not followed because our client \
     secret would go there.",
    "Check the endpoint in the settings: it must be the provider's own, with https.",
);
const UNEXPECTED: Entry = entry(
    CONFIGURATION,
    "The provider refused the request without a reason we know.",
    "Check the endpoint, the client id and the client secret in the settings.",
);
pub(super) const UNKNOWN: Entry = entry(
    RECONNECT,
    "The provider did not grant access, for a reason we do not know.",
    CONNECT_AGAIN,
);
pub(super) const UNREADABLE: Entry = entry(
    CONFIGURATION,
    "The endpoint's answer is not that of an OAuth token endpoint.",
    "Check the endpoint in the settings; a proxy or a sign-in page may answer in its place.",
);
pub(super) const UNUSABLE_TOKEN: Entry = entry(
    CONFIGURATION,
    "The provider's answer has no access token that mail servers accept.",
    "Check the app registration: it must grant bearer tokens for the mail scopes.",
);
pub(super) const TIMEOUT: Entry = entry(TRANSIENT, "The provider did not answer in time.", WAIT);
pub(super) const DNS: Entry = entry(
    TRANSIENT,
    "The provider's host name could not be resolved.",
    "Check the endpoint's host name and this server's name resolution; it is tried again later.",
);
pub(super) const TLS: Entry = entry(
    TRANSIENT,
    "No trusted encrypted connection to the provider could be made.",
    "Check this server's clock and certificate authorities (a private one is added with --tls-ca); \
     it is tried again later.",
);
pub(super) const CONNECT: Entry = entry(
    TRANSIENT,
    "No connection to the provider could be made.",
    "Check that this server may reach the endpoint (network, firewall); it is tried again later.",
);
pub(super) const INTERRUPTED: Entry = entry(
    TRANSIENT,
    "The connection to the provider broke off before its answer was complete.",
    WAIT,
);

const BY_AADSTS: &[(&[u32], Entry)] = &[
    (
        &[50194, 9002332, 9001023, 90130],
        entry(
            CONFIGURATION,
            "The endpoint does not fit the accounts the app is registered for.",
            "Put the tenant id (or \"organizations\") in place of \"common\" in the endpoint, or \
             let the app registration accept accounts of any organization.",
        ),
    ),
    (
        &[90002, 700016, 700011, 90038],
        entry(
            CONFIGURATION,
            "Microsoft does not know this app in this tenant or cloud.",
            "Compare the client id and the tenant in the endpoint with the app registration; \
             national clouds have endpoints of their own.",
        ),
    ),
    (
        &[7000222],
        entry(
            CONFIGURATION,
            "The client secret has expired.",
            "Create a new client secret in the app registration (Certificates & secrets) and enter \
             its value in the settings.",
        ),
    ),
    (
        &[7000215, 70002],
        entry(
            CONFIGURATION,
            "The client secret is wrong.",
            "Enter the secret's Value in the settings, not its Secret ID; if the value is no \
             longer shown, create a new secret.",
        ),
    ),
    (
        &[7000218],
        entry(
            CONFIGURATION,
            "The app requires a client secret and none was sent.",
            "Create a client secret in the app registration and enter its value in the settings.",
        ),
    ),
    (
        &[700025],
        entry(
            CONFIGURATION,
            "The app is registered as a public client, which must not send a secret.",
            "Empty the client secret in the settings, or register the address under the platform \
             \"Web\".",
        ),
    ),
    (
        &[50011, 500112],
        entry(
            CONFIGURATION,
            "The redirect address sent is not registered for the app.",
            "Register exactly the redirect address shown in the settings (https or http, host, \
             port and path count), or correct web.base.url.",
        ),
    ),
    (
        &[65001],
        entry(
            RECONNECT,
            "Nobody has consented to the app's use of this mailbox yet.",
            "Connect the mailbox again and accept the permissions; if your organization does not \
             let users consent, an administrator has to grant them for the app.",
        ),
    ),
    (
        &[65004],
        entry(
            RECONNECT,
            "The permissions were declined at sign-in.",
            "Connect the mailbox again and accept the permissions.",
        ),
    ),
    (
        &[90094, 90095],
        entry(
            CONFIGURATION,
            "The permissions need the consent of an administrator of the organization.",
            "Ask an administrator of the Microsoft tenant to grant admin consent to the app (API \
             permissions), then connect the mailbox again.",
        ),
    ),
    (
        &[650056, 650057, 70011, 28002, 700022],
        entry(
            CONFIGURATION,
            "The permissions asked for do not fit those of the app registration.",
            "Add the delegated permissions SMTP.Send and IMAP.AccessAsUser.All of Office 365 \
             Exchange Online (and offline_access) to the app.",
        ),
    ),
    (
        &[500011, 650052],
        entry(
            CONFIGURATION,
            "The organization has no Exchange Online, or no licence for it.",
            "Check that the tenant has an Exchange Online licence and that the endpoint is that \
             of the mailbox's tenant.",
        ),
    ),
    (
        &[700082, 70008, 50173, 70043, 50089],
        entry(
            RECONNECT,
            "The permission has expired or was revoked (long unused, password reset, or a \
             sign-in frequency policy).",
            CONNECT_AGAIN,
        ),
    ),
    (
        &[50076, 50079, 50078, 50074],
        entry(
            RECONNECT,
            "Microsoft requires multi-factor authentication for this account.",
            "Connect the mailbox again and complete the additional sign-in step.",
        ),
    ),
    (
        &[53003, 53000, 530032, 530035],
        entry(
            CONFIGURATION,
            "A Conditional Access policy or the security defaults of the organization block the \
             sign-in.",
            "Ask an administrator of the Microsoft tenant to look at the sign-in log and to allow \
             this app, then connect the mailbox again.",
        ),
    ),
    (
        &[50105],
        entry(
            CONFIGURATION,
            "The app is limited to assigned users, and this account is not one of them.",
            "Assign the account to the enterprise application in the Microsoft tenant.",
        ),
    ),
    (
        &[7000112, 70001],
        entry(
            CONFIGURATION,
            "The app is disabled or not present in the organization.",
            "Enable the enterprise application in the Microsoft tenant, or correct the client id.",
        ),
    ),
    (
        &[50057],
        entry(
            CONFIGURATION,
            "The account is disabled.",
            "Enable the account in the Microsoft tenant, or connect another mailbox.",
        ),
    ),
    (
        &[50020, 50034, 500208],
        entry(
            RECONNECT,
            "The account used does not belong to this organization, or is of another kind.",
            "Connect again and choose the mailbox's own account (a private window avoids the \
             wrong one being chosen by itself).",
        ),
    ),
    (
        &[54005, 501481, 700005],
        entry(
            RECONNECT,
            "The sign-in's code was used already, belongs to another tenant or to another sign-in.",
            "Start the connection again from the mail server's form, and open the link once.",
        ),
    ),
    (
        &[50196],
        entry(
            TRANSIENT,
            "Microsoft sees the same request too often and pauses us.",
            "Nothing needs to be done: it is tried again later.",
        ),
    ),
    (&[50033, 90006, 90024, 90033, 90055], UNAVAILABLE),
];

const BY_WORD: &[(&[&str], Entry)] = &[
    (
        &["invalid_grant"],
        entry(
            RECONNECT,
            "The provider no longer accepts the code or the permission we have.",
            CONNECT_AGAIN,
        ),
    ),
    (
        &[
            "interaction_required",
            "login_required",
            "consent_required",
            "account_selection_required",
        ],
        entry(
            RECONNECT,
            "The provider wants the account's owner to sign in.",
            CONNECT_AGAIN,
        ),
    ),
    (
        &["access_denied"],
        entry(
            RECONNECT,
            "Access was refused at sign-in.",
            "Connect the mailbox again and accept the permissions; if the organization does not \
             allow it, ask its administrator.",
        ),
    ),
    (
        &[
            "invalid_client",
            "unauthorized_client",
            "deleted_client",
            "disabled_client",
        ],
        entry(
            CONFIGURATION,
            "The provider does not accept our client id and client secret.",
            "Compare both in the settings with the app registration.",
        ),
    ),
    (
        &["redirect_uri_mismatch"],
        entry(
            CONFIGURATION,
            "The redirect address sent is not registered for the app.",
            "Register exactly the redirect address shown in the settings, or correct web.base.url.",
        ),
    ),
    (
        &["invalid_scope", "invalid_resource", "invalid_target"],
        entry(
            CONFIGURATION,
            "The provider does not give the permissions asked for.",
            "Add the mail permissions to the app registration.",
        ),
    ),
    (
        &["admin_policy_enforced", "org_internal"],
        entry(
            CONFIGURATION,
            "A policy of the organization does not allow this app.",
            "Ask an administrator of the organization to trust the app.",
        ),
    ),
    (
        &[
            "invalid_request",
            "unsupported_grant_type",
            "unsupported_response_type",
        ],
        entry(
            CONFIGURATION,
            "The provider does not understand the request.",
            "Check the endpoint in the settings, and that the app is registered for the platform \
             \"Web\".",
        ),
    ),
    (&["temporarily_unavailable", "server_error"], UNAVAILABLE),
    (&["slow_down", "rate_limit_exceeded"], SLOW_DOWN),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_number_and_no_word_stands_twice() {
        let mut numbers = BTreeSet::new();
        for number in BY_AADSTS.iter().flat_map(|(numbers, _)| *numbers) {
            assert!(numbers.insert(number), "{number}");
        }
        let mut words = BTreeSet::new();
        for word in BY_WORD.iter().flat_map(|(words, _)| *words) {
            assert!(words.insert(word), "{word}");
        }
    }

    #[test]
    fn all_texts_are_whole_sentences() {
        let single = [
            &SLOW_DOWN,
            &REDIRECTED,
            &UNEXPECTED,
            &UNKNOWN,
            &UNREADABLE,
            &UNUSABLE_TOKEN,
        ];
        let network = [&TIMEOUT, &DNS, &TLS, &CONNECT, &INTERRUPTED];
        let tables = BY_AADSTS
            .iter()
            .map(|(_, e)| e)
            .chain(BY_WORD.iter().map(|(_, e)| e));
        for entry in tables.chain(single).chain(network) {
            for text in [entry.what, entry.remedy] {
                assert!(text.starts_with(char::is_uppercase), "{text}");
                assert!(text.ends_with('.') && !text.contains("  "), "{text}");
            }
        }
    }
}
