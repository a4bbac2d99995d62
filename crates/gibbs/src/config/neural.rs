//! Choices of a network as an energy.

use gibbs_core::optimisers::Schedule;
use gibbs_tensor::nets::{Conv, Layers, Mlp, Network};
use serde::Serialize;

use super::{
    ActivationKind, DataFacts, LearningConfig, LogZMethod, ModelKind, NoiseKind, ObjectiveKind, OptimiserKind,
    SamplerKind,
};
use crate::error::Error;
use crate::options::FitOptions;

/// Choices that only a network has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is documented once, where it is a flag: FitOptions")]
pub struct NeuralConfig {
    pub layers: Vec<usize>,
    pub activation: ActivationKind,
    pub residual: bool,
    pub spectral: bool,
    /// 0 means none.
    pub confinement: f64,
    pub sampler: SamplerKind,
    pub step_size: f64,
    pub mcmc_steps: u64,
    pub langevin_noise: f64,
    pub reinitialise: f64,
    pub noise: NoiseKind,
    pub noise_ratio: usize,
    pub noise_sd: f64,
    pub noise_levels: usize,
    pub noise_sd_max: f64,
    pub probes: usize,
    pub gradient_penalty: f64,
    pub energy_penalty: f64,
    pub input_noise: f64,
    pub weight_decay: f64,
    pub clip: f64,
}

pub(super) fn resolve(
    o: &FitOptions,
    facts: DataFacts,
    kind: ModelKind,
) -> Result<(LearningConfig, NeuralConfig), Error> {
    use ObjectiveKind as O;
    let pictures = kind == ModelKind::Conv;
    if pictures && facts.shape.is_none() {
        return Err(Error::Usage(
            "--model conv is for pictures (a folder of PNGs, an IDX file, digits, fashion-mnist): this table has no \
             height and width; use --model mlp"
                .into(),
        ));
    }
    let objective = o.objective.unwrap_or(if pictures { O::Pcd } else { O::Nce });
    let chains = matches!(objective, O::Pcd | O::Cd | O::ShortRun);
    let batch_size = o.batch_size.unwrap_or(if pictures { 64 } else { 256 }.min(facts.n_train.max(1)));
    let updates =
        super::updates(
            o,
            batch_size,
            facts.n_train,
            |per_epoch| if pictures { (2 * per_epoch).max(1_000) } else { 6_000 },
        )?;
    let learning = LearningConfig {
        objective,
        updates,
        batch_size,
        n_chains: o.n_chains.unwrap_or(if pictures { 2_048 } else { 4 * batch_size }),
        optimiser: o.optimiser.unwrap_or(OptimiserKind::Adam),
        learning_rate: o.learning_rate.unwrap_or(match objective {
            _ if pictures => 1e-3,
            _ => 1e-2,
        }),
        schedule: o.schedule.unwrap_or(if pictures { Schedule::Constant } else { Schedule::LinearFromHalf }),
        warm_up: o.warm_up.unwrap_or(0),
        momentum: o.momentum.unwrap_or(0.0),
        average: o.average.unwrap_or(if pictures { 0.99 } else { 0.998 }),
        monitor_every: o.monitor_every.unwrap_or(updates.div_ceil(if pictures { 20 } else { 30 }).max(1)),
        monitor: o.monitor.unwrap_or_default(),
        patience: o.patience.unwrap_or(0),
        animate: o.animate.unwrap_or(false),
        log_z: o.log_z.unwrap_or(if pictures { LogZMethod::None } else { LogZMethod::Auto }),
        ais_chains: o.ais_chains.unwrap_or(128),
        ais_temperatures: o.ais_temperatures.unwrap_or(500),
    };
    let net = NeuralConfig {
        layers: o.layers.clone().unwrap_or_else(|| default_layers(pictures, facts)),
        activation: o.activation.unwrap_or(if pictures { ActivationKind::Silu } else { ActivationKind::Gelu }),
        residual: o.residual.unwrap_or(false),
        spectral: o.spectral.unwrap_or(false),
        confinement: o.confinement.unwrap_or(3.0),
        sampler: o.sampler.unwrap_or(if pictures { SamplerKind::Langevin } else { SamplerKind::Mala }),
        step_size: o.step_size.unwrap_or(if pictures { 2e-3 } else { 5e-3 }),
        mcmc_steps: o.mcmc_steps.unwrap_or(match objective {
            O::Cd => 60,
            O::ShortRun => 100,
            _ => 20,
        }),
        langevin_noise: o.langevin_noise.unwrap_or(0.0),
        reinitialise: o.reinitialise.unwrap_or(if pictures { 0.05 } else { 0.02 }),
        noise: o.noise.unwrap_or(NoiseKind::Kde),
        noise_ratio: o.noise_ratio.unwrap_or(2),
        noise_sd: o.noise_sd.unwrap_or(if objective == O::ConditionalNce { 0.3 } else { 0.05 }),
        noise_levels: o.noise_levels.unwrap_or(1),
        noise_sd_max: o.noise_sd_max.unwrap_or(0.5),
        probes: o.probes.unwrap_or(1),
        gradient_penalty: o.gradient_penalty.unwrap_or(0.0),
        energy_penalty: o.energy_penalty.unwrap_or(if pictures && chains { 1e-3 } else { 0.0 }),
        input_noise: o.input_noise.unwrap_or(if pictures { 0.1 } else { 0.0 }),
        weight_decay: o.weight_decay.unwrap_or(0.0),
        clip: o.clip.unwrap_or(if chains { 10.0 } else { 0.0 }),
    };
    net.check(&learning)?;
    Ok((learning, net))
}

fn default_layers(pictures: bool, facts: DataFacts) -> Vec<usize> {
    match facts.shape {
        Some((height, width)) if pictures => {
            // Each later convolution halves the picture: no further than 4 pixels a side.
            let halvings = (height.min(width).max(4) as f64 / 3.5).log2().floor() as usize;
            let all = [32, 64, 128, 128];
            all[..(1 + halvings).clamp(2, 4)].to_vec()
        }
        _ => vec![128, 128],
    }
}

impl NeuralConfig {
    /// The network that these choices describe.
    pub fn network(&self, kind: ModelKind, shape: Option<(usize, usize)>) -> Network {
        let activation = self.activation.into();
        let layers = match (kind, shape) {
            (ModelKind::Conv, Some((height, width))) => Layers::Conv(Conv {
                shape: (height, width, 1),
                channels: self.layers.clone(),
                activation,
                residual: self.residual,
            }),
            _ => Layers::Mlp(Mlp { hidden: self.layers.clone(), activation }),
        };
        let confinement = (self.confinement > 0.0).then_some(self.confinement);
        Network { layers, spectral: self.spectral, confinement }
    }

    fn check(&self, l: &LearningConfig) -> Result<(), Error> {
        if self.layers.is_empty() || self.layers.iter().any(|&n| n == 0 || n > 1 << 16) {
            return Err(Error::Usage(format!("--layers are widths between 1 and 65536, found {:?}", self.layers)));
        }
        if matches!(l.objective, ObjectiveKind::Exact | ObjectiveKind::PseudoLikelihood) {
            return Err(Error::Usage(format!(
                "--objective {} is for machines of bits; a network learns by nce, pcd, cd, short-run, dsm, ssm, fd-ssm, sm or \
                 conditional-nce",
                l.objective.name()
            )));
        }
        if l.optimiser == OptimiserKind::Lbfgs {
            return Err(Error::Usage("--optimiser lbfgs is for --model boltzmann; a network takes sgd or adam".into()));
        }
        for (flag, value) in
            [("--step-size", self.step_size), ("--noise-sd", self.noise_sd), ("--noise-sd-max", self.noise_sd_max)]
        {
            super::positive(flag, value)?;
        }
        let non_negative = [
            ("--confinement", self.confinement),
            ("--langevin-noise", self.langevin_noise),
            ("--gradient-penalty", self.gradient_penalty),
            ("--energy-penalty", self.energy_penalty),
            ("--input-noise", self.input_noise),
            ("--weight-decay", self.weight_decay),
            ("--clip", self.clip),
        ];
        non_negative.into_iter().try_for_each(|(flag, value)| super::non_negative(flag, value))?;
        if !(0.0..=1.0).contains(&self.reinitialise) {
            return Err(Error::Usage(format!("--reinitialise lies in [0, 1], found {}", self.reinitialise)));
        }
        let counts = [
            ("--mcmc-steps", self.mcmc_steps),
            ("--noise-ratio", self.noise_ratio as u64),
            ("--noise-levels", self.noise_levels as u64),
            ("--probes", self.probes as u64),
        ];
        counts.into_iter().try_for_each(|(flag, value)| super::at_least_of(flag, value, 1))
    }

    pub(super) fn describe(&self, l: &LearningConfig, kind: ModelKind, facts: DataFacts) -> String {
        let widths: Vec<String> = self.layers.iter().map(usize::to_string).collect();
        let what = if kind == ModelKind::Conv { "convolutional energy" } else { "energy network" };
        let how = match l.objective {
            ObjectiveKind::Pcd => format!("PCD-{} with {} chains", self.mcmc_steps, l.n_chains),
            ObjectiveKind::Cd => format!("CD-{}", self.mcmc_steps),
            ObjectiveKind::ShortRun => format!("short runs of {} steps", self.mcmc_steps),
            ObjectiveKind::Nce => format!("NCE with {} {} noise rows a row", self.noise_ratio, self.noise.name()),
            other => other.name(),
        };
        format!("{what} {}-{}-1, {how}", facts.n_columns, widths.join("-"))
    }
}
