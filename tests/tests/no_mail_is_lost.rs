//! Mails arrive while everything breaks that can: the program is killed, connections are cut within
//! messages, the database refuses commits, tokens expire in the middle of a session. In the end every
//! mail is there exactly once, as a message or in the quarantine.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use sqlx::{Connection, PgConnection, SqliteConnection};
use tests::lab::{self, Database, Described, MailPorts};
use tests::postern::{Options, Postern};
use tests::rpc_client::Rpc;
use tests::steps::{self, Application};
use tests::unruly::Unruly;

/// Names how many mails arrive; fewer than in a long run, so that the suite stays short.
const MAILS_VARIABLE: &str = "POSTERN_FAULT_MAILS";
const MAILS: usize = 500;
/// How often the program is killed, for so many mails.
const MAILS_A_KILL: usize = 250;
/// How long everything may take after the last fault, at the worst: two of the looks that a mailbox gets
/// every five minutes whatever its server says.
const PATIENCE: Duration = Duration::from_secs(720);
/// Every so manieth mail is one that the database never takes.
const POISON: usize = 149;

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_is_there_exactly_once_whatever_breaks_on_sqlite() {
    endure(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_is_there_exactly_once_whatever_breaks_on_postgresql() {
    endure(Database::Postgres).await;
}

async fn endure(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let mails = std::env::var(MAILS_VARIABLE).map_or(MAILS, |text| text.parse().unwrap());
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let begin = Instant::now();
    let directory = std::env::temp_dir().join(format!("unruly-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir_all(&directory).unwrap();
    let proxy = Unruly::start(lab.mail.imap, &directory, seed)
        .await
        .unwrap();
    let mut options = Options::on(database).with_jobs();
    options.authority = Some(proxy.authority.clone());
    let mut postern = Postern::start(&lab, &options).unwrap();
    let mailbox = steps::new_account(&lab, "fault").await.unwrap();
    connect(&lab, &postern, &proxy, &mailbox).await;
    let mut store = Store::open(&postern, database).await;
    store.prepare().await;

    let arriving = {
        let (lab, mailbox) = (lab.clone(), mailbox.clone());
        tokio::task::spawn_blocking(move || arrive(&lab, &mailbox, mails))
    };
    let wanted_kills = mails / MAILS_A_KILL;
    let (mut kills, mut expiries, mut refusals) = (0, 0, 0);
    // Each kind of fault in turns, at moments that nobody chose.
    for turn in 0.. {
        if arriving.is_finished() && kills >= wanted_kills {
            break;
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(300..2000))).await;
        match turn % 4 {
            1 => {
                store.refuse_commits(true).await;
                tokio::time::sleep(Duration::from_millis(random.random_range(200..1500))).await;
                store.refuse_commits(false).await;
                refusals += 1;
            }
            3 if kills < wanted_kills => {
                postern.crash_and_restart().unwrap();
                kills += 1;
            }
            _ => {
                let control = &lab.identity.control;
                control.expire_access_tokens(&mailbox).await.unwrap();
                proxy.say_farewell();
                expiries += 1;
            }
        }
    }
    arriving.await.unwrap();
    proxy.calm_down();
    let last_fault = begin.elapsed();
    settle(&mut store, mails).await;
    let found = store.found().await;
    let (cuts, farewells) = proxy.counts();
    let kept: usize = found.values().map(|(_, kept)| kept).sum();
    println!(
        "{database:?}: {mails} mails, {kills} kills, {cuts} cuts within a message, {expiries} expiries with {farewells} farewells, \
         {refusals} times no commits; {} as messages, {kept} in the quarantine; faults until {:.0} s, all there after {:.0} s (seed {seed})",
        found.values().map(|(stored, _)| stored).sum::<usize>(),
        last_fault.as_secs_f64(),
        begin.elapsed().as_secs_f64(),
    );
    for number in 0..mails {
        let expected = if is_poison(number) { (0, 1) } else { (1, 0) };
        let subject = subject(number);
        assert_eq!(
            found.get(&subject),
            Some(&expected),
            "{subject}, seed {seed}"
        );
    }
    assert_eq!(found.len(), mails, "seed {seed}");
    drop(store);
    drop(postern);
    std::fs::remove_dir_all(&directory).ok();
}

/// Connects the mailbox through the proxy and confirms it.
async fn connect(lab: &Described, postern: &Postern, proxy: &Unruly, mailbox: &str) {
    let admin: Rpc = postern.admin().await.unwrap();
    steps::register(lab, postern).await.unwrap();
    steps::enter_application(&admin, postern, Application::of(lab))
        .await
        .unwrap();
    let through = MailPorts {
        imaps: proxy.port,
        ..lab.mail.clone()
    };
    let server = steps::incoming_server(&admin, ("localhost", &through), mailbox)
        .await
        .unwrap();
    let page = steps::connect(&admin, "fetchmail.server", server, mailbox)
        .await
        .unwrap();
    assert_eq!(page.status, 303, "{}", page.body);
    admin
        .call(
            "fetchmail.server",
            "button_confirm_login",
            json!([[server]]),
        )
        .await
        .unwrap();
}

fn is_poison(number: usize) -> bool {
    number % POISON == POISON - 1
}

fn subject(number: usize) -> String {
    let kind = if is_poison(number) { "poison" } else { "mail" };
    format!("{kind} {number:05}")
}

fn arrive(lab: &Described, mailbox: &str, mails: usize) {
    for number in 0..mails {
        // Without a Message-Id only the journal tells that a mail came before.
        let id = if number % 7 == 0 {
            String::new()
        } else {
            format!("Message-Id: <{number}@client.example>\r\n")
        };
        let raw = format!(
            "{id}From: kim@client.example\r\nTo: {mailbox}\r\nSubject: {}\r\n\r\n{}\r\n",
            subject(number),
            "All work and no play.\r\n".repeat(5 + number * 131 % 90)
        );
        lab::deliver(lab.mail.lmtp, "kim@client.example", mailbox, raw.as_bytes()).unwrap();
        // Not all at once: most are to arrive while something is broken.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until all is there and marked as seen, or patience ends.
async fn settle(store: &mut Store, mails: usize) {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        let (noted, unmarked) = store.progress().await;
        if noted >= mails && unmarked == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// The database, looked at past the program.
enum Store {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Has a query answered by either kind of connection.
macro_rules! ask {
    ($store:expr, $query:expr, $fetch:ident) => {
        match $store {
            Store::Postgres(connection) => $query.$fetch(connection).await.unwrap(),
            Store::Sqlite(connection) => $query.$fetch(connection).await.unwrap(),
        }
    };
}

impl Store {
    async fn open(postern: &Postern, database: Database) -> Self {
        let url = postern.database_url();
        if database == Database::Postgres {
            return Self::Postgres(PgConnection::connect(url).await.unwrap());
        }
        let mut store = Self::Sqlite(SqliteConnection::connect(url).await.unwrap());
        store.run("PRAGMA busy_timeout = 20000").await;
        store
    }

    async fn run(&mut self, statement: &'static str) {
        let done = match self {
            Self::Postgres(connection) => {
                sqlx::raw_sql(statement).execute(connection).await.map(drop)
            }
            Self::Sqlite(connection) => {
                sqlx::raw_sql(statement).execute(connection).await.map(drop)
            }
        };
        done.unwrap();
    }

    /// Has the database refuse some messages for good, and all commits while a switch is on.
    async fn prepare(&mut self) {
        self.run("CREATE TABLE fault_switch (number integer)").await;
        if matches!(self, Self::Postgres(_)) {
            self.run(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                   IF EXISTS (SELECT 1 FROM fault_switch) THEN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END IF; \
                   RETURN NULL; END $$",
            )
            .await;
            self.run(
                "CREATE CONSTRAINT TRIGGER refusing AFTER INSERT ON postern_fetched DEFERRABLE INITIALLY DEFERRED \
                 FOR EACH ROW EXECUTE FUNCTION refuse()",
            )
            .await;
            self.run("CREATE INDEX poison ON mail_message ((1 / CASE WHEN subject LIKE 'poison%' THEN 0 ELSE 1 END))")
                .await;
        } else {
            self.run(
                "CREATE TRIGGER refusing BEFORE INSERT ON postern_fetched WHEN EXISTS (SELECT 1 FROM fault_switch) \
                 BEGIN SELECT RAISE(ABORT, 'not now'); END",
            )
            .await;
            self.run(
                "CREATE TRIGGER poison BEFORE INSERT ON mail_message WHEN NEW.subject LIKE 'poison%' \
                 BEGIN SELECT RAISE(ABORT, 'never'); END",
            )
            .await;
        }
    }

    async fn refuse_commits(&mut self, refuse: bool) {
        self.run(if refuse {
            "INSERT INTO fault_switch VALUES (1)"
        } else {
            "DELETE FROM fault_switch"
        })
        .await;
    }

    /// How many mails are noted as fetched, and how many of them are not marked as seen.
    async fn progress(&mut self) -> (usize, usize) {
        let query =
            "SELECT COUNT(*), COUNT(CASE WHEN NOT is_marked THEN 1 END) FROM postern_fetched";
        let (noted, unmarked): (i64, i64) = ask!(self, sqlx::query_as(query), fetch_one);
        (
            usize::try_from(noted).unwrap(),
            usize::try_from(unmarked).unwrap(),
        )
    }

    /// How often each mail is there: as a message, and in the quarantine.
    async fn found(&mut self) -> BTreeMap<String, (usize, usize)> {
        let mut found: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let query = "SELECT subject FROM mail_message WHERE message_type = 'email'";
        let messages: Vec<(String,)> = ask!(self, sqlx::query_as(query), fetch_all);
        for (subject,) in messages {
            found.entry(subject).or_default().0 += 1;
        }
        let query = "SELECT raw FROM postern_quarantine WHERE raw IS NOT NULL";
        let kept: Vec<(Vec<u8>,)> = ask!(self, sqlx::query_as(query), fetch_all);
        for (raw,) in kept {
            let raw = String::from_utf8(raw).unwrap();
            let (_, rest) = raw.split_once("Subject: ").unwrap();
            let subject = rest.lines().next().unwrap_or_default();
            found.entry(subject.to_owned()).or_default().1 += 1;
        }
        found
    }
}
