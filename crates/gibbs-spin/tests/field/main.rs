//! Markov random fields against brute force that shares no code with them.

mod exact;
mod inference;
mod learning;
mod samplers;

use gibbs_core::key::Key;
use gibbs_spin::field::{Field, Ising, Pair};
use gibbs_spin::graph::{Connectivity, Graph};

/// Edges of a small graph with odd loops, couplings of both signs, and fields.
const EDGES: [(usize, usize, f64); 7] =
    [(0, 1, 0.6), (1, 2, -0.4), (2, 0, 0.5), (2, 3, 0.8), (3, 4, 0.3), (4, 5, -0.7), (5, 2, 0.4)];
const FIELDS: [f64; 6] = [0.3, -0.2, 0.0, 0.5, -0.6, 0.1];

fn ising(scale: f64) -> Ising {
    let edges: Vec<_> = EDGES.iter().map(|&(a, b, j)| (a, b, scale * j)).collect();
    Ising::from_edges(6, &edges, FIELDS.map(|h| scale * h).to_vec()).unwrap()
}

/// The energy of [`ising`] with its own arithmetic.
fn ising_energy(x: &[bool], scale: f64) -> f64 {
    let s = |i: usize| if x[i] { 1.0 } else { -1.0 };
    let pairs: f64 = EDGES.iter().map(|(a, b, j)| j * s(*a) * s(*b)).sum();
    -scale * (pairs + FIELDS.iter().enumerate().map(|(i, h)| h * s(i)).sum::<f64>())
}

/// Three states on the same graph, with fields of every state.
fn potts(pair: &Pair, scale: f64) -> Field {
    let (graph, couplings) = Graph::weighted(6, &EDGES).unwrap();
    let unary = (0..18).map(|k| scale * ((k * 7 % 5) as f64 - 2.0) / 4.0).collect();
    Field::new(graph, 3, pair, couplings.iter().map(|j| scale * j).collect(), unary).unwrap()
}

/// A field of random numbers.
fn random(graph: Graph, q: usize, pair: &Pair, scale: f64, seed: u64) -> Field {
    let mut rng = Key::from_seed(seed).rng();
    let couplings = (0..graph.n_edges()).map(|_| scale * rng.normal()).collect();
    let unary = (0..graph.n_sites() * q).map(|_| 0.5 * rng.normal()).collect();
    Field::new(graph, q, pair, couplings, unary).unwrap()
}

/// `log Z`, marginals, least energy, by a plain count through all states and sums over pairs of sites.
fn brute(field: &Field) -> (f64, Vec<f64>, f64) {
    let (q, n) = (field.n_states(), field.n_sites());
    let (mut z, mut marginals, mut least) = (0.0, vec![0.0; n * q], f64::INFINITY);
    for s in 0..q.pow(n as u32) {
        let x: Vec<usize> = (0..n).map(|i| s / q.pow(i as u32) % q).collect();
        let mut e: f64 = -(0..n).map(|i| field.unary()[i * q + x[i]]).sum::<f64>();
        for (edge, j) in field.graph().edges().iter().zip(field.couplings()) {
            e -= j * field.pair(x[edge[0] as usize])[x[edge[1] as usize]];
        }
        least = least.min(e);
        z += (-e).exp();
        (0..n).for_each(|i| marginals[i * q + x[i]] += (-e).exp());
    }
    marginals.iter_mut().for_each(|m| *m /= z);
    (z.ln(), marginals, least)
}

/// Small fields of many kinds.
fn zoo() -> Vec<Field> {
    let grid = |h, w, c| Graph::picture(h, w, c).unwrap().0;
    let quadratic = Pair::TruncatedQuadratic { limit: 3.0 };
    let table = Pair::Table(vec![0.0, 1.0, -0.5, 1.0, 0.3, 0.2, -0.5, 0.2, -1.0]);
    vec![
        ising(1.0).to_field(),
        potts(&Pair::Potts, 1.0),
        random(grid(3, 4, Connectivity::Four), 2, &Pair::Ising, 1.0, 1),
        random(grid(3, 3, Connectivity::Eight), 3, &quadratic, 0.7, 2),
        random(grid(2, 3, Connectivity::Eight), 4, &Pair::Potts, 2.0, 3),
        random(Graph::from_edges(7, &[(0, 1), (1, 2), (3, 4)]).unwrap(), 3, &table, 1.5, 4),
        random(Graph::from_edges(3, &[]).unwrap(), 2, &Pair::Potts, 1.0, 5),
    ]
}

fn close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (k, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= tolerance, "{k}: {a} {b}");
    }
}
