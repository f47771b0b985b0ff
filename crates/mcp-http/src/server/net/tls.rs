//! TLS in front of any connection: rustls, with HTTP/2 and HTTP/1.1 on offer.

#[cfg(feature = "tls")]
mod rustls_tls {
    use std::sync::Arc;

    use rustls::ServerConfig;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    use crate::HttpError;

    /// The settings of rustls for a chain of certificates and its key, both in PEM.
    pub(crate) fn config(chain: &[u8], key: &[u8]) -> Result<ServerConfig, HttpError> {
        let bad = |what: &str, why: String| HttpError::Setting { what: what.to_owned(), why };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| bad("the TLS certificate", error.to_string()))?;
        if chain.is_empty() {
            return Err(bad("the TLS certificate", "there is none in the PEM text".to_owned()));
        }
        // What is wrong with a key is told without any of it.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| bad("the TLS key", "there is none in the PEM text".to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("TLS", error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| bad("the TLS certificate", error.to_string()))
    }

    /// Makes sure that both versions of HTTP are on offer, unless the settings say what is.
    pub(crate) fn offer(mut config: ServerConfig) -> Arc<ServerConfig> {
        if config.alpn_protocols.is_empty() {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        Arc::new(config)
    }
}

#[cfg(feature = "tls")]
pub(crate) use rustls_tls::{config, offer};

/// How connections are secured.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<std::sync::Arc<rustls::ServerConfig>>,
}

impl Tls {
    /// Whether there is TLS.
    pub(crate) fn is_on(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }
}
