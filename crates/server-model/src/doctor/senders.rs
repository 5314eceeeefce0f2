//! Which of those who send are covered by no FROM filter, and what becomes of their mails.

use std::collections::BTreeSet;

use mail::address::email_normalize;

use words::{Text, say};

use super::report::Report;
use crate::atlas::SENDER_UNCOVERED;
use crate::env::Env;
use crate::error::Result;
use crate::orm::convert;
use crate::outbox::choose::Directory;

const COVERAGE: &str = "from_filters";
/// So many addresses are named in a line.
const NAMED: usize = 10;
/// So many users are looked at.
const MOST: i64 = 5000;

/// The addresses of the people who work here and of the companies, and those for notifications.
///
/// # Errors
/// When the database fails.
pub(super) async fn read(env: &Env, directory: &Directory) -> Result<BTreeSet<String>> {
    let mut sql = env.sql(
        "SELECT email FROM res_company UNION SELECT p.email FROM res_users u JOIN res_partner p ON p.id = u.partner_id \
         WHERE u.active AND NOT COALESCE(u.share, FALSE) AND u.id <> 1 LIMIT ",
    );
    sql.bind(MOST);
    let mut senders: BTreeSet<String> = directory
        .notification_addresses()
        .filter_map(email_normalize)
        .collect();
    for row in env.rows(sql).await? {
        let email: Option<String> = convert::get(&row, 0)?;
        senders.extend(email.as_deref().and_then(email_normalize));
    }
    Ok(senders)
}

/// Those of them that no filter covers, and the address that stands in for them, where that is covered.
///
/// # Errors
/// When the database fails.
pub async fn uncovered_senders(
    env: &Env,
    directory: &Directory,
) -> Result<(Vec<String>, Option<String>)> {
    let mut senders = read(env, directory).await?;
    senders.retain(|sender| !directory.covers(sender));
    let stand_in = directory.of_company().from.clone();
    let stand_in = stand_in.filter(|address| directory.covers(address));
    Ok((senders.into_iter().collect(), stand_in))
}

/// A sender that no filter covers is replaced by the address for notifications; where that is covered, all is well.
pub(super) fn judge(senders: &BTreeSet<String>, directory: &Directory, report: &mut Report) {
    let uncovered: Vec<&str> = senders
        .iter()
        .map(String::as_str)
        .filter(|sender| !directory.covers(sender))
        .collect();
    if uncovered.is_empty() {
        let message = match senders.len() {
            0 => say!("doctor-no-senders"),
            count => say!("doctor-senders-covered", count),
        };
        report.pass(COVERAGE, message);
        return;
    }
    let default = directory.of_company().from.as_deref();
    let list = named(&uncovered);
    match default.filter(|address| directory.covers(address)) {
        Some(default) => report.pass(COVERAGE, say!("doctor-senders-replaced", list, %default)),
        None => report.find(
            COVERAGE,
            &say!("doctor-senders-uncovered", list),
            &SENDER_UNCOVERED,
        ),
    }
}

fn named(addresses: &[&str]) -> Text {
    let list = addresses[..addresses.len().min(NAMED)].join(", ");
    match addresses.len().saturating_sub(NAMED) {
        0 => Text::quote(list),
        more => say!("doctor-and-more", list, more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(
            named(&["a@x.example", "b@x.example"]).to_string(),
            "a@x.example, b@x.example"
        );
        assert!(
            named(&["a@x.example"; 12])
                .to_string()
                .ends_with("a@x.example and 2 more")
        );
    }
}
