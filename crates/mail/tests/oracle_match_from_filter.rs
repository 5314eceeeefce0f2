//! FROM filters against the recorded answers of Odoo 18.

mod oracle;

use mail::address::match_from_filter;
use serde_json::{Value, json};

#[test]
fn oracle_match_from_filter() {
    let answer = |input: &Value| {
        let (sender, filter) = (input["email_from"].as_str(), input["from_filter"].as_str());
        json!({"match": match_from_filter(sender, filter)})
    };
    oracle::check_table("match_from_filter.jsonl", answer, |_, recorded| recorded);
}
