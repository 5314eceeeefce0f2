//! Where a provider sends the browser back to after a sign-in: `/microsoft_outlook/confirm` and
//! `/google_gmail/confirm`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use server_model::backend::Backend;
use server_model::oauth_flow::{self, ConfirmError, ConfirmQuery, Confirmed, Service};
use tracing::Instrument;
use url::form_urlencoded;
use words::Lang;

use crate::caller;
use crate::error::Error;
use crate::fault::{Fault, span};
use crate::page;

/// The callback of Microsoft.
pub async fn microsoft(request: HttpRequest, backend: web::Data<Backend>) -> HttpResponse {
    confirm(request, backend, Service::Outlook).await
}

/// The callback of Google.
pub async fn google(request: HttpRequest, backend: web::Data<Backend>) -> HttpResponse {
    confirm(request, backend, Service::Gmail).await
}

/// The callback by another verb than GET. Odoo answers a POST like any form without its token.
pub async fn not_by_get(request: HttpRequest) -> HttpResponse {
    let lang = page::browser_lang(&request);
    let title = lang.say("wire-bad-request");
    let why = lang.say("confirm-by-get");
    page::page(lang, StatusCode::BAD_REQUEST, &title, &[&why], None)
}

async fn confirm(
    request: HttpRequest,
    backend: web::Data<Backend>,
    service: Service,
) -> HttpResponse {
    let span = span(request.path());
    answer(&request, &backend, service).instrument(span).await
}

async fn answer(
    request: &HttpRequest,
    backend: &web::Data<Backend>,
    service: Service,
) -> HttpResponse {
    let browser = page::browser_lang(request);
    let caller = match caller::signed_in(request, backend).await {
        Ok(Some(caller)) => caller,
        Ok(None) => return page::redirect(&login_address(request)),
        Err(error) => return Fault::tell(&error.for_reader(browser)).page(browser),
    };
    let query = read_query(request.query_string());
    match oauth_flow::confirm(&caller, service, &query).await {
        Ok(confirmed) => page::redirect(&record_address(&confirmed)),
        Err(error) => refusal(caller.reader_at(browser).await.unwrap_or(browser), error),
    }
}

fn refusal(lang: Lang, error: ConfirmError) -> HttpResponse {
    let title = lang.say("confirm-refused");
    match error {
        ConfirmError::Forbidden(why) => page::page(
            lang,
            StatusCode::FORBIDDEN,
            &title,
            &[&why.in_lang(lang)],
            None,
        ),
        ConfirmError::BadState(why) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            page::page(lang, status, &title, &[&why.in_lang(lang)], None)
        }
        ConfirmError::Provider {
            what,
            description,
            record,
        } => {
            let what = what.in_lang(lang);
            let mut paragraphs = vec![what.as_str()];
            let words = description.filter(|words| !what.contains(words.as_str()));
            let words = words.map(|words| lang.with("confirm-providers-words", "words", words));
            paragraphs.extend(words.as_deref());
            let back = record.as_ref().map(record_address);
            let back = back.as_deref().unwrap_or("/odoo");
            let text = lang.say("confirm-back");
            page::page(
                lang,
                StatusCode::OK,
                &title,
                &paragraphs,
                Some((back, &text)),
            )
        }
        ConfirmError::Failed(error) => {
            Fault::tell(&Error::Model(error.for_reader(lang))).page(lang)
        }
    }
}

/// The sign-in page, which comes back here with the provider's answer still in the address.
fn login_address(request: &HttpRequest) -> String {
    let here = match request.query_string() {
        "" => request.path().to_owned(),
        query => format!("{}?{query}", request.path()),
    };
    let redirect: String = form_urlencoded::byte_serialize(here.as_bytes()).collect();
    format!("/web/login?redirect={redirect}")
}

fn record_address(record: &Confirmed) -> String {
    if record.by_owner {
        return "/odoo/my-mailboxes".into();
    }
    let model: String = form_urlencoded::byte_serialize(record.model.as_bytes()).collect();
    format!("/odoo/{model}/{}", record.id)
}

fn read_query(query: &str) -> ConfirmQuery {
    let mut read = ConfirmQuery::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = match name.as_ref() {
            "code" => &mut read.code,
            "state" => &mut read.state,
            "error" => &mut read.error,
            "error_description" => &mut read.error_description,
            _ => continue,
        };
        // Of parameters given twice the first counts, as in Odoo.
        place.get_or_insert(value.into_owned());
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use words::Text;

    #[test]
    fn without_a_session_the_answer_of_the_provider_survives_the_sign_in() {
        let request = TestRequest::get()
            .uri("/microsoft_outlook/confirm?code=c%20d&state=%7B%7D")
            .to_http_request();
        assert_eq!(
            login_address(&request),
            "/web/login?redirect=%2Fmicrosoft_outlook%2Fconfirm%3Fcode%3Dc%2520d%26state%3D%257B%257D"
        );
    }

    fn record(model: &str, id: i32) -> Confirmed {
        Confirmed {
            model: model.into(),
            id,
            by_owner: false,
        }
    }

    #[test]
    fn the_address_of_a_record_is_odoos() {
        assert_eq!(
            record_address(&record("ir.mail_server", 7)),
            "/odoo/ir.mail_server/7"
        );
        assert_eq!(
            record_address(&record("x/../y\"", 7)),
            "/odoo/x%2F..%2Fy%22/7"
        );
        let own = Confirmed {
            by_owner: true,
            ..record("ir.mail_server", 7)
        };
        assert_eq!(record_address(&own), "/odoo/my-mailboxes");
    }

    #[test]
    fn of_parameters_given_twice_the_first_counts() {
        let query = read_query("code=a+b&code=c&x=y&error_description=%3Cb%3E");
        assert_eq!(query.code.as_deref(), Some("a b"));
        assert_eq!(query.error_description.as_deref(), Some("<b>"));
        assert_eq!((query.state, query.error), (None, None));
    }

    #[actix_web::test]
    async fn a_provider_error_is_shown_escaped_with_a_way_back() {
        let answer = refusal(
            Lang::English,
            ConfirmError::Provider {
                what: Text::quote("Consent was <refused>. Try again."),
                description: Some("<b>no</b> & more".into()),
                record: Some(record("ir.mail_server", 7)),
            },
        );
        assert_eq!(answer.status(), StatusCode::OK);
        let body = actix_web::body::to_bytes(answer.into_body())
            .await
            .unwrap_or_else(|_| panic!("a body in memory"));
        let html = String::from_utf8_lossy(&body);
        assert!(
            html.contains("Consent was &lt;refused&gt;. Try again."),
            "{html}"
        );
        assert!(html.contains("&lt;b&gt;no&lt;/b&gt; &amp; more"), "{html}");
        assert!(html.contains("href=\"/odoo/ir.mail_server/7\""), "{html}");
    }

    #[test]
    fn every_refusal_has_its_status() {
        let status = |error| refusal(Lang::English, error).status().as_u16();
        assert_eq!(status(ConfirmError::Forbidden(Text::quote("x"))), 403);
        assert_eq!(status(ConfirmError::BadState(Text::quote("x"))), 500);
        let failed = server_model::error::Error::Internal("x".into());
        assert_eq!(status(ConfirmError::Failed(failed)), 500);
    }
}
