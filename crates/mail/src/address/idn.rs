//! Internationalised domains to their ASCII form, by the strict rules of IDNA 2008 (RFC 5891).
//!
//! The common lenient conversion (UTS #46) silently maps capitals and symbols to something else. For an
//! address that is somebody's guess at where mail should go, so this module refuses such domains, as Odoo
//! does: it accepts only labels that are already in the form in which they are registered.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Longest label of a domain name in octets (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;
/// Longest domain name in octets, without the trailing dot.
const MAX_DOMAIN: usize = 253;

/// Why a domain has no ASCII form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdnError {
    /// The domain, or one of its labels, is empty.
    #[error("the domain has an empty part")]
    Empty,
    /// A label or the whole domain is longer than the DNS allows.
    #[error("the domain, or a part of it between dots, is too long")]
    TooLong,
    /// A label starts or ends with a hyphen, or has hyphens in third and fourth place.
    #[error("a part of the domain has a hyphen where none is allowed")]
    Hyphen,
    /// A label is not in Unicode's composed form (NFC), or starts with a combining mark.
    #[error("a part of the domain is not in composed Unicode form")]
    NotComposed,
    /// A character that no domain may contain (capital letters outside ASCII are such).
    #[error("the domain has a character that is not allowed in domains")]
    InvalidCodepoint,
    /// A character that is only allowed beside certain others.
    #[error("the domain has a character in a place where it is not allowed")]
    InvalidContext,
    /// Writing directions are mixed in a way that RFC 5893 forbids.
    #[error("the domain mixes writing directions")]
    Bidi,
}

/// The ASCII form of `domain`: each label that has other characters becomes `xn--…`, all others stay
/// exactly as they are. A trailing dot stays, and the ideographic full stops count as dots.
///
/// # Errors
/// When a label is not a registrable IDNA 2008 label; see [`IdnError`].
pub fn domain_to_ascii(domain: &str) -> Result<String, IdnError> {
    let mut labels: Vec<&str> = domain
        .split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
        .collect();
    let trailing_dot = labels.len() > 1 && labels.last().is_some_and(|label| label.is_empty());
    if trailing_dot {
        labels.pop();
    }
    let mut ascii = labels
        .into_iter()
        .map(label_to_ascii)
        .collect::<Result<Vec<_>, _>>()?
        .join(".");
    if ascii.len() > MAX_DOMAIN {
        return Err(IdnError::TooLong);
    }
    if trailing_dot {
        ascii.push('.');
    }
    Ok(ascii)
}

fn label_to_ascii(label: &str) -> Result<String, IdnError> {
    if label.is_empty() {
        return Err(IdnError::Empty);
    }
    let folded = if label.is_ascii() {
        label.to_ascii_lowercase()
    } else {
        label.to_owned()
    };
    if folded.starts_with("xn--") && folded.is_ascii() {
        // Already encoded: it must decode, but is kept in the spelling it came in.
        convert(&folded)?;
    } else {
        check_hyphens(&folded)?;
        check_characters(&folded)?;
    }
    let ascii = if label.is_ascii() {
        label.to_owned()
    } else {
        convert(&folded)?
    };
    if ascii.len() > MAX_LABEL {
        return Err(IdnError::TooLong);
    }
    Ok(ascii)
}

fn check_hyphens(label: &str) -> Result<(), IdnError> {
    let chars: Vec<char> = label.chars().collect();
    let third_and_fourth = chars.get(2) == Some(&'-') && chars.get(3) == Some(&'-');
    if label.starts_with('-') || label.ends_with('-') || third_and_fourth {
        return Err(IdnError::Hyphen);
    }
    Ok(())
}

fn check_characters(label: &str) -> Result<(), IdnError> {
    let chars: Vec<char> = label.chars().collect();
    if chars.first().is_some_and(|c| is_mark(*c)) {
        return Err(IdnError::NotComposed);
    }
    for (at, c) in chars.iter().copied().enumerate() {
        if needs_context(c) {
            if !context_allows(&chars, at) {
                return Err(IdnError::InvalidContext);
            }
        } else if !is_allowed(c) {
            return Err(IdnError::InvalidCodepoint);
        }
    }
    Ok(())
}

/// The "PVALID" characters of RFC 5892, as far as they follow from Unicode's categories; what is unstable
/// under compatibility mapping is caught by the comparison in [`convert`].
fn is_allowed(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    }
    match c {
        '\u{df}' | '\u{3c2}' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => true,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => {
            false
        }
        _ => {
            let letter_or_digit = matches!(
                c.general_category(),
                GeneralCategory::LowercaseLetter
                    | GeneralCategory::OtherLetter
                    | GeneralCategory::ModifierLetter
                    | GeneralCategory::NonspacingMark
                    | GeneralCategory::SpacingMark
                    | GeneralCategory::DecimalNumber
            );
            letter_or_digit && c.to_lowercase().eq([c])
        }
    }
}

fn is_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
            | GeneralCategory::EnclosingMark
    )
}

/// Characters with a rule about their neighbours (RFC 5892 appendix A). The joiners U+200C and U+200D are
/// also such, but their rule is checked by the conversion.
fn needs_context(c: char) -> bool {
    matches!(
        c,
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{30fb}' | '\u{200c}' | '\u{200d}'
            | '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}'
    )
}

fn context_allows(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|i| chars.get(i)).copied();
    let after = chars.get(at + 1).copied();
    match chars.get(at).copied() {
        Some('\u{b7}') => before == Some('l') && after == Some('l'),
        Some('\u{375}') => after.is_some_and(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}')),
        Some('\u{5f3}' | '\u{5f4}') => before.is_some_and(|c| matches!(c, '\u{591}'..='\u{5f4}')),
        Some('\u{30fb}') => chars.iter().any(|c| {
            *c != '\u{30fb}'
                && matches!(c, '\u{3005}' | '\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
                    | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
        }),
        // The two rows of Arabic digits must not be mixed: they look alike.
        Some('\u{660}'..='\u{669}') => !chars.iter().any(|c| matches!(c, '\u{6f0}'..='\u{6f9}')),
        Some('\u{6f0}'..='\u{6f9}') => !chars.iter().any(|c| matches!(c, '\u{660}'..='\u{669}')),
        _ => true,
    }
}

/// Converts one label and insists that the conversion changed nothing but its encoding.
fn convert(label: &str) -> Result<String, IdnError> {
    let uts46 = Uts46::new();
    let (unicode, outcome) =
        uts46.to_unicode(label.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow);
    if !label.is_ascii() && unicode != label {
        // The conversion marks the places it objects to; without a mark it has merely composed the text.
        let marked = unicode.contains(char::REPLACEMENT_CHARACTER);
        return Err(if marked {
            IdnError::Bidi
        } else {
            IdnError::NotComposed
        });
    }
    outcome.map_err(|_| IdnError::Bidi)?;
    uts46
        .to_ascii(
            label.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Allow,
            DnsLength::Ignore,
        )
        .map(|ascii| ascii.into_owned())
        .map_err(|_| IdnError::InvalidCodepoint)
}

#[cfg(test)]
mod tests {
    use super::{IdnError, domain_to_ascii};

    #[test]
    fn registrable_domains_have_an_ascii_form() {
        for (domain, ascii) in [
            ("lümen.example", "xn--lmen-0ra.example"),
            ("Sub.lümen.example.", "Sub.xn--lmen-0ra.example."),
            ("lümen。example", "xn--lmen-0ra.example"),
            ("straße.example", "xn--strae-oqa.example"),
            ("例え.example", "xn--r8jz45g.example"),
            ("हिन्दी.example", "xn--j2bd4cyah0f.example"),
            ("col·lecció.example", "xn--collecci-ioa91d.example"),
            ("xn--lmen-0ra.ö", "xn--lmen-0ra.xn--nda"),
        ] {
            assert_eq!(domain_to_ascii(domain).as_deref(), Ok(ascii), "{domain}");
        }
    }

    #[test]
    fn what_nobody_can_register_is_refused_with_its_reason() {
        let long = format!("{}.example", "ü".repeat(70));
        for (domain, error) in [
            ("LÜMEN.example", IdnError::InvalidCodepoint),
            ("☃.example", IdnError::InvalidCodepoint),
            ("lü men.example", IdnError::InvalidCodepoint),
            ("lü_men.example", IdnError::InvalidCodepoint),
            ("ﬁ.example", IdnError::NotComposed),
            ("-lümen.example", IdnError::Hyphen),
            ("lümen..example", IdnError::Empty),
            ("", IdnError::Empty),
            ("lu\u{308}men.example", IdnError::NotComposed),
            ("\u{308}ü.example", IdnError::NotComposed),
            ("a·ü.example", IdnError::InvalidContext),
            ("א1a.example", IdnError::Bidi),
            (long.as_str(), IdnError::TooLong),
        ] {
            assert_eq!(domain_to_ascii(domain), Err(error), "{domain}");
        }
    }
}
