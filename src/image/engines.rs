//! Images in the stores of other engines, as these give them away and take them: an archive as docker save writes it, by
//! Podman's own program, and over Docker's socket. It is loaded as it comes and written as it goes; nothing is kept
//! beside.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rustix::fs::MemfdFlags;
use serde::Deserialize;

/// Most bytes of the head of an answer, and of what is said about a failure.
const SAID: u64 = 64 << 10;
/// Docker gathers an image before it sends any of it.
const PATIENCE: Duration = Duration::from_secs(600);

/// An archive on its way.
pub struct Stream {
    reader: Box<dyn Read + Send>,
    /// Who writes it, and what it says about it.
    program: Option<(Child, File)>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Stream")
    }
}

/// Asks Podman for an image. Called before the user namespace is entered: Podman has one of its own.
pub fn podman(name: &str) -> Result<Stream> {
    if name.starts_with(['[', '-', '@']) {
        bail!("containers-storage:{name}: only the name or id of an image is understood here");
    }
    let mut command = Command::new("podman");
    command
        .args(["save", "--quiet", "--format", "docker-archive", name])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let (mut child, said) = start(command, name)?;
    let output = child.stdout.take().context("podman has no standard output")?;
    Ok(Stream {
        reader: Box::new(output),
        program: Some((child, said)),
    })
}

/// Starts Podman for the image `name`; what it says goes to the file.
fn start(mut command: Command, name: &str) -> Result<(Child, File)> {
    let said = rustix::fs::memfd_create("podman", MemfdFlags::CLOEXEC).context("cannot listen to podman")?;
    let said = File::from(said);
    match command.stderr(said.try_clone()?).spawn() {
        Ok(child) => Ok((child, said)),
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "containers-storage:{name} lies in the store of Podman, which is not installed: install podman, or use a \
             registry or an archive"
        ),
        Err(error) => Err(error).context("cannot execute podman"),
    }
}

/// The last line that Podman has said; none where it said nothing.
fn last_line(mut said: File) -> Result<Option<String>> {
    let mut text = Vec::new();
    said.rewind()?;
    said.take(SAID).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    Ok(last.map(|line| visible(line.trim().trim_start_matches("Error: "))))
}

/// Asks Docker for an image.
pub fn docker(socket: &Path, name: &str) -> Result<Stream> {
    let stream = ask(socket, name, &format!("GET /images/{}/get", escaped(name)), "")?;
    let described = described(socket);
    let (status, mut body) = answer(stream).context(described.clone())?;
    if status == 200 {
        return Ok(Stream {
            reader: body,
            program: None,
        });
    }
    let mut text = Vec::new();
    let _ = (&mut body).take(SAID).read_to_end(&mut text);
    let detail = message(&text);
    match status {
        404 => bail!("{described} has no image {name}{detail}"),
        status => bail!("{described} answered {status} to image {name}{detail}"),
    }
}

fn described(socket: &Path) -> String {
    format!("Docker at {}", socket.display())
}

/// Sends the head of a request about the image `name`, with further headers.
fn ask(socket: &Path, name: &str, request: &str, headers: &str) -> Result<UnixStream> {
    let unreachable = |error: io::Error| {
        anyhow!(
            "cannot reach Docker at {} ({error}): start it, name its socket in DOCKER_HOST, or use a registry or an archive for \
             docker-daemon:{name}",
            socket.display()
        )
    };
    let mut stream = UnixStream::connect(socket).map_err(unreachable)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "{request} HTTP/1.1\r\nHost: docker\r\nUser-Agent: coracle\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).map_err(unreachable)?;
    Ok(stream)
}

/// The status of what is answered, and its body.
fn answer(stream: UnixStream) -> Result<(u16, Box<dyn Read + Send>)> {
    let mut reader = BufReader::with_capacity(64 << 10, stream);
    let head = Head::read(&mut reader)?;
    Ok((head.status, head.body(reader)))
}

/// Another engine that takes an archive.
pub enum Sink {
    Podman {
        input: ChildStdin,
        child: Child,
        said: File,
    },
    Docker {
        stream: UnixStream,
        /// By which it is called.
        described: String,
    },
}

impl Sink {
    /// Has Podman take the image `name`. Called before the user namespace is entered.
    pub fn podman(name: &str) -> Result<Self> {
        let mut command = Command::new("podman");
        command
            .args(["load", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let (mut child, said) = start(command, name)?;
        let input = child.stdin.take().context("podman has no standard input")?;
        Ok(Self::Podman { input, child, said })
    }

    /// Has Docker take the image `name`.
    pub fn docker(socket: &Path, name: &str) -> Result<Self> {
        let headers = "Content-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n";
        Ok(Self::Docker {
            stream: ask(socket, name, "POST /images/load?quiet=1", headers)?,
            described: described(socket),
        })
    }

    /// Has `write` write the archive, and waits for what becomes of it. Where it was not taken the taker's reason is the
    /// better one.
    pub fn give(self, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        match self {
            Self::Podman {
                input,
                mut child,
                said,
            } => {
                let written = filled(input, write).map(drop);
                let status = child.wait().context("cannot wait for podman")?;
                if status.success() {
                    return written;
                }
                match last_line(said)? {
                    Some(line) => bail!("podman load: {line}"),
                    None => written.and_then(|()| bail!("podman load: {status}")),
                }
            }
            Self::Docker {
                stream,
                described: engine,
            } => {
                let answers = stream.try_clone()?;
                let written = filled(ChunkWriter(stream), write).and_then(|writer| writer.end());
                if let Err(error) = written {
                    // It has said why it does not want more, or nothing.
                    let _ = answers.shutdown(Shutdown::Write);
                    return Err(taken(answers).err().unwrap_or(error)).context(engine);
                }
                taken(answers).context(engine)
            }
        }
    }
}

/// Has `write` write to a buffer before `output`.
fn filled<W: Write>(output: W, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<W> {
    let mut output = BufWriter::with_capacity(256 << 10, output);
    write(&mut output)?;
    output.into_inner().map_err(|error| error.into_error().into())
}

/// Whether Docker has taken an image: it says so in lines of JSON.
fn taken(stream: UnixStream) -> Result<()> {
    let (status, body) = answer(stream)?;
    let mut text = Vec::new();
    body.take(SAID).read_to_end(&mut text)?;
    if status != 200 {
        bail!("answered {status} to the image{}", message(&text));
    }
    #[derive(Deserialize)]
    struct Line {
        error: Option<String>,
    }
    let lines = serde_json::Deserializer::from_slice(&text).into_iter::<Line>();
    match lines.map_while(Result::ok).find_map(|line| line.error) {
        Some(error) => bail!("{}", visible(&error)),
        None => Ok(()),
    }
}

/// Writes a body in chunks (RFC 9112 section 7.1).
struct ChunkWriter(UnixStream);

impl ChunkWriter {
    fn end(mut self) -> Result<()> {
        Ok(self.0.write_all(b"0\r\n\r\n")?)
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            self.0.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
            self.0.write_all(bytes)?;
            self.0.write_all(b"\r\n")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl Stream {
    /// Splits what is read from who writes it.
    pub fn split(self) -> (Box<dyn Read + Send>, Writer) {
        (self.reader, Writer(self.program))
    }
}

/// Who writes an archive.
pub struct Writer(Option<(Child, File)>);

impl Writer {
    /// What became of loading the archive. Where the writer failed, its reason is the better one.
    pub fn conclude<T>(self, loaded: Result<T>) -> Result<T> {
        let Some((mut child, said)) = self.0 else {
            return loaded;
        };
        // Its output is closed by now, so it ends by itself.
        let status = child.wait().context("cannot wait for podman")?;
        let Err(error) = loaded else { return loaded };
        if status.success() {
            return Err(error);
        }
        match last_line(said)? {
            Some(line) => bail!("podman save: {line}"),
            None => Err(error),
        }
    }
}

/// How an answer of HTTP begins (RFC 9112).
struct Head {
    status: u16,
    length: Option<u64>,
    is_chunked: bool,
}

impl Head {
    fn read(reader: &mut impl BufRead) -> Result<Self> {
        let mut reader = reader.take(SAID);
        let mut line = || -> Result<String> {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            line.strip_suffix("\r\n")
                .map(str::to_owned)
                .context("its answer is not HTTP")
        };
        let first = line()?;
        let status = first
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.split(' ').nth(1)?.parse().ok())
            .context("its answer is not HTTP")?;
        let mut head = Self {
            status,
            length: None,
            is_chunked: false,
        };
        loop {
            let line = line()?;
            if line.is_empty() {
                return Ok(head);
            }
            let (name, value) = line.split_once(':').context("its answer is not HTTP")?;
            match name.to_ascii_lowercase().as_str() {
                "content-length" => {
                    head.length = Some(value.trim().parse().context("its answer has no length")?)
                }
                "transfer-encoding" if value.trim().eq_ignore_ascii_case("chunked") => head.is_chunked = true,
                "transfer-encoding" => bail!("its answer is encoded as {:?}", visible(value.trim())),
                _ => {}
            }
        }
    }

    fn body(&self, reader: impl BufRead + Send + 'static) -> Box<dyn Read + Send> {
        match (self.is_chunked, self.length) {
            (true, _) => Box::new(Chunks {
                reader,
                left: 0,
                is_begun: false,
                is_over: false,
            }),
            (false, Some(length)) => Box::new(reader.take(length)),
            (false, None) => Box::new(reader),
        }
    }
}

/// A body in chunks (RFC 9112 section 7.1). One that ends early is an error.
struct Chunks<R> {
    reader: R,
    left: u64,
    is_begun: bool,
    is_over: bool,
}

impl<R: BufRead> Chunks<R> {
    fn next(&mut self) -> io::Result<()> {
        let mut line = || {
            let mut line = String::new();
            (&mut self.reader).take(256).read_line(&mut line)?;
            match line.strip_suffix("\r\n") {
                Some(line) => Ok(line.to_owned()),
                None => Err(io::Error::from(ErrorKind::UnexpectedEof)),
            }
        };
        // Each chunk ends with a line break.
        if self.is_begun && !line()?.is_empty() {
            return Err(ErrorKind::InvalidData.into());
        }
        let size = line()?;
        let digits = size.split(';').next().unwrap_or_default().trim();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = u64::from_str_radix(digits, 16).ok().filter(|_| is_number);
        self.left = size.ok_or(ErrorKind::InvalidData)?;
        self.is_begun = true;
        self.is_over = self.left == 0;
        Ok(())
    }
}

impl<R: BufRead> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.is_over && !buffer.is_empty() {
            self.next()?;
        }
        if self.is_over {
            return Ok(0);
        }
        let length = (&mut self.reader).take(self.left).read(buffer)?;
        if length == 0 && !buffer.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= length as u64;
        Ok(length)
    }
}

fn escaped(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' => {
                text.push(byte.into());
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// What Docker says of a failure.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    match serde_json::from_slice::<Said>(body) {
        Ok(said) => format!(" ({})", visible(&said.message)),
        Err(_) => String::new(),
    }
}

/// As much of what a stranger says as makes a sentence.
fn visible(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn body(answer: &[u8]) -> io::Result<Vec<u8>> {
        let mut reader = io::Cursor::new(answer.to_owned());
        let head = Head::read(&mut reader).map_err(io::Error::other)?;
        let mut body = Vec::new();
        head.body(reader).read_to_end(&mut body)?;
        Ok(body)
    }

    #[test]
    fn bodies_are_read_to_where_they_end() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\nabc", "abc"),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nabc", "ab"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
                "abcd",
            ),
        ] {
            assert_eq!(body(answer.as_bytes()).unwrap(), expected.as_bytes(), "{answer}");
        }
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            body(answer.as_bytes()).expect_err(answer);
        }
        let endless = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(20_000));
        body(endless.as_bytes()).unwrap_err();
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(answer in "(HTTP/1\\.1 200|\r\n|Transfer-Encoding: chunked|[0-9a-f]{1,20}|\\PC){0,20}") {
            let _ = body(answer.as_bytes());
        }
    }
}
