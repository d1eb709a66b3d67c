//! The HTTP client for VK's servers: limits on time and size, no redirects, no URLs in errors.

use std::{error::Error, fmt, io, iter, path::Path, time::Duration};

use anyhow::anyhow;
use reqwest::{Certificate, Client, Response, redirect};
use rustls::{
    CertificateError, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Config;
use crate::{ops::process, text};

/// What to do about a certificate from an unknown authority.
const UNKNOWN_AUTHORITY: &str =
    ". If this authority is to be trusted (a national one, or a company's), put it into vk.tls.ca";

/// The largest body of a Long Poll reply, in bytes after decompression.
pub(super) const POLL_CAP: usize = 32 << 20;
/// The largest body of an API response, in bytes after decompression. VK's are below 5 MiB.
pub(super) const CALL_CAP: usize = 8 << 20;
/// The size in bytes from which a body counts as large. Those of most API responses are smaller.
pub(super) const LARGE: usize = 256 << 10;

/// Why a request has no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RequestError {
    /// Whether there was a connection. If not, the network may be at fault as well as VK.
    pub reached: bool,
    /// What happened, without secrets or URL.
    pub reason: String,
}

/// VK was reached, but its answer cannot be used for this reason.
impl<T: Into<String>> From<T> for RequestError {
    fn from(reason: T) -> Self {
        Self { reached: true, reason: reason.into() }
    }
}

/// A client with its own connection pool. `deadline` limits a request together with its response.
///
/// Uses HTTP/1.1 only, because HTTP/2 streams of VK's hosts are known to hang. Closes idle connections before
/// VK does. Trusts the authorities in `vk.tls.ca` in addition to the system's.
///
/// # Errors
/// If `vk.tls.ca` or the TLS set-up of the machine cannot be used.
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

/// The certificates in the PEM file `vk.tls.ca`, at least one.
fn authorities(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let unusable = |reason: &dyn fmt::Display| anyhow!("vk.tls.ca: {}: {reason}", path.display());
    let pem = std::fs::read(path).map_err(|error| unusable(&text::cause(&error)))?;
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

/// The body of a response. A large one takes a place among those that may be in memory at once.
pub(super) struct Body<'a> {
    pub(super) bytes: Vec<u8>,
    _place: Option<SemaphorePermit<'a>>,
}

/// Reads the body of a successful response, at most `cap` bytes. A body that becomes large waits for one of
/// the places in `large`. A body that has one waits for VK only, so its deadline frees the place.
pub(super) async fn body(
    mut response: Response,
    cap: usize,
    large: Option<&Semaphore>,
) -> Result<Body<'_>, RequestError> {
    let status = response.status();
    if !status.is_success() {
        return Err(format!("HTTP status {status}").into());
    }
    let announced = response.content_length().and_then(|length| length.try_into().ok());
    let mut bytes = Vec::with_capacity(announced.map_or(0, |length: usize| length.min(cap)));
    let mut place = None;
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        if bytes.len() + chunk.len() > cap {
            return Err(format!("the answer is larger than {} MiB", cap >> 20).into());
        }
        if let Some(large) = large
            && place.is_none()
            && bytes.len() + chunk.len() > LARGE
        {
            place = large.acquire().await.ok();
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Body { bytes, _place: place })
}

/// Describes an error without the URL: that may have the Long Poll key in it.
pub(super) fn describe(error: reqwest::Error) -> RequestError {
    let reached = !error.is_connect();
    let error = error.without_url();
    let what = if !reached {
        "no connection"
    } else if error.is_request() {
        "no answer"
    } else {
        "the answer cannot be read"
    };
    if error.is_timeout() {
        return RequestError { reached, reason: format!("{what} in time") };
    }
    let mut causes = iter::successors(error.source(), |&inner| inner.source());
    let advice = if causes.any(is_unknown_authority) { UNKNOWN_AUTHORITY } else { "" };
    let cause = text::excerpt(&text::cause(&error));
    RequestError { reached, reason: format!("{what}: {cause}{advice}") }
}

/// Whether a TLS handshake failed because the server's certificate is from an unknown authority.
fn is_unknown_authority(error: &(dyn Error + 'static)) -> bool {
    // `io::Error::source` skips the error that it wraps.
    if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return is_unknown_authority(inner);
    }
    matches!(
        error.downcast_ref(),
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    )
}
