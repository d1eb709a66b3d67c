//! HTTP as both of VK's servers need it: bounded in time and size, no redirects, no URLs in errors.

use std::{error::Error, fmt, io, path::Path, time::Duration};

use anyhow::anyhow;
use reqwest::{Certificate, Client, Response, redirect};
use rustls::{
    CertificateError, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::Config;
use crate::{ops::process, text};

/// What to do about a certificate of an unknown authority.
const UNKNOWN_AUTHORITY: &str =
    ". If this authority is to be trusted (a national one, or a company's), put it into vk.tls.ca";

/// The largest answer of a Long Poll server, in bytes, after decompression.
pub(super) const POLL_CAP: usize = 32 << 20;
/// The largest answer of an API method. VK's are below 5 MiB; several can be on the way at once.
pub(super) const CALL_CAP: usize = 8 << 20;

/// Why there is no answer that could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    /// Whether a connection came about: if not, the network may be at fault as well as VK.
    pub reached: bool,
    /// What happened, without secrets or URL.
    pub reason: String,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// An answer came, of which this is to be said.
impl<T: Into<String>> From<T> for NoAnswer {
    fn from(reason: T) -> Self {
        Self { reached: true, reason: reason.into() }
    }
}

/// A client with its own connection pool. `deadline` bounds a whole request with its answer.
///
/// HTTP/1.1 only: VK's hosts have been seen to leave HTTP/2 streams hanging. Idle connections are
/// dropped before VK drops them. The authorities of `vk.tls.ca` are trusted in addition to the system's;
/// fails when that file cannot be used.
pub(super) fn client(deadline: Duration, settings: &Config) -> anyhow::Result<Client> {
    process::install_tls_provider();
    let authorities = settings.tls.ca.as_deref().map(authorities).transpose()?;
    let client = Client::builder()
        .user_agent(concat!("event-fetcher/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .timeout(deadline)
        .connect_timeout(deadline.min(Duration::from_secs(10)))
        .redirect(redirect::Policy::none())
        .pool_idle_timeout(Duration::from_secs(50))
        .tcp_keepalive(Duration::from_secs(15))
        .tls_certs_merge(authorities.unwrap_or_default());
    Ok(client.build()?)
}

/// The certificates in the PEM file of `vk.tls.ca`, at least one.
fn authorities(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let unusable = |reason: &dyn fmt::Display| anyhow!("vk.tls.ca: {}: {reason}", path.display());
    let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
    let certificates = Certificate::from_pem_bundle(&pem)
        .map_err(|_| unusable(&"a certificate in it cannot be read"))?;
    if certificates.is_empty() {
        return Err(unusable(&"no certificate in it; a PEM file is expected"));
    }
    for certificate in CertificateDer::pem_slice_iter(&pem).flatten() {
        RootCertStore::empty()
            .add(certificate)
            .map_err(|error| unusable(&format_args!("a certificate in it is unusable: {error}")))?;
    }
    Ok(certificates)
}

/// Reads the whole body of a successful answer of at most `cap` bytes, or says in one line why there is
/// none.
pub(super) async fn body(mut response: Response, cap: usize) -> Result<Vec<u8>, NoAnswer> {
    let status = response.status();
    if !status.is_success() {
        return Err(format!("HTTP status {status}").into());
    }
    let told = response.content_length().and_then(|length| length.try_into().ok());
    let mut body = Vec::with_capacity(told.map_or(0, |length: usize| length.min(cap)));
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        if body.len() + chunk.len() > cap {
            return Err(format!("the answer is larger than {} MiB", cap >> 20).into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes and without its URL, which may carry the Long Poll key.
pub(super) fn describe(error: reqwest::Error) -> NoAnswer {
    let reached = !error.is_connect();
    let error = error.without_url();
    let mut text = error.to_string();
    let mut advice = "";
    let mut cause = error.source();
    while let Some(inner) = cause {
        if is_unknown_authority(inner) {
            advice = UNKNOWN_AUTHORITY;
        }
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    NoAnswer { reached, reason: format!("{}{advice}", text::excerpt(&text)) }
}

/// Whether a TLS handshake ended because nobody trusts who signed the server's certificate.
fn is_unknown_authority(error: &(dyn Error + 'static)) -> bool {
    // An `io::Error` leaves the error within it out of its causes, and may be within another.
    if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return is_unknown_authority(inner);
    }
    matches!(
        error.downcast_ref(),
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    )
}
