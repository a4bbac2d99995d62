//! Choices that have names.

use serde::{Deserialize, Serialize};

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// The name as it is written in configurations and flags.
            pub fn name(self) -> String {
                serde_json::to_value(self).ok().and_then(|v| v.as_str().map(String::from)).unwrap_or_default()
            }
        }
    )*};
}

choices! {
    /// Kinds of models that can be fitted.
    ModelKind {
        /// Binary restricted Boltzmann machine.
        Rbm,
        /// Deep Boltzmann machine of binary layers; its likelihoods are lower bounds.
        Dbm,
        /// Deep belief net, fine-tuned as a classifier where rows have labels; its likelihoods are lower bounds.
        Dbn,
        /// Fully connected network as the energy of real rows.
        Mlp,
        /// Convolutional network as the energy of pictures.
        Conv,
        /// Fully visible Boltzmann machine: every pair of bits coupled.
        Boltzmann,
        /// Conditional random field over label sequences: sentences in columns, a token a line, its label last.
        Crf,
        /// Network that predicts a law of one column from the others: regression, counts, classes (`--head`).
        Regression,
    }

    /// What a regression predicts of an outcome.
    HeadKind {
        /// Mean and standard deviation of a Gaussian.
        Gaussian,
        /// Centre, scale and degrees of freedom of a Student t.
        StudentT,
        /// Centre and scale of a Laplace law.
        Laplace,
        /// A mixture of Gaussians (`--components`).
        Mixture,
        /// Quantiles (`--quantiles`).
        Quantile,
        /// Rate of a count.
        Poisson,
        /// Mean and spread of a count.
        NegativeBinomial,
        /// Ordered classes: numbers.
        Ordinal,
        /// Classes.
        Classes,
    }

    /// What is made small while learning.
    ObjectiveKind {
        /// The negative log-likelihood, its gradient exact (RBM): sums over the smaller layer.
        Exact,
        /// The pseudo-likelihood: every site from all the others (Boltzmann machine).
        PseudoLikelihood,
        /// Maximum likelihood, negatives from chains that go on from update to update.
        Pcd,
        /// Maximum likelihood, negatives from chains that start at the data.
        Cd,
        /// Maximum likelihood, negatives from short chains that start at noise. Learns a generator more than a density.
        ShortRun,
        /// Noise-contrastive estimation.
        Nce,
        /// Noise-contrastive estimation with noise added to each data row.
        ConditionalNce,
        /// Score matching with the exact trace of the Hessian.
        Sm,
        /// Sliced score matching.
        Ssm,
        /// Sliced score matching by finite differences.
        FdSsm,
        /// Denoising score matching.
        Dsm,
    }

    /// Optimisers.
    OptimiserKind {
        /// Stochastic gradient descent, with momentum if asked.
        Sgd,
        /// Adam.
        Adam,
        /// L-BFGS with exact gradients of all rows; an update is fifty of its iterations (Boltzmann machine).
        Lbfgs,
    }

    /// Visible units of an RBM.
    VisibleKind {
        /// Bits.
        Bernoulli,
        /// Real numbers, with learnt variances.
        Gaussian,
        /// Categories: columns of text, or of few values.
        Categorical,
        /// Counts of words, a document a row (replicated softmax).
        Counts,
    }

    /// Hidden units of an RBM.
    HiddenKind {
        /// Bits.
        Bernoulli,
        /// Non-negative real numbers: truncated Gaussians.
        Rectified,
    }

    /// How `log Z` is obtained.
    LogZMethod {
        /// Exactly where that is cheap, by annealed importance sampling otherwise.
        Auto,
        /// Exactly: enumeration, or quadrature in up to three dimensions.
        Exact,
        /// By annealed importance sampling.
        Ais,
        /// By a sequential Monte Carlo sampler: annealed importance sampling that draws its chains anew.
        Smc,
        /// By the multistate acceptance ratio of samples at every temperature.
        Mbar,
        /// By annealed importance sampling from both sides: an interval with a verdict.
        Bracket,
        /// Not at all: energies only.
        None,
    }

    /// What a look at the model while training rests on.
    MonitorKind {
        /// `log Z` anew at every look, as --log-z obtains it.
        Estimate,
        /// The log-likelihood with an interval: log Z exactly where --log-z auto may, else followed from look to look from both sides.
        LogLikelihood,
    }

    /// Samplers of negatives.
    SamplerKind {
        /// Metropolis-adjusted Langevin: no bias of the step size.
        Mala,
        /// Unadjusted Langevin.
        Langevin,
        /// Hamiltonian Monte Carlo.
        Hmc,
    }

    /// Noise of noise-contrastive estimation.
    NoiseKind {
        /// A Gaussian fitted to the training rows.
        Gaussian,
        /// A coarse kernel density estimate of the training rows.
        Kde,
        /// Uniform on a box around the training rows.
        Uniform,
    }

    /// How real columns are scaled.
    ScaleKind {
        /// As they are.
        None,
        /// Mean 0 and variance 1 of each column.
        Standard,
        /// The range of all columns to `[0, 1]`, as for pixels.
        Unit,
    }

    /// Functions between layers.
    ActivationKind {
        /// `z sigmoid(z)`.
        Silu,
        /// `log(1 + exp(z))`.
        Softplus,
        /// `tanh(z)`.
        Tanh,
        /// `z Phi(z)`.
        Gelu,
        /// `z`, or `exp(z) - 1` below 0.
        Elu,
        /// `z`, or `z / 5` below 0.
        LeakyRelu,
        /// `z`, or 0 below 0.
        Relu,
    }
}

impl HeadKind {
    /// Whether outcomes are classes.
    pub fn has_classes(self) -> bool {
        matches!(self, Self::Ordinal | Self::Classes)
    }
}

#[expect(clippy::derivable_impls, reason = "a derive would have to name its variant inside the macro")]
impl Default for MonitorKind {
    fn default() -> Self {
        Self::Estimate
    }
}

impl ModelKind {
    /// Whether rows are bits.
    pub fn takes_bits(self) -> bool {
        matches!(self, Self::Rbm | Self::Dbm | Self::Dbn | Self::Boltzmann)
    }
}

impl From<ActivationKind> for gibbs_tensor::tape::Activation {
    fn from(kind: ActivationKind) -> Self {
        match kind {
            ActivationKind::Silu => Self::Silu,
            ActivationKind::Softplus => Self::Softplus,
            ActivationKind::Tanh => Self::Tanh,
            ActivationKind::Gelu => Self::Gelu,
            ActivationKind::Elu => Self::Elu,
            ActivationKind::LeakyRelu => Self::LeakyRelu,
            ActivationKind::Relu => Self::Relu,
        }
    }
}
