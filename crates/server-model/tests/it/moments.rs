//! Parts of moments: months, days of the week and hours as numbers, in domains and in groups.

use server_model::value::AnyValue;

use crate::support::{Client, dict, leaf, list, on_each_database};

const MESSAGES: &str = "mail.message";
/// A Sunday, and the first moment of a year in Brussels.
const MOMENTS: [&str; 2] = ["2024-03-31 00:59:58", "2024-12-31 23:30:00"];

async fn messages(client: &Client) -> AnyValue {
    let values = |date: AnyValue| dict([("body", "x".into()), ("date", date)]).into();
    let mut all: Vec<AnyValue> = MOMENTS.iter().map(|date| values((*date).into())).collect();
    all.push(values(AnyValue::FALSE));
    client.call(MESSAGES, "create", vec![all.into()]).await
}

fn text(value: &AnyValue) -> String {
    value.to_python_text()
}

#[tokio::test]
async fn parts_of_moments_are_numbers_where_the_caller_is() {
    on_each_database(async |client| {
        let ids = messages(&client).await;
        let brussels = client.with_context(dict([("tz", "Europe/Brussels".into())]));
        let parts = [
            ("year_number", [2024, 2024], [2024, 2025]),
            ("quarter_number", [1, 4], [1, 1]),
            ("month_number", [3, 12], [3, 1]),
            ("iso_week_number", [13, 1], [13, 1]),
            ("day_of_year", [91, 366], [91, 1]),
            ("day_of_month", [31, 31], [31, 1]),
            // Weeks begin on Sunday in English.
            ("day_of_week", [0, 2], [0, 3]),
            ("hour_number", [0, 23], [1, 0]),
            ("minute_number", [59, 30], [59, 30]),
            ("second_number", [58, 0], [58, 0]),
        ];
        for (part, in_utc, in_brussels) in parts {
            for (client, expected) in [(&client, in_utc), (&brussels, in_brussels)] {
                for (number, id) in expected.iter().zip(ids.as_list().expect("ids")) {
                    let of_one = leaf("id", "=", id.clone());
                    let path = format!("date.{part}");
                    let found = client
                        .search(MESSAGES, list([of_one, leaf(&path, "=", *number)]))
                        .await;
                    assert_eq!(found, list([id.clone()]), "{part} is not {number}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn groups_by_parts_of_moments_are_found_again_by_their_domains() {
    on_each_database(async |client| {
        let ids = messages(&client).await;
        let among = list([leaf("id", "in", ids)]);
        for part in ["month_number", "day_of_week", "iso_week_number"] {
            let by = format!("date:{part}");
            let args = vec![among.clone(), list([]), list([by.as_str().into()])];
            let groups = client.call(MESSAGES, "read_group", args).await;
            let groups = groups.as_list().expect("a list of groups");
            assert_eq!(groups.len(), 3, "{part}");
            // No moment has no number, and comes last.
            let last = groups[2].as_map().expect("a group");
            assert_eq!(last.get(by.as_str()), Some(&AnyValue::FALSE));
            for group in groups {
                let group = group.as_map().expect("a group");
                let found = client.search(MESSAGES, group["__domain"].clone()).await;
                assert_eq!(
                    found.as_list().map(<[AnyValue]>::len),
                    Some(1),
                    "{part}: {}",
                    text(&group["__domain"])
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn parts_are_compared_like_numbers_and_also_behind_relations() {
    on_each_database(async |client| {
        let ids = messages(&client).await;
        let count = async |condition: AnyValue| {
            let args = vec![list([leaf("id", "in", ids.clone()), condition])];
            client.call(MESSAGES, "search_count", args).await
        };
        for (operator, value, expected) in [
            (">=", 3.into(), 2),
            ("<", 12.into(), 1),
            ("in", list([3.into(), 4.into()]), 1),
            ("!=", 3.into(), 2),
            ("=", AnyValue::FALSE, 1),
            ("!=", AnyValue::FALSE, 2),
        ] {
            let told = format!("{operator} {}", text(&value));
            let found = count(leaf("date.month_number", operator, value)).await;
            assert_eq!(found, expected.into(), "{told}");
        }
        let mail = dict([("subject", "x".into()), ("date", MOMENTS[0].into())]);
        let mail = client.create("mail.mail", mail).await;
        for path in ["date.month_number", "mail_message_id.date.month_number"] {
            let found = client.search("mail.mail", list([leaf(path, "=", 3)])).await;
            assert_eq!(found, list([mail.clone()]), "{path}");
        }
    })
    .await;
}
