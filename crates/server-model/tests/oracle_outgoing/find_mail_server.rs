//! Which server sends for whom, and under which address.

use mail::server::Timeouts;
use serde_json::{Value, json};

use crate::oracle;
use crate::world::{Base, World, runtime, text};

#[test]
fn oracle_find_mail_server() {
    let runtime = runtime();
    let base = runtime.block_on(Base::new());
    let answer = |input: &Value| {
        runtime.block_on(async {
            let world = World::build(&base, input, 25, Timeouts::default()).await;
            let directory = world.directory().await;
            let of_record = world.of_domain(&directory, &input["context_domain"]);
            let (carrier, sender) = directory.find(text(&input["email_from"]), &of_record);
            let answer = json!({"server": world.name_of(carrier.id()), "email_from": sender});
            world.tear_down().await;
            answer
        })
    };
    oracle::check_table("find_mail_server.jsonl", answer, |_, recorded| recorded);
}
