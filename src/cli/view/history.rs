//! Rows of `history`.

use serde_json::{Value, json};

use super::containers::ellipsis;
use super::moment::{Clock, seconds};
use crate::base::id::short;
use crate::base::time::NEVER;
use crate::base::units::size;
use crate::cli::format::Columns;
use crate::image::reference::Reference;
use crate::oci::image::ImageConfig;
use crate::store::images::Image;

/// What `history` shows by itself.
pub const COLUMNS: Columns = Columns {
    name: "history",
    template: "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
    headings: &[
        ("ID", "IMAGE"),
        ("CreatedSince", "CREATED"),
        ("CreatedAt", "CREATED AT"),
        ("Created", "CREATED"),
        ("CreatedBy", "CREATED BY"),
        ("Size", "SIZE"),
        ("Comment", "COMMENT"),
        ("Tags", "TAGS"),
    ],
};

/// How rows are written.
#[derive(Clone, Copy)]
pub struct Style {
    pub human: bool,
    pub whole: bool,
}

/// The steps of an image, the last one first. Only the last has an id: the others' images are not kept.
pub fn rows(
    image: &Image,
    config: &ImageConfig,
    names: &[Reference],
    clock: &Clock,
    style: Style,
) -> Vec<Value> {
    let mut layers = image.layers.iter();
    let mut rows: Vec<Value> = Vec::new();
    let steps = &config.history;
    for (index, step) in steps.iter().enumerate() {
        let is_last = index + 1 == steps.len();
        let bytes = if step.empty_layer {
            0
        } else {
            layers.next().map_or(0, |layer| layer.size)
        };
        rows.push(row(image, step, bytes, names, clock, style, is_last));
    }
    // An image without a history, or with too short a one, still has its layers.
    for layer in layers {
        let step = crate::oci::image::History::default();
        rows.push(row(image, &step, layer.size, names, clock, style, false));
    }
    rows.reverse();
    rows
}

fn row(
    image: &Image,
    step: &crate::oci::image::History,
    bytes: u64,
    names: &[Reference],
    clock: &Clock,
    style: Style,
    is_last: bool,
) -> Value {
    let id = image.id.hex();
    let created = step.created.as_deref().unwrap_or(NEVER);
    let by = step.created_by.as_deref().unwrap_or_default().replace('\t', " ");
    let id = match (is_last, style.whole) {
        (false, _) => "<missing>".to_owned(),
        (true, true) => image.id.to_string(),
        (true, false) => short(&id).to_owned(),
    };
    json!({
        "ID": id,
        "Id": id,
        "CreatedSince": if style.human { clock.ago(created) } else { created.to_owned() },
        "CreatedAt": created,
        "Created": seconds(created),
        "CreatedBy": if style.whole { by } else { ellipsis(&by, 45) },
        "Size": if style.human { size(bytes) } else { bytes.to_string() },
        "Comment": step.comment.as_deref().unwrap_or_default(),
        "Tags": if is_last { names.iter().map(Reference::familiar).collect() } else { Vec::new() },
    })
}
