//! Plain text from HTML, for the text alternative of outgoing mail.

use std::borrow::Cow;

use mail_parser::decoders::html::html_to_text as decode_entities;

/// Elements whose content nobody is meant to read.
const HIDDEN: [&str; 6] = ["script", "style", "head", "title", "template", "noscript"];
/// Elements that begin and end a line.
const LINES: [&str; 14] = [
    "div", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "center", "address",
    "form", "caption", "thead",
];
/// Elements with an empty line around them.
const PARAGRAPHS: [&str; 11] = [
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "blockquote",
    "table",
];

/// The readable text of `html`: blocks become lines and paragraphs, list items get a dash, images their
/// description, and the addresses of links follow at the end, numbered as in the text.
#[must_use]
pub fn html_to_text(html: &str) -> String {
    let mut writer = TextWriter::default();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (text, tail) = rest.split_at(start);
        writer.text(text);
        rest = match read_tag(tail) {
            Some((tag, after)) => {
                if HIDDEN.contains(&tag.name.as_str()) && !tag.closing && !tag.self_closing {
                    skip_element(after, &tag.name)
                } else {
                    writer.tag(&tag);
                    after
                }
            }
            None => {
                // A lone `<` is text; the next character decides nothing any more.
                writer.text("<");
                tail.get(1..).unwrap_or_default()
            }
        };
    }
    writer.text(rest);
    writer.finish()
}

/// Whether HTML shows nothing: no word, no picture, only the tags that dress text.
#[must_use]
pub fn is_html_empty(html: &str) -> bool {
    const DRESS: [&str; 12] = [
        "p", "div", "section", "span", "br", "b", "i", "strong", "em", "u", "font", "",
    ];
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (text, tail) = rest.split_at(start);
        let shows = shows(text);
        rest = match read_tag(tail) {
            Some((tag, after)) if !shows && DRESS.contains(&tag.name.as_str()) => after,
            _ => return false,
        };
    }
    !shows(rest)
}

/// Whether a text between tags has anything but white space. Its first letter says so in nearly all
/// texts, however long they are.
fn shows(text: &str) -> bool {
    match text.trim_start().chars().next() {
        None => false,
        Some('&') => !decode_entities(text).trim().is_empty(),
        Some(_) => true,
    }
}

struct Tag {
    name: String,
    closing: bool,
    self_closing: bool,
    attributes: String,
}

impl Tag {
    fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes.trim_start();
        while !rest.is_empty() {
            let name_end = rest
                .find(|c: char| c == '=' || c.is_whitespace())
                .unwrap_or(rest.len());
            let (name, tail) = rest.split_at(name_end);
            let tail = tail.trim_start();
            let Some(value_part) = tail.strip_prefix('=') else {
                // An attribute without value; an empty name cannot come about, the text is trimmed.
                rest = tail;
                continue;
            };
            let value_part = value_part.trim_start();
            let (value, after) = match value_part.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let inner = value_part.get(1..).unwrap_or_default();
                    inner.split_once(quote).unwrap_or((inner, ""))
                }
                _ => value_part.split_at(
                    value_part
                        .find(char::is_whitespace)
                        .unwrap_or(value_part.len()),
                ),
            };
            if name.eq_ignore_ascii_case(wanted) {
                return Some(decode_entities(value).trim().to_owned());
            }
            rest = after.trim_start();
        }
        None
    }
}

/// The tag, comment or declaration at the start of `text` and what follows it.
fn read_tag(text: &str) -> Option<(Tag, &str)> {
    let nothing = |after| {
        let tag = Tag {
            name: String::new(),
            closing: false,
            self_closing: false,
            attributes: String::new(),
        };
        Some((tag, after))
    };
    if let Some(comment) = text.strip_prefix("<!--") {
        return nothing(comment.split_once("-->").map_or("", |(_, after)| after));
    }
    let inner = text.strip_prefix('<')?;
    if inner.starts_with(['!', '?']) {
        return nothing(inner.split_once('>').map_or("", |(_, after)| after));
    }
    let (closing, inner) = match inner.strip_prefix('/') {
        Some(inner) => (true, inner),
        None => (false, inner),
    };
    if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let end = tag_end(inner)?;
    let (content, after) = inner.split_at(end);
    let self_closing = content.ends_with('/');
    let content = content.strip_suffix('/').unwrap_or(content);
    let name_end = content
        .find(|c: char| c.is_whitespace() || c == '/')
        .unwrap_or(content.len());
    let (name, attributes) = content.split_at(name_end);
    let tag = Tag {
        name: name.to_ascii_lowercase(),
        closing,
        self_closing,
        attributes: attributes.trim_start_matches('/').to_owned(),
    };
    Some((tag, after.strip_prefix('>').unwrap_or(after)))
}

/// Where the `>` stands that closes the tag: not one inside a quoted attribute, unless the quote never ends.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '>' => return Some(at),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => {}
        }
    }
    text.find('>')
}

fn skip_element<'x>(text: &'x str, name: &str) -> &'x str {
    let mut rest = text;
    while let Some(start) = rest.find("</") {
        rest = rest.get(start + 2..).unwrap_or_default();
        let found = rest
            .get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name));
        if found {
            return rest.split_once('>').map_or("", |(_, after)| after);
        }
    }
    ""
}

#[derive(Default)]
struct TextWriter {
    out: String,
    links: Vec<String>,
    open_link: Option<(String, usize)>,
    /// Depth of `<pre>`: its white space counts.
    preformatted: usize,
    /// A blank is due before the next word.
    blank: bool,
}

impl TextWriter {
    fn text(&mut self, raw: &str) {
        let decoded = decode_text(raw);
        if self.preformatted > 0 {
            self.out.push_str(&decoded);
            return;
        }
        let mut rest = &*decoded;
        while let Some(end) = rest.bytes().position(|byte| byte.is_ascii_whitespace()) {
            self.word(&rest[..end]);
            self.blank = true;
            rest = &rest[end + 1..];
        }
        self.word(rest);
    }

    fn word(&mut self, word: &str) {
        if !word.is_empty() {
            self.word_begins();
            self.out.push_str(word);
        }
    }

    fn word_begins(&mut self) {
        if self.blank && !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push(' ');
        }
        self.blank = false;
    }

    fn tag(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "br" => self.new_line(),
            "hr" => {
                self.end_lines(1);
                self.out.push_str("----");
                self.end_lines(1);
            }
            "pre" => {
                self.end_lines(1);
                self.preformatted = if tag.closing {
                    self.preformatted.saturating_sub(1)
                } else {
                    self.preformatted + 1
                };
            }
            "td" | "th" => self.blank = true,
            "b" | "strong" => self.emphasis('*', tag.closing),
            "i" | "em" => self.emphasis('/', tag.closing),
            "img" if !tag.closing => self.image(tag),
            "a" if tag.closing => self.link_ends(),
            "a" => self.link_begins(tag),
            name => {
                if PARAGRAPHS.contains(&name) {
                    self.end_lines(2);
                } else if LINES.contains(&name) {
                    self.end_lines(1);
                    if name == "li" && !tag.closing {
                        self.out.push_str("- ");
                    }
                }
            }
        }
    }

    /// Sets a mark beside emphasised words, as people do in plain text.
    fn emphasis(&mut self, mark: char, closing: bool) {
        if !closing {
            self.word_begins();
        }
        self.out.push(mark);
    }

    fn image(&mut self, tag: &Tag) {
        let description = tag
            .attribute("alt")
            .filter(|alt| !alt.is_empty())
            .or_else(|| tag.attribute("src").filter(|src| src.starts_with("http")));
        if let Some(description) = description {
            self.word_begins();
            self.out.push_str(&description);
        }
    }

    fn link_begins(&mut self, tag: &Tag) {
        self.link_ends();
        let target = tag
            .attribute("href")
            .filter(|href| !href.is_empty() && !href.starts_with('#'));
        self.open_link = target.map(|href| (href, self.out.len()));
    }

    fn link_ends(&mut self) {
        let Some((href, start)) = self.open_link.take() else {
            return;
        };
        let label = self.out.get(start..).unwrap_or_default().trim();
        let bare = href.strip_prefix("mailto:").unwrap_or(&href);
        if label == href || label == bare {
            return;
        }
        if label.is_empty() {
            self.word_begins();
            self.out.push_str(bare);
            return;
        }
        let number = match self.links.iter().position(|known| *known == href) {
            Some(at) => at + 1,
            None => {
                self.links.push(href);
                self.links.len()
            }
        };
        self.out.push_str(&format!(" [{number}]"));
    }

    fn new_line(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
        self.blank = false;
    }

    /// Makes the text end with `count` line ends, unless it is still empty.
    fn end_lines(&mut self, count: usize) {
        self.blank = false;
        if self.out.is_empty() {
            return;
        }
        while self.out.len() - self.out.trim_end_matches('\n').len() < count {
            self.new_line();
        }
    }

    fn finish(mut self) -> String {
        self.link_ends();
        let mut text = self.out.trim_matches(['\n', ' ']).to_owned();
        if !self.links.is_empty() {
            text.push_str("\n\n");
            for (at, link) in self.links.iter().enumerate() {
                text.push_str(&format!("[{}] {link}\n", at + 1));
            }
        } else if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

/// Text with its character references resolved, and its white space as it was.
fn decode_text(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = rest.find('&') {
        let (before, tail) = rest.split_at(start);
        out.push_str(before);
        // The longest name of a character reference has 31 letters.
        let end = tail
            .char_indices()
            .take(34)
            .find(|(_, c)| *c == ';')
            .map(|(at, _)| at + 1);
        let reference = end.and_then(|end| tail.get(..end)).unwrap_or("&");
        if reference.len() > 2 {
            let decoded = decode_entities(reference);
            out.push_str(if decoded.is_empty() { " " } else { &decoded });
        } else {
            out.push_str(reference);
        }
        rest = tail.get(reference.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::html_to_text;

    #[test]
    fn blocks_become_lines_and_paragraphs() {
        let html = "<html><head><title>no</title><style>p{}</style></head><body>\
            <h1>Title</h1><p>One\n  two<br>three</p><div>four</div><div>five</div>\
            <ul><li>six</li><li>seven</li></ul><hr>end</body></html>";
        assert_eq!(
            html_to_text(html),
            "Title\n\nOne two\nthree\n\nfour\nfive\n\n- six\n- seven\n\n----\nend\n"
        );
    }

    #[test]
    fn links_are_numbered_and_listed_once() {
        let html = "<a href=\"https://a.example/?x=1&amp;y=2\">here</a>, <a href='https://a.example/?x=1&amp;y=2'>again</a>, \
            <a href=mailto:kim@client.example>kim@client.example</a>, <a href=\"#top\">top</a>, <a>none</a>";
        assert_eq!(
            html_to_text(html),
            "here [1], again [1], kim@client.example, top, none\n\n[1] https://a.example/?x=1&y=2\n"
        );
    }

    #[test]
    fn images_are_named_and_references_resolved() {
        assert_eq!(
            html_to_text(
                "<p>a<img src=\"cid:x\" alt=\"pic\">&nbsp;&lt;b&gt; &#379; &nonsense; & c</p>"
            ),
            "apic\u{a0}<b> Ż &nonsense; & c\n"
        );
        assert_eq!(
            html_to_text("<img src='https://corp.example/x.png'>"),
            "https://corp.example/x.png\n"
        );
    }

    #[test]
    fn hidden_content_and_comments_vanish_and_broken_tags_stay_text() {
        assert_eq!(
            html_to_text("a<script>if (1 < 2) { x() }</script><!-- c > d -->b"),
            "ab\n"
        );
        assert_eq!(html_to_text("a <script>never closed"), "a\n");
        assert_eq!(html_to_text("1 < 2 and <b"), "1 < 2 and <b\n");
        assert_eq!(html_to_text("<p title=\"a > b\">c</p>"), "c\n");
        assert_eq!(html_to_text(""), "");
        assert_eq!(html_to_text("<p><br></p>"), "");
    }

    #[test]
    fn preformatted_text_keeps_its_shape() {
        assert_eq!(html_to_text("x<pre>a\n  b</pre>y"), "x\na\n  b\ny\n");
    }
}
