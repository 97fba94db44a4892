//! What can go wrong between us and a registry, as sentences that say what to do.

use std::time::Duration;

use rustls::{AlertDescription, CertificateError};
use serde::Deserialize;
use ureq::http::StatusCode;

use super::tls::is_authority;

/// Why a registry did not give or take something.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("{host} has no {what}{}", said(.detail))]
    Missing {
        host: String,
        what: String,
        detail: String,
    },
    #[error("{host} does not let us have {what}{}: {}", said(.detail), advice(*.had_credentials, .host))]
    Denied {
        host: String,
        what: String,
        detail: String,
        had_credentials: bool,
    },
    #[error("{host} has had too many requests from here{}{}", said(.detail), later(.after))]
    RateLimit {
        host: String,
        detail: String,
        after: Option<Duration>,
    },
    #[error("{host} answered {status} to {what}{}", said(.detail))]
    Status {
        host: String,
        what: String,
        status: StatusCode,
        detail: String,
    },
    #[error("cannot reach {host}: {reason}")]
    Unreachable { host: String, reason: String },
    #[error(
        "the certificate of {host} is not to be trusted ({reason}): {cure}, or do without: --tls-verify=false, \
         or insecure = true in registries.conf"
    )]
    Certificate {
        host: String,
        reason: String,
        cure: String,
    },
    #[error(
        "{host} wants a certificate of ours that it trusts ({reason}): put client.cert and client.key into \
         /etc/containers/certs.d/{host}"
    )]
    OurCertificate { host: String, reason: String },
    #[error("{host} gave a wrong answer: {reason}")]
    Wrong { host: String, reason: String },
}

fn said(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    }
}

fn advice(had_credentials: bool, host: &str) -> String {
    if had_credentials {
        "the account that is logged in may not".to_owned()
    } else {
        format!("it may be private: log in with coracle login {host}, or see whether the name is right")
    }
}

fn later(after: &Option<Duration>) -> String {
    match after {
        Some(after) => format!(": try again in {} s, or log in", after.as_secs()),
        None => ": try again later, or log in".to_owned(),
    }
}

impl RegistryError {
    /// The error that a status of failure means, with what the registry says in its body.
    pub fn of_status(host: &str, what: &str, status: StatusCode, body: &[u8], had_credentials: bool) -> Self {
        let (host, what, detail) = (host.to_owned(), what.to_owned(), detail(body));
        match status.as_u16() {
            404 => Self::Missing { host, what, detail },
            401 | 403 => Self::Denied {
                host,
                what,
                detail,
                had_credentials,
            },
            429 => Self::RateLimit {
                host,
                detail,
                after: None,
            },
            _ => Self::Status {
                host,
                what,
                status,
                detail,
            },
        }
    }

    /// A server's certificate that is not taken.
    pub fn of_certificate(host: String, problem: &CertificateError) -> Self {
        let (reason, cure) = match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                ("it has expired".to_owned(), "have it renewed".to_owned())
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                "it is not valid yet".to_owned(),
                "see whether the clock here is right".to_owned(),
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                (problem.to_string(), "use a name that is in it".to_owned())
            }
            other => (
                match other {
                    CertificateError::UnknownIssuer => "nobody whom we know has signed it".to_owned(),
                    CertificateError::BadSignature => {
                        "its signature is not of the authority that it names".to_owned()
                    }
                    other if is_authority(other) => {
                        "it is an authority's own, and not one for a server".to_owned()
                    }
                    other => other.to_string(),
                },
                format!("put its authority into /etc/containers/certs.d/{host}/ca.crt"),
            ),
        };
        Self::Certificate { host, reason, cure }
    }

    /// A server that refuses to go on with us.
    pub fn of_alert(host: String, alert: AlertDescription) -> Self {
        let reason = format!("{alert:?}");
        match alert {
            AlertDescription::NoCertificate
            | AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::UnknownCA => Self::OurCertificate { host, reason },
            _ => Self::Wrong {
                host,
                reason: format!("it ends the encrypted connection ({reason})"),
            },
        }
    }

    /// Whether there is no such thing, so that asking another registry makes sense.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

/// The same of any error.
pub fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(RegistryError::is_missing)
}

/// The errors of a body (distribution specification, "Error Codes"), as much of them as makes a sentence.
fn detail(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        errors: Vec<One>,
        #[serde(default)]
        details: String,
    }
    #[derive(Deserialize)]
    struct One {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return String::new();
    };
    let texts = body.errors.iter().take(3).map(|one| {
        let code = one.code.to_lowercase().replace('_', " ");
        match one.message.as_str() {
            "" => code,
            message if message.eq_ignore_ascii_case(&code) => code,
            message => format!("{code}: {message}"),
        }
    });
    let mut text = texts.collect::<Vec<_>>().join("; ");
    if text.is_empty() {
        text = body.details;
    }
    // What a stranger says goes to a terminal: one short line of visible characters.
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(300)
        .collect()
}

/// Whether the same request may succeed a little later.
pub fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_registries_say_becomes_one_line() {
        let cases: [(&[u8], &str); 5] = [
            (
                br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]}"#,
                "manifest unknown",
            ),
            (
                br#"{"errors":[{"code":"DENIED","message":"requested access\nis denied"}]}"#,
                "denied: requested access is denied",
            ),
            (
                br#"{"details":"incorrect username or password"}"#,
                "incorrect username or password",
            ),
            (b"<html>", ""),
            (b"{}", ""),
        ];
        for (body, expected) in cases {
            assert_eq!(detail(body), expected);
        }
    }

    #[test]
    fn a_status_says_what_to_do() {
        let error = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            RegistryError::of_status("reg.example", "manifest v1 of x", status, b"", false).to_string()
        };
        assert_eq!(error(404), "reg.example has no manifest v1 of x");
        assert!(error(401).contains("coracle login reg.example"));
        assert!(error(429).contains("try again later"));
        assert_eq!(
            error(418),
            "reg.example answered 418 I'm a teapot to manifest v1 of x"
        );
    }
}
