//! What holds of any text that is read as addresses. The fuzz target and the suite both run this.

use mail::address::{
    Charset, Mailbox, email_domain_extract, email_normalize, email_normalize_all, email_split,
    email_split_and_format, email_split_tuples, encapsulate_email, envelope_recipients,
    extract_rfc2822_addresses, formataddr, match_from_filter, parse_contact_from_email,
};

/// Reads a text in every way there is, and checks what the others of the program rely on.
///
/// # Panics
/// When something does not hold.
pub fn check(text: &str) {
    let found = email_split_tuples(text);
    for mailbox in &found {
        assert!(
            mailbox.addr_spec.contains('@'),
            "{mailbox:?} of {text:?} is no address"
        );
        check_mailbox(mailbox);
    }
    // The other readers are views of this one.
    let addresses: Vec<&str> = found.iter().map(|m| m.addr_spec.as_str()).collect();
    assert_eq!(email_split(text), addresses, "{text:?}");
    assert_eq!(email_split_and_format(text).len(), found.len(), "{text:?}");
    let normalized = email_normalize_all(text);
    assert_eq!(normalized.len(), found.len(), "{text:?}");
    match email_normalize(text) {
        Some(only) => assert_eq!([only], normalized.as_slice(), "{text:?}"),
        None => assert_ne!(normalized.len(), 1, "{text:?}"),
    }
    if let [only] = normalized.as_slice()
        && let [_, domain] = only.split('@').collect::<Vec<_>>().as_slice()
    {
        let extracted = email_domain_extract(text);
        assert_eq!(extracted.as_deref(), Some(*domain), "{text:?}");
        assert_eq!(domain.to_lowercase(), *domain, "{text:?}");
    }
    let (_, contact) = parse_contact_from_email(text);
    assert!(contact.is_empty() || contact.contains('@'), "{text:?}");

    // An open filter takes everybody, and no text makes one of blanks take somebody.
    assert!(match_from_filter(Some(text), None));
    assert!(!match_from_filter(Some(text), Some(" , ")));

    // Whoever was judged gets the mail, and nobody else does.
    let recipients = envelope_recipients(&[text], &normalized);
    for recipient in &recipients {
        let address = recipient.to_lowercase();
        let judged = normalized.iter().any(|judged| {
            let judged = judged.to_lowercase();
            let ascii = formataddr("", &judged, Charset::Ascii).unwrap_or_else(|_| judged.clone());
            judged == address || ascii.to_lowercase() == address
        });
        assert!(
            judged || normalized.is_empty(),
            "{recipient:?} gets what {text:?} says, which names {normalized:?}"
        );
    }
    if !normalized.is_empty() {
        assert!(!recipients.is_empty(), "{text:?}");
    }
    let _ = extract_rfc2822_addresses(text);
    let _ = encapsulate_email(Some(text), Some("notifications@corp.example"));
}

/// A mailbox that is written and read again is the same one.
fn check_mailbox(mailbox: &Mailbox) {
    let plain = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_plain = |part: &str| {
        !part.is_empty()
            && part
                .split('.')
                .all(|p| !p.is_empty() && p.chars().all(plain))
    };
    let readable = mailbox.addr_spec.matches('@').count() == 1
        && is_plain(mailbox.local_part())
        && is_plain(mailbox.domain())
        // A quoted string is one line, whose blanks at the ends do not count as part of a name.
        && !mailbox.name.contains(['\r', '\n'])
        && mailbox.name.trim() == mailbox.name;
    if readable {
        let written = mailbox.to_string();
        assert_eq!(
            email_split_tuples(&written),
            std::slice::from_ref(mailbox),
            "{written:?}"
        );
    }
}
