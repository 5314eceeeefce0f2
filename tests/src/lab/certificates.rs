//! A private certificate authority and a server certificate of its own.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::{
    error::LabError,
    scratch::{Scratch, write_file},
};

/// The names a server of the lab answers to; each is in the certificate.
pub const SERVER_NAMES: [&str; 4] = ["localhost", "mail.example.test", "127.0.0.1", "::1"];

/// PEM files of the lab's authority and servers.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate: what a client has to trust.
    pub authority: PathBuf,
    /// The servers' certificate, for [`SERVER_NAMES`].
    pub server: PathBuf,
    /// The key that belongs to it, readable by its owner only.
    pub server_key: PathBuf,
    /// A certificate that a client shows to be let in, by the lab's authority.
    pub client: PathBuf,
    /// Its key.
    pub client_key: PathBuf,
    /// A certificate for the same names by an authority nobody trusts, for the tests of refusal.
    pub stranger: PathBuf,
    /// Its key.
    pub stranger_key: PathBuf,
}

impl Certificates {
    /// Makes new keys and certificates in the scratch directory.
    pub fn create(scratch: &Scratch) -> Result<Self, LabError> {
        let directory = scratch.directory("tls")?;
        let files = Self {
            authority: directory.join("authority.pem"),
            server: directory.join("server.pem"),
            server_key: directory.join("server.key"),
            client: directory.join("client.pem"),
            client_key: directory.join("client.key"),
            stranger: directory.join("stranger.pem"),
            stranger_key: directory.join("stranger.key"),
        };
        let trusted = Authority::create("Postern lab authority")?;
        write_file(&files.authority, &trusted.certificate, false)?;
        trusted.issue(
            ExtendedKeyUsagePurpose::ServerAuth,
            &files.server,
            &files.server_key,
        )?;
        trusted.issue(
            ExtendedKeyUsagePurpose::ClientAuth,
            &files.client,
            &files.client_key,
        )?;
        Authority::create("Nobody's authority")?.issue(
            ExtendedKeyUsagePurpose::ServerAuth,
            &files.stranger,
            &files.stranger_key,
        )?;
        Ok(files)
    }
}

/// An authority while it can still sign; its key is never written down.
struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn create(name: &str) -> Result<Self, LabError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            certificate,
            issuer: Issuer::new(params, key),
        })
    }

    fn issue(
        &self,
        purpose: ExtendedKeyUsagePurpose,
        certificate: &Path,
        key_file: &Path,
    ) -> Result<(), LabError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(SERVER_NAMES.map(String::from))?;
        params
            .distinguished_name
            .push(DnType::CommonName, "mail.example.test");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        // Python from 3.13 on refuses certificates without it.
        params.use_authority_key_identifier_extension = true;
        write_file(
            certificate,
            &params.signed_by(&key, &self.issuer)?.pem(),
            false,
        )?;
        write_file(key_file, &key.serialize_pem(), true)
    }
}
