//! The language of a browser; what is said in it stands in the crate `words`.

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptLanguage, Header as _, Preference};

pub use words::Lang;

/// The language that the browser asks for first among those that the pages speak.
pub fn of_browser(request: &HttpRequest) -> Lang {
    let Ok(asked) = AcceptLanguage::parse(request) else {
        return Lang::default();
    };
    let asked = asked.ranked();
    Lang::first_of(asked.iter().filter_map(|preference| match preference {
        Preference::Specific(tag) => Some(tag.as_str()),
        Preference::Any => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::ACCEPT_LANGUAGE;
    use actix_web::test::TestRequest;

    #[test]
    fn the_browser_is_heard_in_the_order_of_its_wishes() {
        for (asked, expected) in [
            ("vi", Lang::Vietnamese),
            ("fr, zh-TW;q=0.8, en;q=0.9", Lang::English),
            ("fr, zh-Hans-CN;q=0.8, vi;q=0.1", Lang::Chinese),
            ("*", Lang::English),
            ("fr", Lang::English),
            ("not a language;;", Lang::English),
        ] {
            let request = TestRequest::get()
                .insert_header((ACCEPT_LANGUAGE, asked))
                .to_http_request();
            assert_eq!(of_browser(&request), expected, "{asked}");
        }
        let request = TestRequest::get().to_http_request();
        assert_eq!(of_browser(&request), Lang::English);
    }
}
