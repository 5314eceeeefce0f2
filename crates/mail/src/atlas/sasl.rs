//! What goes wrong with signing in, whatever the protocol.

use super::Retried::{AfterChange, Later};
use super::{Entry, entry};

pub(super) const MECHANISM_MISSING: Entry = entry(
    "sasl.mechanism_missing",
    AfterChange,
    "the server does not offer the way to sign in that was chosen",
);
pub(super) const TOKEN_IN_CLEAR: Entry = entry(
    "sasl.token_in_clear",
    AfterChange,
    "an OAuth token, and a line without TLS",
);
pub(super) const CREDENTIALS_INVALID: Entry = entry(
    "sasl.credentials_invalid",
    AfterChange,
    "a user name or password with a control character",
);
const PASSWORD_REFUSED: Entry = entry(
    "sasl.password_refused",
    AfterChange,
    "SMTP 535 5.7.8, 535; IMAP NO; POP3 -ERR, to a password or to a token without a comment",
);
const TOKEN_REFUSED: Entry = entry(
    "sasl.token_refused",
    AfterChange,
    "a comment on the token (334 or + with JSON), and a refusal",
);
const UNAVAILABLE: Entry = entry(
    "sasl.unavailable",
    Later,
    "SMTP 454 4.7.0 or another 4xx; IMAP NO [UNAVAILABLE], [LIMIT], [SERVERBUG]; POP3 -ERR [SYS/TEMP], [LOGIN-DELAY]",
);

pub(super) static ENTRIES: &[&Entry] = &[
    &MECHANISM_MISSING,
    &TOKEN_IN_CLEAR,
    &CREDENTIALS_INVALID,
    &PASSWORD_REFUSED,
    &TOKEN_REFUSED,
    &UNAVAILABLE,
];

/// The entry for a refusal that no provider's own answer is behind.
pub(super) fn of_refusal(is_transient: bool, by_token: bool) -> &'static Entry {
    match (is_transient, by_token) {
        (true, _) => &UNAVAILABLE,
        (false, true) => &TOKEN_REFUSED,
        (false, false) => &PASSWORD_REFUSED,
    }
}
