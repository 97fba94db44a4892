//! `image tree`: the layers of an image, and the images made on it.

use anyhow::bail;
use clap::Args;

use super::context::Context;
use super::output::print;
use super::report::Outcome;
use crate::base::id::short;
use crate::base::units::size_with_digits;
use crate::image::find::{FindError, find};
use crate::image::list::list;
use crate::image::reference::Reference;
use crate::image::tree::LayerTree;

/// Show the layers of an image
///
/// Each layer is shown by the beginning of its diff ID, with the bytes of its files and the images that end with it.
#[derive(Args, Debug)]
pub struct TreeArgs {
    /// Show what is made on the image instead of what the image is made of
    #[arg(long)]
    whatrequires: bool,
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
}

pub fn run(args: TreeArgs, context: &Context) -> Outcome {
    let Some(store) = context.look()? else {
        return Err(FindError::Missing(args.image).into());
    };
    let image = find(&store, &args.image)?.image;
    let listing = list(&store)?;
    let own = listing.images.iter().find(|listed| listed.image.id == image.id);
    let names = own.map_or(&[][..], |listed| &listed.names);
    let tree = LayerTree::new(&listing.images);
    let chain = tree.chain(&image);
    if chain.len() != image.layers.len() {
        bail!("image {} was removed meanwhile", args.image);
    }
    let branches = match chain.last() {
        Some(top) if args.whatrequires => requiring(&tree, *top),
        _ => chain.iter().map(|number| Branch::leaf(&tree, *number)).collect(),
    };
    let mut text = format!(
        "Image ID: {}\nTags:     {}\nSize:     {}\n{}\n",
        short(&image.id.hex()),
        bracketed(names),
        size_with_digits(image.size(), 4),
        if chain.is_empty() {
            "No Image Layers"
        } else {
            "Image Layers"
        },
    );
    draw(&branches, &mut text);
    text.push('\n');
    print(&text)?;
    Ok(0)
}

/// A line, and those that branch off it.
struct Branch {
    text: String,
    below: Vec<Branch>,
}

impl Branch {
    fn leaf(tree: &LayerTree, number: usize) -> Self {
        let node = tree.node(number);
        let size = size_with_digits(node.size, 4);
        let mut text = format!("ID: {} Size: {size:>7}", short(&node.diff_id.hex()));
        if !node.names.is_empty() {
            text.push_str(&format!(" Top Layer of: {}", bracketed(&node.names)));
        }
        Self {
            text,
            below: Vec::new(),
        }
    }
}

/// A layer and all that stand on it. What stands there alone stands in line; where several do, each is a branch, as in
/// Podman.
fn requiring(tree: &LayerTree, top: usize) -> Vec<Branch> {
    /// Layers still to be drawn, and the places of the lines that lead to where each belongs.
    struct Pending {
        number: usize,
        place: Vec<usize>,
    }
    let mut roots: Vec<Branch> = Vec::new();
    let mut pending = vec![Pending {
        number: top,
        place: Vec::new(),
    }];
    while let Some(Pending { number, mut place }) = pending.pop() {
        let mut lines = &mut roots;
        for step in &place {
            lines = &mut lines[*step].below;
        }
        lines.push(Branch::leaf(tree, number));
        if tree.has_siblings(number) {
            place.push(lines.len() - 1);
        }
        // The last one is taken first.
        pending.extend(tree.node(number).children.iter().rev().map(|child| Pending {
            number: *child,
            place: place.clone(),
        }));
    }
    roots
}

fn draw(branches: &[Branch], text: &mut String) {
    // Each level: the lines that are left, and what stands before them.
    let mut levels = vec![(branches.iter(), String::new())];
    while let Some((lines, before)) = levels.last_mut() {
        let Some(line) = lines.next() else {
            levels.pop();
            continue;
        };
        let is_last = lines.len() == 0;
        let (own, next) = if is_last {
            ("└── ", "    ")
        } else {
            ("├── ", "│   ")
        };
        text.push_str(&format!("{before}{own}{}\n", line.text));
        let before = format!("{before}{next}");
        levels.push((line.below.iter(), before));
    }
}

/// As Go prints a list.
fn bracketed(names: &[Reference]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    format!("[{}]", names.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::image::list::Listed;
    use crate::store::images::{Image, Layer};

    fn listed(name: &str, layers: &[&str]) -> Listed {
        let record = serde_json::json!({
            "version": 1, "id": Digest::of(name.as_bytes()), "stored": "", "architecture": "", "os": "",
            "config": {}, "layers": [], "manifests": [],
        });
        let mut image: Image = serde_json::from_value(record).unwrap();
        let layer = |name: &&str| Layer {
            diff_id: Digest::of(name.as_bytes()),
            size: 12_345_678,
            archive_size: 0,
            hides_lower: false,
        };
        image.layers = layers.iter().map(layer).collect();
        Listed {
            image,
            names: vec![format!("localhost/{name}:1").parse().unwrap()],
            containers: 0,
            shared_size: 0,
            read_only: false,
        }
    }

    fn drawn(branches: &[Branch]) -> String {
        let mut text = String::new();
        draw(branches, &mut text);
        text
    }

    #[test]
    fn what_stands_on_a_layer() {
        let images = [
            listed("one", &["a"]),
            listed("two", &["a", "b", "c"]),
            listed("three", &["a", "d"]),
            listed("four", &["a", "b", "c", "e"]),
            listed("other", &["b"]),
        ];
        let tree = LayerTree::new(&images);
        let id = |name: &str| Digest::of(name.as_bytes()).hex()[..12].to_owned();
        let line = |name: &str, of: &str| {
            let of = match of {
                "" => String::new(),
                of => format!(" Top Layer of: [localhost/{of}:1]"),
            };
            format!("ID: {} Size: 12.35MB{of}", id(name))
        };
        let top = |image: &Listed| *tree.chain(&image.image).last().unwrap();
        let expected = [
            format!("├── {}\n", line("a", "one")),
            format!("├── {}\n", line("b", "")),
            format!("│   ├── {}\n", line("c", "two")),
            format!("│   └── {}\n", line("e", "four")),
            format!("└── {}\n", line("d", "three")),
        ];
        assert_eq!(drawn(&requiring(&tree, top(&images[0]))), expected.concat());
        let expected = format!("├── {}\n└── {}\n", line("c", "two"), line("e", "four"));
        assert_eq!(drawn(&requiring(&tree, top(&images[1]))), expected);
        // The same layer on nothing is another one.
        assert_eq!(
            drawn(&requiring(&tree, top(&images[4]))),
            format!("└── {}\n", line("b", "other"))
        );
    }
}
