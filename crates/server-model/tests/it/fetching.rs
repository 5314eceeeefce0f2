//! Mailboxes with bad messages in them, read from servers that play a part on a loopback port.

use std::sync::{Arc, Mutex};

use sea_orm::{ConnectionTrait, DbBackend};
use server_model::error::Error;
use server_model::value::AnyValue;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Client, dict, leaf, list, on_each_database, rows};

const QUARANTINE: &str = "postern.quarantine";

fn mail(subject: &str) -> String {
    // Without a Message-Id, so that nothing but the journal tells that it came before.
    format!("From: kim@client.example\r\nTo: x@corp.example\r\nSubject: {subject}\r\n\r\nHello\r\n")
}

/// What a mailbox holds, and what its server does wrong.
struct Mailbox {
    /// By UID, counted from one.
    messages: Vec<String>,
    /// These are not given out.
    refused: Vec<usize>,
    /// The deletions of POP3 are not carried out, and the session ends without an answer.
    hangs_up: bool,
    /// Nothing can be marked as seen.
    keeps_flags: bool,
    /// What the server says about the meaning of its UIDs.
    uidvalidity: u32,
    seen: Vec<usize>,
}

impl Mailbox {
    fn holding(subjects: &[&str]) -> Arc<Mutex<Mailbox>> {
        Arc::new(Mutex::new(Mailbox {
            messages: subjects.iter().map(|subject| mail(subject)).collect(),
            refused: Vec::new(),
            hangs_up: false,
            keeps_flags: false,
            uidvalidity: 7,
            seen: Vec::new(),
        }))
    }
}

type Answerer = fn(&mut Mailbox, &str) -> Option<String>;

/// Serves the mailbox and gives the port.
async fn serve(mailbox: &Arc<Mutex<Mailbox>>, greeting: &'static str, answer: Answerer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mailbox = Arc::clone(mailbox);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = converse(stream, &mailbox, greeting, answer).await;
        }
    });
    port
}

async fn converse(
    stream: TcpStream,
    mailbox: &Mutex<Mailbox>,
    greeting: &str,
    answer: Answerer,
) -> std::io::Result<()> {
    let (read, mut write): (_, OwnedWriteHalf) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(greeting.as_bytes()).await?;
    while let Some(line) = lines.next_line().await? {
        let said = answer(&mut mailbox.lock().expect("nobody panicked"), &line);
        let Some(said) = said else { return Ok(()) };
        write.write_all(said.as_bytes()).await?;
    }
    Ok(())
}

fn imap(mailbox: &mut Mailbox, line: &str) -> Option<String> {
    let (tag, command) = line.split_once(' ')?;
    let words: Vec<&str> = command.split(' ').collect();
    let untagged = match words.as_slice() {
        ["CAPABILITY"] => "* CAPABILITY IMAP4rev1\r\n".to_owned(),
        ["SELECT", ..] => format!(
            "* {0} EXISTS\r\n* OK [UIDVALIDITY {1}] ok\r\n* OK [UIDNEXT {2}] ok\r\n",
            mailbox.messages.len(),
            mailbox.uidvalidity,
            mailbox.messages.len() + 1
        ),
        ["UID", "SEARCH", criterion, ..] => {
            let every = *criterion == "SINCE";
            let unseen =
                (1..=mailbox.messages.len()).filter(|uid| every || !mailbox.seen.contains(uid));
            let unseen: Vec<String> = unseen.map(|uid| uid.to_string()).collect();
            format!("* SEARCH {}\r\n", unseen.join(" "))
        }
        ["UID", "FETCH", set, "(UID", "RFC822.SIZE", ..] => members(set)
            .map(|uid| {
                let size = mailbox.messages[uid - 1].len();
                format!("* {uid} FETCH (UID {uid} RFC822.SIZE {size} FLAGS ())\r\n")
            })
            .collect(),
        ["UID", "FETCH", set, ..] => {
            let mut given = String::new();
            for uid in members(set) {
                if mailbox.refused.contains(&uid) {
                    return Some(format!("{given}{tag} NO this one cannot be read\r\n"));
                }
                let raw = &mailbox.messages[uid - 1];
                let size = raw.len();
                given += &format!("* {uid} FETCH (UID {uid} BODY[]<0> {{{size}}}\r\n{raw})\r\n");
            }
            given
        }
        ["UID", "STORE", set, ..] => {
            if mailbox.keeps_flags {
                return Some(format!("{tag} NO flags stay as they are\r\n"));
            }
            mailbox.seen.extend(members(set));
            String::new()
        }
        _ => String::new(),
    };
    Some(format!("{untagged}{tag} OK done\r\n"))
}

/// The numbers of a set like `1:3,7`.
fn members(set: &str) -> impl Iterator<Item = usize> {
    let number = |text: &str| text.parse::<usize>().expect("a UID");
    set.split(',').flat_map(move |range| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        number(first)..=number(last)
    })
}

fn pop(mailbox: &mut Mailbox, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let listed = |value: fn(usize, &String) -> String| {
        let messages = mailbox.messages.iter().enumerate();
        let lines: String = messages
            .map(|(place, raw)| format!("{} {}\r\n", place + 1, value(place, raw)))
            .collect();
        format!("+OK\r\n{lines}.\r\n")
    };
    Some(match words.as_slice() {
        ["LIST"] => listed(|_, raw| raw.len().to_string()),
        ["UIDL"] => listed(|place, _| format!("unique-{place}")),
        ["RETR", number] => {
            let number: usize = number.parse().expect("a number");
            if mailbox.refused.contains(&number) {
                "-ERR this one cannot be read\r\n".to_owned()
            } else {
                format!("+OK\r\n{}.\r\n", mailbox.messages[number - 1])
            }
        }
        ["DELE", number] => {
            mailbox.seen.push(number.parse().expect("a number"));
            "+OK\r\n".to_owned()
        }
        ["QUIT"] if mailbox.hangs_up => return None,
        _ => "+OK\r\n".to_owned(),
    })
}

async fn server(client: &Client, kind: &str, port: u16) -> AnyValue {
    let values = dict([
        ("name", "box".into()),
        ("server_type", kind.into()),
        ("server", "127.0.0.1".into()),
        ("port", i32::from(port).into()),
        ("user", "kim".into()),
        ("password", "secret".into()),
    ]);
    client.create("fetchmail.server", values).await
}

async fn fetch(client: &Client, server: &AnyValue) -> Result<AnyValue, Error> {
    let args = vec![list([server.clone()])];
    client
        .try_call("fetchmail.server", "fetch_mail", args)
        .await
}

async fn count(client: &Client, subject: &str) -> usize {
    let domain = list([leaf("subject", "=", subject)]);
    let found = client.search("mail.message", domain).await;
    found.as_list().expect("a list of ids").len()
}

async fn quarantined(client: &Client) -> Vec<Vec<AnyValue>> {
    let fields = list([
        "id".into(),
        "reason".into(),
        "attempts".into(),
        "raw".into(),
    ]);
    let args = vec![list([]), fields];
    rows(client.call(QUARANTINE, "search_read", args).await)
}

async fn execute(client: &Client, statement: &str) {
    let database = client.caller().backend().database();
    database
        .connection()
        .execute_unprepared(statement)
        .await
        .expect("the database takes the statement");
}

/// Has the database refuse messages with this subject for a reason that it gives no name for.
async fn refuse(client: &Client, subject: &str) {
    let statement = match client.caller().backend().database().backend() {
        DbBackend::Postgres => format!(
            "CREATE INDEX refusing ON mail_message ((1 / CASE WHEN subject = '{subject}' THEN 0 ELSE 1 END))"
        ),
        _ => format!(
            "CREATE TRIGGER refusing BEFORE INSERT ON mail_message WHEN NEW.subject = '{subject}' BEGIN SELECT RAISE(ABORT, 'no'); END"
        ),
    };
    execute(client, &statement).await;
}

async fn no_more_refusing(client: &Client) {
    let statement = match client.caller().backend().database().backend() {
        DbBackend::Postgres => "DROP INDEX refusing",
        _ => "DROP TRIGGER refusing",
    };
    execute(client, statement).await;
}

#[tokio::test]
async fn a_message_that_the_database_refuses_waits_in_the_quarantine_and_can_be_replayed() {
    on_each_database(async |client| {
        let mailbox = Mailbox::holding(&["first", "poison", "last"]);
        let port = serve(&mailbox, "* OK hello\r\n", imap).await;
        let server = server(&client, "imap", port).await;
        refuse(&client, "poison").await;
        fetch(&client, &server)
            .await
            .expect("one bad message stops nothing");
        assert_eq!(count(&client, "first").await, 1);
        assert_eq!(count(&client, "last").await, 1);
        let [row] = &quarantined(&client).await[..] else {
            panic!("one message is in the quarantine")
        };
        assert_ne!(row[3], AnyValue::FALSE, "its bytes are kept");
        let ids = list([row[0].clone()]);
        let replayed = client.call(QUARANTINE, "replay", vec![ids.clone()]).await;
        assert_eq!(replayed, false.into(), "it is refused still");
        assert_eq!(quarantined(&client).await[0][2], 2.into());
        no_more_refusing(&client).await;
        let replayed = client.call(QUARANTINE, "replay", vec![ids]).await;
        assert_eq!(replayed, true.into());
        assert_eq!(count(&client, "poison").await, 1);
        assert!(quarantined(&client).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_message_that_the_server_keeps_back_is_asked_for_in_three_runs_and_keeps_no_other() {
    on_each_database(async |client| {
        let mailbox = Mailbox::holding(&["first", "hidden", "last"]);
        mailbox.lock().expect("not poisoned").refused = vec![2];
        for (kind, greeting, answer) in [
            ("imap", "* OK hello\r\n", imap as Answerer),
            ("pop", "+OK hello\r\n", pop as Answerer),
        ] {
            let port = serve(&mailbox, greeting, answer).await;
            let server = server(&client, kind, port).await;
            for attempt in 1..=3 {
                fetch(&client, &server)
                    .await
                    .expect("one message stops nothing");
                let row = quarantined(&client).await.remove(0);
                assert_eq!(row[2], attempt.into(), "{kind}");
                assert_eq!(row[3], AnyValue::FALSE, "{kind}");
            }
            fetch(&client, &server).await.expect("it is passed over");
            let row = quarantined(&client).await.remove(0);
            assert_eq!(row[2], 3.into(), "{kind}: nobody asks for it any more");
            // Who replays it asks for it again.
            let args = vec![list([row[0].clone()])];
            client.call(QUARANTINE, "replay", args).await;
            let before = count(&client, "hidden").await;
            mailbox.lock().expect("not poisoned").refused.clear();
            fetch(&client, &server).await.expect("all is well");
            assert_eq!(count(&client, "hidden").await, before + 1, "{kind}");
            let mut mailbox = mailbox.lock().expect("not poisoned");
            mailbox.refused = vec![2];
            mailbox.seen.clear();
        }
    })
    .await;
}

#[tokio::test]
async fn many_messages_are_stored_in_one_transaction_with_their_files_and_what_they_answer() {
    on_each_database(async |client| {
        let mailbox = Mailbox::holding(&[]);
        let named = |id: &str, more: &str, body: &str| {
            format!("Message-Id: <{id}@client.example>\r\nFrom: Kim <kim@client.example>\r\nTo: x@corp.example\r\nSubject: {id}\r\n{more}\r\n{body}\r\n")
        };
        let file = "Content-Type: multipart/mixed; boundary=b\r\n";
        let parts = "--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"a.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--";
        let mut messages: Vec<String> = (0..20).map(|n| named(&format!("plain{n}"), "", "x")).collect();
        messages.push(named("with-file", file, parts));
        messages.push(named("answer", "In-Reply-To: <with-file@client.example>\r\n", "x"));
        messages.push(named("plain3", "", "the same again"));
        mailbox.lock().expect("not poisoned").messages = messages;
        let port = serve(&mailbox, "* OK hello\r\n", imap).await;
        let server = server(&client, "imap", port).await;
        fetch(&client, &server).await.expect("fetched");
        let domain = list([leaf("message_type", "=", "email")]);
        let fields = ["subject", "create_date", "parent_id", "attachment_ids", "email_from", "reply_to"];
        let args = vec![domain, list(fields.map(AnyValue::from)), 0.into(), AnyValue::FALSE, "id".into()];
        let found = rows(client.call("mail.message", "search_read", args).await);
        assert_eq!(found.len(), 22, "the repeated one is left out");
        let column = |row: &[AnyValue], name: &str| {
            // The id is read along.
            let at = fields.iter().position(|field| *field == name).expect("a field");
            row[row.len() - fields.len() + at].clone()
        };
        let moments: std::collections::HashSet<String> =
            found.iter().map(|row| format!("{:?}", column(row, "create_date"))).collect();
        assert_eq!(moments.len(), 1, "one transaction has one moment");
        let by_subject = |subject: &str| {
            let row = found.iter().find(|row| column(row, "subject") == subject.into());
            row.expect("it is stored").clone()
        };
        let with_file = by_subject("with-file");
        let files = column(&with_file, "attachment_ids");
        let [file] = files.as_list().expect("a list") else {
            panic!("one file, not {files:?}")
        };
        assert_eq!(client.value("ir.attachment", file, "name").await, "a.png".into());
        assert_eq!(client.value("ir.attachment", file, "datas").await, "AAEC".into());
        let parent = column(&by_subject("answer"), "parent_id");
        let parent = parent.as_list().and_then(|pair| pair.first()).cloned().unwrap_or(parent);
        let subject = client.value("mail.message", &parent, "subject").await;
        assert_eq!(subject, "with-file".into());
        let from = column(&with_file, "email_from");
        assert_eq!(from, "\"Kim\" <kim@client.example>".into());
        assert_eq!(mailbox.lock().expect("not poisoned").seen.len(), 23);
    })
    .await;
}

#[tokio::test]
async fn what_could_not_be_marked_as_seen_is_stored_once_and_marked_with_the_next_run() {
    on_each_database(async |client| {
        let mailbox = Mailbox::holding(&["first", "second"]);
        mailbox.lock().expect("not poisoned").keeps_flags = true;
        let port = serve(&mailbox, "* OK hello\r\n", imap).await;
        let server = server(&client, "imap", port).await;
        for _ in 0..2 {
            fetch(&client, &server).await.expect("flags stop nothing");
        }
        assert_eq!(mailbox.lock().expect("not poisoned").seen, [0; 0]);
        mailbox.lock().expect("not poisoned").keeps_flags = false;
        fetch(&client, &server).await.expect("all is well");
        assert_eq!(mailbox.lock().expect("not poisoned").seen, [1, 2]);
        // Whoever marks a mail as unread afterwards has it so.
        mailbox.lock().expect("not poisoned").seen.clear();
        fetch(&client, &server).await.expect("nothing is new");
        assert_eq!(mailbox.lock().expect("not poisoned").seen, [0; 0]);
        assert_eq!(count(&client, "first").await, 1);
        assert_eq!(count(&client, "second").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_that_is_numbered_anew_brings_what_is_new_and_nothing_twice() {
    on_each_database(async |client| {
        let mailbox = Mailbox::holding(&["first", "second"]);
        mailbox.lock().expect("not poisoned").keeps_flags = true;
        let port = serve(&mailbox, "* OK hello\r\n", imap).await;
        let server = server(&client, "imap", port).await;
        fetch(&client, &server).await.expect("fetched");
        {
            let mut mailbox = mailbox.lock().expect("not poisoned");
            mailbox.uidvalidity = 8;
            mailbox.messages.reverse();
            // Somebody has looked at it already.
            mailbox.messages.insert(0, mail("third"));
            mailbox.seen.push(1);
        }
        for _ in 0..2 {
            fetch(&client, &server).await.expect("fetched again");
            for subject in ["first", "second", "third"] {
                assert_eq!(count(&client, subject).await, 1, "{subject}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_that_another_process_has_is_left_to_it_until_its_lease_ends() {
    on_each_database(async |client| {
        let mailbox = Mailbox::holding(&["first"]);
        let port = serve(&mailbox, "* OK hello\r\n", imap).await;
        let server = server(&client, "imap", port).await;
        let id = server.as_id().expect("an id");
        let until = chrono::Utc::now().naive_utc() + chrono::TimeDelta::milliseconds(1500);
        let until = until.format("%Y-%m-%d %H:%M:%S%.6f");
        execute(
            &client,
            &format!(
                "INSERT INTO postern_mailbox_lease (fetchmail_server_id, purpose, holder, expires_at) VALUES ({id}, 'fetch', 'another', '{until}')"
            ),
        )
        .await;
        let fetching = fetch(&client, &server);
        tokio::pin!(fetching);
        let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut fetching);
        assert!(early.await.is_err(), "it waits for the other one");
        assert_eq!(count(&client, "first").await, 0);
        fetching.await.expect("the other one's lease has ended");
        assert_eq!(count(&client, "first").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_mail_is_stored_once_though_its_deletion_fails() {
    on_each_database(async |client| {
        let mailbox = Mailbox::holding(&["once"]);
        mailbox.lock().expect("not poisoned").hangs_up = true;
        let port = serve(&mailbox, "+OK hello\r\n", pop).await;
        let server = server(&client, "pop", port).await;
        for _ in 0..3 {
            fetch(&client, &server)
                .await
                .expect_err("the server hangs up before it deletes");
        }
        assert_eq!(count(&client, "once").await, 1);
        assert_eq!(mailbox.lock().expect("not poisoned").seen, [1, 1, 1]);
    })
    .await;
}

#[tokio::test]
async fn what_is_discarded_is_gone() {
    on_each_database(async |client| {
        execute(
            &client,
            "INSERT INTO postern_quarantine (reason, attempts) VALUES ('because', 1)",
        )
        .await;
        let id = quarantined(&client).await.remove(0).remove(0);
        client.call(QUARANTINE, "discard", vec![list([id])]).await;
        assert!(quarantined(&client).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_mail_with_an_endless_message_id_is_stored_once() {
    on_each_database(async |client| {
        // Random, because PostgreSQL compresses what it puts into an index.
        let noise: String = std::iter::repeat_with(|| uuid::Uuid::new_v4().simple().to_string())
            .take(300)
            .collect();
        let raw = format!("Message-Id: <{noise}@x>\r\n{}", mail("endless"));
        for _ in 0..2 {
            let args = vec!["res.partner".into(), raw.as_str().into()];
            client.call("mail.thread", "message_process", args).await;
        }
        assert_eq!(count(&client, "endless").await, 1);
    })
    .await;
}
