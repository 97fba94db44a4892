//! Registries on the loopback interface: Debian's own, and one that a test scripts, which remembers every request.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::image::{Format, Image, hex};
use super::sandbox::Sandbox;

/// Debian's docker-registry, with a store of its own.
pub struct Distribution {
    child: Child,
    pub host: String,
}

impl Distribution {
    /// Starts one that keeps its blobs below `place`; `more` is added to its configuration.
    pub fn start(place: &Path, more: &str) -> Self {
        // The port is free now; another process could take it before the registry does, which then does not start.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let host = format!("127.0.0.1:{port}");
        let config = format!(
            "version: 0.1\nlog:\n  accesslog:\n    disabled: false\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: {host}\n{more}",
            place.join("registry").display()
        );
        let file = place.join("registry.yml");
        std::fs::write(&file, config).expect("write the registry's configuration");
        let log = std::fs::File::create(place.join("registry.log")).expect("write the registry's log");
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("start docker-registry");
        let registry = Self { child, host };
        let end = Instant::now() + Duration::from_secs(20);
        // A connection is the only sign of life that it gives.
        while TcpStream::connect(&registry.host).is_err() {
            assert!(Instant::now() < end, "docker-registry does not start");
            thread::sleep(Duration::from_millis(10));
        }
        registry
    }
}

impl Distribution {
    /// Has skopeo put an image there, as `name:tag`; gives its whole name.
    #[track_caller]
    pub fn publish(&self, sandbox: &Sandbox, image: &Image, name: &str) -> String {
        let archive = sandbox.path("tmp/published.tar");
        image.write(&archive, Format::OciArchive);
        let whole = format!("{}/{name}", self.host);
        sandbox
            .program("skopeo")
            .args(["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"])
            .arg(format!("oci-archive:{}", archive.display()))
            .arg(format!("docker://{whole}"))
            .run()
            .succeeds();
        std::fs::remove_file(archive).expect("our own file");
        whole
    }
}

impl Drop for Distribution {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The bytes of a body of `length` bytes that are asked for, if not all.
    pub fn range(&self, length: usize) -> Option<Range<usize>> {
        let (begin, last) = self.header("range").strip_prefix("bytes=")?.split_once('-')?;
        let end = last.parse().map_or(length, |last: usize| length.min(last + 1));
        Some(begin.parse().ok()?..end)
    }

    /// Where what is asked for begins.
    pub fn offset(&self) -> usize {
        self.range(usize::MAX).map_or(0, |range| range.start)
    }
}

/// What is answered.
#[derive(Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The length that is announced, if it is not the body's.
    pub length: Option<usize>,
    /// Hang up after so many bytes of the body.
    pub cut: Option<usize>,
    /// Say nothing more after so many bytes of the body, until the client hangs up.
    pub stall: Option<usize>,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            ..Self::default()
        }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

type Script = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A registry that answers by a script.
pub struct Fake {
    pub host: String,
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    ended: Arc<AtomicBool>,
}

impl Fake {
    pub fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), script)
    }

    /// The same at an address.
    pub fn at(address: SocketAddr, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("just bound");
        let (asked, ended) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let fake = Self {
            host: address.to_string(),
            address,
            asked: Arc::clone(&asked),
            ended: Arc::clone(&ended),
        };
        let script: Arc<Script> = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (script, asked) = (Arc::clone(&script), Arc::clone(&asked));
                let stream = stream.expect("accept");
                thread::spawn(move || serve(stream.try_clone().ok()?, stream, &*script, &asked));
            }
        });
        fake
    }

    /// One that listens at a socket in the file system, as Docker does. Only its requests are of interest.
    pub fn at_socket(
        path: &Path,
        script: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Arc<Mutex<Vec<Asked>>> {
        let listener = UnixListener::bind(path).expect("bind a socket");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&asked));
        // It ends with the process: nobody can connect once the file is gone.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, asked) = (Arc::clone(&script), Arc::clone(&seen));
                let stream = stream.expect("accept");
                thread::spawn(move || serve(stream.try_clone().ok()?, stream, &*script, &asked));
            }
        });
        asked
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no thread panics here").clone()
    }

    /// How many requests were for targets that contain `part`.
    pub fn count(&self, part: &str) -> usize {
        self.asked()
            .iter()
            .filter(|asked| asked.target.contains(part))
            .count()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers what comes over one connection. Whoever does not speak HTTP (who tries TLS, say) is hung up on.
fn serve(
    reader: impl Read,
    mut writer: impl Write,
    script: &Script,
    asked: &Mutex<Vec<Asked>>,
) -> Option<()> {
    let mut reader = BufReader::new(reader);
    loop {
        let request = read(&mut reader)?;
        asked.lock().expect("no thread panics here").push(request.clone());
        let answer = script(&request);
        let length = answer.length.unwrap_or(answer.body.len());
        let mut head = format!("HTTP/1.1 {} X\r\n", answer.status);
        if answer.headers.iter().all(|(name, _)| name != "Transfer-Encoding") {
            head += &format!("Content-Length: {length}\r\n");
        }
        for (name, value) in &answer.headers {
            head += &format!("{name}: {value}\r\n");
        }
        writer.write_all(format!("{head}\r\n").as_bytes()).ok()?;
        if request.method == "HEAD" {
            continue;
        }
        let end = answer.cut.or(answer.stall).unwrap_or(answer.body.len());
        writer
            .write_all(&answer.body[..end.min(answer.body.len())])
            .ok()?;
        if answer.stall.is_some() {
            let _ = reader.read(&mut [0]);
        }
        if answer.cut.or(answer.stall).is_some() {
            return None;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader
        .take(8192)
        .read_line(&mut line)
        .ok()
        .filter(|length| *length > 0)?;
    let mut words = line.split_ascii_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    if !words.next()?.starts_with("HTTP/") {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.take(65536).read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let is_chunked = headers
        .get("transfer-encoding")
        .is_some_and(|coding| coding == "chunked");
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    if is_chunked {
        body = chunks(reader)?;
    }
    Some(Asked {
        method,
        target,
        headers,
        body,
    })
}

/// A body of unknown length (RFC 9112 section 7.1).
fn chunks(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.take(100).read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend(&chunk[..length]);
    }
}

/// What an honest registry has of an image: by path, the media type and the bytes.
pub struct Content {
    pub documents: BTreeMap<String, (String, Vec<u8>)>,
    pub manifest: String,
    /// Digests of the layers' blobs.
    pub layers: Vec<String>,
    pub config: String,
}

impl Content {
    /// The image as the repository `test`, tag `v1`.
    pub fn of(image: &Image, scratch: &Path) -> Self {
        let layout = scratch.join("content");
        image.write(&layout, Format::OciLayout);
        let content = Self::read(&layout, "v1");
        std::fs::remove_dir_all(layout).expect("our own directory");
        content
    }

    /// The one image of an OCI layout as the repository `test`.
    pub fn read(layout: &Path, tag: &str) -> Self {
        let read = |path: &str| std::fs::read(layout.join(path)).expect("written by the test");
        let json =
            |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON of the test");
        let index = json(&read("index.json"));
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let manifest = text(&index["manifests"][0]["digest"]);
        let blob = |digest: &str| read(&format!("blobs/sha256/{}", &digest[7..]));
        let bytes = blob(&manifest);
        let parsed = json(&bytes);
        let kind = "application/vnd.oci.image.manifest.v1+json".to_owned();
        let mut documents = BTreeMap::new();
        for name in [tag, manifest.as_str()] {
            documents.insert(
                format!("/v2/test/manifests/{name}"),
                (kind.clone(), bytes.clone()),
            );
        }
        let layers: Vec<String> = parsed["layers"]
            .as_array()
            .expect("layers")
            .iter()
            .map(|layer| text(&layer["digest"]))
            .collect();
        let config = text(&parsed["config"]["digest"]);
        for digest in layers.iter().chain([&config]) {
            let octets = "application/octet-stream".to_owned();
            documents.insert(format!("/v2/test/blobs/{digest}"), (octets, blob(digest)));
        }
        Self {
            documents,
            manifest,
            layers,
            config,
        }
    }

    /// What an honest registry answers.
    pub fn answer(&self, asked: &Asked) -> Answer {
        let Some((kind, bytes)) = self.documents.get(&asked.target) else {
            let error = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#;
            return Answer::new(404, error);
        };
        let answer = match asked.range(bytes.len()) {
            None => Answer::new(200, bytes.clone()),
            Some(range) => Answer::new(206, &bytes[range.clone()]).header(
                "Content-Range",
                format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len()),
            ),
        };
        let answer = answer.header("Content-Type", kind);
        match asked.target.contains("/manifests/") {
            true => answer.header("Docker-Content-Digest", format!("sha256:{}", hex(bytes))),
            false => answer,
        }
    }
}
