//! TLS by rustls, with HTTP/2 and HTTP/1.1 in ALPN.

#[cfg(feature = "tls")]
mod rustls_tls {
    use std::sync::Arc;

    use rustls::ServerConfig;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    use crate::HttpError;

    /// The configuration of rustls for a certificate chain and its key, both in PEM.
    pub(crate) fn config(chain: &[u8], key: &[u8]) -> Result<ServerConfig, HttpError> {
        let bad = |what: &str, why: String| HttpError::Setting { what: what.to_owned(), why };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| bad("the TLS certificate", error.to_string()))?;
        if chain.is_empty() {
            return Err(bad("the TLS certificate", "the PEM text contains none".to_owned()));
        }
        // The text must not contain any part of the key.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| bad("the TLS key", "the PEM text contains none".to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("TLS", error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| bad("the TLS certificate", error.to_string()))
    }

    /// Adds both versions of HTTP to ALPN, unless the configuration lists protocols.
    pub(crate) fn offer(mut config: ServerConfig) -> Arc<ServerConfig> {
        if config.alpn_protocols.is_empty() {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        Arc::new(config)
    }
}

#[cfg(feature = "tls")]
pub(crate) use rustls_tls::{config, offer};

/// The TLS configuration of a server, if it has one.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<std::sync::Arc<rustls::ServerConfig>>,
}

impl Tls {
    /// Whether the server has TLS.
    pub(crate) fn is_on(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }
}
