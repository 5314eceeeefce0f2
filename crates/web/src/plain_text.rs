//! Mail bodies between HTML and plain text.
//!
//! What came in by mail is never shown as HTML: the text is taken out of it and escaped like any
//! other. Nothing depends on the tags being read right, only how well the text can be read.

/// Tags whose content is no text.
const SILENT: [&str; 5] = ["script", "style", "head", "title", "template"];
/// Tags with an empty line around them.
const PARAGRAPHS: [&str; 11] = [
    "p",
    "ul",
    "ol",
    "table",
    "blockquote",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
];
/// Tags that end a line.
const BREAKS: [&str; 4] = ["div", "tr", "li", "hr"];

/// The bytes of the longest entity read, with its `&` and `;`.
const ENTITY: usize = 10;

/// The text in a piece of HTML, with line ends where the markup has them.
pub fn of_html(html: &str) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_marked_up(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !begins_tag(rest) {
            // No tag after all, as in "1 < 2".
            text.push_marked_up("<");
            rest = &rest[1..];
            continue;
        }
        let Some(end) = rest.find('>') else {
            break;
        };
        let tag = &rest[1..end];
        let name = tag_name(tag);
        rest = &rest[end + 1..];
        if !tag.starts_with('/') && SILENT.contains(&name.as_str()) {
            rest = after_closing(rest, &name);
        } else if PARAGRAPHS.contains(&name.as_str()) {
            text.end_lines(2);
        } else if name == "br" {
            text.line_break();
        } else if BREAKS.contains(&name.as_str()) {
            text.end_lines(1);
        }
    }
    text.push_marked_up(rest);
    text.finish()
}

/// Plain text as the HTML body of a mail: escaped, an empty line begins a paragraph.
pub fn to_html(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let paragraphs = text.trim_end().split("\n\n").map(|paragraph| {
        let mut html = String::with_capacity(paragraph.len() + 8);
        for c in paragraph.trim_matches('\n').chars() {
            match c {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '\n' => html.push_str("<br/>"),
                c => html.push(c),
            }
        }
        format!("<p>{html}</p>")
    });
    paragraphs.collect()
}

#[derive(Default)]
struct Text {
    out: String,
    /// A space is due before the next word.
    spaced: bool,
}

impl Text {
    fn push_marked_up(&mut self, marked_up: &str) {
        for c in decoded(marked_up).chars() {
            if c.is_ascii_whitespace() {
                self.spaced = true;
                continue;
            }
            if self.spaced && !self.out.is_empty() && !self.out.ends_with('\n') {
                self.out.push(' ');
            }
            self.spaced = false;
            self.out.push(c);
        }
    }

    /// Makes sure that the text so far ends in so many line ends.
    fn end_lines(&mut self, wanted: usize) {
        self.spaced = false;
        let there = self.out.bytes().rev().take_while(|b| *b == b'\n').count();
        for _ in there..wanted {
            self.out.push('\n');
        }
    }

    fn line_break(&mut self) {
        self.spaced = false;
        if !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn finish(self) -> String {
        self.out.trim().to_owned()
    }
}

fn tag_name(tag: &str) -> String {
    tag.trim_start_matches('/')
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}

/// Whether a tag, a declaration or the like begins here, where a `<` stands.
fn begins_tag(html: &str) -> bool {
    let after = html.strip_prefix('<').unwrap_or(html);
    let name = after.strip_prefix('/').unwrap_or(after);
    after.starts_with(['!', '?']) || name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// What follows the end tag of `name`; nothing when it never ends, as browsers read it.
fn after_closing<'a>(html: &'a str, name: &str) -> &'a str {
    let mut ends = html.match_indices("</").filter(|(at, _)| {
        let found = html.as_bytes().get(at + 2..at + 2 + name.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    });
    let Some((at, _)) = ends.next() else {
        return "";
    };
    html[at..].split_once('>').map_or("", |(_, after)| after)
}

fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // No name is longer, and a body of nothing but ampersands is not to be searched to its
        // end for each of them.
        let end = rest.bytes().take(ENTITY).position(|byte| byte == b';');
        let entity = end.and_then(|end| Some((entity(&rest[1..end])?, &rest[end + 1..])));
        match entity {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control() || *c == '\n');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_taken_out_of_the_markup() {
        let html = "<html><head><title>No</title><STYLE>p{}</Style></head><body><p>Dear  <b>you</b>,</p>\n<p>1 &lt; 2 &amp; 3&nbsp;&#233;<br>second</p><script>alert('x')</script>end</body></html>";
        assert_eq!(
            of_html(html),
            "Dear you,\n\n1 < 2 & 3\u{a0}é\nsecond\n\nend"
        );
    }

    #[test]
    fn text_that_only_looks_like_markup_is_kept() {
        assert_eq!(of_html("1 < 2 & 3 > 2"), "1 < 2 & 3 > 2");
        assert_eq!(of_html("a <"), "a <");
        assert_eq!(
            of_html("AT&T &unknown; &#xD800;"),
            "AT&T &unknown; &#xD800;"
        );
        assert_eq!(of_html("seen<!-- unseen <b> -->too"), "seentoo");
        assert_eq!(of_html("before<script>never ends"), "before");
        assert_eq!(of_html("Ünï <p>ÇÖDÉ"), "Ünï\n\nÇÖDÉ");
    }

    #[test]
    fn what_is_typed_becomes_paragraphs_without_markup_of_its_own() {
        assert_eq!(
            to_html("Hello <b>\r\nyou & me\r\n\r\nBye\r\n"),
            "<p>Hello &lt;b&gt;<br/>you &amp; me</p><p>Bye</p>"
        );
    }

    #[test]
    fn text_survives_the_way_there_and_back() {
        let text = "One <two>\nthree & four\n\nfive";
        assert_eq!(of_html(&to_html(text)), text);
    }
}
