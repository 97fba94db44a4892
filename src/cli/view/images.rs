//! Rows of `images`.

use serde_json::{Value, json};

use super::moment::{Clock, seconds};
use crate::base::id::short;
use crate::base::time::NEVER;
use crate::base::units::size;
use crate::cli::format::Columns;
use crate::image::reference::Reference;
use crate::store::images::Image;

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
    ],
};

/// The same with `--digests`.
pub const COLUMNS_WITH_DIGESTS: Columns = Columns {
    template: "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
    ..COLUMNS
};

/// One name of an image, or an image without a name.
pub struct Listed<'a> {
    pub image: &'a Image,
    pub name: Option<&'a Reference>,
    /// All names of the image.
    pub names: &'a [Reference],
    /// Containers made of it.
    pub containers: usize,
}

impl Listed<'_> {
    fn repository(&self) -> String {
        self.name
            .map_or_else(|| "<none>".into(), Reference::familiar_name)
    }

    fn tag(&self) -> &str {
        self.name.and_then(Reference::tag).unwrap_or("<none>")
    }

    pub fn created(&self) -> &str {
        self.image.created.as_deref().unwrap_or(NEVER)
    }

    pub fn digest(&self) -> String {
        match self.image.manifests.first() {
            Some(manifest) => manifest.digest.to_string(),
            None => "<none>".into(),
        }
    }

    /// The row that templates see.
    pub fn row(&self, clock: &Clock, whole: bool) -> Value {
        let id = self.image.id.hex();
        let created = self.created();
        let human = size(self.image.size());
        json!({
            "ID": if whole { self.image.id.to_string() } else { short(&id).to_owned() },
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
            "SharedSize": "N/A",
            "UniqueSize": "N/A",
            "Containers": self.containers,
            "Labels": self.image.config.labels,
            "Label": self.image.config.labels,
            "Names": self.names.iter().map(Reference::to_string).collect::<Vec<_>>(),
            "ParentId": "",
            "RepoTags": self.names.iter().map(Reference::to_string).collect::<Vec<_>>(),
            "RepoDigests": self.image.repo_digests,
            "History": [],
            "Dangling": self.names.is_empty(),
            "IsDangling": self.names.is_empty(),
            "ReadOnly": false,
            "IsReadOnly": false,
        })
    }

    /// What `images --format json` writes: Podman's document, with the fields that only Docker has beside.
    pub fn document(&self, clock: &Clock) -> Value {
        let id = self.image.id.hex();
        let names: Vec<String> = self.names.iter().map(Reference::to_string).collect();
        json!({
            "ID": short(&id),
            "Id": id,
            "ParentId": "",
            "Repository": self.repository(),
            "Tag": self.tag(),
            "RepoTags": names,
            "RepoDigests": self.image.repo_digests,
            "Size": self.image.size(),
            "SharedSize": 0,
            "VirtualSize": self.image.size(),
            "Labels": self.image.config.labels,
            "Containers": self.containers,
            "Dangling": self.names.is_empty(),
            "Names": names,
            "Digest": self.digest(),
            "History": [],
            "Created": seconds(self.created()),
            "CreatedAt": self.created(),
            "CreatedSince": clock.ago(self.created()),
        })
    }
}
