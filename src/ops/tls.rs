//! The process's one TLS implementation.

/// Makes rustls use *ring* wherever TLS is spoken. Call before a TLS client is made; calling again
/// does nothing.
pub fn install_provider() {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
