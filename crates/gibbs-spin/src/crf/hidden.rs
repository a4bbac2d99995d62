//! Node scores by a layer of hidden units: a chain that learns its own features.

use std::ops::Range;

use gibbs_core::key::{Key, Purpose};
use gibbs_core::optimisers::{Adam, Optimiser, Schedule};
use gibbs_core::params::ParamMap;
use gibbs_kernels::chain::{Transitions, Workspace};
use gibbs_kernels::sparse;
use rayon::prelude::*;

use super::{Chain, CrfError, Labelled, Sequences, finite, sized};

/// Positions that a thread takes at a time while learning: a constant, because gradients are summed block by block.
const BLOCK_POSITIONS: usize = 128;

/// What a hidden unit makes of its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// `tanh(z)`
    Tanh,
    /// `max(0, z)`
    #[default]
    Relu,
}

impl Activation {
    fn value(self, z: f64) -> f64 {
        match self {
            Activation::Tanh => z.tanh(),
            Activation::Relu => z.max(0.0),
        }
    }

    /// Derivative, from the value.
    fn slope(self, a: f64) -> f64 {
        match self {
            Activation::Tanh => 1.0 - a * a,
            Activation::Relu => f64::from(u8::from(a > 0.0)),
        }
    }
}

/// How a [`HiddenChain`] is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HiddenSettings {
    /// Hidden units.
    pub n_hidden: usize,
    /// What they do.
    pub activation: Activation,
    /// Adam's rate at the start; it falls to 0 along a cosine.
    pub learning_rate: f64,
    /// Passes over the data.
    pub n_epochs: u64,
    /// Sequences of an update.
    pub batch_size: usize,
    /// Strength `lambda` of the penalty `lambda / 2 |w|^2` on all weights and biases, for all sequences together.
    pub l2: f64,
    /// Probability with which a hidden unit is left out at a position while learning.
    pub dropout: f64,
}

impl Default for HiddenSettings {
    fn default() -> Self {
        Self {
            n_hidden: 256,
            activation: Activation::Relu,
            learning_rate: 2e-3,
            n_epochs: 60,
            batch_size: 32,
            l2: 0.1,
            dropout: 0.5,
        }
    }
}

impl HiddenSettings {
    fn check(&self) -> Result<(), CrfError> {
        let wrong = |name, value, wanted| Err(CrfError::Setting { name, value, wanted });
        if self.n_hidden == 0 || self.batch_size == 0 {
            return wrong("the number of hidden units or of sequences of an update", 0.0, "1 or more");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return wrong("the learning rate", self.learning_rate, "above 0, and finite");
        }
        if !(self.l2 >= 0.0 && self.l2.is_finite()) {
            return wrong("the L2 strength", self.l2, "0 or more, and finite");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return wrong("the dropout", self.dropout, "0 or more and below 1");
        }
        Ok(())
    }
}

/// A conditional random field whose node scores are `s_t = V' a(U' x_t + b) + c`: hidden conditional neural fields
/// without the hidden chain. Not convex; the likelihood is exact all the same.
///
/// # Shapes
/// Parameters lie in one vector: `U` features x hidden, `b`, `V` hidden x labels, `c`, transitions labels x labels.
///
/// # Source
/// Peng, Bo & Xu 2009 (NIPS 22), equation 3; Do & Artieres 2010 (AISTATS), section 3.
#[derive(Clone, Debug, PartialEq)]
pub struct HiddenChain {
    n_features: usize,
    n_hidden: usize,
    n_labels: usize,
    activation: Activation,
    params: Vec<f64>,
}

/// Which part of the vector is what.
struct Parts<'a> {
    input: &'a [f64],
    hidden_bias: &'a [f64],
    output: &'a [f64],
    output_bias: &'a [f64],
    transitions: &'a [f64],
}

/// Units left out: probability, and the key of the block.
type Dropout<'a> = Option<(f64, &'a Key)>;

impl HiddenChain {
    /// With small random weights, variance `2 / (features + hidden)` and `2 / (hidden + labels)` (Glorot & Bengio 2010), and
    /// no preference for any transition.
    ///
    /// # Errors
    /// No features, hidden units or labels.
    pub fn random(
        n_features: usize,
        n_hidden: usize,
        n_labels: usize,
        activation: Activation,
        key: &Key,
    ) -> Result<Self, CrfError> {
        if n_features == 0 || n_hidden == 0 || n_labels == 0 {
            return Err(CrfError::Size { what: "features, hidden units or labels", found: 0, wanted: 1 });
        }
        let n = n_features * n_hidden + n_hidden + n_hidden * n_labels + n_labels + n_labels * n_labels;
        let mut chain = Self { n_features, n_hidden, n_labels, activation, params: vec![0.0; n] };
        let mut rng = key.purpose(Purpose::Init).rng();
        let (input, output) = (n_features * n_hidden, n_hidden * n_labels);
        let mut fill = |at: Range<usize>, fan: usize| {
            let scale = (2.0 / fan as f64).sqrt();
            chain.params[at].iter_mut().for_each(|p| *p = scale * rng.normal());
        };
        fill(0..input, n_features + n_hidden);
        fill(input + n_hidden..input + n_hidden + output, n_hidden + n_labels);
        Ok(chain)
    }

    /// All parameters in one vector.
    pub fn params(&self) -> &[f64] {
        &self.params
    }

    /// Sets all parameters.
    ///
    /// # Errors
    /// Another number of parameters, or one that is not finite.
    pub fn set_params(&mut self, params: &[f64]) -> Result<(), CrfError> {
        sized("parameters", params.len(), self.params.len())?;
        finite("parameter", params)?;
        self.params.copy_from_slice(params);
        Ok(())
    }

    fn parts(&self) -> Parts<'_> {
        let (input, rest) = self.params.split_at(self.n_features * self.n_hidden);
        let (hidden_bias, rest) = rest.split_at(self.n_hidden);
        let (output, rest) = rest.split_at(self.n_hidden * self.n_labels);
        let (output_bias, transitions) = rest.split_at(self.n_labels);
        Parts { input, hidden_bias, output, output_bias, transitions }
    }

    /// Negative log-likelihood of the sequences `index`, nats; its gradient is written to `gradient`.
    ///
    /// # Errors
    /// Features or labels that are not the model's, or another length of `gradient`.
    pub fn value_and_gradient(&self, data: &Labelled, index: &[usize], gradient: &mut [f64]) -> Result<f64, CrfError> {
        self.check(data.sequences())?;
        sized("labels of the data", data.n_labels(), self.n_labels)?;
        sized("derivatives", gradient.len(), self.params.len())?;
        Ok(self.batch(data, index, 0.0, None, gradient))
    }

    /// The most probable labelling of every sequence, one after another (Viterbi).
    ///
    /// # Errors
    /// Features that are not the model's.
    pub fn decode(&self, sequences: &Sequences) -> Result<Vec<u32>, CrfError> {
        self.check(sequences)?;
        let transitions = Transitions::new(self.n_labels, self.parts().transitions);
        let one = |i: usize| {
            let hidden = self.hidden(sequences, sequences.positions(i), None);
            Chain::unchecked(&transitions, &self.scores(&hidden)).viterbi().0
        };
        let labels: Vec<Vec<u32>> = (0..sequences.len()).into_par_iter().map(one).collect();
        Ok(labels.concat())
    }

    /// `log p(y | x)` of every sequence, nats.
    ///
    /// # Errors
    /// Features or labels that are not the model's.
    pub fn log_likelihood(&self, data: &Labelled) -> Result<Vec<f64>, CrfError> {
        self.check(data.sequences())?;
        sized("labels of the data", data.n_labels(), self.n_labels)?;
        let transitions = Transitions::new(self.n_labels, self.parts().transitions);
        let one = |i: usize| {
            let positions = data.sequences().positions(i);
            let scores = self.scores(&self.hidden(data.sequences(), positions.clone(), None));
            let chain = Chain::unchecked(&transitions, &scores);
            chain.score(&data.labels()[positions]) - chain.log_z()
        };
        Ok((0..data.sequences().len()).into_par_iter().map(one).collect())
    }

    /// Trains by Adam on batches of sequences. `augment(epoch)` gives the data of an epoch where it is not `data` itself;
    /// `watch(epoch, loss)` sees the loss of every epoch, nats a sequence as met along the way, and ends the work by
    /// returning `false`.
    ///
    /// # Errors
    /// Settings without meaning, nothing to learn from, features or labels of another number, or divergence.
    pub fn fit(
        data: &Labelled,
        settings: &HiddenSettings,
        key: &Key,
        mut augment: impl FnMut(u64) -> Option<Labelled>,
        mut watch: impl FnMut(u64, f64) -> bool,
    ) -> Result<Self, CrfError> {
        settings.check()?;
        if data.labels().is_empty() {
            return Err(CrfError::Empty);
        }
        let n_features = data.sequences().rows().n_columns();
        let mut chain = Self::random(n_features, settings.n_hidden, data.n_labels(), settings.activation, key)?;
        let mut params = ParamMap::zeros(&[("params", &[chain.params.len()])]);
        params.flat_mut().iter_mut().zip(&chain.params).for_each(|(p, v)| *p = *v as f32);
        let mut narrow = params.zeros_like();
        let mut gradient = vec![0.0; chain.params.len()];
        let mut adam = Adam::new(&params);
        let n = data.sequences().len();
        let updates = settings.n_epochs * n.div_ceil(settings.batch_size) as u64;
        let mut order: Vec<usize> = (0..n).collect();
        let mut update = 0;
        for epoch in 0..settings.n_epochs {
            let key = key.step(epoch);
            let augmented = augment(epoch);
            let data = augmented.as_ref().unwrap_or(data);
            chain.check(data.sequences())?;
            sized("labels of the data", data.n_labels(), chain.n_labels)?;
            sized("sequences of an epoch", data.sequences().len(), n)?;
            key.purpose(Purpose::Shuffle).rng().shuffle(&mut order);
            let mut loss = 0.0;
            for (i, index) in order.chunks(settings.batch_size).enumerate() {
                let share = index.len() as f64 / n as f64;
                let key = key.block(i as u64);
                loss += chain.batch(data, index, settings.dropout, Some(&key), &mut gradient);
                for ((g, full), w) in narrow.flat_mut().iter_mut().zip(&gradient).zip(&chain.params) {
                    *g = ((full + share * settings.l2 * w) / index.len() as f64) as f32;
                }
                let rate = settings.learning_rate * f64::from(Schedule::Cosine.factor(update, updates, 0) as f32);
                adam.step(&mut params, &narrow, rate as f32);
                chain.params.iter_mut().zip(params.flat()).for_each(|(p, v)| *p = f64::from(*v));
                update += 1;
            }
            if !loss.is_finite() {
                return Err(CrfError::Diverged);
            }
            if !watch(epoch, loss / n as f64) {
                break;
            }
        }
        Ok(chain)
    }

    fn check(&self, sequences: &Sequences) -> Result<(), CrfError> {
        sized("features", sequences.rows().n_columns(), self.n_features)
    }

    /// Loss of a batch and its gradient, blocks summed in order.
    fn batch(&self, data: &Labelled, index: &[usize], dropout: f64, key: Option<&Key>, gradient: &mut [f64]) -> f64 {
        let transitions = Transitions::new(self.n_labels, self.parts().transitions);
        let mut blocks: Vec<&[usize]> = Vec::new();
        let (mut start, mut positions) = (0, 0);
        for (i, s) in index.iter().enumerate() {
            positions += data.sequences().positions(*s).len();
            if positions >= BLOCK_POSITIONS || i + 1 == index.len() {
                blocks.push(&index[start..=i]);
                (start, positions) = (i + 1, 0);
            }
        }
        let work = |(b, block): (usize, &&[usize])| {
            let key = key.map(|k| k.block(b as u64));
            let mut gradient = vec![0.0; self.params.len()];
            let drop = key.as_ref().filter(|_| dropout > 0.0).map(|k| (dropout, k));
            (self.block(data, block, &transitions, drop, &mut gradient), gradient)
        };
        let parts: Vec<(f64, Vec<f64>)> = blocks.par_iter().enumerate().map(work).collect();
        gradient.fill(0.0);
        for (_, part) in &parts {
            gradient.iter_mut().zip(part).for_each(|(g, p)| *g += p);
        }
        parts.iter().map(|(loss, _)| loss).sum()
    }

    fn block(
        &self,
        data: &Labelled,
        index: &[usize],
        transitions: &Transitions,
        dropout: Dropout<'_>,
        gradient: &mut [f64],
    ) -> f64 {
        let (h, n) = (self.n_hidden, self.n_labels);
        let parts = self.parts();
        let mut ws = Workspace::default();
        ws.clear_steps(transitions);
        let mut counts = vec![0.0; n * n];
        let (g_input, rest) = gradient.split_at_mut(parts.input.len());
        let (g_hidden_bias, rest) = rest.split_at_mut(h);
        let (g_output, rest) = rest.split_at_mut(parts.output.len());
        let (g_output_bias, g_transitions) = rest.split_at_mut(n);
        let mut loss = 0.0;
        for (k, i) in index.iter().enumerate() {
            let positions = data.sequences().positions(*i);
            let labels = &data.labels()[positions.clone()];
            let key = dropout.map(|(p, key)| (p, key.step(k as u64)));
            let hidden = self.hidden(data.sequences(), positions.clone(), key.as_ref().map(|(p, k)| (*p, k)));
            let scores = self.scores(&hidden);
            let chain = Chain::unchecked(transitions, &scores);
            let mut residuals = vec![0.0; scores.len()];
            loss += chain.node_marginals(&mut residuals, &mut counts, &mut ws) - chain.score(labels);
            for pair in labels.windows(2) {
                g_transitions[pair[0] as usize * n + pair[1] as usize] -= 1.0;
            }
            let mut back = vec![0.0; h];
            for (t, position) in positions.enumerate() {
                let residuals = &mut residuals[t * n..][..n];
                residuals[labels[t] as usize] -= 1.0;
                g_output_bias.iter_mut().zip(&*residuals).for_each(|(g, r)| *g += r);
                let active = &hidden[t * h..][..h];
                let rows = g_output.chunks_exact_mut(n).zip(parts.output.chunks_exact(n));
                for ((back, a), (g, v)) in back.iter_mut().zip(active).zip(rows) {
                    *back = 0.0;
                    // A unit that is off has no slope, and one that is left out is off.
                    if *a == 0.0 && (self.activation == Activation::Relu || dropout.is_some()) {
                        continue;
                    }
                    let mut sum = 0.0;
                    for ((g, v), r) in g.iter_mut().zip(v).zip(&*residuals) {
                        *g += a * r;
                        sum += v * r;
                    }
                    // Units that stay are raised by 1 / (1 - dropout), and so is their slope.
                    let raised = dropout.map_or(1.0, |(p, _)| 1.0 / (1.0 - p));
                    *back = sum * raised * self.activation.slope(a / raised);
                }
                g_hidden_bias.iter_mut().zip(&back).for_each(|(g, b)| *g += b);
                let (features, values) = data.sequences().rows().row(position);
                for (f, x) in features.iter().zip(values) {
                    let g = &mut g_input[*f as usize * h..][..h];
                    g.iter_mut().zip(&back).for_each(|(g, b)| *g += f64::from(*x) * b);
                }
            }
        }
        transitions.add_counts(&ws.steps, &mut counts);
        g_transitions.iter_mut().zip(&counts).for_each(|(g, c)| *g += c);
        loss
    }

    /// Hidden units of some positions: positions x hidden.
    fn hidden(&self, sequences: &Sequences, positions: Range<usize>, dropout: Dropout<'_>) -> Vec<f64> {
        let parts = self.parts();
        let mut hidden = parts.hidden_bias.repeat(positions.len());
        sparse::add_product(sequences.rows().view(positions), parts.input, self.n_hidden, &mut hidden);
        hidden.iter_mut().for_each(|z| *z = self.activation.value(*z));
        if let Some((p, key)) = dropout {
            let (mut rng, raised) = (key.rng(), 1.0 / (1.0 - p));
            let threshold = (p * f64::from(u32::MAX)) as u32;
            hidden.iter_mut().for_each(|a| *a = if rng.next_u32() < threshold { 0.0 } else { raised * *a });
        }
        hidden
    }

    /// Node scores from hidden units: positions x labels.
    fn scores(&self, hidden: &[f64]) -> Vec<f64> {
        let parts = self.parts();
        let mut scores = parts.output_bias.repeat(hidden.len() / self.n_hidden);
        for (s, a) in scores.chunks_exact_mut(self.n_labels).zip(hidden.chunks_exact(self.n_hidden)) {
            for (a, v) in a.iter().zip(parts.output.chunks_exact(self.n_labels)) {
                if *a != 0.0 {
                    s.iter_mut().zip(v).for_each(|(s, v)| *s += a * v);
                }
            }
        }
        scores
    }
}
