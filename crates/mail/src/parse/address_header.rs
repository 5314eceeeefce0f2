//! Address headers of received mail, read by the grammar of RFC 5322 with its obsolete forms and written
//! again in plain Unicode: `Name <local@domain>`, joined by `, `.
//!
//! This is another reader than the one in `address`, because Odoo 18 too reads a header by grammar first
//! and only then looks for addresses in the result. What is not a mailbox at all comes out as `<>`.

use super::header::take_encoded_word;

/// The mailboxes and groups of an address header value in plain form.
#[must_use]
pub fn decode_address_list(value: &str) -> String {
    let mut reader = Reader { rest: value };
    let mut entries = Vec::new();
    while !reader.rest.is_empty() {
        if let Some(entry) = reader.entry() {
            entries.push(entry);
        }
        // Text behind a complete entry belongs to nothing; it is dropped.
        if !reader.rest.is_empty() && !reader.rest.starts_with(',') {
            reader.invalid_mailbox(",");
        }
        reader.rest = reader.rest.strip_prefix(',').unwrap_or(reader.rest);
    }
    entries.join(", ")
}

#[derive(Clone, Copy)]
struct Reader<'x> {
    rest: &'x str,
}

/// A stretch of a phrase: text, or a gap (blanks and comments) that reads as one blank.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Gap,
}

/// What becomes of the blanks inside a word of several.
#[derive(Clone, Copy)]
enum Blanks {
    /// They stay, as in a local part.
    Kept,
    /// Each run of them reads as one blank, as in a name.
    Collapsed,
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_special(c: char) -> bool {
    "()<>@,:;.\\\"[]".contains(c)
}

fn ends_atom(c: char) -> bool {
    is_special(c) || is_blank(c)
}

/// Where a phrase must end: at every special except those that can be part of it.
fn ends_phrase(c: char) -> bool {
    is_special(c) && !matches!(c, '.' | '"' | '(')
}

impl<'x> Reader<'x> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) {
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
    }

    /// Tries a reading; on failure nothing was read.
    fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = *self;
        let outcome = read(self);
        if outcome.is_none() {
            *self = before;
        }
        outcome
    }

    /// One entry of the list in plain form; nothing for an empty entry.
    fn entry(&mut self) -> Option<String> {
        if let Some(entry) = self
            .attempt(Self::group)
            .or_else(|| self.attempt(Self::mailbox))
        {
            return Some(entry);
        }
        self.gap();
        if matches!(self.peek(), None | Some(',')) {
            return None;
        }
        self.invalid_mailbox(",");
        Some("<>".to_owned())
    }

    /// Skips what cannot be read, up to one of `ends`.
    fn invalid_mailbox(&mut self, ends: &str) {
        while let Some(c) = self.peek().filter(|c| !ends.contains(*c)) {
            if ends_phrase(c) || self.attempt(Self::phrase).is_none() {
                self.bump();
            }
        }
    }

    fn group(&mut self) -> Option<String> {
        // A group without a name is still a group.
        let name = self.attempt(Self::display_name).unwrap_or_default();
        self.rest = self.rest.strip_prefix(':')?;
        let mut members = Vec::new();
        self.gap();
        while let Some(c) = self.peek().filter(|c| *c != ';') {
            if c == ',' {
                self.bump();
                continue;
            }
            match self.attempt(Self::mailbox) {
                Some(member) => members.push(member),
                None => {
                    self.gap();
                    if matches!(self.peek(), None | Some(',' | ';')) {
                        continue;
                    }
                    members.push("<>".to_owned());
                }
            }
            self.invalid_mailbox(",;");
        }
        self.rest = self.rest.strip_prefix(';').unwrap_or(self.rest);
        self.gap();
        let blank = if members.is_empty() { "" } else { " " };
        Some(format!(
            "{}:{blank}{};",
            quote_if(&name, is_special),
            members.join(", ")
        ))
    }

    fn mailbox(&mut self) -> Option<String> {
        self.attempt(Self::name_addr)
            .or_else(|| self.attempt(Self::bare_address))
    }

    fn bare_address(&mut self) -> Option<String> {
        let (local, domain) = self.addr_spec()?;
        Some(write_addr_spec(&local, &domain))
    }

    fn name_addr(&mut self) -> Option<String> {
        self.gap();
        let mut name = String::new();
        if self.peek()? != '<' {
            if self.peek().is_some_and(ends_phrase) {
                return None;
            }
            name = self.display_name()?;
        }
        self.gap();
        self.rest = self.rest.strip_prefix('<')?;
        let mut address = String::from("<>");
        if self.peek() != Some('>') {
            let read = self.attempt(Self::addr_spec).or_else(|| {
                self.attempt(|reader| {
                    reader.route()?;
                    reader.addr_spec()
                })
            });
            let (local, domain) = read?;
            address = write_addr_spec(&local, &domain);
        }
        self.rest = self.rest.strip_prefix('>').unwrap_or(self.rest);
        self.gap();
        Some(match (name.is_empty(), address.as_str()) {
            (true, _) => address,
            (false, "<>") => format!("{} <>", quote_if(&name, is_special)),
            (false, _) => format!("{} <{address}>", quote_if(&name, is_special)),
        })
    }

    /// A source route, obsolete and without meaning: `@relay,@relay:`.
    fn route(&mut self) -> Option<()> {
        loop {
            self.gap();
            if self.peek() == Some(',') {
                self.bump();
                continue;
            }
            match self.peek()? {
                '@' => {
                    self.bump();
                    self.domain()?;
                }
                ':' => {
                    self.bump();
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Local part and domain, the latter empty when there is no `@`.
    fn addr_spec(&mut self) -> Option<(String, String)> {
        let local = self.local_part()?;
        if self.peek() != Some('@') {
            return Some((local, String::new()));
        }
        self.bump();
        let domain = self.domain()?;
        Some((local, domain))
    }

    /// A local part, in the obsolete form that allows blanks and comments between its words.
    fn local_part(&mut self) -> Option<String> {
        let mut pieces = Vec::new();
        while let Some(c) = self.peek().filter(|c| *c == '\\' || !ends_phrase(*c)) {
            if matches!(c, '.' | '\\') {
                self.bump();
                pieces.push(Piece::Text(c.to_string()));
            } else if let Some(word) = self.attempt(|reader| reader.word(Blanks::Kept)) {
                pieces.extend(word);
            } else if self.gap() {
                pieces.push(Piece::Gap);
            } else {
                return None;
            }
        }
        if !pieces.iter().any(|piece| matches!(piece, Piece::Text(_))) {
            return None;
        }
        Some(join_local(&pieces))
    }

    fn domain(&mut self) -> Option<String> {
        self.gap();
        if self.peek()? == '[' {
            let end = self.rest.find(']').map_or(self.rest.len(), |at| at + 1);
            let (literal, tail) = self.rest.split_at(end);
            self.rest = tail;
            self.gap();
            let closing = if literal.ends_with(']') { "" } else { "]" };
            return Some(format!("{}{closing}", without_blanks(literal)));
        }
        let mut domain = self.atom_text()?;
        self.gap();
        while self.peek() == Some('.') {
            self.bump();
            domain.push('.');
            self.gap();
            domain.push_str(&self.atom_text()?);
            self.gap();
        }
        if self.peek() == Some('@') {
            return None;
        }
        Some(without_blanks(&domain))
    }

    fn display_name(&mut self) -> Option<String> {
        let mut pieces = self.phrase()?;
        if pieces.first() == Some(&Piece::Gap) {
            pieces.remove(0);
        }
        if pieces.last() == Some(&Piece::Gap) {
            pieces.pop();
        }
        Some(join(&pieces))
    }

    fn phrase(&mut self) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        while let Some(c) = self.peek().filter(|c| !ends_phrase(*c)) {
            if c == '.' {
                self.bump();
                pieces.push(Piece::Text(".".to_owned()));
            } else if let Some(word) = self.attempt(|reader| reader.word(Blanks::Collapsed)) {
                pieces.extend(word);
            } else if self.gap() {
                pieces.push(Piece::Gap);
            } else {
                return None;
            }
        }
        (!pieces.is_empty()).then_some(pieces)
    }

    /// An atom or a quoted string, with the gaps around it.
    fn word(&mut self, blanks: Blanks) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        if self.gap() {
            pieces.push(Piece::Gap);
        }
        if self.peek()? == '"' {
            pieces.push(Piece::Text(self.quoted(blanks)));
        } else {
            let text = self.atom_text()?;
            match blanks {
                Blanks::Kept => pieces.extend(blanks_as_gaps(&text)),
                Blanks::Collapsed => pieces.push(Piece::Text(text)),
            }
        }
        if self.gap() {
            pieces.push(Piece::Gap);
        }
        Some(pieces)
    }

    /// The text of an atom, or of the encoded word that stands for one.
    fn atom_text(&mut self) -> Option<String> {
        if let Some((word, tail)) = take_encoded_word(self.rest) {
            self.rest = tail;
            return Some(join(&blanks_as_gaps(&word)));
        }
        let end = self.rest.find(ends_atom).unwrap_or(self.rest.len());
        let (text, tail) = self.rest.split_at(end);
        self.rest = tail;
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The content of a quoted string. An encoded word at the beginning of a word in it is decoded, though
    /// there should be none.
    fn quoted(&mut self, blanks: Blanks) -> String {
        self.bump();
        let mut text = String::new();
        // The length of the text before the blanks behind an encoded word.
        let mut encoded_until = None;
        let mut after_encoded = false;
        while let Some(c) = self.peek() {
            if c == '"' {
                self.bump();
                break;
            }
            if is_blank(c) {
                let tail = self.rest.trim_start_matches(is_blank);
                let (gap, _) = self.rest.split_at(self.rest.len() - tail.len());
                self.rest = tail;
                encoded_until = after_encoded.then_some(text.len());
                after_encoded = false;
                text.push_str(match blanks {
                    Blanks::Kept => gap,
                    Blanks::Collapsed => " ",
                });
            } else if let Some((word, tail)) = take_encoded_word(self.rest) {
                if let Some(length) = encoded_until.take() {
                    text.truncate(length);
                }
                text.push_str(&join(&blanks_as_gaps(&word)));
                self.rest = tail;
                after_encoded = true;
            } else {
                self.quoted_word(&mut text);
                encoded_until = None;
                after_encoded = false;
            }
        }
        text
    }

    /// The rest of a word in a quoted string, its backslashes resolved.
    fn quoted_word(&mut self, text: &mut String) {
        while let Some(c) = self.peek().filter(|c| *c != '"' && !is_blank(*c)) {
            self.bump();
            let escaped = if c == '\\' { self.peek() } else { None };
            if let Some(escaped) = escaped {
                self.bump();
                text.push(escaped);
            } else {
                text.push(c);
            }
        }
    }

    /// Skips blanks and comments; whether there were any.
    fn gap(&mut self) -> bool {
        let before = self.rest.len();
        loop {
            self.rest = self.rest.trim_start_matches(is_blank);
            if self.peek() != Some('(') {
                return self.rest.len() < before;
            }
            self.comment();
        }
    }

    fn comment(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            self.bump();
            match c {
                '(' => depth += 1,
                ')' => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                '\\' => self.bump(),
                _ => {}
            }
        }
    }
}

/// Runs of blanks inside a decoded word read as one blank, like gaps.
fn blanks_as_gaps(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_blank).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        if !word.is_empty() {
            pieces.push(Piece::Text(word.to_owned()));
        }
        rest = tail.trim_start_matches(is_blank);
        if rest.len() < tail.len() {
            pieces.push(Piece::Gap);
        }
    }
    pieces
}

fn join(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Gap => " ",
        })
        .collect()
}

/// The words of a local part: gaps at its ends and around dots vanish, the others stay as one blank.
fn join_local(pieces: &[Piece]) -> String {
    let dot = Piece::Text(".".to_owned());
    let mut out = String::new();
    let mut pending_gap = false;
    let mut after_dot = true;
    for piece in pieces {
        match piece {
            Piece::Gap => pending_gap = true,
            Piece::Text(text) => {
                let is_dot = *piece == dot;
                if pending_gap && !after_dot && !is_dot {
                    out.push(' ');
                }
                out.push_str(text);
                pending_gap = false;
                after_dot = is_dot;
            }
        }
    }
    out
}

fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn write_addr_spec(local: &str, domain: &str) -> String {
    let local = quote_if(local, |c| c != '.' && ends_atom(c));
    match (local.is_empty(), domain.is_empty()) {
        (_, false) => format!("{local}@{domain}"),
        (true, true) => "<>".to_owned(),
        (false, true) => local,
    }
}

fn quote_if(text: &str, needs_quotes: impl Fn(char) -> bool) -> String {
    if text.chars().any(needs_quotes) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text.to_owned()
    }
}
