//! What the exact `log Z` of each model of this crate costs, for [`exact`](gibbs_core::log_partition::exact()).

use gibbs_core::energy::Parametric;
use gibbs_core::log_partition::LogZError;
use gibbs_core::log_partition::exact::{Summable, Way};

use crate::boltzmann::{self, BIAS, COUPLINGS};
use crate::crf::Chain;
use crate::field::{Elimination, Enumeration, Field, FieldError, Ising, Pair};
use crate::graph::Graph;
use crate::harmonium::{self, Harmonium, Hidden, Visible};
use crate::lattice::{ExactTorus, TorusPath};
use crate::{Boltzmann, Rbm, rbm};

/// A field's refusal of something that was not out of reach when it was planned.
fn refused(e: &FieldError) -> LogZError {
    LogZError::TooCostly { ways: e.to_string() }
}

/// The smaller layer enumerated, the other summed analytically.
impl Summable for Rbm {
    fn ways(&self) -> Vec<Way<'_>> {
        let (bits, other) = (self.enumeration_bits(), self.n_visible().max(self.n_hidden()));
        let method = format!("sum over 2^{bits} states of the smaller layer");
        let terms = |bits: usize| 2f64.powi(bits as i32) * other as f64;
        vec![Way::new(method, terms(bits), move |p| rbm::log_z(self, p)).up_to(terms(rbm::ENUMERATION_LIMIT))]
    }
}

/// The layer with fewer states enumerated, the other summed or integrated analytically.
impl<V: Visible, H: Hidden> Summable for Harmonium<V, H> {
    fn ways(&self) -> Vec<Way<'_>> {
        let Some(states) = harmonium::exact::n_states(self) else { return Vec::new() };
        let terms = harmonium::exact::terms(self) as f64;
        let most = terms / states as f64 * 2f64.powi(harmonium::exact::ENUMERATION_LIMIT as i32);
        let method = format!("sum over {states} states of the smaller layer");
        vec![Way::new(method, terms, move |p| harmonium::exact::log_z(self, p)).up_to(most)]
    }
}

/// All states by a table of partial sums, or bits summed out one by one where their graph is narrow.
impl Summable for Boltzmann {
    fn ways(&self) -> Vec<Way<'_>> {
        let n = self.n_sites();
        let table =
            Way::new(format!("sum over all 2^{n} states"), 2f64.powi(n as i32), move |_| boltzmann::log_z(self));
        let limit = 2f64.powi(boltzmann::ENUMERATION_LIMIT as i32);
        let mut ways = vec![table.up_to(limit)];
        // Where all pairs are coupled, elimination is the same sum.
        let coupled = self.params().get(COUPLINGS).iter().filter(|c| **c != 0.0).count();
        if coupled < n * (n - 1) / 2
            && let Ok(field) = field_of(self)
        {
            ways.push(elimination(&field));
        }
        ways
    }
}

/// The same law over labels 0 and 1.
fn field_of(machine: &Boltzmann) -> Result<Field, FieldError> {
    let wide = |name: &str| machine.params().get(name).iter().map(|p| f64::from(*p)).collect::<Vec<f64>>();
    let couplings = wide(COUPLINGS);
    let coupled = machine.pairs().iter().zip(couplings).filter(|(_, c)| *c != 0.0);
    let edges: Vec<(usize, usize, f64)> = coupled.map(|(&(i, j), c)| (i, j, c)).collect();
    let (graph, couplings) = Graph::weighted(machine.n_sites(), &edges)?;
    let unary = wide(BIAS).into_iter().flat_map(|b| [0.0, b]).collect();
    Field::new(graph, 2, &Pair::Table(vec![0.0, 0.0, 0.0, 1.0]), couplings, unary)
}

/// Sites summed out in the order of a junction tree: transfer matrices where the field is a narrow grid.
fn elimination<'a>(field: &Field) -> Way<'a> {
    let (numbers, field) = (Elimination::cost(field), field.clone());
    let run = move |_: &gibbs_core::log_partition::exact::Watch<'_>| {
        Elimination::new(&field).map(|e| e.log_z()).map_err(|e| refused(&e))
    };
    Way::new("elimination of the sites one by one", numbers, run).up_to(Elimination::LIMIT)
}

/// All states in Gray-code order, or sites summed out one by one.
impl Summable for Field {
    fn ways(&self) -> Vec<Way<'_>> {
        let (q, n) = (self.n_states(), self.n_sites());
        let states = (q as f64).powf(n as f64);
        // A step costs the neighbours of a site, and every state is visited twice.
        let degree = 1.0 + 2.0 * self.graph().n_edges() as f64 / n.max(1) as f64;
        let run = move |_: &gibbs_core::log_partition::exact::Watch<'_>| {
            Enumeration::new(self).map(|e| e.log_z).map_err(|e| refused(&e))
        };
        let all = Way::new(format!("sum over all {q}^{n} states in Gray-code order"), 2.0 * degree * states, run);
        vec![all.up_to(2.0 * degree * Enumeration::LIMIT as f64), elimination(self)]
    }
}

impl Summable for Ising {
    fn ways(&self) -> Vec<Way<'_>> {
        // Gray code on two states is dearer than elimination wherever it is in reach.
        vec![elimination(&self.to_field())]
    }
}

/// Kaufman's solution.
impl Summable for TorusPath {
    fn ways(&self) -> Vec<Way<'_>> {
        let cost = (self.side() * self.side()) as f64;
        let run = move |_: &gibbs_core::log_partition::exact::Watch<'_>| {
            let solved = ExactTorus::new(self.side(), self.coupling());
            solved.map(|t| t.log_z).map_err(|e| LogZError::TooCostly { ways: e.to_string() })
        };
        vec![Way::new("closed form of the torus", cost, run)]
    }
}

/// Forward recursion along the chain.
impl Summable for Chain<'_> {
    fn ways(&self) -> Vec<Way<'_>> {
        let cost = (self.len() * self.n_labels() * self.n_labels()) as f64;
        vec![Way::new("forward recursion along the chain", cost, move |_| Ok(self.log_z()))]
    }
}
