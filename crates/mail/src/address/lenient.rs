//! A forgiving reader of address lists in the style of RFC 822: it never fails, it only yields less.
//!
//! It follows the observed behaviour of the list reader that Odoo 18 builds on. Strict parsers refuse
//! half of what people type into address fields; this one finds what can be found and leaves the
//! judgement to its caller. A pair without `@` in its address is a piece that could not be understood.

use super::Mailbox;

/// Groups inside groups are not an address format of anybody; deeper nesting than this is skipped over,
/// so that hostile input cannot exhaust the stack.
const MAX_GROUP_DEPTH: usize = 32;

/// Reads every entry of an address list, in order, including entries that could not be understood
/// (their address is empty or has no `@`).
pub(super) fn read_list(text: &str) -> Vec<Mailbox> {
    let mut reader = Reader::new(text);
    let mut found = Vec::new();
    while reader.peek().is_some() {
        let entries = reader.entry(0);
        if entries.is_empty() {
            found.push(Mailbox::default());
        } else {
            found.extend(entries);
        }
    }
    found
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    /// Comments met since the current entry began; they serve as the name of an address without one.
    comments: Vec<String>,
}

/// The specials of RFC 822 but for the backslash, which passes as a letter outside quotes.
fn is_special(c: char) -> bool {
    matches!(
        c,
        '(' | ')' | '<' | '>' | '@' | ',' | ':' | ';' | '.' | '"' | '[' | ']'
    )
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_folding(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn ends_atom(c: char) -> bool {
    is_special(c) || is_folding(c)
}

/// A phrase may contain dots ("Mira S. Stone"), which RFC 822 forbids and everyone writes.
fn ends_phrase_word(c: char) -> bool {
    c != '.' && ends_atom(c)
}

impl Reader {
    fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            comments: Vec::new(),
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Skips white space and comments; the blanks are handed back because they matter inside a local part.
    fn skip_gap(&mut self) -> String {
        let mut blanks = String::new();
        while let Some(c) = self.peek() {
            if is_folding(c) {
                if is_blank(c) {
                    blanks.push(c);
                }
                self.at += 1;
            } else if c == '(' {
                let comment = self.comment();
                self.comments.push(comment);
            } else {
                break;
            }
        }
        blanks
    }

    /// One entry of the list: an address, a group (several), or nothing intelligible (none).
    fn entry(&mut self, depth: usize) -> Vec<Mailbox> {
        self.comments.clear();
        self.skip_gap();
        let start = self.at;
        let phrase = self.phrase();
        self.skip_gap();

        let found = match self.peek() {
            Some('.' | '@') => {
                // The phrase was the beginning of a bare address: read it again as one. Comments are met
                // twice on the way and count twice, as observed ("mi(note)ra@x" is named "note note").
                self.at = start;
                let addr_spec = self.addr_spec();
                vec![Mailbox::new(self.comments.join(" "), addr_spec)]
            }
            Some(':') if depth < MAX_GROUP_DEPTH => self.group(depth),
            Some('<') => {
                let addr_spec = self.route_address();
                let mut name = phrase.join(" ");
                if !self.comments.is_empty() {
                    name = format!("{name} ({})", self.comments.join(" "));
                }
                vec![Mailbox::new(name, addr_spec)]
            }
            other => match phrase.into_iter().next() {
                Some(first) => vec![Mailbox::new(self.comments.join(" "), first)],
                None => {
                    if other.is_some() {
                        self.at += 1;
                    }
                    Vec::new()
                }
            },
        };

        self.skip_gap();
        if self.peek() == Some(',') {
            self.at += 1;
        }
        found
    }

    /// The members of `name: a@x, b@y;`, read from its colon.
    fn group(&mut self, depth: usize) -> Vec<Mailbox> {
        let mut members = Vec::new();
        self.at += 1;
        while self.peek().is_some() {
            self.skip_gap();
            if self.peek() == Some(';') {
                self.at += 1;
                break;
            }
            members.extend(self.entry(depth + 1));
        }
        members
    }

    /// The address between `<` and `>`; source routes (`<@relay:a@x>`) are skipped.
    fn route_address(&mut self) -> String {
        let mut in_route = false;
        self.at += 1;
        self.skip_gap();
        while let Some(c) = self.peek() {
            if in_route {
                self.domain();
                in_route = false;
            } else if c == '>' {
                self.at += 1;
                break;
            } else if c == '@' {
                self.at += 1;
                in_route = true;
            } else if c == ':' {
                self.at += 1;
            } else {
                let addr_spec = self.addr_spec();
                // Whatever stands here closes the angle bracket, be it `>` or not.
                self.at += 1;
                return addr_spec;
            }
            self.skip_gap();
        }
        String::new()
    }

    /// `local@domain`, or whatever stands in its place; empty when the domain is missing or doubled.
    fn addr_spec(&mut self) -> String {
        let mut pieces: Vec<String> = Vec::new();
        self.skip_gap();
        while let Some(c) = self.peek() {
            let mut keep_blanks = true;
            if c == '.' {
                drop_blank_tail(&mut pieces);
                pieces.push(".".to_owned());
                self.at += 1;
                keep_blanks = false;
            } else if c == '"' {
                let quoted = self.quoted();
                pieces.push(format!("\"{}\"", super::escape_quoted(&quoted)));
            } else if ends_atom(c) {
                drop_blank_tail(&mut pieces);
                break;
            } else {
                pieces.push(self.run(ends_atom));
            }
            let blanks = self.skip_gap();
            if keep_blanks && !blanks.is_empty() {
                pieces.push(blanks);
            }
        }
        let local = pieces.concat();
        if self.peek() != Some('@') {
            return local;
        }
        self.at += 1;
        self.skip_gap();
        let domain = self.domain();
        if domain.is_empty() {
            return String::new();
        }
        format!("{local}@{domain}")
    }

    /// A domain with its inner blanks and comments removed. A second `@` makes it worthless: reading
    /// `a@evil.example@good.example` as either address would be a guess that attackers can steer.
    fn domain(&mut self) -> String {
        let mut domain = String::new();
        while let Some(c) = self.peek() {
            if is_blank(c) {
                self.at += 1;
            } else if c == '(' {
                let comment = self.comment();
                self.comments.push(comment);
            } else if c == '[' {
                let literal = self.delimited(']');
                domain.push('[');
                domain.push_str(&literal);
                domain.push(']');
            } else if c == '.' {
                self.at += 1;
                domain.push('.');
            } else if c == '@' {
                return String::new();
            } else if ends_atom(c) {
                break;
            } else {
                let atom = self.run(ends_atom);
                domain.push_str(&atom);
            }
        }
        domain
    }

    fn phrase(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(c) = self.peek() {
            if is_folding(c) {
                self.at += 1;
            } else if c == '"' {
                words.push(self.quoted());
            } else if c == '(' {
                let comment = self.comment();
                self.comments.push(comment);
            } else if ends_phrase_word(c) {
                break;
            } else {
                words.push(self.run(ends_phrase_word));
            }
        }
        words
    }

    fn run(&mut self, ends: fn(char) -> bool) -> String {
        let mut run = String::new();
        while let Some(c) = self.peek().filter(|c| !ends(*c)) {
            run.push(c);
            self.at += 1;
        }
        run
    }

    fn quoted(&mut self) -> String {
        self.delimited('"')
    }

    /// Text from an opening delimiter (not checked) to `end` or a line end; backslashes are resolved.
    fn delimited(&mut self, end: char) -> String {
        let mut text = String::new();
        let mut escaped = false;
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            if escaped {
                text.push(c);
                escaped = false;
            } else if c == end || c == '\r' {
                break;
            } else if c == '\\' {
                escaped = true;
            } else {
                text.push(c);
            }
        }
        text
    }

    /// A comment with the text of the comments inside it, without their parentheses.
    fn comment(&mut self) -> String {
        let mut text = String::new();
        let mut escaped = false;
        let mut depth = 1_usize;
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            if escaped {
                text.push(c);
                escaped = false;
            } else if c == '(' {
                depth += 1;
            } else if c == ')' || c == '\r' {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            } else if c == '\\' {
                escaped = true;
            } else {
                text.push(c);
            }
        }
        text
    }
}

fn drop_blank_tail(pieces: &mut Vec<String>) {
    if pieces.last().is_some_and(|piece| piece.trim().is_empty()) {
        pieces.pop();
    }
}
