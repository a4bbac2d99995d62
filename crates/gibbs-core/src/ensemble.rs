//! Many chains over the cores: blocks of rows, each walked through all its steps by one thread.

use rayon::prelude::*;

use crate::kernel::Kernel;
use crate::key::Key;
use crate::path::Path;
use crate::persist::{Persist, StateError, TensorMap};
use crate::rows::Rows;
use crate::scratch::Scratch;

/// Rows of a block, unless the energy says otherwise. It is a constant of the results: a block draws from its own key,
/// so that the number of threads cannot change a bit, and it is small enough for the activations of a network to stay
/// in the cache.
pub const BLOCK_ROWS: usize = 128;

/// Chains of a kernel in blocks of the path's [`Path::block_rows`], in the order of the rows they were started from.
#[derive(Clone, Debug)]
pub struct Ensemble<C> {
    blocks: Vec<C>,
}

impl<C: Send + Sync> Ensemble<C> {
    /// Chains that start at `x`.
    pub fn start<P: Path + ?Sized, K: Kernel<P, Chain = C>>(kernel: &K, path: &P, x: &P::X) -> Self {
        let (n, size) = (x.n_rows(), path.block_rows());
        let blocks = (0..n.div_ceil(size))
            .into_par_iter()
            .with_max_len(1)
            .map_init(Scratch::default, |ws, b| {
                let rows: Vec<usize> = (b * size..((b + 1) * size).min(n)).collect();
                kernel.init(path, x.select(&rows), ws)
            })
            .collect();
        Self { blocks }
    }

    /// `n_steps` steps of every chain; block `b` uses `key.block(b).step(t)` for step `t`. Threads meet once, at the
    /// end. Returns the infos of every block's last step, in order (none if `n_steps` is zero).
    pub fn advance<P: Path + ?Sized, K: Kernel<P, Chain = C, Info: Send>>(
        &mut self,
        kernel: &K,
        path: &P,
        beta: f64,
        tuning: &K::Tuning,
        n_steps: u64,
        key: &Key,
    ) -> Vec<K::Info> {
        let mut infos: Vec<Vec<K::Info>> = Vec::new();
        self.advance_with(
            kernel,
            path,
            beta,
            tuning,
            n_steps,
            key,
            |_, _, info, kept: &mut Vec<K::Info>| {
                kept.clear();
                kept.push(info);
            },
            &mut infos,
        );
        infos.into_iter().flatten().collect()
    }

    /// As [`Ensemble::advance`], and after each step `watch(step, chain, info, kept)` may note what it wants in `kept`,
    /// which starts as `W::default()` for every block; the notes come back in `notes`, block after block.
    #[expect(clippy::too_many_arguments, reason = "a step's arguments and what is noted of it")]
    pub fn advance_with<P: Path + ?Sized, K: Kernel<P, Chain = C>, W: Default + Send>(
        &mut self,
        kernel: &K,
        path: &P,
        beta: f64,
        tuning: &K::Tuning,
        n_steps: u64,
        key: &Key,
        watch: impl Fn(u64, &C, K::Info, &mut W) + Sync,
        notes: &mut Vec<W>,
    ) {
        *notes = self
            .blocks
            .par_iter_mut()
            .with_max_len(1)
            .enumerate()
            .map_init(Scratch::default, |ws, (b, chain)| {
                let (key, mut kept) = (key.block(b as u64), W::default());
                for t in 0..n_steps {
                    let info = kernel.step(path, beta, tuning, chain, &key.step(t), ws);
                    watch(t, chain, info, &mut kept);
                }
                kept
            })
            .collect();
    }

    /// The blocks' chains, in order.
    pub fn blocks(&self) -> &[C] {
        &self.blocks
    }

    /// The blocks' chains, to change.
    pub fn blocks_mut(&mut self) -> &mut [C] {
        &mut self.blocks
    }
}

impl<C: Persist> Persist for Ensemble<C> {
    fn save(&self, prefix: &str, to: &mut TensorMap) {
        for (b, chain) in self.blocks.iter().enumerate() {
            chain.save(&format!("{prefix}{b}."), to);
        }
    }

    fn load(&mut self, prefix: &str, from: &TensorMap) -> Result<(), StateError> {
        self.blocks.iter_mut().enumerate().try_for_each(|(b, chain)| chain.load(&format!("{prefix}{b}."), from))
    }
}
