//! Layers that stores of others lend us: what stands for them in our own store, or copies of them.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result, bail};

use super::{Held, Layers, mounted};
use crate::base::digest::Digest;
use crate::image::layer;
use crate::store::Kind;
use crate::store::images::Lent;
use crate::store::locks::Hold;

/// Layers of other stores that are borrowed for one image: each takes one of the 500 directories that overlayfs stacks.
const BORROWED: usize = 200;
/// The longest path that overlayfs is told: the kernel takes at most 255 bytes.
const PATH_LIMIT: usize = 255;

impl Layers<'_> {
    /// Makes what stands for those of these layers, bottom first, that are lent to us and lie below all others. The rest
    /// of what is lent is copied, and all of it where the kernel cannot do without.
    pub(super) fn borrow(&mut self, diff_ids: &[Digest]) -> Result<Option<Lent>> {
        let names = mounted(diff_ids);
        let is_lent = |layers: &Self, name: &String| matches!(layers.held.get(name), Some(Held::Lent(..)));
        if !names.iter().any(|name| is_lent(self, name)) {
            return Ok(None);
        }
        let mut count = names.iter().take_while(|name| is_lent(self, name)).count();
        for name in &names[count..] {
            let record = layer::read_record(self.held[name].directory())?;
            // The fix-up tree lies on top, where no content is borrowed.
            if !record.links_into_lower.is_empty() {
                count = 0;
            }
        }
        let (mut data, mut digests) = (Vec::new(), Vec::new());
        for name in &names[..count] {
            let Held::Lent(theirs, at) = &self.held[name] else {
                continue;
            };
            let record = layer::read_record(theirs.as_fd())?;
            let path = at.join(layer::data_directory(&record).with_context(|| at.display().to_string())?);
            digests.push(Digest::from_hex(name)?);
            data.extend(path.to_str().map(str::to_owned));
        }
        let fits = |path: &String| path.len() <= PATH_LIMIT;
        if !self.options.borrows || count > BORROWED || data.len() != count || !data.iter().all(fits) {
            count = 0;
        }
        for name in names[count..]
            .iter()
            .filter(|name| is_lent(self, name))
            .cloned()
            .collect::<Vec<_>>()
        {
            self.copy_lent(&name)
                .with_context(|| format!("layer sha256:{name}"))?;
        }
        if count == 0 {
            return Ok(None);
        }
        // The paths hold the layers' digests and seeds.
        let identity = Digest::of(data.join("\n").as_bytes());
        let name = format!("{}.lent", identity.hex());
        self.stand_in(&name, identity, &names[..count])?;
        Ok(Some(Lent {
            name,
            layers: digests,
            data,
        }))
    }

    /// Makes `name` for these layers, unless it is there.
    fn stand_in(&mut self, name: &str, identity: Digest, layers: &[String]) -> Result<()> {
        if self.held.contains_key(name) {
            return Ok(());
        }
        if let Some(locked) = self.store.lock(Kind::Layers, name, Hold::Shared, &mut || ())? {
            self.held.insert(name.to_owned(), Held::Stored(locked));
            return Ok(());
        }
        let shared: Vec<BorrowedFd<'_>> = layers.iter().map(|name| self.held[name].directory()).collect();
        let (staging, scratch) = (self.store.stage(None)?, self.store.stage(None)?);
        layer::stand_in(
            &shared,
            identity,
            staging.directory(),
            scratch.directory(),
            &self.options,
        )
        .context("cannot use the layers that are shared")?;
        self.held.insert(name.to_owned(), Held::Staged(staging));
        Ok(())
    }

    /// Unpacks a layer that is lent to us into our own store.
    fn copy_lent(&mut self, name: &str) -> Result<()> {
        loop {
            if let Some(locked) = self.store.lock(Kind::Layers, name, Hold::Shared, &mut || ())? {
                self.held.insert(name.to_owned(), Held::Stored(locked));
                return Ok(());
            }
            let Some(staging) = self.store.claim_layer(name)? else {
                self.publish_layers()?;
                self.store.await_layer_claim(name)?;
                continue;
            };
            let tar = layer::Recreated::new(self.held[name].directory())?;
            let record = layer::unpack(tar, staging.directory(), &self.options)?;
            if record.diff_id.hex() != name {
                bail!("what is shared has the digest {}", record.diff_id);
            }
            self.held.insert(name.to_owned(), Held::Staged(staging));
            return Ok(());
        }
    }
}
