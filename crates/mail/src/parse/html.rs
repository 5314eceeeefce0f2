//! HTML from outside made safe to store and to show.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::Builder;

/// What mail needs beyond the defaults of the sanitiser: layout tables with their old attributes.
static SANITIZER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .add_tags(["font", "center", "section", "header", "footer"])
        .add_generic_attributes([
            "style", "class", "align", "valign", "width", "height", "bgcolor", "color", "border",
            "dir",
        ])
        .add_tag_attributes("table", ["cellpadding", "cellspacing"])
        .add_tag_attributes("font", ["face", "size"])
        .add_tag_attributes("img", ["src", "alt", "data-filename"])
        // `cid:` names an image that came with the message; it is resolved when the mail is shown.
        .add_url_schemes(["cid"])
        .filter_style_properties(HashSet::from([
            "background-color",
            "border",
            "border-collapse",
            "border-left",
            "color",
            "display",
            "font-family",
            "font-size",
            "font-style",
            "font-weight",
            "height",
            "line-height",
            "margin",
            "margin-left",
            "padding",
            "padding-left",
            "text-align",
            "text-decoration",
            "vertical-align",
            "white-space",
            "width",
        ]));
    builder
});

/// `html` without anything that could run, load frames, submit forms or restyle the page around it. The
/// result is well-formed: every element is closed.
#[must_use]
pub fn sanitize_html(html: &str) -> String {
    SANITIZER.clean(html).to_string()
}

/// Plain text as HTML that looks the same: in a `<pre>`, with everything escaped.
#[must_use]
pub fn text_to_html(text: &str) -> String {
    format!("<pre>{}</pre>", escape_html(text))
}

/// Text for use between tags or in a quoted attribute.
#[must_use]
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
