//! TLS by rustls with ring, given explicitly: no process-wide default is used or set.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, InvalidMessage, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::config::{ClientIdentity, HttpVersions, TlsConfig};
use super::dial::Dialled;
use super::origin::Origin;
use super::stream::{Plain, Stream};
use crate::HttpError;
use crate::error::ConnectFailure;

/// Makes TLS connections to one origin.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    h2_only: bool,
}

impl Tls {
    /// # Errors
    ///
    /// [`HttpError::Setting`]: a certificate or a key cannot be read, or no certificate is trusted.
    pub(super) fn new(origin: &Origin, config: &TlsConfig, versions: HttpVersions) -> Result<Tls, HttpError> {
        let mut tls = match &config.custom {
            Some(custom) => rustls::ClientConfig::clone(custom),
            None => configured(config)?,
        };
        tls.alpn_protocols = match versions {
            HttpVersions::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            HttpVersions::Http1 => vec![b"http/1.1".to_vec()],
            HttpVersions::Http2 => vec![b"h2".to_vec()],
        };
        let name = ServerName::try_from(origin.host.clone())
            .map_err(|error| wrong("TLS", format!("{}: {error}", origin.host)))?;
        Ok(Tls {
            connector: TlsConnector::from(Arc::new(tls)),
            name,
            h2_only: versions == HttpVersions::Http2,
        })
    }

    /// Performs the handshake over this stream.
    pub(super) async fn connect(&self, plain: Plain) -> io::Result<Dialled> {
        let stream = self.connector.connect(self.name.clone(), plain).await?;
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if self.h2_only && !h2 {
            return Err(io::Error::other(rustls::Error::NoApplicationProtocol));
        }
        Ok(Dialled { stream: Stream::Tls(Box::new(stream)), h2 })
    }
}

fn wrong(what: &str, why: impl ToString) -> HttpError {
    HttpError::Setting { what: what.to_owned(), why: why.to_string() }
}

fn configured(config: &TlsConfig) -> Result<rustls::ClientConfig, HttpError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("TLS", error))?
        .dangerous();
    let builder = if config.insecure {
        builder.with_custom_certificate_verifier(Arc::new(TrustAnyone(provider)))
    } else {
        let given = given(&config.extra_roots)?;
        let inner = WebPkiServerVerifier::builder_with_provider(config.system.with(&given)?, provider)
            .build()
            .map_err(|error| wrong("root certificates", error))?;
        builder.with_custom_certificate_verifier(Arc::new(TrustGiven { inner, given }))
    };
    match &config.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let (chain, key) = parsed(identity)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| wrong("client certificate", error))
        }
    }
}

type Chain = Vec<CertificateDer<'static>>;

fn parsed(identity: &ClientIdentity) -> Result<(Chain, PrivateKeyDer<'static>), HttpError> {
    let chain = CertificateDer::pem_slice_iter(&identity.certificates)
        .collect::<Result<Chain, _>>()
        .map_err(|error| wrong("client certificate", error))?;
    if chain.is_empty() {
        return Err(wrong("client certificate", "no certificate in the PEM text"));
    }
    // The parser's error could quote the text, which is a secret.
    let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes())
        .map_err(|_| wrong("client key", "no private key in the PEM text"))?;
    Ok((chain, key))
}

/// The system's certificates. Loading them reads many files, so they are loaded once and shared by clones.
#[derive(Clone, Default)]
pub(super) struct SystemRoots(Arc<OnceLock<Arc<RootCertStore>>>);

impl SystemRoots {
    fn load(&self) -> &Arc<RootCertStore> {
        self.0.get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::debug!(%error, "a certificate of the system cannot be read");
            }
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(found.certs);
            Arc::new(store)
        })
    }

    /// The system's certificates and these.
    fn with(&self, given: &[CertificateDer<'static>]) -> Result<Arc<RootCertStore>, HttpError> {
        let system = self.load();
        if given.is_empty() {
            return match system.is_empty() {
                true => Err(wrong("root certificates", "the system has none, and no others are given")),
                false => Ok(Arc::clone(system)),
            };
        }
        let mut store = RootCertStore::clone(system);
        for certificate in given {
            store.add(certificate.clone()).map_err(|error| wrong("root certificates", error))?;
        }
        Ok(Arc::new(store))
    }
}

fn given(pems: &[Vec<u8>]) -> Result<Chain, HttpError> {
    let mut given = Vec::new();
    for pem in pems {
        let before = given.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            given.push(certificate.map_err(|error| wrong("root certificates", error))?);
        }
        if given.len() == before {
            return Err(wrong("root certificates", "no certificate in the PEM text"));
        }
    }
    Ok(given)
}

/// Which failure a broken handshake is.
pub(super) fn failure(error: &rustls::Error) -> ConnectFailure {
    use CertificateError as C;
    match error {
        // Another authority of the same name leads to a wrong signature.
        rustls::Error::InvalidCertificate(C::UnknownIssuer | C::BadSignature) => {
            ConnectFailure::UntrustedCertificate
        }
        rustls::Error::InvalidCertificate(
            C::Expired | C::ExpiredContext { .. } | C::NotValidYet | C::NotValidYetContext { .. },
        ) => ConnectFailure::ExpiredCertificate,
        rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            ConnectFailure::CertificateName
        }
        // The first byte is not one of a TLS record.
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => ConnectFailure::NotTls,
        _ => ConnectFailure::Tls,
    }
}

/// Trusts certificates of the roots, and each configured certificate itself. webpki accepts a self-signed certificate
/// only as an authority, and most that are created by hand are marked as one.
#[derive(Debug)]
struct TrustGiven {
    inner: Arc<WebPkiServerVerifier>,
    given: Chain,
}

impl ServerCertVerifier for TrustGiven {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError as C;
        let verified = self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        match &verified {
            // webpki checks the period of validity before it finds these faults.
            Err(rustls::Error::InvalidCertificate(C::UnknownIssuer | C::InvalidPurpose | C::Other(_)))
                if self.given.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            _ => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Accepts any certificate. The handshake itself is still checked.
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
