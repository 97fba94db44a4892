//! How servers are reached: TLS with the certificates that count for them, proxies, time limits.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{
    ConnectProxyConnector, Connector, DefaultConnector, SocksConnector, TcpConnector,
};

use super::resolver::Host;
use super::tls::{Encrypt, Verifier};

/// No byte for so long, and a connection counts as dead.
const STALLED: Duration = Duration::from_secs(30);
/// To find an address, and to connect and agree on keys.
const CONNECT: Duration = Duration::from_secs(30);
/// From the end of a request to the headers of its answer: registries may have to fetch what is asked for.
const ANSWER: Duration = Duration::from_secs(120);
/// Most bytes of a certificate file.
const CERTIFICATE_LIMIT: u64 = 4 << 20;

/// Where proxies stand, as the environment says it.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    pub http: Option<String>,
    pub https: Option<String>,
    /// For what the others do not name.
    pub all: Option<String>,
    /// Hosts that are reached directly: names (with their subdomains), addresses, networks, `*`.
    pub none: Option<String>,
}

impl Proxies {
    fn of(&self, scheme: &str, host: &str) -> Option<&str> {
        let specific = if scheme == "https" {
            &self.https
        } else {
            &self.http
        };
        let proxy = specific.as_ref().or(self.all.as_ref())?;
        (!self.is_direct(host)).then_some(proxy)
    }

    /// The proxy for a host, as it may be shown.
    pub fn shown(&self, scheme: &str, host: &str) -> Option<String> {
        self.of(scheme, host).map(without_password)
    }

    /// As curl and Go have it: loopback is never reached through a proxy.
    fn is_direct(&self, host: &str) -> bool {
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .trim_end_matches('.');
        let address: Option<IpAddr> = host.parse().ok();
        if is_loopback(host) {
            return true;
        }
        let list = self.none.as_deref().unwrap_or_default();
        list.split([',', ' ']).map(str::trim).any(|entry| {
            let entry = entry.split_once("://").map_or(entry, |(_, rest)| rest);
            match (entry, address) {
                ("", _) => false,
                ("*", _) => true,
                (entry, Some(address)) => in_network(entry, address),
                (entry, None) => {
                    let domain = entry.trim_start_matches("*.").trim_start_matches('.');
                    let rest = host.len().checked_sub(domain.len());
                    rest.is_some_and(|at| {
                        host.is_char_boundary(at)
                            && host[at..].eq_ignore_ascii_case(domain)
                            && (at == 0 || host.as_bytes()[at - 1] == b'.')
                    })
                }
            }
        })
    }
}

/// Whether a host is this machine by its name or address.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether `entry` is this address, or a network (`10.0.0.0/8`) that holds it.
fn in_network(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (entry, Some(128)),
    };
    let (Ok(network), Some(bits)) = (network.trim_matches(['[', ']']).parse::<IpAddr>(), bits) else {
        return false;
    };
    let same = |one: u128, other: u128, width: u32| {
        let rest = width.saturating_sub(bits);
        (one ^ other).checked_shr(rest).unwrap_or(0) == 0
    };
    match (network, address) {
        (IpAddr::V4(one), IpAddr::V4(other)) => same(one.to_bits().into(), other.to_bits().into(), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits(), other.to_bits(), 128),
        _ => false,
    }
}

/// What decides how one server is reached.
#[derive(Debug)]
pub struct Access<'a> {
    pub proxies: &'a Proxies,
    /// Directories with certificates for this server.
    pub certificates: &'a [PathBuf],
    /// Take any certificate.
    pub unverified: bool,
}

/// The way to one server.
pub fn agent(scheme: &str, host: &str, access: &Access<'_>) -> Result<Agent> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // Redirects are followed by hand, so that credentials stay with whom they are for.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("coracle/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .max_response_header_size(64 << 10)
        .input_buffer_size(128 << 10)
        .output_buffer_size(128 << 10)
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(ANSWER))
        .timeout_per_read(Some(STALLED))
        .timeout_per_write(Some(STALLED))
        .max_idle_connections_per_host(8)
        .proxy(None);
    if let Some(proxy) = access.proxies.of(scheme, host) {
        let proxy = ureq::Proxy::new(proxy)
            .with_context(|| format!("invalid proxy {:?}", without_password(proxy)))?;
        config = config.proxy(Some(proxy));
    }
    if scheme == "http" {
        return Ok(Agent::with_parts(
            config.build(),
            DefaultConnector::default(),
            Host,
        ));
    }
    let kept = Certificates::of(access)?;
    if kept.roots.is_empty() || access.unverified {
        config = config.tls_config(tls(access, kept));
        return Ok(Agent::with_parts(
            config.build(),
            DefaultConnector::default(),
            Host,
        ));
    }
    let encrypt = Encrypt(Arc::new(
        own_tls(kept).with_context(|| format!("certificates for {host}"))?,
    ));
    // As the default one, with ours at its end.
    let connector = SocksConnector::default()
        .chain(ConnectProxyConnector::default())
        .chain(TcpConnector::default())
        .chain(encrypt);
    Ok(Agent::with_parts(config.build(), connector, Host))
}

/// A proxy's address as it may be shown.
fn without_password(proxy: &str) -> String {
    match proxy.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://…@{host}")
        }
        None => proxy.to_owned(),
    }
}

fn tls(access: &Access<'_>, kept: Certificates) -> TlsConfig {
    let mut builder = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .disable_verification(access.unverified);
    if let Some((chain, key)) = kept.client {
        builder = builder.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
    }
    // Where the machine has no authorities, as in an empty container, those of Mozilla's list count.
    let machine = if access.unverified {
        Vec::new()
    } else {
        rustls_native_certs::load_native_certs().certs
    };
    let roots: Vec<_> = machine
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    let roots = match roots.is_empty() {
        true => RootCerts::WebPki,
        false => RootCerts::Specific(Arc::new(roots)),
    };
    builder.root_certs(roots).build()
}

/// The same with certificates that are kept for the registry, beside those of the machine.
fn own_tls(kept: Certificates) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let known: Vec<_> = kept.roots.iter().map(der).collect();
    let mut roots = RootCertStore::empty();
    let machine = rustls_native_certs::load_native_certs().certs;
    roots.add_parsable_certificates(known.iter().cloned().chain(machine));
    let usual =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier { usual, known }));
    match kept.client {
        Some((chain, key)) => {
            Ok(config.with_client_auth_cert(chain.iter().map(der).collect(), key_der(&key)?)?)
        }
        None => Ok(config.with_no_client_auth()),
    }
}

fn der(certificate: &Certificate<'_>) -> CertificateDer<'static> {
    certificate.der().to_vec().into()
}

fn key_der(key: &PrivateKey<'_>) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::try_from(key.der().to_vec()).map_err(|problem| anyhow::anyhow!(problem))
}

/// The files of one certs.d directory (containers-certs.d(5)).
struct Certificates {
    roots: Vec<Certificate<'static>>,
    client: Option<(Vec<Certificate<'static>>, PrivateKey<'static>)>,
}

impl Certificates {
    /// What all directories hold; the last client certificate counts.
    fn of(access: &Access<'_>) -> Result<Self> {
        let mut all = Self {
            roots: Vec::new(),
            client: None,
        };
        for directory in access.certificates {
            let found = Self::read(directory)?;
            all.roots.extend(found.roots);
            all.client = found.client.or(all.client);
        }
        Ok(all)
    }

    fn read(directory: &Path) -> Result<Self> {
        let mut found = Self {
            roots: Vec::new(),
            client: None,
        };
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", directory.display())),
        };
        let mut paths = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            match path.extension().and_then(|ending| ending.to_str()) {
                Some("crt") => found.roots.extend(chain(&path)?),
                Some("cert") => {
                    let key = path.with_extension("key");
                    if !key.exists() {
                        bail!(
                            "the client certificate {} has no {}",
                            path.display(),
                            key.display()
                        );
                    }
                    found.client = Some(matching(&path, &key)?);
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

fn pem(path: &Path) -> Result<Vec<PemItem<'static>>> {
    let items = crate::base::file::read_trusted(path, CERTIFICATE_LIMIT)
        .map_err(anyhow::Error::from)
        .and_then(|bytes| Ok(parse_pem(&bytes).collect::<Result<Vec<_>, _>>()?));
    items.with_context(|| format!("cannot read {}", path.display()))
}

fn chain(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let chain: Vec<_> = pem(path)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if chain.is_empty() {
        bail!("there is no certificate in {}", path.display());
    }
    Ok(chain)
}

/// A client's certificate and the key to it.
fn matching(path: &Path, key: &Path) -> Result<(Vec<Certificate<'static>>, PrivateKey<'static>)> {
    let (chain, private) = (chain(path)?, private_key(key)?);
    let provider = rustls::crypto::ring::default_provider();
    let ders = chain.iter().map(der).collect();
    CertifiedKey::from_der(ders, key_der(&private)?, &provider)
        .with_context(|| format!("{} is not the key to {}", key.display(), path.display()))?;
    Ok((chain, private))
}

fn private_key(path: &Path) -> Result<PrivateKey<'static>> {
    let key = pem(path)?.into_iter().find_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    key.with_context(|| format!("there is no private key in {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_chosen_as_by_other_tools() {
        let proxies = Proxies {
            http: Some("http://one:3128".into()),
            https: None,
            all: Some("socks5://two:1080".into()),
            none: Some("example.com, .corp,10.0.0.0/8, 192.168.1.1 ,*.wild.org,fd00::/8".into()),
        };
        let cases = [
            ("http", "registry.org", Some("http://one:3128")),
            ("https", "registry.org", Some("socks5://two:1080")),
            ("https", "example.com", None),
            ("https", "eu.EXAMPLE.com", None),
            ("https", "notexample.com", Some("socks5://two:1080")),
            ("https", "x.corp", None),
            ("https", "x.wild.org", None),
            ("https", "10.1.2.3", None),
            ("https", "11.1.2.3", Some("socks5://two:1080")),
            ("https", "192.168.1.1", None),
            ("https", "[fd00::1]", None),
            ("https", "[fe00::1]", Some("socks5://two:1080")),
            ("https", "localhost", None),
            ("http", "127.0.0.1", None),
        ];
        for (scheme, host, expected) in cases {
            assert_eq!(proxies.of(scheme, host), expected, "{scheme} {host}");
        }
        let everything = Proxies {
            none: Some("*".into()),
            ..proxies
        };
        assert_eq!(everything.of("http", "registry.org"), None);
    }

    #[test]
    fn passwords_of_proxies_are_not_shown() {
        assert_eq!(without_password("http://me:secret@p:1"), "http://…@p:1");
        assert_eq!(without_password("http://p:1"), "http://p:1");
    }
}
