//! Where a browser is sent next, and never to a stranger.

use actix_web::HttpResponse;
use actix_web::http::header;
use url::form_urlencoded::byte_serialize;
use url::{Host, Url};

/// Where one lands when no better place is known.
pub const HOME: &str = "/odoo";

/// Sends the browser on by GET. Odoo's redirects are of type text/html, which clients look at.
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .finish()
}

/// The sign-in page that leads back to `path` with `query` afterwards. The `?` is written also
/// when there is no query, as Odoo writes it.
pub fn sign_in_location(path: &str, query: &str) -> String {
    let target = format!("{path}?{query}");
    let encoded: String = byte_serialize(target.as_bytes()).collect();
    format!("/web/login?redirect={encoded}")
}

/// The place that a `redirect` parameter names, or [`HOME`] for anything that could lead to
/// another site.
///
/// Browsers read `//host`, `/\host` and, since they drop tabs and line ends, even `/<tab>/host`
/// as another site, so only a path with a single slash and no such characters goes through.
pub fn local_target(given: &str) -> &str {
    if is_local(given) { given } else { HOME }
}

fn is_local(given: &str) -> bool {
    let second = given.as_bytes().get(1);
    if !given.starts_with('/') || matches!(second, Some(b'/' | b'\\')) {
        return false;
    }
    if given.chars().any(|c| c.is_control() || c == '\\') || !given.is_ascii() {
        return false;
    }
    // The check that does not depend on knowing every trick: read as a browser reads it, the
    // target stays on the site it is met on.
    let stays = |base: &str| {
        Url::parse(base)
            .and_then(|base| base.join(given))
            .is_ok_and(|url| {
                url.host() == Some(Host::Domain("here.invalid")) && !url.path().starts_with("//")
            })
    };
    stays("http://here.invalid/web/login") && stays("https://here.invalid/web/login")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_site_are_kept() {
        for target in [
            "/",
            "/odoo",
            "/odoo?",
            "/odoo/ir.mail_server/7?done=saved",
            "/microsoft_outlook/confirm?code=a%2Fb&state=%7B%22id%22%3A1%7D",
            "/odoo?redirect=//elsewhere.example",
        ] {
            assert_eq!(local_target(target), target);
        }
    }

    #[test]
    fn whatever_could_lead_to_another_site_leads_home() {
        for target in [
            "",
            "odoo",
            "//elsewhere.example",
            "///elsewhere.example",
            "/\\elsewhere.example",
            "\\\\elsewhere.example",
            "/\t/elsewhere.example",
            "/\n/elsewhere.example",
            "\t//elsewhere.example",
            " //elsewhere.example",
            "/.//elsewhere.example",
            "/x/..//elsewhere.example",
            "/odoo\r\nSet-Cookie: a=b",
            "https://elsewhere.example/",
            "https:elsewhere.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/odoo\u{2028}",
            "?x",
            "#x",
        ] {
            assert_eq!(local_target(target), HOME, "{target:?}");
        }
    }

    #[test]
    fn the_sign_in_page_is_told_the_way_back_as_odoo_tells_it() {
        assert_eq!(
            sign_in_location("/odoo", ""),
            "/web/login?redirect=%2Fodoo%3F"
        );
        assert_eq!(
            sign_in_location("/odoo/mail.mail", "state=sent&page=2"),
            "/web/login?redirect=%2Fodoo%2Fmail.mail%3Fstate%3Dsent%26page%3D2"
        );
    }
}
