//! Sweeps of one large field, colour by colour, over the cores.

use gibbs_core::key::Key;
use rayon::prelude::*;

use super::Field;
use super::labels::draw;

/// Sites that draw from one key: the unit of threads, and part of the results.
const BLOCK_SITES: usize = 2048;

impl Field {
    /// One heat-bath sweep at inverse temperature `beta`: every class of the colouring given the others, in turn. Leaves
    /// `p_beta prop exp(-beta E)` invariant; keys fix the result, whatever the number of threads.
    ///
    /// # Panics
    /// If the row has not one label below `q` a site.
    pub fn sweep(&self, beta: f64, x: &mut [u8], key: &Key) {
        assert_eq!(x.len(), self.n_sites(), "one label a site");
        for (class, sites) in self.colouring().classes.iter().enumerate() {
            let key = key.block(class as u64);
            let draw_block = |(b, sites): (usize, &[usize])| -> Vec<u8> {
                let (mut rng, mut weights) = (key.block(b as u64).rng(), vec![0.0; self.n_states()]);
                sites
                    .iter()
                    .map(|&site| {
                        self.log_weights(x, site, beta, &mut weights);
                        draw(&mut weights, rng.uniform()) as u8
                    })
                    .collect()
            };
            let drawn: Vec<Vec<u8>> = if sites.len() <= 2 * BLOCK_SITES {
                sites.chunks(BLOCK_SITES).enumerate().map(draw_block).collect()
            } else {
                sites.par_chunks(BLOCK_SITES).enumerate().map(draw_block).collect()
            };
            sites.iter().zip(drawn.iter().flatten()).for_each(|(&site, label)| x[site] = *label);
        }
    }
}
