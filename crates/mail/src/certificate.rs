//! What the certificate of a server says, for whoever wants to know how long it lasts and who vouches for it.

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use crate::transport_error::printable;

/// The server's own certificate, as far as it matters to a person. The texts are foreign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Who vouches for it: the issuer's organisation or common name.
    pub issuer: String,
    /// When it ends.
    pub not_after: DateTime<Utc>,
}

impl Certificate {
    /// Reads the certificate of a session; `None` if it is none (RFC 5280).
    pub(crate) fn read(der: &CertificateDer<'_>) -> Option<Certificate> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let not_after = certificate.validity().not_after.timestamp();
        Some(Certificate {
            issuer: name(certificate.issuer()),
            not_after: DateTime::from_timestamp(not_after, 0)?,
        })
    }

    /// The whole days that are left; below zero when it has ended.
    pub fn days_left(&self, now: DateTime<Utc>) -> i64 {
        (self.not_after - now).num_days()
    }
}

fn name(name: &X509Name<'_>) -> String {
    let mut parts = name.iter_organization().chain(name.iter_common_name());
    let known = parts.find_map(|part| part.as_str().ok().map(printable));
    known.unwrap_or_else(|| printable(&name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_peer::Authority;
    use rustls::pki_types::pem::PemObject;

    #[test]
    fn a_certificate_says_who_vouches_for_it_and_how_long() {
        let (pem, _) = Authority::new().issue();
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
        let certificate = Certificate::read(&der).expect("one that can be read");
        assert!(
            certificate.issuer.starts_with("Authority "),
            "{certificate:?}"
        );
        assert!(certificate.days_left(Utc::now()) > 365, "{certificate:?}");
        let later = certificate.not_after + chrono::TimeDelta::days(3);
        assert_eq!(certificate.days_left(later), -3);
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(
            Certificate::read(&CertificateDer::from(vec![1, 2, 3])),
            None
        );
    }
}
