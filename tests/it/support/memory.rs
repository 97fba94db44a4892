//! A registry in memory that insists on what the distribution specification asks of clients, and does what that leaves
//! open in one way or another.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::image::hex;
use super::registry::{Answer, Asked, Fake};

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// How a registry does what is left open to it.
#[derive(Clone, Copy, Default)]
pub struct Ways {
    /// What comes before the path of an upload in `Location`; nothing: it is a path.
    pub location: &'static str,
    /// Whether blobs are taken over from other repositories.
    pub mounts: bool,
    /// Whether it lists what is attached to a manifest.
    pub lists: bool,
    /// Most entries of one page.
    pub page: usize,
}

#[derive(Default)]
pub struct Memory {
    ways: Ways,
    host: String,
    blobs: BTreeMap<String, Vec<u8>>,
    /// By repository and name.
    pub manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    pub uploads: BTreeMap<String, Vec<u8>>,
    count: usize,
}

pub fn refused(status: u16, code: &str) -> Answer {
    Answer::new(status, json!({ "errors": [{ "code": code }] }).to_string())
}

fn field<'a>(target: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = target.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

impl Memory {
    pub fn answer(&mut self, asked: &Asked) -> Answer {
        self.host = asked.header("host").to_owned();
        if !asked.header("user-agent").starts_with("coracle/") {
            return refused(400, "NO_USER_AGENT");
        }
        let path = asked.target.split('?').next().unwrap().to_owned();
        let path = path.strip_prefix("/v2/").unwrap_or_default();
        for (part, act) in [
            (
                "/blobs/uploads/",
                Self::upload as fn(&mut Self, &Asked, &str, &str) -> Answer,
            ),
            ("/blobs/", Self::blob),
            ("/manifests/", Self::manifest),
            ("/referrers/", Self::referrers),
            ("/tags/", Self::tags),
        ] {
            if let Some((repository, name)) = path.split_once(part) {
                return act(self, asked, repository, name);
            }
        }
        refused(404, "UNSUPPORTED")
    }

    /// A session lives at the last place that was named for it.
    fn session(&mut self, status: u16, bytes: Vec<u8>) -> Answer {
        self.count += 1;
        let id = format!("session-{}", self.count);
        self.uploads.insert(id.clone(), bytes);
        let prefix = self.ways.location.replace("HOST", &self.host);
        Answer::new(status, "").header("Location", format!("{prefix}/v2/test/blobs/uploads/{id}?state=1"))
    }

    fn upload(&mut self, asked: &Asked, _repository: &str, id: &str) -> Answer {
        let digest = field(&asked.target, "digest").map(|digest| digest.replace("%3A", ":"));
        match asked.method.as_str() {
            "POST" => {
                let mount = field(&asked.target, "mount").map(|digest| digest.replace("%3A", ":"));
                match mount.filter(|digest| self.ways.mounts && self.blobs.contains_key(digest)) {
                    Some(digest) => {
                        Answer::new(201, "").header("Location", format!("/v2/test/blobs/{digest}"))
                    }
                    None => self.session(202, Vec::new()),
                }
            }
            "PATCH" | "PUT" => {
                let Some(mut bytes) = self.uploads.remove(id) else {
                    return refused(404, "BLOB_UPLOAD_UNKNOWN");
                };
                if field(&asked.target, "state") != Some("1") {
                    return refused(400, "LOCATION_WAS_CHANGED");
                }
                if !asked.body.is_empty() && asked.header("content-type") != "application/octet-stream" {
                    return refused(400, "CONTENT_TYPE");
                }
                bytes.extend(&asked.body);
                if asked.method == "PATCH" {
                    return self.session(202, bytes);
                }
                if digest != Some(format!("sha256:{}", hex(&bytes))) {
                    return refused(400, "DIGEST_INVALID");
                }
                self.blobs.insert(digest.unwrap(), bytes);
                Answer::new(201, "")
            }
            "DELETE" => {
                self.uploads.remove(id);
                Answer::new(204, "")
            }
            _ => refused(405, "UNSUPPORTED"),
        }
    }

    fn blob(&mut self, asked: &Asked, _repository: &str, digest: &str) -> Answer {
        let Some(bytes) = self.blobs.get(digest) else {
            return refused(404, "BLOB_UNKNOWN");
        };
        match asked.range(bytes.len()) {
            None => Answer::new(200, bytes.clone()),
            Some(range) => Answer::new(206, &bytes[range.clone()]).header(
                "Content-Range",
                format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len()),
            ),
        }
    }

    fn manifest(&mut self, asked: &Asked, repository: &str, name: &str) -> Answer {
        let key = (repository.to_owned(), name.to_owned());
        if asked.method != "PUT" {
            let Some((kind, bytes)) = self.manifests.get(&key) else {
                return refused(404, "MANIFEST_UNKNOWN");
            };
            if !asked.header("accept").split(", ").any(|known| known == kind) {
                return refused(404, "NOT_ACCEPTED");
            }
            return Answer::new(200, bytes.clone())
                .header("Content-Type", kind)
                .header("Docker-Content-Digest", format!("sha256:{}", hex(bytes)));
        }
        let document: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        if document["mediaType"] != asked.header("content-type") {
            return refused(400, "MANIFEST_INVALID");
        }
        let layers = document["layers"].as_array().cloned().unwrap_or_default();
        let mut blobs = layers.iter().chain(document.get("config"));
        if !blobs.all(|blob| {
            self.blobs
                .contains_key(blob["digest"].as_str().unwrap_or_default())
        }) {
            return refused(400, "MANIFEST_BLOB_UNKNOWN");
        }
        let digest = format!("sha256:{}", hex(&asked.body));
        let kind = asked.header("content-type").to_owned();
        for name in [name, digest.as_str()] {
            let key = (repository.to_owned(), name.to_owned());
            self.manifests.insert(key, (kind.clone(), asked.body.clone()));
        }
        let answer = Answer::new(201, "")
            .header("Docker-Content-Digest", &digest)
            .header("Warning", r#"299 - "this registry will be \"gone\" soon""#);
        match document["subject"]["digest"].as_str() {
            Some(subject) if self.ways.lists => answer.header("OCI-Subject", subject),
            _ => answer,
        }
    }

    /// The entries from `last` on, and the header that leads to the next page.
    fn page(&self, asked: &Asked, entries: Vec<Value>) -> (Vec<Value>, Option<String>) {
        let begin = field(&asked.target, "last").map_or(0, |last| last.parse().unwrap());
        let end = entries.len().min(begin + self.ways.page.max(1));
        let path = asked.target.split('?').next().unwrap();
        let more = end < entries.len();
        let link = more.then(|| format!("<http://{}{path}?last={end}>; rel=\"next\"", self.host));
        (entries[begin..end].to_vec(), link)
    }

    fn referrers(&mut self, asked: &Asked, repository: &str, digest: &str) -> Answer {
        if !self.ways.lists {
            return Answer::new(404, "404 page not found\n");
        }
        let mut entries = Vec::new();
        for ((place, name), (kind, bytes)) in &self.manifests {
            let document: Value = serde_json::from_slice(bytes).unwrap();
            if place == repository && document["subject"]["digest"] == digest && name.starts_with("sha256:") {
                entries.push(json!({ "mediaType": kind, "digest": name, "size": bytes.len(), "artifactType": document["artifactType"] }));
            }
        }
        let (entries, link) = self.page(asked, entries);
        let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        let answer = Answer::new(200, list.to_string()).header("Content-Type", INDEX);
        match link {
            Some(link) => answer.header("Link", link),
            None => answer,
        }
    }

    fn tags(&mut self, asked: &Asked, repository: &str, _list: &str) -> Answer {
        let names = self.manifests.keys().filter(|(place, _)| place == repository);
        let tags = names
            .filter(|(_, name)| !name.contains(':'))
            .map(|(_, name)| json!(name));
        let (tags, link) = self.page(asked, tags.collect());
        let answer = Answer::new(200, json!({ "name": repository, "tags": tags }).to_string());
        match link {
            Some(link) => answer.header("Link", link),
            None => answer,
        }
    }
}

/// A registry of these ways; `change` has the last word about each answer.
pub fn start(ways: Ways, change: impl Fn(&Asked, Answer) -> Answer + Send + Sync + 'static) -> Fake {
    let memory = Mutex::new(Memory {
        ways,
        ..Memory::default()
    });
    Fake::start(move |asked| change(asked, memory.lock().expect("no thread panics here").answer(asked)))
}
