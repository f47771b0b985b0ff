//! TLS by rustls with ring, given explicitly: no process-wide default is used or set.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::dial::Dialled;
use super::origin::Origin;
use super::stream::{Plain, Stream};
use crate::HttpError;
use crate::client::{ClientConfig, HttpVersions};

/// Makes TLS connections to one origin.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    h2_only: bool,
}

impl Tls {
    /// # Errors
    ///
    /// [`HttpError::Setting`]: a root that cannot be read, or none at all.
    pub(super) fn new(origin: &Origin, config: &ClientConfig) -> Result<Tls, HttpError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let wrong = |what: &str, why: String| HttpError::Setting { what: what.to_owned(), why };
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("TLS", error.to_string()))?;
        let mut tls = if config.insecure {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(TrustAnyone(provider)))
                .with_no_client_auth()
        } else {
            builder.with_root_certificates(roots(&config.extra_roots)?).with_no_client_auth()
        };
        tls.alpn_protocols = match config.versions {
            HttpVersions::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            HttpVersions::Http1 => vec![b"http/1.1".to_vec()],
            HttpVersions::Http2 => vec![b"h2".to_vec()],
        };
        let name = ServerName::try_from(origin.host.clone())
            .map_err(|error| wrong("TLS", format!("{}: {error}", origin.host)))?;
        Ok(Tls {
            connector: TlsConnector::from(Arc::new(tls)),
            name,
            h2_only: config.versions == HttpVersions::Http2,
        })
    }

    /// Shakes hands over this stream.
    pub(super) async fn connect(&self, plain: Plain) -> io::Result<Dialled> {
        let stream = self.connector.connect(self.name.clone(), plain).await?;
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if self.h2_only && !h2 {
            return Err(io::Error::other(rustls::Error::NoApplicationProtocol));
        }
        Ok(Dialled { stream: Stream::Tls(Box::new(stream)), h2 })
    }
}

/// The system's roots, read once for the process: it takes milliseconds and many files.
fn system_roots() -> &'static Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::debug!(%error, "a system root certificate cannot be read");
        }
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(found.certs);
        Arc::new(store)
    })
}

fn roots(extra: &[Vec<u8>]) -> Result<Arc<RootCertStore>, HttpError> {
    let wrong = |why: String| HttpError::Setting { what: "root certificates".to_owned(), why };
    let system = system_roots();
    if extra.is_empty() {
        return match system.is_empty() {
            true => Err(wrong("the system has none, and no others are given".to_owned())),
            false => Ok(Arc::clone(system)),
        };
    }
    let mut store = RootCertStore::clone(system);
    for pem in extra {
        let before = store.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            store.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if store.len() == before {
            return Err(wrong("no certificate in the PEM text".to_owned()));
        }
    }
    Ok(Arc::new(store))
}

/// Takes any certificate. The handshake itself is still checked.
#[derive(Debug)]
struct TrustAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
