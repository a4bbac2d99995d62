//! The plain twin: groups of four words, as in a register.

use super::plane::GROUP;
use super::{ALWAYS, Around, Decision, Rule, TOGETHER, threshold_bits};
use crate::rng::Lanes;

pub(super) type Words = [u64; GROUP];

/// Decides the rows of a block, which are given with their rims.
pub(super) fn block(lanes: &mut Lanes, spins: &mut [u64], around: &[Around], decision: &Decision) {
    let bits = threshold_bits(decision);
    let stride = spins.len() / around.len() / GROUP;
    let (spins, _) = spins.as_chunks_mut::<GROUP>();
    let groups = around[0].0[0].len() / GROUP;
    let places: Vec<(usize, usize)> = (0..around.len()).flat_map(|row| (0..groups).map(move |g| (row, g))).collect();
    for places in places.chunks(TOGETHER) {
        let mut sites = [Sites::default(); TOGETHER];
        for ((row, g), sites) in places.iter().zip(&mut sites) {
            let near = around[*row].0.map(|r| r.as_chunks::<GROUP>().0[*g]);
            *sites = Sites::begin(lanes, spins[row * stride + 1 + g], near, decision.rule, &bits);
        }
        finish(lanes, &mut sites, &bits);
        for ((row, g), sites) in places.iter().zip(&sites) {
            spins[row * stride + 1 + g] = std::array::from_fn(|i| sites.unless[i] ^ sites.event[i]);
        }
    }
}

/// 256 sites on the way to their decision: the spin unless an event happens, where neighbours are three to one, what is
/// undecided, and the events.
#[derive(Clone, Copy, Default)]
struct Sites {
    unless: Words,
    three: Words,
    open: Words,
    event: Words,
}

impl Sites {
    fn begin(lanes: &mut Lanes, old: Words, near: [Words; 4], rule: Rule, bits: &[u8; 32]) -> Self {
        let mut sites = Self::default();
        let mut random = next(lanes);
        for i in 0..GROUP {
            // Heat bath counts neighbours that are up, Metropolis neighbours that differ.
            let [a, b, c, d] = near.map(|n| if rule == Rule::Metropolis { n[i] ^ old[i] } else { n[i] });
            let [two, three, four] = count([a, b, c, d]);
            let (three, four, unless) = match rule {
                // Two against two: the first random bit is the spin.
                Rule::HeatBath => {
                    let majority = (a & b) | (c & d);
                    (three, four, (two & random[i]) | (!two & majority))
                }
                // Only a spin that agrees with most of its neighbours needs luck.
                Rule::Metropolis => {
                    let agrees = !((a & b) | (c & d));
                    (three & agrees, four & agrees, old[i] ^ !((three | four) & agrees))
                }
            };
            (sites.unless[i], sites.three[i], sites.open[i]) = (unless, three, three | four);
        }
        let four: Words = std::array::from_fn(|i| sites.open[i] & !sites.three[i]);
        for (z, pair) in bits[..ALWAYS].iter().enumerate() {
            if z > 0 {
                random = next(lanes);
            }
            compare(&mut sites.open, &mut sites.event, threshold(*pair, &sites.three, &four), random);
        }
        sites
    }
}

/// Sites whose neighbours are split two to two, three to one, and not at all.
fn count([a, b, c, d]: [u64; 4]) -> [u64; 3] {
    let three = a ^ b ^ c ^ d;
    let four = (a & b & c & d) | !(a | b | c | d);
    [!(three | four), three, four]
}

/// One bit of the threshold of every site.
pub(super) fn threshold(pair: u8, three: &Words, four: &Words) -> Words {
    let when = |on: bool, word: u64| if on { word } else { 0 };
    std::array::from_fn(|i| when(pair & 1 == 1, three[i]) | when(pair & 2 == 2, four[i]))
}

/// One more bit of the comparisons.
pub(super) fn compare(open: &mut Words, event: &mut Words, threshold: Words, random: Words) {
    for i in 0..GROUP {
        let differs = threshold[i] ^ random[i];
        event[i] |= open[i] & differs & threshold[i];
        open[i] &= !differs;
    }
}

/// Decides what is open in several groups with the same random words, each bit of which goes to one site.
fn finish(lanes: &mut Lanes, sites: &mut [Sites; TOGETHER], bits: &[u8; 32]) {
    loop {
        let mut open = [0; GROUP];
        let mut own = [[0; GROUP]; TOGETHER];
        // Where two groups are open at one place, the later waits for another round.
        for (own, sites) in own.iter_mut().zip(&*sites) {
            *own = std::array::from_fn(|i| sites.open[i] & !open[i]);
            open = std::array::from_fn(|i| open[i] | own[i]);
        }
        if open == [0; GROUP] {
            return;
        }
        let three: Words = std::array::from_fn(|i| own.iter().zip(&*sites).fold(0, |t, (o, s)| t | o[i] & s.three[i]));
        let four: Words = std::array::from_fn(|i| open[i] & !three[i]);
        let mut event = [0; GROUP];
        for pair in &bits[ALWAYS..] {
            compare(&mut open, &mut event, threshold(*pair, &three, &four), next(lanes));
            if open == [0; GROUP] {
                break;
            }
        }
        for (sites, own) in sites.iter_mut().zip(own) {
            for i in 0..GROUP {
                sites.event[i] |= event[i] & own[i];
                sites.open[i] &= !own[i];
            }
        }
    }
}

/// 256 random bits.
fn next(lanes: &mut Lanes) -> Words {
    let x = lanes.next_u32s();
    std::array::from_fn(|i| u64::from(x[2 * i]) | u64::from(x[2 * i + 1]) << 32)
}
