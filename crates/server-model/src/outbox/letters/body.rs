//! The HTML of a mail as it goes out.

use mail::parse::escape_html;
use mail::text::is_html_empty;

use super::Draft;

/// A file to fetch instead of one that comes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The name of the file.
    pub name: String,
    /// Where to fetch it.
    pub url: String,
}

/// The HTML that the letters of a mail have.
///
/// Odoo's layouts mark a place for a link by which somebody who works here stops following the record. There is no page
/// behind such a link here, so the place is taken out.
pub(super) fn html(draft: &Draft) -> String {
    let html = match draft.mail.body_html.as_deref() {
        Some(html) if !html.is_empty() => html,
        _ => draft.message.body.as_deref().unwrap_or_default(),
    };
    // Tags without a word between them are no text.
    let html = if is_html_empty(html) { "" } else { html };
    without_unfollow(html, links(&draft.links))
}

fn links(links: &[Link]) -> String {
    if links.is_empty() {
        return String::new();
    }
    let items: String = links
        .iter()
        .map(|link| {
            format!(
                "<li><a href=\"{}\">{}</a></li>",
                escape_html(&link.url),
                escape_html(&link.name)
            )
        })
        .collect();
    format!("<p>Files to download:</p><ul>{items}</ul>")
}

/// The HTML without the elements that are marked as the place to stop following (`<span id="mail_unfollow">`), and what
/// follows it.
fn without_unfollow(html: &str, end: String) -> String {
    let mut kept = String::with_capacity(html.len() + end.len());
    let mut rest = html;
    while let Some((before, after)) = next_marked(rest) {
        kept.push_str(before);
        rest = behind_span(after);
    }
    kept.push_str(rest);
    kept.push_str(&end);
    kept
}

/// What stands before the next marked span, and what follows its opening tag.
fn next_marked(html: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(at) = html.get(from..)?.find("<span").map(|at| at + from) {
        let end = html.get(at..)?.find('>').map(|end| at + end + 1)?;
        let tag = html.get(at..end)?;
        if tag.contains("mail_unfollow") {
            return Some((html.get(..at)?, html.get(end..)?));
        }
        from = end;
    }
    None
}

/// What follows the end of a span whose opening tag was read; nothing when it never ends.
fn behind_span(html: &str) -> &str {
    let mut depth = 1;
    let mut rest = html;
    while depth > 0 {
        let opening = rest.find("<span");
        let Some(closing) = rest.find("</span") else {
            return "";
        };
        match opening.filter(|opening| *opening < closing) {
            Some(opening) => {
                depth += 1;
                rest = rest.get(opening + "<span".len()..).unwrap_or_default();
            }
            None => {
                depth -= 1;
                rest = rest.get(closing..).unwrap_or_default();
                rest = rest.split_once('>').map_or("", |(_, after)| after);
            }
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_to_stop_following_is_taken_out_with_all_that_is_in_it() {
        let html = "<p>a</p><span class=\"x\">b</span><span style=\"\" id=\"mail_unfollow\"> | <span>c</span><a href=\"/mail/unfollow\">d</a></span><p>e</p>";
        assert_eq!(
            without_unfollow(html, String::new()),
            "<p>a</p><span class=\"x\">b</span><p>e</p>"
        );
        assert_eq!(without_unfollow("<p>a</p>", "<ul>".into()), "<p>a</p><ul>");
        assert_eq!(
            without_unfollow("a<span id=mail_unfollow>b", String::new()),
            "a"
        );
        assert_eq!(without_unfollow("a<span", String::new()), "a<span");
    }

    #[test]
    fn names_of_files_cannot_write_html() {
        let link = Link {
            name: "<b>\"x\"".into(),
            url: "https://corp.example/\"><script>".into(),
        };
        let html = links(&[link]);
        assert!(
            !html.contains("<b>") && !html.contains("<script>"),
            "{html}"
        );
    }
}
