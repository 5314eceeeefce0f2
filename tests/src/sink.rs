//! An SMTP server that keeps what it takes by Message-ID, and misbehaves as told: at random, but from a seed.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How often it misbehaves, each in so many of 1000 cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Hangs up instead of greeting.
    pub no_greeting: u32,
    /// Asks to be left alone, and hangs up, when a sender is named.
    pub throttled: u32,
    /// Refuses the sender for now.
    pub sender_later: u32,
    /// Refuses a recipient for good.
    pub recipient_refused: u32,
    /// Refuses a recipient for now.
    pub recipient_later: u32,
    /// Hangs up in the middle of a mail's text.
    pub cut_in_text: u32,
    /// Refuses the text for good.
    pub text_refused: u32,
    /// Refuses the text for now.
    pub text_later: u32,
    /// Takes the mail and hangs up instead of saying so.
    pub taken_in_silence: u32,
    /// Hangs up after the mail's last dot, without having taken it.
    pub dropped_in_silence: u32,
    /// Lets the client wait before it answers.
    pub stall: u32,
}

/// What it took: how often, by Message-ID.
pub type Taken = HashMap<String, u32>;

#[derive(Debug, Default)]
struct Shared {
    faults: Mutex<Faults>,
    taken: Mutex<Taken>,
    sessions: Mutex<(u32, u32)>,
}

/// A running sink; dropped, it hangs up on everybody.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Sink {
    /// Listens on a free port of the loopback.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(faults: Faults, seed: u64) -> std::io::Result<Sink> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        *lock(&shared.faults) = faults;
        let task = tokio::spawn(serve(listener, Arc::clone(&shared), seed));
        Ok(Sink {
            address,
            shared,
            task,
        })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on it misbehaves like this.
    pub fn misbehave(&self, faults: Faults) {
        *lock(&self.shared.faults) = faults;
    }

    /// What it took so far.
    #[must_use]
    pub fn taken(&self) -> Taken {
        lock(&self.shared.taken).clone()
    }

    /// The most sessions that were open at once.
    #[must_use]
    pub fn most_sessions(&self) -> u32 {
        lock(&self.shared.sessions).1
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, seed: u64) {
    let mut sessions = tokio::task::JoinSet::new();
    for number in 0_u64.. {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let session = Session {
            stream: BufReader::new(stream),
            shared: Arc::clone(&shared),
            chance: StdRng::seed_from_u64(seed.wrapping_add(number)),
        };
        sessions.spawn(async move {
            {
                let mut open = lock(&session.shared.sessions);
                open.0 += 1;
                open.1 = open.1.max(open.0);
            }
            let shared = Arc::clone(&session.shared);
            // A client that hangs up ends its session, and that is all.
            session.run().await.ok();
            lock(&shared.sessions).0 -= 1;
        });
        while sessions.try_join_next().is_some() {}
    }
}

struct Session {
    stream: BufReader<TcpStream>,
    shared: Arc<Shared>,
    chance: StdRng,
}

impl Session {
    async fn run(mut self) -> std::io::Result<()> {
        if self.happens(|faults| faults.no_greeting) {
            return Ok(());
        }
        self.say("220 sink.example.test ESMTP").await?;
        let (mut sender, mut recipients) = (false, 0);
        loop {
            let line = self.line().await?;
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            self.stall().await;
            match verb.as_str() {
                "EHLO" => {
                    self.say(
                        "250-sink.example.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8",
                    )
                    .await?;
                }
                "MAIL" if self.happens(|faults| faults.throttled) => {
                    return self.say("421 4.3.2 too much at once").await;
                }
                "MAIL" if self.happens(|faults| faults.sender_later) => {
                    self.say("451 4.3.0 not now").await?;
                }
                "RCPT" if !sender => self.say("503 5.5.1 from whom?").await?,
                "RCPT" if self.happens(|faults| faults.recipient_refused) => {
                    self.say("550 5.1.1 nobody of that name").await?;
                }
                "RCPT" if self.happens(|faults| faults.recipient_later) => {
                    self.say("450 4.2.1 come back later").await?;
                }
                "MAIL" | "RSET" => {
                    sender = verb == "MAIL";
                    recipients = 0;
                    self.say("250 2.0.0 fine").await?;
                }
                "RCPT" => {
                    recipients += 1;
                    self.say("250 2.1.5 fine").await?;
                }
                "DATA" if recipients == 0 => self.say("503 5.5.1 for whom?").await?,
                "DATA" => {
                    (sender, recipients) = (false, 0);
                    self.say("354 go on").await?;
                    if !self.text().await? {
                        return Ok(());
                    }
                }
                "QUIT" => return self.say("221 2.0.0 farewell").await,
                _ => self.say("250 2.0.0 fine").await?,
            }
        }
    }

    /// Reads a mail's text and answers; false to hang up.
    async fn text(&mut self) -> std::io::Result<bool> {
        let cut = self.happens(|faults| faults.cut_in_text);
        let mut message_id = String::new();
        loop {
            let line = self.line().await?;
            if cut {
                return Ok(false);
            }
            if line == "." {
                break;
            }
            let name = line.get(..11).unwrap_or_default();
            if message_id.is_empty() && name.eq_ignore_ascii_case("message-id:") {
                line[11..].trim().clone_into(&mut message_id);
            }
        }
        self.stall().await;
        if self.happens(|faults| faults.text_refused) {
            self.say("554 5.6.0 not such a mail").await?;
        } else if self.happens(|faults| faults.text_later) {
            self.say("452 4.3.1 no room now").await?;
        } else if self.happens(|faults| faults.dropped_in_silence) {
            return Ok(false);
        } else {
            *lock(&self.shared.taken).entry(message_id).or_default() += 1;
            if self.happens(|faults| faults.taken_in_silence) {
                return Ok(false);
            }
            self.say("250 2.0.0 taken").await?;
        }
        Ok(true)
    }

    /// Takes its time before it answers.
    async fn stall(&mut self) {
        if self.happens(|faults| faults.stall) {
            let wait = self.chance.random_range(200..1500);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }

    fn happens(&mut self, fault: impl Fn(&Faults) -> u32) -> bool {
        let of_thousand = fault(&lock(&self.shared.faults));
        self.chance.random_range(0..1000) < of_thousand
    }

    async fn line(&mut self) -> std::io::Result<String> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&line);
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    async fn say(&mut self, reply: &str) -> std::io::Result<()> {
        self.stream
            .write_all(format!("{reply}\r\n").as_bytes())
            .await
    }
}
