//! Requests and their answers: with the credentials that a registry asks for, through redirects, tried again where that
//! helps.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;
use ureq::http::uri::Authority;
use ureq::http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use ureq::{Agent, Body, SendBody};

use super::agent::{Access, agent, is_loopback};
use super::challenge::{self, Challenge};
use super::client::{Authorization, Client, Purpose};
use super::credentials::Credentials;
use super::error::{RegistryError, is_passing};
use super::stop::BrokenOff;
use super::wire::{basic, bounded, form, join, origin, retry_after, warnings};

/// Most bytes of an answer that is only looked at for an error or a token.
const ANSWER_LIMIT: u64 = 1 << 20;
/// Redirects from one request.
const HOPS: usize = 6;
/// Longest wait between two tries, whatever a registry asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long a token lives of which nothing is said (distribution's token specification).
const TOKEN_LIFE: Duration = Duration::from_secs(60);

/// One request, as often as it has to be sent.
pub(super) struct Ask<'a> {
    pub method: Method,
    /// Below the host, or a whole URL that the registry gave.
    pub target: &'a str,
    pub purpose: Purpose,
    pub headers: &'a [(header::HeaderName, String)],
    pub body: Option<&'a [u8]>,
    /// What is asked for, in words for an error.
    pub what: &'a str,
}

impl Client {
    pub(super) fn wrong(&self, reason: String) -> RegistryError {
        RegistryError::Wrong {
            host: self.domain.clone(),
            reason,
        }
    }

    /// How long to wait before the `failures`-th new try; `None`: enough has been tried.
    pub(super) fn wait_before(&self, failures: u32) -> Option<Duration> {
        (failures <= self.settings.retries).then(|| {
            let first = self.settings.retry_delay.unwrap_or(Duration::from_secs(1));
            first.saturating_mul(1 << (failures - 1).min(6)).min(LONGEST_WAIT)
        })
    }

    /// Sends a request until there is an answer to it that is no passing failure.
    pub(super) fn ask(&self, ask: &Ask<'_>) -> Result<Response<Body>> {
        let mut failures = 0;
        loop {
            let mut is_told = false;
            let (error, after) = match self.ask_authorized(ask) {
                Ok(response) if !is_passing(response.status()) => return self.accept(ask, response),
                Ok(mut response) => {
                    let after = retry_after(response.headers());
                    let body = bounded(&mut response, ANSWER_LIMIT).unwrap_or_default();
                    let mut error = self.failure(ask, response.status(), &body);
                    if let RegistryError::RateLimit { after: wait, .. } = &mut error {
                        *wait = after;
                    }
                    (error.into(), after)
                }
                Err(Failure::Passing(error)) => (error.into(), None),
                Err(Failure::Final(error)) if self.settings.insists && is_unreachable(&error) => {
                    is_told = true;
                    (error, None)
                }
                Err(Failure::Final(error)) => return Err(error),
            };
            failures += 1;
            // Who asks for a longer wait than we have is not asked again.
            match self.wait_before(failures) {
                Some(wait) if after.is_none_or(|after| after <= LONGEST_WAIT) => {
                    let wait = after.unwrap_or(wait);
                    if let Some(tell) = self.settings.tell.filter(|_| is_told) {
                        // In Podman's words, which scripts look for.
                        tell(&format!(
                            "Failed, retrying in {wait:?} ... ({failures}/{}). Error: initializing {}/{}: {error:#}",
                            self.settings.retries, self.domain, self.repository
                        ));
                    }
                    self.rest(wait);
                }
                _ => return Err(error),
            }
        }
    }

    fn accept(&self, ask: &Ask<'_>, mut response: Response<Body>) -> Result<Response<Body>> {
        if let Some(warn) = self.settings.warn {
            let warnings = warnings(response.headers());
            let from = response.extensions().get::<AnsweredBy>();
            let host = from.map_or(self.domain.as_str(), |from| &from.0);
            warnings.iter().for_each(|text| warn(host, text));
        }
        if response.status().is_success() {
            return Ok(response);
        }
        let body = bounded(&mut response, ANSWER_LIMIT).unwrap_or_default();
        Err(self.failure(ask, response.status(), &body).into())
    }

    fn failure(&self, ask: &Ask<'_>, status: StatusCode, body: &[u8]) -> RegistryError {
        let had_credentials = self.settings.credentials.is_some();
        RegistryError::of_status(&self.domain, ask.what, status, body, had_credentials)
    }

    /// Sends a request with what the registry wants to know of us, which its first answer tells.
    fn ask_authorized(&self, ask: &Ask<'_>) -> Result<Response<Body>, Failure> {
        let used = self.authorization(ask.purpose);
        let response = self.send(ask, used.as_deref())?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        match self.authorize(ask.purpose, response.headers(), used.as_deref())? {
            Some(header) => self.send(ask, Some(&header)),
            None => Ok(response),
        }
    }

    fn authorization(&self, purpose: Purpose) -> Option<String> {
        let state = self.state.lock().expect("no thread panics with the lock");
        let known = state.authorization.get(&purpose)?;
        let is_valid = known.until.is_none_or(|until| Instant::now() < until);
        is_valid.then(|| known.header.clone())
    }

    /// What to answer the challenges with. `None`: nothing that we have.
    fn authorize(
        &self,
        purpose: Purpose,
        headers: &HeaderMap,
        used: Option<&str>,
    ) -> Result<Option<String>, Failure> {
        // One thread asks for a token; the others, refused meanwhile, take the same.
        let _one = self.authorizing.lock().expect("no thread panics with the lock");
        let known = self.authorization(purpose);
        if known.is_some() && known.as_deref() != used {
            return Ok(known);
        }
        let challenges: Vec<Challenge> = headers
            .get_all(header::WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(challenge::parse)
            .collect();
        let bearer = challenges
            .iter()
            .find(|one| matches!(one, Challenge::Bearer { .. }));
        let authorization = match (bearer.or(challenges.first()), &self.settings.credentials) {
            (
                Some(Challenge::Bearer {
                    realm,
                    service,
                    scope,
                }),
                _,
            ) => self.token(purpose, realm, service.as_deref(), scope.as_deref())?,
            (Some(Challenge::Basic), Some(Credentials::Password { user, password })) => Authorization {
                header: basic(user, password),
                until: None,
            },
            _ => return Ok(None),
        };
        let header = authorization.header.clone();
        let mut state = self.state.lock().expect("no thread panics with the lock");
        state.authorization.insert(purpose, authorization);
        Ok(Some(header))
    }

    /// Fetches a token (distribution, "Token Authentication"; with an identity token its OAuth form).
    fn token(
        &self,
        purpose: Purpose,
        realm: &str,
        service: Option<&str>,
        scope: Option<&str>,
    ) -> Result<Authorization, Failure> {
        #[derive(Deserialize)]
        struct Token {
            #[serde(default)]
            token: String,
            #[serde(default)]
            access_token: String,
            #[serde(default)]
            expires_in: Option<u64>,
        }
        let realm_uri = self.trusted(realm)?;
        let actions = if purpose == Purpose::Push {
            "pull,push"
        } else {
            "pull"
        };
        let own = format!("repository:{}:{actions}", self.repository);
        // The registry knows best what the request needs, unless it only asks for less than will be needed.
        let scope = scope
            .filter(|scope| purpose == Purpose::Pull || scope.contains("push"))
            .or((!self.repository.is_empty()).then_some(own.as_str()));
        let taken: Vec<String> = match purpose {
            Purpose::Pull => Vec::new(),
            Purpose::Push => {
                let state = self.state.lock().expect("no thread panics with the lock");
                state
                    .sources
                    .iter()
                    .map(|source| format!("repository:{source}:pull"))
                    .collect()
            }
        };
        let mut fields: Vec<_> = scope.map(|scope| ("scope", scope)).into_iter().collect();
        fields.extend(taken.iter().map(|scope| ("scope", scope.as_str())));
        fields.extend(service.map(|service| ("service", service)));
        let mut posted = None;
        let request = match &self.settings.credentials {
            Some(Credentials::Identity(token)) => {
                fields.extend([
                    ("grant_type", "refresh_token"),
                    ("refresh_token", token),
                    ("client_id", "coracle"),
                ]);
                posted = Some(form(&fields).into_bytes());
                Request::post(realm_uri.clone())
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            }
            credentials => {
                let separator = if realm.contains('?') { '&' } else { '?' };
                let mut request = Request::get(format!("{realm}{separator}{}", form(&fields)));
                if let Some(Credentials::Password { user, password }) = credentials {
                    request = request.header(header::AUTHORIZATION, basic(user, password));
                }
                request
            }
        };
        let request = request
            .body(())
            .map_err(|_| self.wrong(format!("its token server {realm:?} is no URL")))?;
        let host = realm_uri.authority().map(ToString::to_string).unwrap_or_default();
        let mut response = self.run(request, posted.as_deref(), &host)?;
        let status = response.status();
        let body = bounded(&mut response, ANSWER_LIMIT)
            .map_err(|error| Failure::Passing(unreachable(&host, &ureq::Error::Io(error))))?;
        if !status.is_success() {
            let what = format!("token for {}", self.repository);
            let error =
                RegistryError::of_status(&host, &what, status, &body, self.settings.credentials.is_some());
            return Err(if is_passing(status) {
                Failure::Passing(error)
            } else {
                Failure::Final(error.into())
            });
        }
        let token: Token =
            serde_json::from_slice(&body).map_err(|_| self.wrong(format!("{host} gave no token")))?;
        let value = if token.token.is_empty() {
            token.access_token
        } else {
            token.token
        };
        if value.is_empty() || value.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(self.wrong(format!("{host} gave no token")).into());
        }
        let life = token.expires_in.map_or(TOKEN_LIFE, Duration::from_secs);
        Ok(Authorization {
            header: format!("Bearer {value}"),
            // Not used in its last seconds, in which it might be refused on its way.
            until: Instant::now().checked_add(life.saturating_sub(Duration::from_secs(5))),
        })
    }

    /// A URL that the registry names. It may not lead from an encrypted registry to where everybody can listen.
    fn trusted(&self, url: &str) -> Result<Uri, Failure> {
        let is_plain = self.scheme() == Some("http");
        match url.parse::<Uri>() {
            Ok(uri) if uri.scheme_str() == Some("https") => Ok(uri),
            Ok(uri)
                if uri.scheme_str() == Some("http")
                    && (is_plain || self.settings.tls_verify == Some(false)) =>
            {
                Ok(uri)
            }
            Ok(_) => Err(self
                .wrong(format!("it leads to {url:?}, which is not encrypted"))
                .into()),
            Err(_) => Err(self.wrong(format!("it leads to {url:?}, which is no URL")).into()),
        }
    }

    fn scheme(&self) -> Option<&'static str> {
        self.state.lock().expect("no thread panics with the lock").scheme
    }

    /// Sends a request once, through redirects. Whoever is not the registry itself is told nothing of us.
    fn send(&self, ask: &Ask<'_>, authorization: Option<&str>) -> Result<Response<Body>, Failure> {
        let mut authorization = authorization;
        if !ask.target.starts_with('/') && ask.target.contains("://") {
            self.trusted(ask.target)?;
            authorization = authorization.filter(|_| self.is_own(ask.target));
        }
        let mut response = self.send_to_registry(ask, authorization)?;
        // The first answer has told the scheme.
        let mut url = self.url(ask.target);
        for _ in 0..HOPS {
            let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let location = response
                .headers()
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok());
            let (true, Some(location)) = (is_redirect && ask.body.is_none(), location) else {
                return Ok(response);
            };
            let next = join(&url, location);
            let uri = self.trusted(&next)?;
            let host = uri.authority().map(ToString::to_string).unwrap_or_default();
            let request = self.request(ask, &next, authorization.filter(|_| self.is_own(&next)))?;
            response = self.run(request, ask.body, &host)?;
            if !self.is_own(&next) {
                response.extensions_mut().insert(AnsweredBy(host));
            }
            url = next;
        }
        Err(self
            .wrong(format!("{} is redirected more than {HOPS} times", ask.what))
            .into())
    }

    /// Whether a URL is the registry's own, to whom our credentials may be told.
    fn is_own(&self, url: &str) -> bool {
        origin(url) == origin(&self.url("/"))
    }

    /// Sends a body as it comes, once, with what the registry was told of us before.
    pub(super) fn send_stream(&self, ask: &Ask<'_>, body: &mut dyn io::Read) -> Result<Response<Body>> {
        let url = self.url(ask.target);
        let uri = self.trusted(&url).map_err(Failure::into_error)?;
        let authorization = self.authorization(ask.purpose).filter(|_| self.is_own(&url));
        let request = self
            .request(ask, &url, authorization.as_deref())
            .map_err(Failure::into_error)?;
        let answer = self
            .agent(&uri)?
            .run(request.map(|()| SendBody::from_reader(body)));
        let response = answer.map_err(|error| unreachable(&self.domain, &error))?;
        self.accept(ask, response)
    }

    /// The URL of a target, once the scheme is known.
    pub(super) fn url(&self, target: &str) -> String {
        if !target.starts_with('/') && target.contains("://") {
            return target.to_owned();
        }
        format!(
            "{}://{}{target}",
            self.scheme().unwrap_or("https"),
            self.authority
        )
    }

    /// The first request finds out whether the registry speaks TLS, where it may do without.
    fn send_to_registry(
        &self,
        ask: &Ask<'_>,
        authorization: Option<&str>,
    ) -> Result<Response<Body>, Failure> {
        let is_here = || {
            let authority = self.authority.parse::<Authority>();
            authority.is_ok_and(|authority| is_loopback(authority.host()))
        };
        let may_be_plain = self.settings.tls_verify.map_or_else(is_here, |verify| !verify);
        if self.scheme().is_some() || !may_be_plain {
            let request = self.request(ask, &self.url(ask.target), authorization)?;
            let response = self.run(request, ask.body, &self.authority)?;
            self.state
                .lock()
                .expect("no thread panics with the lock")
                .scheme
                .get_or_insert("https");
            return Ok(response);
        }
        let mut first = None;
        for scheme in ["https", "http"] {
            let url = format!("{scheme}://{}{}", self.authority, ask.target);
            match self.run(self.request(ask, &url, authorization)?, ask.body, &self.authority) {
                Ok(response) => {
                    self.state.lock().expect("no thread panics with the lock").scheme = Some(scheme);
                    return Ok(response);
                }
                // A certificate that is not right is no reason to speak without one.
                Err(Failure::Final(error)) if !is_unreachable(&error) => return Err(Failure::Final(error)),
                Err(failure) => {
                    first.get_or_insert(failure);
                }
            }
        }
        Err(first.expect("both ways failed"))
    }

    fn request(&self, ask: &Ask<'_>, url: &str, authorization: Option<&str>) -> Result<Request<()>, Failure> {
        let mut request = Request::builder().method(ask.method.clone()).uri(url);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request
            .body(())
            .map_err(|_| self.wrong(format!("it leads to {url:?}, which is no URL")).into())
    }

    /// One request to one host.
    fn run(&self, request: Request<()>, body: Option<&[u8]>, host: &str) -> Result<Response<Body>, Failure> {
        let uri = request.uri().clone();
        let agent = self.agent(&uri).map_err(Failure::Final)?;
        let answer = match body {
            Some(body) => agent.run(request.map(|()| body)),
            None => agent.run(request),
        };
        answer.map_err(|error| {
            // Who speaks TLS well enough to refuse is not to be asked without it.
            if let Some(refused) = tls_problem(host, &error) {
                return refused.into();
            }
            let proxies = &self.settings.proxies;
            let reason = match proxies.shown(
                uri.scheme_str().unwrap_or_default(),
                uri.host().unwrap_or_default(),
            ) {
                Some(proxy) => unreachable(&format!("{host} through the proxy {proxy}"), &error),
                None => unreachable(host, &error),
            };
            // Who has never answered is not there, rather than busy.
            match is_nobody(&error) && self.scheme().is_none() {
                true => Failure::Final(reason.into()),
                false => Failure::Passing(reason),
            }
        })
    }

    fn agent(&self, uri: &Uri) -> Result<Agent> {
        let scheme = uri.scheme_str().unwrap_or("https").to_owned();
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let is_ours = authority == self.authority;
        let host = uri.host().unwrap_or_default().to_owned();
        let mut state = self.state.lock().expect("no thread panics with the lock");
        if state.is_broken_off {
            return Err(BrokenOff.into());
        }
        if let Some(agent) = state.agents.get(&(scheme.clone(), authority.clone())) {
            return Ok(agent.clone());
        }
        // Certificates of this registry, and the word that any will do, are about this registry alone.
        let access = Access {
            proxies: &self.settings.proxies,
            certificates: if is_ours { &self.settings.certificates } else { &[] },
            unverified: is_ours && self.settings.tls_verify == Some(false),
        };
        let agent = agent(&scheme, &host, &access).with_context(|| format!("registry {}", self.domain))?;
        state.agents.insert((scheme, authority), agent.clone());
        Ok(agent)
    }

    /// A whole document of at most `limit` bytes, asked for again where the connection breaks in it.
    pub(super) fn fetch(&self, ask: &Ask<'_>, limit: u64) -> Result<(HeaderMap, Vec<u8>)> {
        let mut failures = 0;
        loop {
            let mut response = self.ask(ask)?;
            match bounded(&mut response, limit + 1) {
                Ok(bytes) if bytes.len() as u64 > limit => {
                    return Err(self
                        .wrong(format!("{} is longer than {limit} bytes", ask.what))
                        .into());
                }
                Ok(bytes) => return Ok((response.into_parts().0.headers, bytes)),
                Err(error) => {
                    failures += 1;
                    let Some(wait) = self.wait_before(failures) else {
                        return Err(unreachable(&self.domain, &ureq::Error::Io(error)).into());
                    };
                    self.rest(wait);
                }
            }
        }
    }
}

/// Another host than the registry, which it led to.
#[derive(Clone)]
struct AnsweredBy(String);

/// A request that brought no answer.
#[derive(Debug)]
enum Failure {
    /// The next try may succeed.
    Passing(RegistryError),
    Final(anyhow::Error),
}

impl Failure {
    fn into_error(self) -> anyhow::Error {
        match self {
            Self::Passing(error) => error.into(),
            Self::Final(error) => error,
        }
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::Final(error.into())
    }
}

fn unreachable(host: &str, error: &ureq::Error) -> RegistryError {
    let reason = match error {
        ureq::Error::HostNotFound => "there is no host of that name".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    RegistryError::Unreachable {
        host: host.to_owned(),
        reason,
    }
}

/// Why two did not agree to trust each other, if that is what failed.
fn tls_problem(host: &str, error: &ureq::Error) -> Option<RegistryError> {
    let inner = match error {
        ureq::Error::Rustls(error) => error,
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref::<rustls::Error>()?,
        _ => return None,
    };
    let host = host.to_owned();
    match inner {
        rustls::Error::InvalidCertificate(problem) => Some(RegistryError::of_certificate(host, problem)),
        rustls::Error::AlertReceived(alert) => Some(RegistryError::of_alert(host, *alert)),
        _ => None,
    }
}

fn is_unreachable(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(RegistryError::Unreachable { .. }))
}

/// Whether nobody listens there, or there is no such place.
fn is_nobody(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound => true,
        ureq::Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
        ),
        _ => false,
    }
}
