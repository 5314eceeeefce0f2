//! Refusals as providers word them, and what is made of them.

use super::*;
use crate::oauth::atlas::Cause;

const RECONNECT: ErrorClass = ErrorClass::Permanent(Cause::Reconnect);
const CONFIGURATION: ErrorClass = ErrorClass::Permanent(Cause::Configuration);
const TRANSIENT: ErrorClass = ErrorClass::Transient;

fn refusal(status: u16, body: &str) -> ProviderError {
    refusal_with_secrets(status, body, &[])
}

fn refusal_with_secrets(status: u16, body: &str, secrets: &[&str]) -> ProviderError {
    let answer = Answer {
        status,
        retry_after: None,
        body: Some(body.as_bytes().to_vec()),
    };
    ProviderError::from_answer(&answer, &Scrubber::new(secrets.iter().copied()))
}

/// An error body in the shape Microsoft's token endpoint has.
fn microsoft(word: &str, number: u32) -> String {
    format!(
        r#"{{"error": "{word}", "error_description": "AADSTS{number}: Some explanation.\r\nTrace ID: 0a",
            "error_codes": [{number}], "timestamp": "2026-01-02 03:04:05Z",
            "trace_id": "aaaa-1", "correlation_id": "bbbb-2", "suberror": "bad_token",
            "error_uri": "https://login.x.test/error?code={number}"}}"#
    )
}

#[test]
fn an_answer_in_microsofts_shape_is_read_whole() {
    let error = refusal(401, &microsoft("invalid_client", 7000222));
    assert_eq!(error.code, "oauth.secret_expired");
    assert_eq!(error.word.as_deref(), Some("invalid_client"));
    assert_eq!(error.status, Some(401));
    assert_eq!(error.class, CONFIGURATION);
    assert_eq!(error.aadsts, Some(7000222));
    assert_eq!(error.suberror.as_deref(), Some("bad_token"));
    assert_eq!(error.correlation_id.as_deref(), Some("bbbb-2"));
    assert_eq!(error.trace_id.as_deref(), Some("aaaa-1"));
    let description = error.description.as_deref();
    assert_eq!(
        description,
        Some("AADSTS7000222: Some explanation. Trace ID: 0a")
    );
    let shown = error.to_string();
    assert!(
        shown.contains("has expired") && shown.contains("Certificates & secrets"),
        "{shown}"
    );
    let marks = "[oauth.secret_expired, AADSTS7000222, correlation id bbbb-2]";
    assert!(shown.ends_with(marks), "{shown}");
}

#[test]
fn every_number_of_the_table_has_its_class() {
    let classes: [(ErrorClass, &[u32]); 3] = [
        (
            CONFIGURATION,
            &[
                50194, 9002332, 9001023, 90130, 90002, 700016, 700011, 90038, 7000222, 7000215,
                70002, 7000218, 700025, 50011, 500112, 90094, 90095, 650056, 650057, 70011, 28002,
                700022, 500011, 650052, 53003, 53000, 530032, 530035, 50105, 7000112, 70001, 50057,
            ],
        ),
        (
            RECONNECT,
            &[
                65001, 65004, 700082, 70008, 50173, 70043, 50089, 50076, 50079, 50078, 50074,
                50020, 50034, 500208, 54005, 501481, 700005,
            ],
        ),
        (TRANSIENT, &[50196, 50033, 90006, 90024, 90033, 90055]),
    ];
    for (class, numbers) in classes {
        for number in numbers {
            let error = refusal(400, &microsoft("invalid_grant", *number));
            assert_eq!(error.class, class, "{number}");
            assert_eq!(error.aadsts, Some(*number));
            let named = atlas::by_aadsts(*number).map(|entry| entry.code);
            assert_eq!(Some(error.code), named);
        }
    }
}

#[test]
fn an_unknown_number_falls_back_on_the_error_word() {
    let error = refusal(400, &microsoft("invalid_grant", 99999999));
    assert_eq!(
        (error.code, error.class, error.aadsts),
        ("oauth.grant_refused", RECONNECT, Some(99999999))
    );
    let error = refusal(400, &microsoft("invalid_client", 99999999));
    assert_eq!(
        (error.code, error.class, error.aadsts),
        ("oauth.client_refused", CONFIGURATION, Some(99999999))
    );
}

#[test]
fn of_several_numbers_the_first_known_one_counts() {
    let body = r#"{"error": "invalid_client", "error_codes": [1, 7000215, -3, "x"]}"#;
    let error = refusal(401, body);
    assert_eq!(error.code, "oauth.secret_wrong");
    assert_eq!(error.aadsts, Some(7000215));
}

#[test]
fn the_number_is_taken_from_the_description_if_it_is_nowhere_else() {
    let body =
        r#"{"error": "invalid_request", "error_description": "AADSTS50011: Not registered"}"#;
    assert_eq!(refusal(400, body).code, "oauth.redirect_unregistered");
    for (text, number) in [
        ("AADSTS50011", Some(50011)),
        (" AADSTS7: x", Some(7)),
        ("AADSTS: x", None),
        ("see AADSTS7", None),
        ("AADSTS99999999999: x", None),
    ] {
        assert_eq!(aadsts_number(text), number, "{text}");
    }
}

#[test]
fn words_of_the_standards_and_of_google_have_their_class() {
    for (word, code, class) in [
        ("invalid_grant", "grant_refused", RECONNECT),
        ("access_denied", "access_denied", RECONNECT),
        ("interaction_required", "sign_in_needed", RECONNECT),
        ("invalid_client", "client_refused", CONFIGURATION),
        ("unauthorized_client", "client_refused", CONFIGURATION),
        ("invalid_scope", "scope_refused", CONFIGURATION),
        (
            "redirect_uri_mismatch",
            "redirect_unregistered",
            CONFIGURATION,
        ),
        ("temporarily_unavailable", "unavailable", TRANSIENT),
        ("server_error", "unavailable", TRANSIENT),
        ("slow_down", "slow_down", TRANSIENT),
        ("something_new", "refused", CONFIGURATION),
    ] {
        let error = refusal(400, &format!(r#"{{"error": "{word}"}}"#));
        let shown = error.to_string();
        assert!(
            shown.ends_with(&format!("[oauth.{code}, {word}]")),
            "{shown}"
        );
        assert_eq!(error.class, class, "{word}");
    }
}

#[test]
fn a_status_that_says_later_is_believed_before_the_body() {
    for status in [408, 425, 429, 500, 502, 503, 504, 529] {
        let error = refusal(status, &microsoft("invalid_client", 7000215));
        let code = match status {
            429 => "oauth.slow_down",
            _ => "oauth.unavailable",
        };
        assert_eq!(
            (error.code, error.class, error.status),
            (code, TRANSIENT, Some(status))
        );
        assert_eq!(error.aadsts, Some(7000215));
    }
    let error = refusal(503, &microsoft("temporarily_unavailable", 90033));
    assert_eq!((error.code, error.class), ("oauth.unavailable", TRANSIENT));
}

#[test]
fn statuses_alone_have_their_class() {
    for (status, code, class) in [
        (302, "redirected", CONFIGURATION),
        (400, "refused", CONFIGURATION),
        (401, "refused", CONFIGURATION),
        (404, "refused", CONFIGURATION),
        (429, "slow_down", TRANSIENT),
        (500, "unavailable", TRANSIENT),
    ] {
        let error = refusal(status, "");
        let shown = error.to_string();
        let marks = format!("[oauth.{code}, HTTP {status}]");
        assert!(shown.ends_with(&marks), "{shown}");
        assert_eq!(error.class, class, "{status}");
        assert_eq!(error.description, None);
    }
    let too_long = Answer {
        status: 503,
        retry_after: None,
        body: None,
    };
    let error = ProviderError::from_answer(&too_long, &Scrubber::new([]));
    assert_eq!((error.code, error.class), ("oauth.unavailable", TRANSIENT));
}

#[test]
fn a_description_without_an_error_word_is_kept() {
    let error = refusal(400, r#"{"error_description": "no code <1>"}"#);
    assert_eq!(error.code, "oauth.refused");
    assert_eq!(error.description.as_deref(), Some("no code <1>"));
}

#[test]
fn plain_text_is_kept_but_neither_markup_nor_broken_json() {
    let described = |body: &str| refusal(500, body).description;
    assert_eq!(described(" boom\n").as_deref(), Some("boom"));
    assert_eq!(described("<html>boom"), None);
    assert_eq!(described(r#"{"access_token": "hunter2"#), None);
    assert_eq!(described(&"x".repeat(201)), None);
    let binary = Answer {
        status: 500,
        retry_after: None,
        body: Some(vec![0xff, 0xfe]),
    };
    assert_eq!(
        ProviderError::from_answer(&binary, &Scrubber::new([])).description,
        None
    );
}

#[test]
fn the_nested_error_object_and_wrong_types_are_understood() {
    let error = refusal(
        403,
        r#"{"error": {"code": "invalid_grant", "message": "gone"}}"#,
    );
    assert_eq!(error.code, "oauth.grant_refused");
    assert_eq!(error.description.as_deref(), Some("gone"));
    let error = refusal(
        400,
        r#"{"error": 5, "error_description": [], "error_codes": "x"}"#,
    );
    assert_eq!((error.code, error.description), ("oauth.refused", None));
    assert_eq!(refusal(400, "[]").code, "oauth.refused");
    assert_eq!(refusal(400, "null").code, "oauth.refused");
}

#[test]
fn our_secrets_are_masked_wherever_the_provider_quotes_them() {
    let body = r#"{"error": "bad-hunter2-secret", "suberror": "hunter2-secret",
        "error_description": "secret 'hunter2-secret' and token 'rt-hunter3'",
        "correlation_id": "rt-hunter3", "trace_id": "hunter2-secret"}"#;
    let error = refusal_with_secrets(400, body, &["hunter2-secret", "rt-hunter3"]);
    let everything = format!("{error} {error:?}");
    assert!(!everything.contains("hunter"), "{everything}");
    assert_eq!(
        error.description.as_deref(),
        Some("secret '***' and token '***'")
    );
    let error = refusal_with_secrets(500, "bad hunter2-secret", &["hunter2-secret"]);
    assert_eq!(error.description.as_deref(), Some("bad ***"));
}

#[test]
fn foreign_text_is_bounded_and_on_one_line() {
    let long = "é".repeat(5000);
    let body = format!(r#"{{"error": "a b\r\n<c>{long}", "error_description": "{long}"}}"#);
    let error = refusal(400, &body);
    assert_eq!(error.code, "oauth.refused");
    assert_eq!(error.word.as_deref(), Some("abc"));
    assert_eq!(
        error.description.map(|text| text.chars().count()),
        Some(2000)
    );
    let error = refusal(
        400,
        r#"{"error": "\n", "error_description": "\u0000\n a\u0007b \n"}"#,
    );
    assert_eq!(
        (error.code, error.description.as_deref()),
        ("oauth.refused", Some("a b"))
    );
}

#[test]
fn what_comes_back_with_the_browser_is_judged_by_the_same_atlas() {
    let text = "AADSTS65004: The user said no.\r\nTrace ID: 1";
    let error = ProviderError::from_callback(Some("access_denied"), Some(text));
    assert_eq!(
        (error.code, error.class),
        ("oauth.consent_declined", RECONNECT)
    );
    assert_eq!(
        error.description.as_deref(),
        Some("AADSTS65004: The user said no. Trace ID: 1")
    );
    let error = ProviderError::from_callback(Some("access_denied"), None);
    assert_eq!(
        (error.code, error.class),
        ("oauth.access_denied", RECONNECT)
    );
    let error = ProviderError::from_callback(None, Some("why"));
    assert_eq!((error.code, error.class), ("oauth.unknown", RECONNECT));
    assert_eq!(error.description.as_deref(), Some("why"));
    let error = ProviderError::from_callback(Some("temporarily_unavailable"), None);
    assert!(error.is_transient());
}

#[test]
fn an_error_with_status_200_is_an_error_and_tokens_in_broken_answers_are_not_kept() {
    let scrubber = Scrubber::new([]);
    let error = ProviderError::from_unreadable(br#"{"error": "invalid_grant"}"#, &scrubber);
    assert_eq!(
        (error.code, error.class),
        ("oauth.grant_refused", RECONNECT)
    );
    for body in [
        r#"{"access_token": "hunter2"#,
        r#"{"access_tokens": "hunter2"}"#,
        "hunter2",
        "",
    ] {
        let error = ProviderError::from_unreadable(body.as_bytes(), &scrubber);
        assert_eq!(
            (error.code, error.class),
            ("oauth.unreadable_answer", CONFIGURATION)
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
