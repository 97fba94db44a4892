//! What `system df` shows.

use serde_json::{Value, json};

use super::moment::Clock;
use crate::base::id::short;
use crate::base::time::NEVER;
use crate::base::units::size;
use crate::cli::format::{self, Columns, ListFormat};
use crate::engine::system::usage::{Sum, Usage};

/// What it shows by itself.
pub const COLUMNS: Columns = Columns {
    name: "df",
    template: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
    headings: &[
        ("Type", "TYPE"),
        ("TotalCount", "TOTAL"),
        ("Total", "TOTAL"),
        ("Active", "ACTIVE"),
        ("Size", "SIZE"),
        ("Reclaimable", "RECLAIMABLE"),
    ],
};

/// One row for each kind of thing; together they are all that the store takes.
pub fn rows(usage: Option<&Usage>) -> Vec<Value> {
    let sum = |get: fn(&Usage) -> Sum| usage.map(get).unwrap_or_default();
    vec![
        row("Images", sum(|usage| usage.image_sum)),
        row("Containers", sum(|usage| usage.container_sum)),
        row("Local Volumes", sum(|usage| usage.volume_sum)),
        row("Build Cache", Sum::default()),
        row("Other", sum(|usage| usage.other_sum)),
    ]
}

fn row(kind: &str, sum: Sum) -> Value {
    let percent = (sum.reclaimable * 100).checked_div(sum.size).unwrap_or(0);
    json!({
        "Type": kind,
        "Total": sum.total,
        "TotalCount": sum.total,
        "Active": sum.active,
        "Size": size(sum.size),
        "RawSize": sum.size,
        "Reclaimable": format!("{} ({percent}%)", size(sum.reclaimable)),
        "RawReclaimable": sum.reclaimable,
    })
}

/// Every image, container and volume.
pub fn verbose(usage: Option<&Usage>, clock: &Clock) -> anyhow::Result<String> {
    let table = |title: &str, template: &'static str, rows: Vec<Value>| {
        let columns = Columns {
            name: "df",
            template,
            headings: HEADINGS,
        };
        let text = format::list(&columns, ListFormat::default(), &rows, || Value::Null)?;
        anyhow::Ok(format!("{title} space usage:\n\n{text}\n"))
    };
    let images = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.Created}}\t{{.Size}}\t{{.Shared}}\t{{.Unique}}\t{{.Containers}}";
    let containers = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.Created}}\t{{.Status}}\t{{.Names}}";
    let volumes = "{{.Name}}\t{{.Links}}\t{{.Size}}";
    let other = usage.map_or(0, |usage| usage.other_sum.size);
    Ok([
        table(
            "Images",
            images,
            usage.map_or_else(Vec::new, |usage| image_rows(usage, clock)),
        )?,
        table(
            "Containers",
            containers,
            usage.map_or_else(Vec::new, |usage| container_rows(usage, clock)),
        )?,
        table("Local Volumes", volumes, usage.map_or_else(Vec::new, volume_rows))?,
        format!("Build cache usage: 0B\n\nOther usage: {}\n", size(other)),
    ]
    .concat())
}

const HEADINGS: &[(&str, &str)] = &[
    ("Repository", "REPOSITORY"),
    ("Tag", "TAG"),
    ("ID", "ID"),
    ("Created", "CREATED"),
    ("Size", "SIZE"),
    ("Shared", "SHARED SIZE"),
    ("Unique", "UNIQUE SIZE"),
    ("Containers", "CONTAINERS"),
    ("Image", "IMAGE"),
    ("Command", "COMMAND"),
    ("LocalVolumes", "LOCAL VOLUMES"),
    ("Status", "STATUS"),
    ("Names", "NAMES"),
    ("Name", "VOLUME NAME"),
    ("Links", "LINKS"),
];

fn image_rows(usage: &Usage, clock: &Clock) -> Vec<Value> {
    let row = |used: &crate::engine::system::usage::ImageUsage| {
        let listed = &used.listed;
        let name = listed.names.first();
        json!({
            "Repository": name.map_or_else(|| "<none>".into(), |name| name.familiar_name()),
            "Tag": name.and_then(|name| name.tag()).unwrap_or("<none>"),
            "ID": short(&listed.image.id.hex()),
            "Created": clock.ago(listed.image.created.as_deref().unwrap_or(NEVER)),
            "Size": size(used.size),
            "Shared": size(used.shared),
            "Unique": size(used.size - used.shared),
            "Containers": listed.containers,
        })
    };
    usage.images.iter().map(row).collect()
}

fn container_rows(usage: &Usage, clock: &Clock) -> Vec<Value> {
    let row = |used: &crate::engine::system::usage::ContainerUsage| {
        let container = &used.container;
        let command: Vec<_> = container
            .config
            .entrypoint
            .iter()
            .chain(&container.config.command)
            .map(|word| word.lossy())
            .collect();
        let image = match &container.root {
            crate::store::container::Root::Image { name, .. } => name.as_str(),
            crate::store::container::Root::Directory { .. } => "",
        };
        json!({
            "ID": short(&container.id),
            "Image": image,
            "Command": command.join(" ").chars().take(20).collect::<String>(),
            "LocalVolumes": crate::engine::volumes::volumes_of(container).count(),
            "Size": size(used.size),
            "Created": clock.ago(&container.created),
            "Status": used.condition.word(),
            "Names": container.name,
        })
    };
    usage.containers.iter().map(row).collect()
}

fn volume_rows(usage: &Usage) -> Vec<Value> {
    let row = |used: &crate::engine::system::usage::VolumeUsage| json!({ "Name": used.volume.name, "Links": used.users, "Size": size(used.size) });
    usage.volumes.iter().map(row).collect()
}
