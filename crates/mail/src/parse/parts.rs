//! The parts of a MIME message, sorted into one body and attachments.

use std::borrow::Cow;

use mail_parser::{Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::html::{escape_html, text_to_html};
use super::names;

/// Parts nested deeper than this are not looked into; nobody writes such mail to be read.
const MAX_DEPTH: usize = 64;
/// Messages inside messages are looked into this often. Deeper ones are in the attached message all the same,
/// and each level would hold another copy of everything below it.
const MAX_MESSAGES: usize = 4;
/// How many parts of a message are kept. A hostile mail could hold millions of empty ones.
const MAX_PARTS: usize = 10_000;
/// The name of a part that has none.
const UNNAMED: &str = "attachment";

/// What the body was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// Plain text first: the HTML begins with a `<pre>`.
    Pre,
    /// HTML.
    Html,
    /// There is no body.
    Empty,
}

/// A part of a received message that is not its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The file name, decoded; it is the sender's text and not a safe path.
    pub name: String,
    /// Lower-case media type as declared, without parameters.
    pub mimetype: String,
    /// The content, decoded from its transfer encoding. Text is UTF-8; a message is raw.
    pub bytes: Vec<u8>,
    /// Content-Id without angle brackets: the name by which the HTML body shows the part.
    pub cid: Option<String>,
    /// The charset in which the sender had written the text, where it is text and declared.
    pub charset: Option<String>,
}

/// Body and attachments of a message.
pub(super) struct Contents {
    pub(super) body_html: String,
    pub(super) body_kind: BodyKind,
    pub(super) attachments: Vec<Attachment>,
}

/// One leaf of the tree of parts, or a message inside the message (its own leaves follow it).
pub(super) struct Leaf {
    /// Lower-case media type.
    pub(super) mimetype: String,
    name: Option<String>,
    is_attachment: bool,
    in_alternative: bool,
    in_mixed: bool,
    charset: Option<String>,
    cid: Option<String>,
    pub(super) bytes: Vec<u8>,
}

/// Where in the tree of parts the walk is.
#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    messages: usize,
    alternative: bool,
    mixed: bool,
}

/// The leaves of a message in the order in which they are written.
pub(super) struct Structure {
    pub(super) leaves: Vec<Leaf>,
    pub(super) is_report: bool,
    is_multipart: bool,
}

impl Structure {
    pub(super) fn read(raw: &[u8]) -> Self {
        let mut structure = Self {
            leaves: Vec::new(),
            is_report: false,
            is_multipart: false,
        };
        let Some(message) = MessageParser::default().parse(raw) else {
            structure.leaves.push(Leaf::nothing());
            return structure;
        };
        if let Some(root) = message.parts.first() {
            let (mimetype, _) = media_type(root);
            structure.is_multipart = mimetype.starts_with("multipart/");
            structure.is_report =
                mimetype == "multipart/report" && matches!(root.body, PartType::Multipart(_));
        }
        structure.walk(&message, 0, Place::default());
        dismantle(message);
        structure
    }

    fn walk(&mut self, message: &Message<'_>, id: u32, place: Place) {
        let Some(part) = message.parts.get(id as usize) else {
            return;
        };
        if place.depth > MAX_DEPTH || self.leaves.len() >= MAX_PARTS {
            return;
        }
        let (mimetype, known) = media_type(part);
        if let PartType::Multipart(children) = &part.body {
            let within = Place {
                depth: place.depth + 1,
                alternative: place.alternative || mimetype == "multipart/alternative",
                mixed: place.mixed || mimetype == "multipart/mixed",
                ..place
            };
            for child in children {
                self.walk(message, *child, within);
            }
            return;
        }
        if known && mimetype.starts_with("multipart/") && place.depth == 0 {
            // A multipart without its boundary has no parts, and its raw text means nothing to a reader.
            return;
        }
        let disposition = part.content_disposition();
        self.leaves.push(Leaf {
            name: names::of(message, part),
            is_attachment: disposition
                .is_some_and(|value| value.ctype().eq_ignore_ascii_case("attachment")),
            in_alternative: place.alternative,
            in_mixed: place.mixed,
            charset: part
                .content_type()
                .and_then(|value| value.attribute("charset"))
                .map(str::to_ascii_lowercase),
            cid: part
                .content_id()
                .map(|id| id.trim_matches(['<', '>', ' ']).to_owned())
                .filter(|id| !id.is_empty()),
            bytes: content(message, part).into_owned(),
            mimetype,
        });
        if let PartType::Message(nested) = &part.body
            && place.messages < MAX_MESSAGES
        {
            let within = Place {
                depth: place.depth + 1,
                messages: place.messages + 1,
                ..place
            };
            self.walk(nested, 0, within);
        }
    }

    /// Sorts the leaves. Of a bounce only its first text is worth keeping.
    pub(super) fn contents(&self, is_bounce: bool) -> Contents {
        let mut contents = Contents {
            body_html: String::new(),
            body_kind: BodyKind::Empty,
            attachments: Vec::new(),
        };
        for leaf in &self.leaves {
            if is_bounce {
                if contents.body_html.is_empty() && leaf.is_text() {
                    contents.append(leaf);
                }
                continue;
            }
            // A message of a single text is that text, whatever it says about being an attachment.
            let may_be_body = !self.is_multipart || !(leaf.is_attachment || leaf.name.is_some());
            let has_body = contents.body_kind != BodyKind::Empty;
            match leaf.mimetype.as_str() {
                "text/html" if may_be_body => {
                    if leaf.in_alternative
                        && (!leaf.in_mixed || contents.body_kind == BodyKind::Pre)
                    {
                        // This is the better form of what came before.

                        contents.clear();
                    }
                    contents.append(leaf);
                }
                "text/plain"
                    if may_be_body
                        && !(leaf.in_alternative && has_body)
                        && contents.takes_text() =>
                {
                    contents.append(leaf);
                }
                other if !self.is_multipart && other.starts_with("text/") => contents.append(leaf),
                _ => contents.attachments.push(leaf.to_attachment()),
            }
        }
        contents.name_images();
        contents
    }
}

/// Whether there is nothing in the HTML but white space and comments.
fn is_blank(html: &str) -> bool {
    let mut rest = html.trim_start();
    while let Some((_, behind)) = rest
        .strip_prefix("<!--")
        .and_then(|comment| comment.split_once("-->"))
    {
        rest = behind.trim_start();
    }
    rest.is_empty()
}

impl Contents {
    /// Notes at each image that came along as a file under which name it did.
    fn name_images(&mut self) {
        if self.body_kind != BodyKind::Html {
            return;
        }
        for file in &self.attachments {
            let Some(cid) = file.cid.as_deref().filter(|cid| !cid.contains('"')) else {
                continue;
            };
            let source = format!("src=\"cid:{cid}\"");
            if self.body_html.contains(&source) {
                let named = format!("{source} data-filename=\"{}\"", escape_html(&file.name));
                self.body_html = self.body_html.replace(&source, &named);
            }
        }
    }

    fn clear(&mut self) {
        self.body_html.clear();
        self.body_kind = BodyKind::Empty;
    }

    /// Plain text behind an HTML body is a footer or an afterthought; it is kept beside the body.
    fn takes_text(&self) -> bool {
        self.body_kind != BodyKind::Html
    }

    fn append(&mut self, leaf: &Leaf) {
        let text = String::from_utf8_lossy(&leaf.bytes);
        let is_plain = leaf.mimetype == "text/plain";
        if self.body_kind == BodyKind::Empty && (is_plain || !is_blank(&text)) {
            self.body_kind = if is_plain {
                BodyKind::Pre
            } else {
                BodyKind::Html
            };
        }
        if is_plain {
            // Control characters other than white space cannot be stored in HTML.
            let clean: String = text
                .chars()
                .filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
                .collect();
            self.body_html.push_str(&text_to_html(&clean));
            self.body_html.push('\n');
        } else {
            if !self.body_html.is_empty() && !self.body_html.ends_with('\n') {
                self.body_html.push('\n');
            }
            self.body_html.push_str(&text.replace('\0', " "));
        }
    }
}

impl Leaf {
    /// A mail without anything in it is an empty text.
    fn nothing() -> Self {
        Leaf {
            mimetype: "text/plain".to_owned(),
            name: None,
            is_attachment: false,
            in_alternative: false,
            in_mixed: false,
            charset: None,
            cid: None,
            bytes: Vec::new(),
        }
    }

    fn is_text(&self) -> bool {
        matches!(self.mimetype.as_str(), "text/plain" | "text/html")
    }

    fn to_attachment(&self) -> Attachment {
        Attachment {
            name: self
                .name
                .clone()
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| UNNAMED.to_owned()),
            mimetype: self.mimetype.clone(),
            bytes: self.bytes.clone(),
            cid: self.cid.clone(),
            charset: self.charset.clone(),
        }
    }
}

/// The media type, and whether it was declared intelligibly: `text/plain` stands in where it was not.
fn media_type(part: &MessagePart<'_>) -> (String, bool) {
    let declared = part.content_type().and_then(|value| {
        let subtype = value.subtype()?;
        Some(format!("{}/{subtype}", value.ctype()).to_ascii_lowercase())
    });
    match declared {
        Some(mimetype) => (mimetype, true),
        None => match part.body {
            PartType::Message(_) => ("message/rfc822".to_owned(), false),
            PartType::Multipart(_) => ("multipart/mixed".to_owned(), false),
            _ => ("text/plain".to_owned(), false),
        },
    }
}

fn content<'x>(message: &'x Message<'_>, part: &'x MessagePart<'_>) -> Cow<'x, [u8]> {
    if let Some(bytes) = unpadded(message, part) {
        return Cow::Owned(bytes);
    }
    match &part.body {
        PartType::Text(text) | PartType::Html(text) => {
            let wants_ascii = part
                .content_type()
                .and_then(|value| value.attribute("charset"))
                .is_some_and(|charset| charset.eq_ignore_ascii_case("us-ascii"));
            if wants_ascii && part.encoding == Encoding::None {
                // The decoder reads ASCII as Windows-1252, which would invent letters.
                return Cow::Borrowed(raw_body(message, part));
            }
            Cow::Borrowed(text.as_bytes())
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => Cow::Borrowed(bytes.as_ref()),
        PartType::Message(nested) if part.encoding != Encoding::None => {
            Cow::Borrowed(nested.raw_message.as_ref())
        }
        PartType::Message(_) | PartType::Multipart(_) => Cow::Borrowed(raw_body(message, part)),
    }
}

/// The content of a part in base64 that lacks its padding, of which the decoder would drop the end.
fn unpadded(message: &Message<'_>, part: &MessagePart<'_>) -> Option<Vec<u8>> {
    if part.encoding != Encoding::Base64 || matches!(part.body, PartType::Multipart(_)) {
        return None;
    }
    let raw = raw_body(message, part);
    let digits = raw.iter().filter(|b| !b.is_ascii_whitespace()).count();
    if digits % 4 == 0 {
        return None;
    }
    let bytes = super::header::decode_base64(&String::from_utf8_lossy(raw))?;
    if !matches!(part.body, PartType::Text(_) | PartType::Html(_)) {
        return Some(bytes);
    }
    let charset = part
        .content_type()
        .and_then(|value| value.attribute("charset"))
        .unwrap_or_default();
    Some(super::header::decode_charset(&bytes, charset).into_bytes())
}

fn raw_body<'x>(message: &'x Message<'_>, part: &MessagePart<'_>) -> &'x [u8] {
    message
        .raw_message
        .get(part.offset_body as usize..part.offset_end as usize)
        .unwrap_or_default()
}

/// Drops a message from the outside in. Left to itself it would be dropped by recursion, and a mail of a
/// few hundred kilobytes can hold enough messages inside messages to exhaust the stack.
fn dismantle(message: Message<'_>) {
    let mut pending = vec![message];
    while let Some(mut message) = pending.pop() {
        for part in &mut message.parts {
            if let PartType::Message(nested) = std::mem::take(&mut part.body) {
                pending.push(nested);
            }
        }
    }
}
