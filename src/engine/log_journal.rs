//! A container's output for the journal of systemd.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::base::id::short;
use crate::base::journal::{self, field};
use crate::store::container::{Container, LogDetails, Root};

/// Sends lines to the journal.
pub struct Journal {
    socket: OwnedFd,
    /// The fields that every line has.
    fields: Vec<u8>,
    /// Lines that the journal had no room for, since it was last told so.
    lost: u64,
}

impl Journal {
    /// Connects to the journal. `tag`: what the lines are to [be called](tag).
    pub fn connect(
        path: &Path,
        container: &Container,
        tag: Option<&str>,
        details: &LogDetails,
    ) -> io::Result<Self> {
        let socket = journal::connect(path)?;
        let id = short(&container.id);
        let tag = tag.map_or_else(|| id.to_owned(), |text| self::tag(text, container));
        let mut fields = Vec::new();
        for (key, value) in [
            ("CONTAINER_ID", id),
            ("CONTAINER_ID_FULL", &container.id),
            ("CONTAINER_NAME", &container.name),
            ("CONTAINER_TAG", &tag),
            ("SYSLOG_IDENTIFIER", &tag),
            ("IMAGE_NAME", image_name(container)),
        ] {
            field(&mut fields, key, value.as_bytes());
        }
        for (key, value) in details.of(&container.config) {
            let key = field_name(&key);
            if !key.is_empty() {
                field(&mut fields, &key, value.as_bytes());
            }
        }
        Ok(Self {
            socket,
            fields,
            lost: 0,
        })
    }

    /// Sends one line. One that the journal has no room for is lost, but not unsaid: the container does not wait.
    pub fn send(&mut self, is_error: bool, text: &[u8]) {
        if self.lost > 0 {
            let text = format!(
                "coracle: {} lines lost: the journal had no room for them",
                self.lost
            );
            match self.try_send(true, text.as_bytes(), true) {
                Ok(()) => self.lost = 0,
                Err(_) => return self.lost += 1,
            }
        }
        let (text, is_whole) = match text.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (text, false),
        };
        if self.try_send(is_error, text, is_whole).is_err() {
            self.lost += 1;
        }
    }

    fn try_send(&self, is_error: bool, text: &[u8], is_whole: bool) -> rustix::io::Result<()> {
        let mut packet = self.fields.clone();
        // As of syslog: errors and information.
        field(&mut packet, "PRIORITY", if is_error { b"3" } else { b"6" });
        if !is_whole {
            field(&mut packet, "CONTAINER_PARTIAL_MESSAGE", b"true");
        }
        field(&mut packet, "MESSAGE", text);
        journal::send(&self.socket, &packet)
    }
}

/// The text of a tag, with `{{.ID}}`, `{{.FullID}}`, `{{.Name}}` and `{{.ImageName}}` for what the container is.
pub fn tag(text: &str, container: &Container) -> String {
    [
        ("{{.ID}}", short(&container.id)),
        ("{{.FullID}}", &container.id),
        ("{{.Name}}", &container.name),
        ("{{.ImageName}}", image_name(container)),
    ]
    .iter()
    .fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
}

fn image_name(container: &Container) -> &str {
    match &container.root {
        Root::Image { name, .. } => name,
        Root::Directory { .. } => "",
    }
}

/// What a label or a variable is called in the journal, as with Docker. Fields of the journal's own begin with `_`.
fn field_name(key: &str) -> String {
    let name: String = key
        .chars()
        .map(|letter| match letter.is_ascii_alphanumeric() {
            true => letter.to_ascii_uppercase(),
            false => '_',
        })
        .collect();
    name.trim_start_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    fn container() -> Container {
        let root = serde_json::json!({"image": {"id": "i", "name": "busybox", "digest": null, "lowers": []}});
        let id = "0123456789abcdef";
        serde_json::from_value(serde_json::json!({
            "version": 1, "id": id, "name": "one", "created": "2026", "root": root, "config": {},
        }))
        .unwrap()
    }

    #[test]
    fn lines_have_their_fields() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let server = UnixDatagram::bind(&path).unwrap();
        let details = LogDetails {
            given: [("com.example-a".to_owned(), "b".to_owned())].into(),
            ..LogDetails::default()
        };
        let mut journal =
            Journal::connect(&path, &container(), Some("{{.ImageName}}/{{.Name}}"), &details).unwrap();
        let receive = || {
            let mut buffer = [0; 4096];
            let length = server.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let common = "CONTAINER_ID=0123456789ab\nCONTAINER_ID_FULL=0123456789abcdef\nCONTAINER_NAME=one\n\
                      CONTAINER_TAG=busybox/one\nSYSLOG_IDENTIFIER=busybox/one\nIMAGE_NAME=busybox\nCOM_EXAMPLE_A=b\n";
        journal.send(false, b"text\n");
        assert_eq!(receive(), format!("{common}PRIORITY=6\nMESSAGE=text\n"));
        journal.send(true, b"a=b");
        let partial = "PRIORITY=3\nCONTAINER_PARTIAL_MESSAGE=true\nMESSAGE=a=b\n";
        assert_eq!(receive(), format!("{common}{partial}"));
    }

    #[test]
    fn a_full_journal_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let server = UnixDatagram::bind(&path).unwrap();
        let mut journal = Journal::connect(&path, &container(), None, &LogDetails::default()).unwrap();
        while journal.lost < 3 {
            journal.send(false, b"text\n");
        }
        server.set_nonblocking(true).unwrap();
        while server.recv(&mut [0; 4096]).is_ok() {}
        journal.send(false, b"last\n");
        let mut buffer = [0; 4096];
        let length = server.recv(&mut buffer).unwrap();
        let told = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(told.contains("MESSAGE=coracle: 3 lines lost"), "{told}");
        let length = server.recv(&mut buffer).unwrap();
        assert!(buffer[..length].ends_with(b"MESSAGE=last\n"));
    }
}
