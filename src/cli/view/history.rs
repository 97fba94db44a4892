//! Rows of `history`.

use serde_json::{Value, json};

use super::containers::ellipsis;
use super::moment::Clock;
use crate::base::id::short;
use crate::base::time::NEVER;
use crate::base::units::size;
use crate::cli::format::Columns;
use crate::image::inspect::Step;
use crate::image::reference::Reference;

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

/// One step. Only the last has an id: the others' images are not kept.
pub fn row(step: &Step, clock: &Clock, human: bool, whole: bool) -> Value {
    let created = step.created.as_deref().unwrap_or(NEVER);
    let by = step.created_by.replace('\t', " ");
    let id = match &step.id {
        None => "<missing>".to_owned(),
        Some(id) if whole => id.to_string(),
        Some(id) => short(&id.hex()).to_owned(),
    };
    json!({
        "ID": id,
        "Id": id,
        "CreatedSince": if human { clock.ago(created) } else { created.to_owned() },
        "CreatedAt": created,
        "Created": if human { clock.ago(created) } else { created.to_owned() },
        "CreatedBy": if whole { by } else { ellipsis(&by, 45) },
        "Size": if human { size(step.size) } else { step.size.to_string() },
        "Comment": step.comment,
        "Tags": step.tags.iter().map(Reference::familiar).collect::<Vec<_>>(),
    })
}

/// What `history --format json` writes of a step.
pub fn document(step: &Step) -> Value {
    json!({
        "id": step.id.map_or_else(|| "<missing>".to_owned(), |id| id.hex()),
        "created": step.created,
        "createdBy": step.created_by,
        "size": step.size,
        "comment": step.comment,
        "tags": step.tags.iter().map(Reference::to_string).collect::<Vec<_>>(),
    })
}
