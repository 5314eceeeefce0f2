//! What goes wrong with signing in, whatever the protocol.

use super::Retried::{AfterChange, Later};
use super::{Entry, entry};

pub(super) const MECHANISM_MISSING: Entry = entry(
    "sasl.mechanism_missing",
    AfterChange,
    "the server does not offer the way to sign in that was chosen",
    "The server and the chosen kind of authentication do not fit together.",
    "Choose another kind of authentication, or another encryption: many servers offer it only over TLS.",
);
pub(super) const TOKEN_IN_CLEAR: Entry = entry(
    "sasl.token_in_clear",
    AfterChange,
    "an OAuth token, and a line without TLS",
    "The line is not encrypted, and a token is not shown on such a line.",
    "Choose STARTTLS or SSL/TLS for this server.",
);
pub(super) const CREDENTIALS_INVALID: Entry = entry(
    "sasl.credentials_invalid",
    AfterChange,
    "a user name or password with a control character",
    "The user name, the password or the token contains a line break or another control character.",
    "Enter the user name and the password again, without a line break at the end.",
);
const PASSWORD_REFUSED: Entry = entry(
    "sasl.password_refused",
    AfterChange,
    "SMTP 535 5.7.8, 535; IMAP NO; POP3 -ERR, to a password or to a token without a comment",
    "The server does not let this user in.",
    "Check the user name and the password, or connect the account again.",
);
const TOKEN_REFUSED: Entry = entry(
    "sasl.token_refused",
    AfterChange,
    "a comment on the token (334 or + with JSON), and a refusal",
    "The token was not accepted.",
    "The user name must be the account that was connected (or, for IMAP, a mailbox it may open), and the consent must \
     cover mail. Connect the account again.",
);
const UNAVAILABLE: Entry = entry(
    "sasl.unavailable",
    Later,
    "SMTP 454 4.7.0 or another 4xx; IMAP NO [UNAVAILABLE], [LIMIT], [SERVERBUG]; POP3 -ERR [SYS/TEMP], [LOGIN-DELAY]",
    "The server cannot check credentials right now.",
    "Nothing needs to be done: it is tried again later.",
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
