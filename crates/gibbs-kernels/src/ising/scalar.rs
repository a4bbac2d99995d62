//! The plain twin: groups of four words, as in a register.

use super::plane::GROUP;
use super::{ALWAYS, Around, Decision, MORE, Rule, TOGETHER, threshold_bits};
use crate::rng::Lanes;

pub(super) type Words = [u64; GROUP];

/// Decides the rows of a block, which are given with their rims.
pub(super) fn block(lanes: &mut Lanes, spins: &mut [u64], around: &[Around], decision: &Decision) {
    let bits = threshold_bits(decision);
    let stride = spins.len() / around.len() / GROUP;
    let (spins, _) = spins.as_chunks_mut::<GROUP>();
    let mut batch = Batch::default();
    for (row, around) in around.iter().enumerate() {
        let near = around.0.map(|r| r.as_chunks::<GROUP>().0);
        for g in 0..near[0].len() {
            let place = row * stride + 1 + g;
            let sites = Sites::begin(lanes, spins[place], near.map(|n| n[g]), decision.rule, &bits);
            spins[place] = sites.spins;
            if !batch.has_room(&sites) {
                batch.finish(lanes, spins, &bits);
            }
            batch.push(place, &sites);
        }
    }
    batch.finish(lanes, spins, &bits);
}

/// 256 sites after the first bits: spins but for those open, where neighbours are three to one, and what is undecided.
struct Sites {
    spins: Words,
    three: Words,
    open: Words,
}

impl Sites {
    fn begin(lanes: &mut Lanes, old: Words, near: [Words; 4], rule: Rule, bits: &[u8; 32]) -> Self {
        let first = next(lanes);
        let (mut unless, mut three, mut four) = ([0; GROUP], [0; GROUP], [0; GROUP]);
        for i in 0..GROUP {
            // Heat bath counts neighbours that are up, Metropolis neighbours that differ.
            let [a, b, c, d] = near.map(|n| if rule == Rule::Metropolis { n[i] ^ old[i] } else { n[i] });
            let [two, three_one, all] = count([a, b, c, d]);
            (three[i], four[i], unless[i]) = match rule {
                // Two against two: the first random bit is the spin.
                Rule::HeatBath => {
                    let majority = (a & b) | (c & d);
                    (three_one, all, (two & first[i]) | (!two & majority))
                }
                // Only a spin that agrees with most of its neighbours needs luck.
                Rule::Metropolis => {
                    let agrees = !((a & b) | (c & d));
                    (three_one & agrees, all & agrees, old[i] ^ !((three_one | all) & agrees))
                }
            };
        }
        let mut comparison = Comparison::new(three, four);
        comparison.bit(bits[0], first);
        for pair in &bits[1..ALWAYS] {
            comparison.bit(*pair, next(lanes));
        }
        Self { spins: zip(unless, comparison.event, |u, e| u ^ e), three, open: comparison.open }
    }
}

/// Sites whose neighbours are split two to two, three to one, and not at all.
fn count([a, b, c, d]: [u64; 4]) -> [u64; 3] {
    let three = a ^ b ^ c ^ d;
    let four = (a & b & c & d) | !(a | b | c | d);
    [!(three | four), three, four]
}

/// 256 random numbers against their thresholds, bit by bit: those equal so far, and those below.
pub(super) struct Comparison {
    three: Words,
    four: Words,
    pub(super) open: Words,
    pub(super) event: Words,
}

impl Comparison {
    pub(super) fn new(three: Words, four: Words) -> Self {
        Self { three, four, open: zip(three, four, |t, f| t | f), event: [0; GROUP] }
    }

    /// One more bit of the thresholds, and where the numbers differ in it.
    pub(super) fn bit(&mut self, pair: u8, differs: Words) {
        let when = |on: u8, word: u64| if on == 0 { 0 } else { word };
        for i in 0..GROUP {
            let threshold = when(pair & 1, self.three[i]) | when(pair & 2, self.four[i]);
            self.event[i] |= self.open[i] & differs[i] & threshold;
            self.open[i] &= !differs[i];
        }
    }
}

/// Groups with sites yet undecided: where they are, and their open sites in two sets.
#[derive(Default)]
struct Batch {
    places: Vec<(usize, [Words; 2])>,
    open: [Words; 2],
    three: [Words; 2],
}

impl Batch {
    fn has_room(&self, sites: &Sites) -> bool {
        self.places.len() < TOGETHER && (0..GROUP).all(|i| sites.open[i] & self.open[0][i] & self.open[1][i] == 0)
    }

    fn push(&mut self, place: usize, sites: &Sites) {
        let first = self.open[0];
        let own = [zip(sites.open, first, |s, f| s & !f), zip(sites.open, first, |s, f| s & f)];
        self.places.push((place, own));
        for (set, own) in own.iter().enumerate() {
            for i in 0..GROUP {
                self.open[set][i] |= own[i];
                self.three[set][i] |= own[i] & sites.three[i];
            }
        }
    }

    /// Decides all open sites.
    fn finish(&mut self, lanes: &mut Lanes, spins: &mut [Words], bits: &[u8; 32]) {
        let mut sets = [0, 1]
            .map(|s| Comparison::new(self.three[s], zip(self.open[s], self.three[s], |open, three| open & !three)));
        for (z, pair) in bits.iter().enumerate().skip(ALWAYS) {
            if z >= ALWAYS + MORE && sets.iter().all(|set| set.open == [0; GROUP]) {
                break;
            }
            sets.iter_mut().for_each(|set| set.bit(*pair, next(lanes)));
        }
        for (place, own) in self.places.drain(..) {
            for i in 0..GROUP {
                spins[place][i] ^= (sets[0].event[i] & own[0][i]) | (sets[1].event[i] & own[1][i]);
            }
        }
        (self.open, self.three) = Default::default();
    }
}

fn zip(a: Words, b: Words, f: impl Fn(u64, u64) -> u64) -> Words {
    std::array::from_fn(|i| f(a[i], b[i]))
}

/// 256 random bits.
fn next(lanes: &mut Lanes) -> Words {
    let x = lanes.next_u32s();
    std::array::from_fn(|i| u64::from(x[2 * i]) | u64::from(x[2 * i + 1]) << 32)
}
