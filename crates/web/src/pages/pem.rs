//! Certificates and keys as a person pastes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use server_model::value::{AnyValue, Map};

/// Turns a pasted text into what a binary field takes: base64 of its bytes.
pub fn encode(values: &mut Map, name: &str) {
    if let Some(AnyValue::Text(pem)) = values.get_mut(name) {
        let normal = pem.replace("\r\n", "\n");
        *pem = STANDARD.encode(format!("{}\n", normal.trim()));
    }
}
