//! The few HTML pages that the wire answers with itself: refusals and the end of a sign-in.

use actix_web::http::header::{AcceptLanguage, Header as _, Preference};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use words::Lang;

/// The look of the pages. Its hash stands in [`POLICY`]; a test keeps the two together.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color:#1f2933}h1{font-size:1.4rem}a{color:#0b5cad}";

/// Nothing may be loaded, run, framed or submitted; only the style above applies.
const POLICY: &str = "default-src 'none'; style-src 'sha256-whS1njjpopmSEJkhAfxqU4rs9qRmTpgQ5hjCBrdqRYc='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The language that the browser asks for first among those that are spoken here.
pub fn browser_lang(request: &HttpRequest) -> Lang {
    let asked = AcceptLanguage::parse(request).map(|asked| asked.ranked());
    let asked = asked.unwrap_or_default();
    Lang::first_of(asked.iter().filter_map(|preference| match preference {
        Preference::Specific(tag) => Some(tag.as_str()),
        Preference::Any => None,
    }))
}

/// A page with a heading, paragraphs and at most one link, as `(address, text)`. Everything is
/// escaped here, so callers pass plain text.
pub fn page(
    lang: Lang,
    status: StatusCode,
    title: &str,
    paragraphs: &[&str],
    link: Option<(&str, &str)>,
) -> HttpResponse {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n",
        title = escape(title),
        lang = lang.tag()
    );
    for paragraph in paragraphs {
        html.push_str("<p>");
        html.push_str(&escape(paragraph));
        html.push_str("</p>\n");
    }
    if let Some((address, text)) = link {
        html.push_str(&format!(
            "<p><a href=\"{}\">{}</a></p>\n",
            escape(address),
            escape(text)
        ));
    }
    html.push_str("</body>\n</html>\n");
    guarded(status).body(html)
}

/// A page with one sentence in English, for programs and those who write them.
pub fn plain(status: StatusCode, title: &str, message: &str) -> HttpResponse {
    page(Lang::English, status, title, &[message], None)
}

/// The answer to what cannot be read.
pub fn bad_request(message: &str) -> HttpResponse {
    plain(StatusCode::BAD_REQUEST, "Bad request", message)
}

/// Sends the browser on by GET. Odoo's redirects have a body of text/html, which clients see.
pub fn redirect(location: &str) -> HttpResponse {
    let mut response = guarded(StatusCode::SEE_OTHER);
    response.insert_header((header::LOCATION, location));
    response.body(format!(
        "<!DOCTYPE html>\n<title>Moved</title>\n<p>Go on to <a href=\"{0}\">{0}</a>.</p>\n",
        escape(location)
    ))
}

fn guarded(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// Text as it may stand in HTML, between tags and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest;
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    fn header_of(answer: &HttpResponse, name: header::HeaderName) -> &str {
        let value = answer.headers().get(name).expect("the header");
        value.to_str().expect("plain text")
    }

    #[test]
    fn the_policy_allows_exactly_the_style_of_the_pages() {
        let hash = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
        assert!(
            POLICY.contains(&format!("style-src 'sha256-{hash}';")),
            "the hash is {hash}"
        );
    }

    #[actix_web::test]
    async fn texts_and_links_are_escaped() {
        let answer = page(
            Lang::English,
            StatusCode::OK,
            "<script>",
            &["a & b"],
            Some(("/odoo/\"><b>", "it's")),
        );
        assert_eq!(header_of(&answer, header::CACHE_CONTROL), "no-store");
        let body = actix_web::body::to_bytes(answer.into_body())
            .await
            .unwrap_or_else(|_| panic!("a body in memory"));
        let html = String::from_utf8_lossy(&body);
        assert!(html.contains("<h1>&lt;script&gt;</h1>"), "{html}");
        assert!(html.contains("<p>a &amp; b</p>"), "{html}");
        assert!(
            html.contains("<a href=\"/odoo/&quot;&gt;&lt;b&gt;\">it&#39;s</a>"),
            "{html}"
        );
    }

    #[test]
    fn a_redirect_is_a_page_too() {
        let answer = redirect("/odoo");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(header_of(&answer, header::LOCATION), "/odoo");
        assert_eq!(
            header_of(&answer, header::CONTENT_TYPE),
            "text/html; charset=utf-8"
        );
    }
}
