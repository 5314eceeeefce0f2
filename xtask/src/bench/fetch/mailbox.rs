//! A session with the lab's Dovecot, enough to fill a mailbox and to make it new again.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use crate::Failure;

/// A signed-in session.
pub struct Imap {
    stream: BufReader<TcpStream>,
}

impl Imap {
    /// Connects in clear and opens the inbox.
    pub fn sign_in(port: u16, user: &str, password: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut imap = Self {
            stream: BufReader::new(stream),
        };
        let mut greeting = String::new();
        imap.stream.read_line(&mut greeting)?;
        imap.command(format!("LOGIN {user} {password}").as_bytes())?;
        imap.command(b"SELECT INBOX")?;
        Ok(imap)
    }

    /// Adds messages, all with one command (MULTIAPPEND, RFC 3502).
    pub fn append(&mut self, messages: &[String]) -> Result<(), Failure> {
        let mut command = b"APPEND INBOX".to_vec();
        for message in messages {
            // Literals that wait for no consent (LITERAL+, RFC 7888).
            write!(command, " {{{}+}}\r\n{message}", message.len())?;
        }
        self.command(&command)
    }

    /// Makes all messages unread.
    pub fn unmark_all(&mut self) -> Result<(), Failure> {
        self.command(b"UID STORE 1:* -FLAGS.SILENT (\\Seen)")
    }

    fn command(&mut self, command: &[u8]) -> Result<(), Failure> {
        let stream = self.stream.get_mut();
        stream.write_all(b"A ")?;
        stream.write_all(command)?;
        stream.write_all(b"\r\n")?;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err("Dovecot hung up".into());
            }
            if let Some(verdict) = line.strip_prefix("A ") {
                return if verdict.starts_with("OK") {
                    Ok(())
                } else {
                    Err(format!("Dovecot answers {}", verdict.trim_end()).into())
                };
            }
        }
    }
}
