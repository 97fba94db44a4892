//! Certificates for tests, made by openssl when they are needed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An authority that signs.
pub struct Authority {
    place: PathBuf,
}

/// A certificate with its key.
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// A new one, with its files below `place`.
    pub fn new(place: &Path) -> Self {
        Self::named(place, "DNS:authority.invalid")
    }

    /// One whose own certificate is for these names.
    pub fn named(place: &Path, names: &str) -> Self {
        std::fs::create_dir_all(place).expect("make a place for certificates");
        let authority = Self {
            place: place.to_owned(),
        };
        let pair = authority.pair("ca");
        let names = format!("subjectAltName={names}");
        let subject = format!(
            "/CN=authority of {}",
            place.file_name().expect("a directory").display()
        );
        authority.request(
            &pair,
            &["-x509", "-days", "2", "-subj", &subject, "-addext", &names],
            &pair.certificate,
        );
        authority
    }

    /// Its own certificate with the key to it.
    pub fn itself(&self) -> Pair {
        self.pair("ca")
    }

    /// Its own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.pair("ca").certificate
    }

    /// A certificate for `names` (`IP:127.0.0.1`, `DNS:…`) that is valid for so many days, or no longer valid.
    pub fn sign(&self, file: &str, names: &str, days: i32) -> Pair {
        let pair = self.pair(file);
        let request = self.place.join(format!("{file}.csr"));
        self.request(&pair, &["-subj", "/CN=test"], &request);
        let extensions = self.place.join(format!("{file}.ext"));
        let text = format!("basicConstraints=critical,CA:FALSE\nsubjectAltName={names}\n");
        std::fs::write(&extensions, text).expect("write what openssl reads");
        let own = self.pair("ca");
        let days = days.to_string();
        let sign = openssl()
            .args(["x509", "-req", "-CAcreateserial", "-days", &days, "-in"])
            .arg(&request)
            .arg("-CA")
            .arg(&own.certificate)
            .arg("-CAkey")
            .arg(&own.key)
            .arg("-extfile")
            .arg(&extensions)
            .arg("-out")
            .arg(&pair.certificate)
            .status();
        assert!(sign.expect("run openssl").success(), "openssl x509");
        pair
    }

    fn pair(&self, file: &str) -> Pair {
        Pair {
            certificate: self.place.join(format!("{file}.crt")),
            key: self.place.join(format!("{file}.key")),
        }
    }

    fn request(&self, pair: &Pair, more: &[&str], output: &Path) {
        let made = openssl()
            .args([
                "req",
                "-new",
                "-nodes",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
            ])
            .args(more)
            .arg("-keyout")
            .arg(&pair.key)
            .arg("-out")
            .arg(output)
            .status();
        assert!(made.expect("run openssl").success(), "openssl req");
    }
}

fn openssl() -> Command {
    let mut command = Command::new("openssl");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
