//! The layers of all images as trees: a layer stands on the one below it, and images stand on layers.

use std::collections::HashMap;

use super::list::Listed;
use super::reference::Reference;
use crate::base::digest::Digest;
use crate::store::images::Image;

/// One layer on those below it.
#[derive(Debug)]
pub struct Node {
    pub diff_id: Digest,
    /// Bytes of its files' contents.
    pub size: u64,
    pub parent: Option<usize>,
    pub children: Vec<usize>,
    /// Of the images whose uppermost layer it is.
    pub names: Vec<Reference>,
}

/// All layers of a store on one another.
#[derive(Debug, Default)]
pub struct LayerTree {
    nodes: Vec<Node>,
    by_place: HashMap<(Option<usize>, Digest), usize>,
}

impl LayerTree {
    pub fn new(images: &[Listed]) -> Self {
        let mut tree = Self::default();
        for listed in images {
            let mut parent = None;
            for layer in &listed.image.layers {
                let next = tree.nodes.len();
                let number = *tree.by_place.entry((parent, layer.diff_id)).or_insert(next);
                if number == next {
                    tree.nodes.push(Node {
                        diff_id: layer.diff_id,
                        size: layer.size,
                        parent,
                        children: Vec::new(),
                        names: Vec::new(),
                    });
                    if let Some(parent) = parent {
                        tree.nodes[parent].children.push(next);
                    }
                }
                parent = Some(number);
            }
            if let Some(top) = parent {
                tree.nodes[top].names.extend(listed.names.iter().cloned());
            }
        }
        for node in &mut tree.nodes {
            node.names.sort();
        }
        tree
    }

    /// The layers of an image, bottom first; as far as they are known.
    pub fn chain(&self, image: &Image) -> Vec<usize> {
        let mut chain = Vec::new();
        for layer in &image.layers {
            let parent = chain.last().copied();
            match self.by_place.get(&(parent, layer.diff_id)) {
                Some(number) => chain.push(*number),
                None => break,
            }
        }
        chain
    }

    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number]
    }

    /// Whether the layer beneath has others on it as well.
    pub fn has_siblings(&self, number: usize) -> bool {
        let parent = self.nodes[number].parent;
        parent.is_some_and(|parent| self.nodes[parent].children.len() > 1)
    }
}
