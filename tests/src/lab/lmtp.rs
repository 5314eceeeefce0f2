//! Puts a message into a mailbox as it is, past every check of the sending side (LMTP, RFC 2033).

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use super::error::{Doing, LabError};

/// Delivers `raw` to `recipient`; the bytes arrive unchanged but for line ends, which become CRLF.
pub fn deliver(port: u16, sender: &str, recipient: &str, raw: &[u8]) -> Result<(), LabError> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .doing(format_args!("connecting to LMTP on port {port}"))?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .doing("setting LMTP's timeout")?;
    let mut dialogue = Dialogue {
        stream: BufReader::new(stream),
        recipient,
    };
    dialogue.expect("220", None)?;
    dialogue.expect("250", Some("LHLO localhost"))?;
    dialogue.expect("250", Some(&format!("MAIL FROM:<{sender}>")))?;
    dialogue.expect("250", Some(&format!("RCPT TO:<{recipient}>")))?;
    dialogue.expect("354", Some("DATA"))?;
    dialogue.send(&dot_stuffed(raw))?;
    dialogue.expect("250", None)?;
    dialogue.expect("221", Some("QUIT"))
}

struct Dialogue<'a> {
    stream: BufReader<TcpStream>,
    recipient: &'a str,
}

impl Dialogue<'_> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), LabError> {
        self.stream.get_mut().write_all(bytes).doing("talking LMTP")
    }

    /// Sends a command if given and reads one reply, which has to begin with `code`.
    fn expect(&mut self, code: &str, command: Option<&str>) -> Result<(), LabError> {
        if let Some(command) = command {
            self.send(format!("{command}\r\n").as_bytes())?;
        }
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).doing("talking LMTP")?;
            if !line.starts_with(code) {
                return Err(LabError::Delivery {
                    recipient: self.recipient.to_owned(),
                    reply: line.trim_end().to_owned(),
                });
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}

/// CRLF line ends, a dot doubled at a line's begin, and the final dot (RFC 5321, 4.5.2).
fn dot_stuffed(raw: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(raw.len() + 64);
    for line in raw.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

#[cfg(test)]
mod tests {
    use super::dot_stuffed;

    #[test]
    fn dots_at_a_lines_begin_are_doubled_and_line_ends_become_crlf() {
        assert_eq!(
            dot_stuffed(b"a: b\n\n.hidden\r\nend"),
            b"a: b\r\n\r\n..hidden\r\nend\r\n.\r\n"
        );
    }
}
