//! Families as energies: `E(x) = -log p(x)`, `log Z = 0`.

/// Makes a family a [`Distribution`](gibbs_core::energy::Distribution) over rows of numbers.
///
/// Draws come in blocks of rows that have keys of their own, as everywhere in the workspace.
macro_rules! distribution {
    ($family:ty $(, $bound:ident)?) => {
        impl $(<$bound: super::ExponentialFamily>)? gibbs_core::energy::Energy for $family {
            type X = gibbs_core::dense::Dense<f64>;

            fn energy(&self, x: &Self::X, out: &mut [f64], _ws: &mut gibbs_core::scratch::Scratch) {
                use gibbs_core::rows::Rows;
                assert_eq!(out.len(), x.n_rows(), "energies and rows");
                for (i, e) in out.iter_mut().enumerate() {
                    *e = -super::ExponentialFamily::log_prob(self, gibbs_core::rows::Continuous::row(x, i));
                }
            }
        }

        impl $(<$bound: super::ExponentialFamily>)? gibbs_core::energy::Distribution for $family {
            fn sample(&self, n: usize, key: &gibbs_core::key::Key) -> Self::X {
                let cols = super::ExponentialFamily::n_cols(self);
                let mut values = vec![0.0; n * cols];
                let block = cols * gibbs_core::ensemble::BLOCK_ROWS;
                for (b, rows) in values.chunks_mut(block.max(1)).enumerate() {
                    let mut rng = key.block(b as u64).rng();
                    rows.chunks_exact_mut(cols).for_each(|x| super::ExponentialFamily::sample_row(self, &mut rng, x));
                }
                gibbs_core::dense::Dense::from_rows(cols, values)
            }
        }
    };
}

/// Adds the gradient `dE/dx` to a family over one real number, from `|family, x| d log p(x) / dx`.
macro_rules! gradient {
    ($family:ty, $score:expr) => {
        impl gibbs_core::energy::Gradient for $family {
            fn energy_grad(&self, x: &Self::X, e: &mut [f64], g: &mut Self::X, ws: &mut gibbs_core::scratch::Scratch) {
                use gibbs_core::rows::Continuous;
                gibbs_core::energy::Energy::energy(self, x, e, ws);
                let score: fn(&$family, f64) -> f64 = $score;
                for (g, &x) in g.values_mut().iter_mut().zip(x.values()) {
                    *g = -score(self, x);
                }
            }
        }
    };
}

pub(super) use {distribution, gradient};
