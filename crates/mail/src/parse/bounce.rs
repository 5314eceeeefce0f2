//! What delivery reports say (RFC 3464).

use super::header::header_fields;
use super::parts::Structure;
use super::{decode_header, message_ids};
use crate::address::email_normalize_first;

/// The facts of a delivery report, as far as it has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BounceReport {
    /// The recipient who could not be reached, normalised.
    pub bounced_email: Option<String>,
    /// The ids of the message that the report is about, with angle brackets.
    pub bounced_msg_ids: Vec<String>,
    /// The status code, like `5.1.1` (RFC 3463).
    pub status: Option<String>,
}

/// `references` is the text of that header, which names the message where nothing else does.
pub(super) fn read_report(structure: &Structure, references: &str) -> BounceReport {
    let mut report = BounceReport::default();
    let mut has_original = false;
    for leaf in &structure.leaves {
        match leaf.mimetype.as_str() {
            "message/delivery-status" => read_status(&leaf.bytes, &mut report),
            "message/rfc822" | "text/rfc822-headers" if report.bounced_msg_ids.is_empty() => {
                has_original = true;
                let mut ids = message_ids(&decode_header(&leaf.bytes, "Message-Id", " "));
                // Exchange sends under its own id and tells the original one here.
                ids.extend(message_ids(&decode_header(
                    &leaf.bytes,
                    "X-Microsoft-Original-Message-ID",
                    " ",
                )));
                report.bounced_msg_ids = ids;
            }
            _ => {}
        }
    }
    if structure.is_report && !has_original {
        report.bounced_msg_ids = message_ids(references);
    }
    report
}

/// The first block is about the message, the second about its (first) recipient.
fn read_status(bytes: &[u8], report: &mut BounceReport) {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let Some(recipient) = text
        .split("\n\n")
        .filter(|block| !block.trim().is_empty())
        .nth(1)
    else {
        return;
    };
    for (name, value) in header_fields(recipient.trim_start_matches('\n').as_bytes()) {
        if name.eq_ignore_ascii_case("final-recipient") {
            let address = value.split_once(';').map_or("", |(_, address)| address);
            report.bounced_email = email_normalize_first(address);
        } else if name.eq_ignore_ascii_case("status") {
            report.status = Some(value.trim().to_owned());
        }
    }
}
