//! Webhooks: a mail is posted as it is, signed so that the receiver knows who sent it and when.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret, SecretString};

use super::{Address, Remote, RemoteError};
use crate::hex;

/// A mail for a webhook.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The same for every attempt to deliver this mail.
    pub key: &'a str,
    /// The moment of this attempt, in seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// The model that the mail is for, if anything says so.
    pub model: Option<&'a str>,
    /// The mail as it came.
    pub raw: &'a [u8],
}

/// Something that a webhook is to know.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// The same for every attempt.
    pub key: &'a str,
    /// The moment of this attempt, in seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// What happened.
    pub json: &'a str,
}

impl Remote {
    /// Posts a mail to a webhook: `Content-Type: message/rfc822`, the headers `Idempotency-Key`,
    /// `Postern-Timestamp`, `Postern-Signature` (see [`signature`]) and, where it is known,
    /// `Postern-Model`. Any status from 200 to 299 means that it has been taken.
    ///
    /// # Errors
    /// Why it was not taken, or why nobody knows whether it was.
    pub async fn deliver(
        &self,
        address: &Address,
        secret: &SecretString,
        delivery: &Delivery<'_>,
    ) -> Result<(), RemoteError> {
        let timestamp = delivery.timestamp.to_string();
        let signature = signature(secret, delivery.timestamp, delivery.raw);
        let mut headers = vec![
            ("content-type", "message/rfc822"),
            ("idempotency-key", delivery.key),
            ("postern-timestamp", &timestamp),
            ("postern-signature", &signature),
        ];
        if let Some(model) = delivery.model {
            headers.push(("postern-model", model));
        }
        let url = address.url().clone();
        self.post(url, &address.host(), &headers, delivery.raw.to_vec())
            .await
            .map(drop)
    }
}

impl Remote {
    /// Posts a notice, a JSON object, to a webhook: with the same headers as a mail, but
    /// `Content-Type: application/json`.
    ///
    /// # Errors
    /// As for [`Remote::deliver`].
    pub async fn notify(
        &self,
        address: &Address,
        secret: &SecretString,
        notice: &Notice<'_>,
    ) -> Result<(), RemoteError> {
        let timestamp = notice.timestamp.to_string();
        let body = notice.json.as_bytes();
        let signature = signature(secret, notice.timestamp, body);
        let headers = vec![
            ("content-type", "application/json"),
            ("idempotency-key", notice.key),
            ("postern-timestamp", &timestamp),
            ("postern-signature", &signature),
        ];
        let url = address.url().clone();
        self.post(url, &address.host(), &headers, body.to_vec())
            .await
            .map(drop)
    }
}

/// The signature of a delivery: `v1=` and, in lower-case hexadecimal, HMAC-SHA256 with the shared secret
/// over the timestamp, a dot, and the body.
pub fn signature(secret: &SecretString, timestamp: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(timestamp.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    format!("v1={}", hex::encode(context.sign().as_ref()))
}
