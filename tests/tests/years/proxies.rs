//! Two Posterns behind a proxy with https: what they believe of it, and how they are replaced one after the other under
//! load, as for an upgrade.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::SET_COOKIE;
use reqwest::{Certificate, Client, Method};
use serde_json::json;
use tests::lab::proxy::{Kind, Proxy, SITE};
use tests::lab::{Database, Described, Scratch, Watchdog};
use tests::postern::{ADMIN, ADMIN_PASSWORD, Options, Postern};
use tests::rpc_client::{Rpc, RpcError};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use crate::place::Place;

const CLIENTS: usize = 6;
/// Between two calls of a client: they are to be there all the time, not to keep the machine busy.
const PAUSE: Duration = Duration::from_millis(15);

#[tokio::test(flavor = "multi_thread")]
async fn behind_nginx() {
    // nginx learns of a stop by a refused connection, and then tries the other one.
    behind(Kind::Nginx, "2", Duration::from_secs(11)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_caddy() {
    // Caddy asks every five seconds.
    behind(Kind::Caddy, "7", Duration::from_secs(7)).await;
}

async fn behind(kind: Kind, drain: &str, until_known: Duration) {
    let lab = Described::from_env();
    if !lab.databases.contains(&Database::Postgres) {
        return;
    }
    let place = Place::empty(&lab, Database::Postgres);
    let Place::Postgres(cluster, name) = &place else {
        return;
    };
    let options = Options::in_existing(&cluster.url(name))
        .with("POSTERN_TRUST_FORWARDED", "127.0.0.1")
        .with("POSTERN_DRAIN", drain);
    let one = Postern::start(&lab, &options).unwrap();
    let other = Postern::start(&lab, &options).unwrap();
    let watchdog = Arc::new(Watchdog::start().unwrap());
    let scratch = Scratch::create(false).unwrap();
    let upstreams = [one.address(), other.address()];
    let proxy = Proxy::start(kind, &scratch, &watchdog, upstreams).unwrap();
    let site = format!("https://{SITE}:{}", proxy.address().port());
    let visitor = visitor(&proxy, &site, one.database_name());

    believed(&visitor, &site).await;
    let (made, lost) = replaced(visitor, [one, other], until_known).await;
    let kept = place.number("SELECT count(*) FROM res_partner WHERE city = 'behind'");
    let kept = usize::try_from(kept).unwrap();
    assert!((made..=made + lost).contains(&kept), "{made} {lost} {kept}");
    // nginx sends calls up to the end, and may lose those that arrive in that very moment: one a client and stop.
    let most = match kind {
        Kind::Nginx => 2 * CLIENTS,
        Kind::Caddy => 0,
    };
    assert!(lost <= most, "{lost} of {made} calls were lost");
    println!(
        "behind {kind:?}: both Posterns replaced, {made} calls answered meanwhile and kept, {lost} lost"
    );
}

/// Somebody who comes by the proxy.
fn visitor(proxy: &Proxy, site: &str, database: &str) -> Rpc {
    let authority = std::fs::read(proxy.authority()).unwrap();
    let http = Client::builder()
        .no_proxy()
        .add_root_certificate(Certificate::from_pem(&authority).unwrap())
        .resolve(SITE, proxy.address());
    Rpc::by(http.build().unwrap(), site, database)
}

/// The proxy's word counts, and nothing that a client has it hand on.
async fn believed(visitor: &Rpc, site: &str) {
    let params = json!({"db": visitor.database(), "login": ADMIN, "password": ADMIN_PASSWORD});
    let response = visitor
        .request(Method::POST, "/web/session/authenticate")
        .header("Forwarded", "for=192.0.2.66;host=evil.example;proto=http")
        .header("X-Forwarded-Host", "evil.example")
        .header("X-Forwarded-Proto", "http")
        .header("X-Forwarded-For", "192.0.2.66")
        .json(&json!({"params": params}))
        .send();
    let response = response.await.unwrap();
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("; Secure"), "{cookie}");

    let admin = visitor.clone().signed_in(ADMIN, ADMIN_PASSWORD);
    let admin = admin.await.unwrap();
    let get = admin.call("ir.config_parameter", "get_param", json!(["web.base.url"]));
    assert_eq!(get.await.unwrap(), site);
    admin.set_param("postern.seen.by", "a proxy").await.unwrap();
    let trail = admin.call(
        "postern.audit",
        "search_read",
        json!([[["address", "!=", false]], ["address"]]),
    );
    let trail = trail.await.unwrap();
    let addresses: Vec<&str> = trail
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["address"].as_str().unwrap())
        .collect();
    assert!(!addresses.is_empty());
    assert!(
        addresses.iter().all(|address| *address == "127.0.0.1"),
        "{addresses:?}"
    );
}

/// Replaces one after the other while clients call, and answers how many calls were answered and how many lost.
async fn replaced(visitor: Rpc, posterns: [Postern; 2], until_known: Duration) -> (usize, usize) {
    let is_over = Arc::new(AtomicBool::new(false));
    let uid = visitor.clone().signed_in(ADMIN, ADMIN_PASSWORD);
    let uid = uid.await.unwrap().uid();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(work(visitor.clone(), uid, number, Arc::clone(&is_over)));
    }
    let mut running = Vec::new();
    for mut postern in posterns {
        sleep(until_known).await;
        let replaced = spawn_blocking(move || postern.replace().map(|()| postern));
        running.push(replaced.await.unwrap().unwrap());
    }
    sleep(PAUSE * 10).await;
    is_over.store(true, Ordering::Relaxed);
    let told = clients.join_all().await;
    told.into_iter()
        .fold((0, 0), |sum, (made, lost)| (sum.0 + made, sum.1 + lost))
}

/// Writes again and again, and counts the calls that were answered and those for which the proxy had no answer.
async fn work(rpc: Rpc, uid: i64, number: usize, is_over: Arc<AtomicBool>) -> (usize, usize) {
    let (mut made, mut lost) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        let values = json!([{"name": format!("{number}.{made}"), "city": "behind"}]);
        let created = rpc
            .execute_kw(
                (uid, ADMIN_PASSWORD),
                "res.partner",
                "create",
                values,
                json!({}),
            )
            .await;
        match created {
            Ok(_) => made += 1,
            Err(RpcError::Shape { status: 502, .. }) => lost += 1,
            Err(error) => panic!("call {made} of client {number} failed: {error}"),
        }
        sleep(PAUSE).await;
    }
    (made, lost)
}
