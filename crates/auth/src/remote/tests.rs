//! Handing mail to servers that answer by a script.

use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Answers one request after the other with these responses, and gives what was asked.
async fn serve(answers: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !is_whole(&request) {
                let read = stream.read(&mut buffer).await.expect("a request");
                request.extend_from_slice(&buffer[..read]);
            }
            asked.push(String::from_utf8_lossy(&request).into_owned());
            stream.write_all(answer.as_bytes()).await.expect("heard");
        }
        asked
    });
    (format!("http://{address}"), asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.trim().parse::<usize>().ok());
    body.len() >= length.unwrap_or_default()
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn int(number: i64) -> String {
    let body = format!(
        "<?xml version='1.0'?><methodResponse><params><param><value><int>{number}</int></value></param></params></methodResponse>"
    );
    http("200 OK", &body)
}

fn fault(code: i64, text: &str) -> String {
    let body = format!(
        "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member><name>faultCode</name>\n<value><int>{code}</int></value></member>\n<member><name>faultString</name>\n<value><string>{text}</string></value></member>\n</struct></value>\n</fault>\n</methodResponse>\n"
    );
    http("200 OK", &body)
}

fn remote() -> Remote {
    let short = Duration::from_millis(500);
    Remote::with_timeouts(None, short, short).expect("a client")
}

fn login(address: &str) -> OdooLogin {
    OdooLogin {
        address: Address::parse(address).expect("an address"),
        database: "prod".into(),
        account: Account::Login("mail@corp.example".into()),
        key: SecretString::from("the <key>"),
    }
}

/// What OpenSSL makes of the same.
const SIGNED: &str = "v1=d6a7fa194df24fc2a12c3a2bd06e0338547ba1f798df41b6458c0f0f132fdf07";

const MAIL: Handing<'static> = Handing {
    model: Some("crm.lead"),
    raw: b"Subject: \xe9\r\n\r\nx",
    save_original: false,
    strip_attachments: true,
};

#[tokio::test]
async fn a_mail_is_handed_in_byte_by_byte_after_signing_in() {
    let (address, asked) = serve(vec![int(7), int(42)]).await;
    let login = login(&format!("{address}/base/"));
    remote().hand_in(&login, &MAIL).await.expect("taken");
    let asked = asked.await.expect("two requests");
    assert!(asked[0].starts_with("POST /base/xmlrpc/2/common "));
    assert!(asked[0].contains("<string>mail@corp.example</string>"));
    assert!(asked[0].contains("<string>the &lt;key&gt;</string>"));
    assert!(asked[1].starts_with("POST /base/xmlrpc/2/object "));
    assert!(asked[1].contains("<int>7</int>"));
    assert!(asked[1].contains("<string>crm.lead</string>"));
    assert!(asked[1].contains("<base64>U3ViamVjdDog6Q0KDQp4</base64>"));
}

#[tokio::test]
async fn what_an_odoo_answers_tells_whether_to_try_again() {
    let nowhere = "Traceback\n  File x\nValueError: no route for &lt;a@b&gt;\n";
    let cases = [
        (
            fault(1, nowhere),
            false,
            "remote.nowhere",
            "no route for <a@b>. ",
        ),
        (
            fault(2, "The record is gone."),
            false,
            "remote.refused",
            "The record is gone. ",
        ),
        (
            fault(3, "Access Denied"),
            true,
            "remote.denied",
            "the login or the key. ",
        ),
        (
            fault(1, "Traceback\npsycopg2.OperationalError: out\n"),
            true,
            "remote.failed",
            "psycopg2.OperationalError: out. ",
        ),
        (http("502 Bad Gateway", ""), true, "remote.busy", "502. "),
        (
            http("200 OK", "<html><p>Hello</p></html>"),
            true,
            "remote.garbled",
            "something else",
        ),
        (
            http("302 Found", ""),
            true,
            "remote.garbled",
            "another address",
        ),
    ];
    for (answer, is_transient, code, words) in cases {
        let (address, _) = serve(vec![int(7), answer]).await;
        let outcome = remote().hand_in(&login(&address), &MAIL).await;
        let error = outcome.expect_err("it was not taken");
        assert_eq!(error.is_transient(), is_transient, "{error}");
        assert_eq!(error.entry().code, code, "{error}");
        let told = error.to_string();
        assert!(told.contains(words), "{told}");
        assert!(told.ends_with(&format!(". [{code}]")), "{told}");
    }
}

#[tokio::test]
async fn a_login_that_is_unknown_is_denied() {
    let (address, _) = serve(vec![http(
        "200 OK",
        "<methodResponse><params><param><value><boolean>0</boolean></value></param></params></methodResponse>",
    )])
    .await;
    let error = remote()
        .hand_in(&login(&address), &MAIL)
        .await
        .expect_err("unknown");
    assert!(matches!(error, RemoteError::Denied { .. }), "{error}");
    assert!(!error.to_string().contains("key>"), "{error}");
}

#[tokio::test]
async fn a_webhook_gets_the_mail_with_a_signature_over_time_and_body() {
    let (address, asked) = serve(vec![http("204 No Content", "")]).await;
    let secret = SecretString::from("shared");
    let delivery = Delivery {
        key: "k-1",
        timestamp: 1_767_225_600,
        model: None,
        raw: b"a: b\r\n\r\nc",
    };
    let address = Address::parse(&address).expect("an address");
    remote()
        .deliver(&address, &secret, &delivery)
        .await
        .expect("taken");
    let asked = asked.await.expect("a request").remove(0);
    // printf '1767225600.a: b\r\n\r\nc' | openssl dgst -sha256 -hmac shared
    let signed = signature(&secret, 1_767_225_600, b"a: b\r\n\r\nc");
    assert_eq!(signed, SIGNED);
    for header in [
        "content-type: message/rfc822",
        "idempotency-key: k-1",
        "postern-timestamp: 1767225600",
        &format!("postern-signature: {SIGNED}"),
    ] {
        assert!(asked.contains(header), "{header} is not in {asked}");
    }
    assert!(asked.ends_with("a: b\r\n\r\nc"));
}

#[tokio::test]
async fn a_webhook_that_is_busy_says_when_to_come_again() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 90\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let (address, _) = serve(vec![busy.to_owned()]).await;
    let delivery = Delivery {
        key: "k-1",
        timestamp: 1,
        model: Some("crm.lead"),
        raw: b"x",
    };
    let address = Address::parse(&address).expect("an address");
    let error = remote()
        .deliver(&address, &SecretString::from("s"), &delivery)
        .await
        .expect_err("busy");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(90)));
    assert!(error.is_transient());
}

#[test]
fn addresses_without_protection_or_with_secrets_in_them_are_refused() {
    for (address, words) in [
        ("odoo.example.com", "complete"),
        ("http://odoo.example.com", "https://"),
        ("ftp://odoo.example.com", "https://"),
        ("https://me:secret@odoo.example.com", "fields of their own"),
    ] {
        let error = Address::parse(address).expect_err(address).to_string();
        assert!(error.contains(words), "{address}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
    for address in [
        "https://odoo.example.com/x",
        "http://localhost:8069",
        "http://[::1]:1",
    ] {
        Address::parse(address).expect("it can be used");
    }
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_may_have_the_mail_and_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        stream.read_to_end(&mut request).await.ok();
        request.len()
    });
    let delivery = Delivery {
        key: "k-1",
        timestamp: 1,
        model: None,
        raw: b"x",
    };
    let address = Address::parse(&format!("http://{address}")).expect("an address");
    let error = remote()
        .deliver(&address, &SecretString::from("s"), &delivery)
        .await
        .expect_err("silence");
    assert!(error.to_string().contains("in time. "), "{error}");
    assert_eq!(error.entry().code, "remote.unreachable");
    assert!(error.is_transient());
    assert!(silent.await.expect("it heard") > 0);
}
