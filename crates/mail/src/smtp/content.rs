//! A message as it travels after `DATA`: line ends, dots, and what it demands of the server.

/// A message in its form for the wire.
#[derive(Debug)]
pub(super) struct Content {
    /// CRLF line ends, leading dots doubled (RFC 5321 section 4.5.2), and the lone dot that ends it.
    pub(super) bytes: Vec<u8>,
    /// The size for `SIZE=` (RFC 1870): with CRLF line ends, without the dots that were added.
    pub(super) size: u64,
    /// Something is not ASCII: needs 8BITMIME.
    pub(super) eight_bit: bool,
    /// Something in the header is not ASCII: needs SMTPUTF8.
    pub(super) utf8_header: bool,
}

impl Content {
    /// Every CRLF, lone LF and lone CR becomes one CRLF. A lone CR or LF left in place is what
    /// SMTP smuggling is made of.
    pub(super) fn new(raw: &[u8]) -> Self {
        let mut content = Content {
            bytes: Vec::with_capacity(raw.len() + raw.len() / 32 + 8),
            size: 0,
            eight_bit: !raw.is_ascii(),
            utf8_header: false,
        };
        let mut in_header = true;
        let mut rest = raw;
        while !rest.is_empty() {
            let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            in_header &= !line.is_empty();
            content.utf8_header |= in_header && !line.is_ascii();
            content.push_line(line);
            let line_end = match &rest[end..] {
                [b'\r', b'\n', ..] => 2,
                [] => 0,
                _ => 1,
            };
            rest = &rest[end + line_end..];
        }
        content.bytes.extend_from_slice(b".\r\n");
        content
    }

    fn push_line(&mut self, line: &[u8]) {
        if line.first() == Some(&b'.') {
            self.bytes.push(b'.');
        }
        self.bytes.extend_from_slice(line);
        self.bytes.extend_from_slice(b"\r\n");
        self.size += line.len() as u64 + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(raw: &str) -> String {
        let mut text = String::from_utf8(Content::new(raw.as_bytes()).bytes).expect("text");
        assert!(text.ends_with(".\r\n"), "{text:?}");
        text.truncate(text.len() - 3);
        text
    }

    #[test]
    fn every_kind_of_line_end_becomes_crlf() {
        assert_eq!(wire("a\nb\r\nc\rd\r\r\ne"), "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n");
        assert_eq!(wire("a\n\n"), "a\r\n\r\n");
        assert_eq!(wire(""), "");
    }

    #[test]
    fn a_leading_dot_is_doubled_after_every_kind_of_line_end() {
        assert_eq!(wire(".\n..\n.a\rb.\n."), "..\r\n...\r\n..a\r\nb.\r\n..\r\n");
    }

    #[test]
    fn the_size_counts_what_arrives_not_what_travels() {
        assert_eq!(Content::new(b".\n").size, 3);
        assert_eq!(Content::new(b"ab").size, 4);
    }

    #[test]
    fn a_message_tells_what_it_demands() {
        let ascii = Content::new(b"Subject: a\n\nb\n");
        assert!(!ascii.eight_bit && !ascii.utf8_header);
        let body = Content::new("Subject: a\n\nü\n".as_bytes());
        assert!(body.eight_bit && !body.utf8_header);
        let header = Content::new("Subject: ü\n\nb\n".as_bytes());
        assert!(header.eight_bit && header.utf8_header);
    }
}
