//! Certificates that are taken and refused, and what an assertion says.

use jsonwebtoken::{Validation, decode, decode_header};
use rcgen::{CertificateParams, CertifiedKey, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::Value;

use super::*;

const ENDPOINT: &str = "https://login.microsoftonline.com/t/oauth2/v2.0/token";

fn certificate_of(key: &KeyPair) -> String {
    let params = CertificateParams::new(vec!["postern.test".to_owned()]).expect("a name");
    params.self_signed(key).expect("a certificate").pem()
}

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key")
}

fn read(pem: &str) -> Result<ClientCertificate, String> {
    ClientCertificate::from_pem(&pem.into()).map_err(|error| error.to_string())
}

#[test]
fn an_assertion_says_who_we_are_to_whom_for_ten_minutes() {
    let key = rsa();
    let pem = certificate_of(&key);
    let certificate =
        read(&format!("{}\n{pem}", key.serialize_pem())).expect("a certificate with its key");
    let assertion = certificate.assertion("cid", ENDPOINT);
    let assertion = assertion.expose_secret();

    let header = decode_header(assertion).expect("a JWT");
    assert_eq!(header.alg, Algorithm::PS256);
    let der = certificate_der(&pem).expect("a certificate");
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &der));
    assert_eq!(header.x5t_s256, Some(thumbprint));

    let (_, parsed) = X509Certificate::from_der(&der).expect("a certificate");
    let public = DecodingKey::from_rsa_der(&parsed.public_key().subject_public_key.data);
    let mut validation = Validation::new(Algorithm::PS256);
    validation.set_audience(&[ENDPOINT]);
    validation.set_issuer(&["cid"]);
    validation.validate_nbf = true;
    let claims = decode::<Value>(assertion, &public, &validation)
        .expect("signed with the certificate's key")
        .claims;
    assert_eq!(claims["sub"], "cid");
    let times = ["nbf", "exp"].map(|name| claims[name].as_i64().expect("a time"));
    assert_eq!(times[1] - times[0], LIFETIME);

    let other = certificate.assertion("cid", ENDPOINT);
    assert_ne!(
        other.expose_secret(),
        assertion,
        "each has an id of its own"
    );
    assert!(!format!("{certificate:?}").contains("PRIVATE"));
}

#[test]
fn the_end_is_that_of_the_certificate() {
    let mut params = CertificateParams::new(vec!["postern.test".to_owned()]).expect("a name");
    params.not_after = rcgen::date_time_ymd(2031, 5, 6);
    let key = rsa();
    let pem = params.self_signed(&key).expect("a certificate").pem();
    let certificate =
        read(&format!("{pem}{}", key.serialize_pem())).expect("a certificate with its key");
    assert_eq!(
        certificate.not_after().to_rfc3339(),
        "2031-05-06T00:00:00+00:00"
    );
}

#[test]
fn what_does_not_belong_together_is_refused_with_the_reason() {
    let rsa = rsa();
    let certificate = certificate_of(&rsa);
    let key = rsa.serialize_pem();
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["other.test".to_owned()]).expect("a certificate");
    let cases = [
        (key.clone(), "holds no certificate"),
        (certificate.clone(), "no private key"),
        (String::new(), "holds no certificate"),
        (
            format!("{}{key}", cert.pem()),
            "belongs to another certificate",
        ),
        (
            format!("{}{}", cert.pem(), signing_key.serialize_pem()),
            "no RSA key",
        ),
        (
            format!(
                "{certificate}{}",
                key.replace("PRIVATE", "ENCRYPTED PRIVATE")
            ),
            "is encrypted",
        ),
        (
            format!("{certificate}-----BEGIN PRIVATE KEY-----\n"),
            "no private key",
        ),
        (
            format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{key}"),
            "no X.509 certificate",
        ),
    ];
    for (pem, reason) in cases {
        let error = read(&pem).expect_err(reason);
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains("MII"), "{error}");
    }
}
