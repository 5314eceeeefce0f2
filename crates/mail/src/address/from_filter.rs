//! Which senders an outgoing mail server accepts: its FROM filter.

use super::{email_domain_extract, email_domain_normalize, email_normalize};

/// Whether a server with `from_filter` may send mail from `email_from`.
///
/// A filter is a list of domains and addresses, separated by commas; no filter, or an empty one, admits
/// everybody. An address admits exactly itself, a domain exactly its own addresses: there are no
/// subdomains and no wildcards. A filter of blanks or commas only is still a filter, and admits nobody.
///
/// Observed in Odoo 18 and kept, because the choice of server must agree with it: a sender that is not
/// one valid address matches a filter entry that holds an `@` but is not one valid address either.
#[must_use]
pub fn match_from_filter(email_from: Option<&str>, from_filter: Option<&str>) -> bool {
    let Some(filter) = from_filter.filter(|filter| !filter.is_empty()) else {
        return true;
    };
    let sender = email_from.unwrap_or_default();
    let address = email_normalize(sender);
    let domain = email_domain_extract(sender);
    from_filter_parts(filter).any(|part| {
        if part.contains('@') {
            email_normalize(part) == address
        } else {
            domain.is_some() && email_domain_normalize(part) == domain
        }
    })
}

/// The entries of a FROM filter, trimmed, without the empty ones. An entry with `@` is an address, any
/// other a domain.
pub fn from_filter_parts(from_filter: &str) -> impl Iterator<Item = &str> {
    from_filter
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}
