//! The stylesheet, the script and the icon, served from the binary.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header;

const CSS: &str = include_str!("../static/postern.css");

/// What pages do beyond showing: keep figures up to date, and copy. They work without it.
const SCRIPT: &str = include_str!("../static/postern.js");

/// A door in the wall, for the browser's tabs.
const ICON: &str = include_str!("../static/postern.svg");

/// The path the script is served under.
pub const SCRIPT_PATH: &str = "/web/static/postern.js";

/// The path of the icon. Browsers ask for one in any case.
pub const ICON_PATH: &str = "/web/static/postern.svg";

/// The path the stylesheet is served under.
pub const PATH: &str = "/web/static/postern.css";

/// The path with a mark of the content, so that a browser may keep it until it changes.
static ADDRESS: LazyLock<String> = LazyLock::new(|| format!("{PATH}?v={:016x}", fnv1a(CSS)));

static SCRIPT_ADDRESS: LazyLock<String> =
    LazyLock::new(|| format!("{SCRIPT_PATH}?v={:016x}", fnv1a(SCRIPT)));

/// What pages link to.
pub fn address() -> &'static str {
    &ADDRESS
}

/// Where pages have their script from.
pub fn script_address() -> &'static str {
    &SCRIPT_ADDRESS
}

/// Answers with the stylesheet.
pub async fn serve() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(CSS)
}

/// Answers with the script.
pub async fn serve_script() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(SCRIPT)
}

/// Answers with the icon.
pub async fn serve_icon() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "image/svg+xml"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .body(ICON)
}

/// The 64-bit FNV-1a hash: short, and the same in every build.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_fnv_1a() {
        // From the test vectors of draft-eastlake-fnv.
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_stylesheet_asks_for_nothing_from_elsewhere() {
        assert!(!CSS.contains("url(") && !CSS.contains("@import"));
    }
}
