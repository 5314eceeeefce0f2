//! Reads the tables of recorded answers and compares.
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads its tables itself; only the crate proper has no files and no environment"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// One line of a table.
#[derive(Deserialize)]
struct Case {
    case: String,
    #[serde(rename = "in")]
    input: Value,
    out: Value,
}

/// `differences.toml`: per table, the cases where Postern means to answer differently, with the reason.
type Differences = BTreeMap<String, BTreeMap<String, String>>;

/// Compares `answer` with `part` of every row of `table`. Reports all mismatches at once; a row listed as a
/// deliberate difference must indeed differ, so that the list cannot grow stale.
pub fn check_table(
    table: &str,
    answer: impl Fn(&Value) -> Value,
    part: impl Fn(&Value, Value) -> Value,
) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/oracle");
    let folder = std::env::var_os("POSTERN_ORACLE").map_or_else(|| fixtures.clone(), PathBuf::from);
    let rows = read(&folder.join(table));
    let differences: Differences = toml::from_str(&read(&fixtures.join("differences.toml")))
        .expect("differences.toml is a table of tables");
    let deliberate = differences.get(table).cloned().unwrap_or_default();

    let mut report = String::new();
    let mut count = 0;
    for line in rows.lines().filter(|line| !line.trim().is_empty()) {
        let case: Case = serde_json::from_str(line).expect("every line of a table is a case");
        count += 1;
        let (expected, found) = (
            nothing_as_null(part(&case.input, case.out)),
            nothing_as_null(answer(&case.input)),
        );
        let is_same = expected == found;
        if is_same == deliberate.contains_key(&case.case) {
            let what = if is_same {
                "is listed as a difference but agrees".to_owned()
            } else {
                format!(
                    "for {}\n  expected {expected}\n  found    {found}",
                    case.input
                )
            };
            report.push_str(&format!("{} {what}\n", case.case));
        }
    }
    assert!(count > 0, "{table} has no rows");
    assert!(report.is_empty(), "{table}:\n{report}");
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Odoo says `false` where JSON says `null`; the two are one here, except that a verdict stays a verdict.
fn nothing_as_null(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| {
                let value = if key == "match" {
                    value
                } else {
                    nothing_as_null(value)
                };
                (key, value)
            })
            .collect(),
        Value::Bool(false) => Value::Null,
        other => other,
    }
}
