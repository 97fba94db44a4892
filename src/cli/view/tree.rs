//! `images --tree`: each image with its platforms, as Docker draws it.

use unicode_width::UnicodeWidthStr;

use super::images::Row;
use crate::base::id::short;
use crate::base::units::size;
use crate::image::list::Listed;
use crate::image::platform;
use crate::oci::image::{Document, MANIFEST_LIMIT};
use crate::store::Store;
use crate::store::images::{Image, ManifestRecord};

/// Between columns.
const SPACING: &str = "   ";
/// Docker's name for an image without any.
const UNTAGGED: &str = "<untagged>";

/// One image with those of its names that were asked for.
struct Top<'a> {
    listed: &'a Listed,
    names: Vec<String>,
    platforms: Vec<Platform>,
}

/// One platform of an image.
struct Platform {
    name: String,
    details: Details,
}

struct Details {
    id: String,
    disk: u64,
    content: u64,
    used: bool,
}

/// Draws the images of these rows, by name. Among all images are the members of those that are lists.
pub fn show(store: Option<&Store>, all: &[Listed], rows: &[Row<'_>]) -> String {
    let mut tops: Vec<Top<'_>> = Vec::new();
    for row in rows {
        let name = row.name.map(|name| name.familiar());
        match tops
            .iter_mut()
            .find(|top| top.listed.image.id == row.listed.image.id)
        {
            Some(top) => top.names.extend(name),
            None => tops.push(Top {
                listed: row.listed,
                names: name.into_iter().collect(),
                platforms: store.map_or_else(Vec::new, |store| platforms(store, row.listed, all)),
            }),
        }
    }
    for top in &mut tops {
        top.names.sort();
    }
    // Those without a name come last.
    tops.sort_by_key(|top| (top.names.is_empty(), top.names.first().cloned()));
    draw(&tops)
}

/// An image is its only platform; of a list it is what is here.
fn platforms(store: &Store, listed: &Listed, all: &[Listed]) -> Vec<Platform> {
    let of = |listed: &Listed| Platform {
        name: platform::display(&listed.image.platform()),
        details: Details {
            id: listed
                .image
                .manifests
                .first()
                .map_or_else(|| listed.image.id.hex(), |manifest| manifest.digest.hex()),
            disk: listed.image.size(),
            content: content(store, &listed.image),
            used: listed.containers > 0,
        },
    };
    let Some(list) = &listed.image.list else {
        return vec![of(listed)];
    };
    let members = list.members.iter().filter_map(|member| {
        let is_it = |manifest: &ManifestRecord| manifest.digest == member.manifest.digest;
        all.iter()
            .find(|other| other.image.list.is_none() && other.image.manifests.iter().any(is_it))
    });
    members.map(of).collect()
}

/// Bytes that a registry has for the image: its manifest, and what that names.
fn content(store: &Store, image: &Image) -> u64 {
    let Some(record) = image.manifests.first() else {
        return 0;
    };
    let Ok(bytes) = store.blob(&record.digest, MANIFEST_LIMIT) else {
        return 0;
    };
    let Ok(Document::Manifest(manifest)) = Document::parse(&bytes, &record.media_type) else {
        return 0;
    };
    let parts = manifest.layers.iter().chain([&manifest.config]);
    parts.fold(record.size, |sum, part| sum.saturating_add(part.size))
}

fn draw(tops: &[Top<'_>]) -> String {
    let names = tops
        .iter()
        .flat_map(|top| top.names.iter().map(|name| name.width()));
    let platforms = tops
        .iter()
        .flat_map(|top| top.platforms.iter().map(|platform| platform.name.width() + 3));
    let untagged = tops
        .iter()
        .filter(|top| top.names.is_empty())
        .map(|_| UNTAGGED.len());
    let width = names
        .chain(platforms)
        .chain(untagged)
        .max()
        .unwrap_or(0)
        .max("IMAGE".len());
    let line = |first: &str, id: &str, disk: &str, content: &str, extra: &str| {
        let first = format!("{first}{}", " ".repeat(width - first.width()));
        let line =
            format!("{first}{SPACING}{id:12}{SPACING}{disk:>10}{SPACING}{content:>12}{SPACING}{extra}");
        format!("{}\n", line.trim_end())
    };
    let row = |first: &str, details: &Details| {
        let used = if details.used { "U" } else { "" };
        let (disk, content) = (size(details.disk), size(details.content));
        line(first, short(&details.id), &disk, &content, used)
    };
    let mut text = line("IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "EXTRA");
    for top in tops {
        let whole = Details {
            id: top.listed.image.id.hex(),
            disk: top.platforms.iter().map(|one| one.details.disk).sum(),
            content: top.platforms.iter().map(|one| one.details.content).sum(),
            used: top.listed.containers > 0 || top.platforms.iter().any(|one| one.details.used),
        };
        let (last, others) = top
            .names
            .split_last()
            .map_or((UNTAGGED, &[][..]), |(last, others)| (last.as_str(), others));
        for name in others {
            text.push_str(&format!("{name}\n"));
        }
        text.push_str(&row(last, &whole));
        for (index, platform) in top.platforms.iter().enumerate() {
            let is_last = index + 1 == top.platforms.len();
            let branch = if is_last { "└─ " } else { "├─ " };
            text.push_str(&row(&format!("{branch}{}", platform.name), &platform.details));
        }
        text.push('\n');
    }
    text
}
