//! The client against a token endpoint on a real socket that answers, or fails to, as told.

mod stand_in;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use self::stand_in::{Script, endpoint, http, json, read_request, serve};
use super::*;
use crate::oauth::{Cause, ErrorClass, Family, google, microsoft};
use crate::pkce;

const REDIRECT: &str = "http://odoo.x.test/microsoft_outlook/confirm";
const SECRET: &str = "sec~ret/+ value";
const TOKENS: &str = r#"{"access_token": "at-1", "refresh_token": "rt-1", "expires_in": 3600,
    "token_type": "Bearer"}"#;

fn form(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn application() -> Application {
    Application::new("cid", Some(SECRET.into()), REDIRECT).expect("a usable application")
}

fn impatient_client() -> OAuthClient {
    let wait = Duration::from_millis(500);
    OAuthClient::with_timeouts(None, wait, wait).expect("a client")
}

/// Asks for tokens with the code `CODE-1` and gives back the refusal.
async fn refused(provider: &Provider) -> ProviderError {
    let client = OAuthClient::new(None).expect("a client");
    *exchange(&client, provider).await.expect_err("a refusal")
}

async fn exchange(
    client: &OAuthClient,
    provider: &Provider,
) -> Result<TokenSet, Box<ProviderError>> {
    let scope = microsoft::Cloud::Global.scope(microsoft::Permission::Send);
    let grant = CodeGrant {
        code: Some("CODE-1"),
        scope: &scope,
        code_verifier: None,
    };
    client.exchange_code(provider, &application(), &grant).await
}

#[tokio::test]
async fn a_code_is_exchanged_with_the_fields_odoo_sends_and_the_pkce_verifier() {
    let (provider, server) = endpoint(vec![json("200 OK", TOKENS)]).await;
    let verifier = pkce::verifier(&"key".into(), "token");
    let scope = microsoft::Cloud::Global.scope(microsoft::Permission::Send);
    let grant = CodeGrant {
        code: Some("CODE-1"),
        scope: &scope,
        code_verifier: Some(&verifier),
    };
    let client = OAuthClient::new(None).expect("a client");
    let before = Utc::now().timestamp();
    let set = client
        .exchange_code(&provider, &application(), &grant)
        .await
        .expect("tokens");

    assert_eq!(set.access_token.expose_secret(), "at-1");
    assert_eq!(set.refresh_token.expect("one").expose_secret(), "rt-1");
    assert!((before + 3600..before + 3610).contains(&set.expires_at_unix));

    let seen = server.await.expect("served").remove(0);
    assert!(
        seen.head.starts_with("POST /t/token HTTP/1.1\r\n"),
        "{}",
        seen.head
    );
    let head = seen.head.to_ascii_lowercase();
    assert!(
        head.contains("content-type: application/x-www-form-urlencoded\r\n"),
        "{head}"
    );
    assert!(head.contains("user-agent: postern/"), "{head}");
    assert!(!head.contains("authorization:"), "{head}");
    let expected = form(&[
        ("client_id", "cid"),
        ("client_secret", SECRET),
        (
            "scope",
            "offline_access https://outlook.office.com/SMTP.Send",
        ),
        ("redirect_uri", REDIRECT),
        ("grant_type", "authorization_code"),
        ("code", "CODE-1"),
        ("code_verifier", verifier.expose_secret()),
    ]);
    assert_eq!(seen.form, expected);
}

#[tokio::test]
async fn a_refresh_sends_the_token_and_may_come_back_without_a_new_one() {
    let body = r#"{"access_token": "at-2", "expires_in": 3600}"#;
    let (provider, server) = endpoint(vec![json("200 OK", body)]).await;
    let client = OAuthClient::new(None).expect("a client");
    let scope = microsoft::Cloud::Global.scope(microsoft::Permission::Read);
    let grant = RefreshGrant {
        refresh_token: &"rt-1".into(),
        scope: &scope,
    };
    let set = client
        .refresh(&provider, &application(), &grant)
        .await
        .expect("tokens");

    assert_eq!(set.access_token.expose_secret(), "at-2");
    assert!(set.refresh_token.is_none());
    let expected = form(&[
        ("client_id", "cid"),
        ("client_secret", SECRET),
        (
            "scope",
            "offline_access https://outlook.office.com/IMAP.AccessAsUser.All",
        ),
        ("redirect_uri", REDIRECT),
        ("grant_type", "refresh_token"),
        ("refresh_token", "rt-1"),
    ]);
    assert_eq!(server.await.expect("served").remove(0).form, expected);
}

#[tokio::test]
async fn google_is_not_sent_what_only_microsoft_takes_and_a_public_app_sends_no_secret() {
    let (stand_in, server) = endpoint(vec![json("200 OK", TOKENS), json("200 OK", TOKENS)]).await;
    let url = stand_in.token_endpoint().clone();
    let provider = Provider::new(Family::Google, url.clone(), url).expect("a loopback endpoint");
    let public = Application::new("cid", None, REDIRECT).expect("usable");
    let client = OAuthClient::new(None).expect("a client");
    let code = CodeGrant {
        code: Some("C"),
        scope: google::MAIL,
        code_verifier: None,
    };
    client
        .exchange_code(&provider, &public, &code)
        .await
        .expect("tokens");
    let refresh = RefreshGrant {
        refresh_token: &"rt-1".into(),
        scope: google::MAIL,
    };
    client
        .refresh(&provider, &public, &refresh)
        .await
        .expect("tokens");

    let seen = server.await.expect("served");
    let code = form(&[
        ("client_id", "cid"),
        ("redirect_uri", REDIRECT),
        ("grant_type", "authorization_code"),
        ("code", "C"),
    ]);
    assert_eq!(seen[0].form, code);
    assert!(!seen[1].form.contains_key("redirect_uri"));
    assert!(!seen[1].form.contains_key("client_secret"));
}

#[tokio::test]
async fn without_a_code_the_provider_is_asked_with_an_empty_one_and_its_words_are_kept() {
    let answer = json(
        "400 Bad Request",
        r#"{"error_description": "no code <here>"}"#,
    );
    let (provider, server) = endpoint(vec![answer]).await;
    let client = OAuthClient::new(None).expect("a client");
    let grant = CodeGrant {
        code: None,
        scope: "s",
        code_verifier: None,
    };
    let error = client
        .exchange_code(&provider, &application(), &grant)
        .await
        .expect_err("refused");
    assert_eq!(error.description.as_deref(), Some("no code <here>"));
    assert_eq!(server.await.expect("served")[0].form["code"], "");
}

#[tokio::test]
async fn a_refusal_is_explained_and_quotes_no_secret() {
    let body = format!(
        r#"{{"error": "invalid_client", "error_codes": [7000215],
            "error_description": "AADSTS7000215: wrong '{SECRET}' or sec%7Eret%2F%2B+value, CODE-1",
            "correlation_id": "c-1"}}"#
    );
    let (provider, _server) = endpoint(vec![json("401 Unauthorized", &body)]).await;
    let error = refused(&provider).await;
    assert_eq!(error.code, "oauth.secret_wrong");
    assert_eq!(error.class, ErrorClass::Permanent(Cause::Configuration));
    assert_eq!(error.correlation_id.as_deref(), Some("c-1"));
    let description = error.description.as_deref();
    assert_eq!(description, Some("AADSTS7000215: wrong '***' or ***, ***"));
    let everything = format!("{error} {error:?}");
    assert!(
        !everything.contains("sec~ret") && !everything.contains("CODE-1"),
        "{everything}"
    );
}

#[tokio::test]
async fn an_overloaded_provider_is_transient_and_says_how_long_to_wait() {
    let answer = http(
        "429 Too Many Requests",
        "Retry-After: 17\r\n",
        "<html>later</html>",
    );
    let (provider, _server) = endpoint(vec![answer]).await;
    let error = refused(&provider).await;
    assert_eq!(error.code, "oauth.slow_down");
    assert!(error.is_transient());
    assert_eq!(error.retry_after, Some(Duration::from_secs(17)));
    assert_eq!(error.description, None);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, mut untouched) = endpoint(vec![json("200 OK", TOKENS)]).await;
    for status in [
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("Location: {}\r\n", elsewhere.token_endpoint());
        let (provider, _server) = endpoint(vec![http(status, &location, "")]).await;
        let error = refused(&provider).await;
        assert_eq!(error.code, "oauth.redirected");
        assert_eq!(error.status, status[..3].parse().ok());
        assert!(!error.is_transient());
    }
    let waited = tokio::time::timeout(Duration::from_millis(50), &mut untouched).await;
    assert!(waited.is_err(), "the other address was asked");
    untouched.abort();
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_refused_with_or_without_a_good_status() {
    let (provider, _server) = endpoint(vec![
        http(
            "200 OK",
            "Content-Type: text/html\r\n",
            "<html>sign in</html>",
        ),
        http("500 Internal Server Error", "", "boom"),
        json("200 OK", r#"{"access_token": "hunter2", "refresh"#),
        json("200 OK", r#"{"access_token": "", "expires_in": 3600}"#),
        json("200 OK", r#"{"error": "invalid_grant"}"#),
        json("200 OK", ""),
    ])
    .await;
    let error = refused(&provider).await;
    assert_eq!(error.code, "oauth.unreadable_answer");
    let error = refused(&provider).await;
    assert_eq!(
        (error.code, error.description.as_deref()),
        ("oauth.unavailable", Some("boom"))
    );
    assert!(error.is_transient());
    let error = refused(&provider).await;
    assert_eq!(error.code, "oauth.unreadable_answer");
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(refused(&provider).await.code, "oauth.unusable_token");
    assert_eq!(refused(&provider).await.code, "oauth.grant_refused");
    assert_eq!(refused(&provider).await.code, "oauth.unreadable_answer");
}

#[tokio::test]
async fn a_good_answer_with_a_wrong_content_type_is_good() {
    let answer = http("200 OK", "Content-Type: text/plain\r\n", TOKENS);
    let (provider, _server) = endpoint(vec![answer]).await;
    let client = OAuthClient::new(None).expect("a client");
    assert!(exchange(&client, &provider).await.is_ok());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let long = format!(r#"{{"access_token": "{}"}}"#, "x".repeat(MAX_ANSWER_BYTES));
    let fitting = format!(r#"{{"access_token": "{}"}}"#, "x".repeat(60_000));
    let (provider, _server) = endpoint(vec![
        json("200 OK", &long),
        json("503 Service Unavailable", &long),
        json("200 OK", &fitting),
    ])
    .await;
    assert_eq!(refused(&provider).await.code, "oauth.unreadable_answer");
    assert_eq!(refused(&provider).await.code, "oauth.unavailable");
    let client = OAuthClient::new(None).expect("a client");
    assert!(exchange(&client, &provider).await.is_ok());
}

#[tokio::test]
async fn an_answer_broken_off_is_transient_even_if_it_began_well() {
    let begun = format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{TOKENS}");
    let (provider, _server) =
        endpoint(vec![Script::Reply(begun.into_bytes()), Script::Close]).await;
    for _ in 0..2 {
        let error = refused(&provider).await;
        assert_eq!(error.code, "oauth.interrupted");
        assert!(error.is_transient());
        assert!(!format!("{error:?}").contains("at-1"));
    }
}

#[tokio::test]
async fn a_silent_endpoint_and_a_dripping_one_run_into_the_total_timeout() {
    let begun = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{";
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/t/", listener.local_addr().expect("bound"));
    let dripping = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read_request(&mut stream).await;
        stream.write_all(begun.as_bytes()).await.expect("sent");
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let dripping_provider = microsoft::provider(Some(&url)).expect("a loopback endpoint");
    let (silent_provider, silent) = endpoint(vec![Script::Silence]).await;
    let client = impatient_client();
    for provider in [silent_provider, dripping_provider] {
        let start = Instant::now();
        let error = exchange(&client, &provider).await.expect_err("no answer");
        assert_eq!(error.code, "oauth.timeout");
        assert!(error.is_transient());
        assert!(
            start.elapsed() < Duration::from_secs(4),
            "{:?}",
            start.elapsed()
        );
    }
    silent.abort();
    dripping.abort();
}

#[tokio::test]
async fn a_closed_port_is_a_transient_connection_error_that_keeps_its_source() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/t/", listener.local_addr().expect("bound"));
    drop(listener);
    let error = refused(&microsoft::provider(Some(&url)).expect("a loopback endpoint")).await;
    assert_eq!(error.code, "oauth.unreachable");
    assert!(error.is_transient());
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_if_given_and_for_its_host_only() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let pem = made.cert.pem();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a usable pair");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, json("200 OK", TOKENS)).await;
            }
        }
    });

    let at = |host: &str| {
        microsoft::provider(Some(&format!("https://{host}:{port}/t/"))).expect("an endpoint")
    };
    let strict = OAuthClient::new(None).expect("a client");
    let error = exchange(&strict, &at("localhost"))
        .await
        .expect_err("not trusted");
    assert_eq!(error.code, "oauth.tls");
    assert!(
        error
            .description
            .as_deref()
            .is_some_and(|text| text.contains("certificate"))
    );

    let trusting = OAuthClient::new(Some(pem.as_bytes())).expect("a client");
    exchange(&trusting, &at("localhost"))
        .await
        .expect("trusted");
    let error = exchange(&trusting, &at("127.0.0.1"))
        .await
        .expect_err("another name");
    assert_eq!(error.code, "oauth.tls");
    server.abort();
}

#[test]
fn authorities_that_are_none_are_refused() {
    let error = OAuthClient::new(Some(b"not a certificate")).expect_err("nothing there");
    assert!(matches!(error, Error::NoAuthorities), "{error:?}");
    let broken = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let error = OAuthClient::new(Some(broken)).expect_err("broken");
    assert!(matches!(error, Error::Authorities(_)), "{error:?}");
}

#[test]
fn retry_after_is_seconds_or_a_date_and_at_most_a_day() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a moment");
    let day = 24 * 3600;
    for (value, seconds) in [
        ("17", Some(17)),
        (" 0 ", Some(0)),
        ("9999999", Some(day)),
        ("Fri, 15 Jan 2027 08:01:00 GMT", Some(60)),
        ("Fri, 15 Jan 2027 07:00:00 GMT", Some(0)),
        ("Thu, 15 Jan 2037 08:00:00 GMT", Some(day)),
        ("-5", None),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(
            retry_after(value, now),
            seconds.map(Duration::from_secs),
            "{value}"
        );
    }
}

#[test]
fn the_futures_may_move_between_threads() {
    fn movable<T: Send>(_: T) {}
    let client = OAuthClient::new(None).expect("a client");
    let provider = microsoft::provider(None).expect("the public endpoint");
    let application = application();
    let code = CodeGrant {
        code: None,
        scope: "s",
        code_verifier: None,
    };
    movable(client.exchange_code(&provider, &application, &code));
    let refresh = RefreshGrant {
        refresh_token: &"r".into(),
        scope: "s",
    };
    movable(client.refresh(&provider, &application, &refresh));
}
