//! Rows of `images`.

use serde_json::{Value, json};

use super::moment::{Clock, seconds};
use crate::base::id::short;
use crate::base::time::NEVER;
use crate::base::units::size;
use crate::cli::format::Columns;
use crate::image::list::Listed;
use crate::image::reference::Reference;

/// What `images` shows by itself.
pub const COLUMNS: Columns = Columns {
    name: "images",
    template: "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
    headings: &[
        ("Repository", "REPOSITORY"),
        ("Tag", "TAG"),
        ("Digest", "DIGEST"),
        ("ID", "IMAGE ID"),
        ("CreatedSince", "CREATED"),
        ("CreatedAt", "CREATED AT"),
        ("Created", "CREATED"),
        ("Size", "SIZE"),
        ("SharedSize", "SHARED SIZE"),
        ("UniqueSize", "UNIQUE SIZE"),
        ("ReadOnly", "R/O"),
        ("History", "HISTORY"),
    ],
};

/// What `--history` shows beside.
pub const HISTORY: &str = "{{if .History}}{{.History}}{{else}}<none>{{end}}";

/// The same with `--digests`.
pub const COLUMNS_WITH_DIGESTS: Columns = Columns {
    template: "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
    ..COLUMNS
};

/// Both where images of other stores are among them.
pub const COLUMNS_WITH_SHARED: Columns = Columns {
    template: "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.ReadOnly}}",
    ..COLUMNS
};
pub const COLUMNS_WITH_BOTH: Columns = Columns {
    template: "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.ReadOnly}}",
    ..COLUMNS
};

/// One name of an image, or an image without a name.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    pub listed: &'a Listed,
    pub name: Option<&'a Reference>,
}

/// The rows of an image: one for each name.
pub fn rows(listed: &Listed) -> impl Iterator<Item = Row<'_>> {
    let nameless = listed.is_dangling().then_some(Row { listed, name: None });
    nameless
        .into_iter()
        .chain(listed.names.iter().map(move |name| Row {
            listed,
            name: Some(name),
        }))
}

impl Row<'_> {
    fn repository(&self) -> String {
        self.name
            .map_or_else(|| "<none>".into(), Reference::familiar_name)
    }

    fn tag(&self) -> &str {
        self.name.and_then(Reference::tag).unwrap_or("<none>")
    }

    fn created(&self) -> &str {
        self.listed.image.created.as_deref().unwrap_or(NEVER)
    }

    fn digest(&self) -> String {
        match self.listed.image.manifests.first() {
            Some(manifest) => manifest.digest.to_string(),
            None => "<none>".into(),
        }
    }

    /// The names that the image has, and those that it had, the latest first.
    fn history(&self) -> Vec<String> {
        let names = self.listed.names.iter().map(Reference::to_string);
        let mut names: Vec<String> = names.collect();
        for former in &self.listed.image.known_as {
            if !names.contains(former) {
                names.push(former.clone());
            }
        }
        names
    }

    /// The row that templates see.
    pub fn row(&self, clock: &Clock, whole: bool) -> Value {
        let id = self.listed.image.id.hex();
        let created = self.created();
        let human = size(self.listed.image.size());
        json!({
            "ID": if whole { self.listed.image.id.to_string() } else { short(&id).to_owned() },
            "Id": id,
            "Repository": self.repository(),
            "Tag": self.tag(),
            "Digest": self.digest(),
            "CreatedSince": clock.ago(created),
            "CreatedAt": clock.go_text(created),
            "Created": seconds(created),
            "CreatedTime": clock.go_text(created),
            "Size": human,
            "VirtualSize": human,
            "SharedSize": size(self.listed.shared_size),
            "UniqueSize": size(self.listed.unique_size()),
            "Containers": self.listed.containers,
            "Labels": self.listed.image.config.labels,
            "Label": self.listed.image.config.labels,
            "Names": self.listed.names.iter().map(Reference::to_string).collect::<Vec<_>>(),
            "ParentId": "",
            "RepoTags": self.listed.names.iter().map(Reference::to_string).collect::<Vec<_>>(),
            "RepoDigests": self.listed.repo_digests(),
            "History": self.history().join(", "),
            "Dangling": self.listed.names.is_empty(),
            "IsDangling": self.listed.names.is_empty(),
            "ReadOnly": self.listed.read_only,
            "IsReadOnly": self.listed.read_only,
            "IsManifestList": self.listed.image.list.is_some(),
        })
    }

    /// What `images --format json` writes: Podman's document, with the fields that only Docker has beside.
    pub fn document(&self, clock: &Clock) -> Value {
        let id = self.listed.image.id.hex();
        let names: Vec<String> = self.listed.names.iter().map(Reference::to_string).collect();
        let mut document = json!({
            "ID": short(&id),
            "Id": id,
            "ParentId": "",
            "Repository": self.repository(),
            "Tag": self.tag(),
            "RepoTags": names,
            "RepoDigests": self.listed.repo_digests(),
            "Size": self.listed.image.size(),
            "SharedSize": self.listed.shared_size,
            "VirtualSize": self.listed.image.size(),
            "Labels": self.listed.image.config.labels,
            "Containers": self.listed.containers,
            "IsManifestList": self.listed.image.list.is_some(),
            "Dangling": self.listed.names.is_empty(),
            "Names": names,
            "Digest": self.digest(),
            "History": self.history(),
            "Created": seconds(self.created()),
            "CreatedAt": self.created(),
            "CreatedSince": clock.ago(self.created()),
        });
        if self.listed.read_only {
            document["ReadOnly"] = true.into();
        }
        document
    }
}
