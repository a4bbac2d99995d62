//! Deciding the sites of a block, groups of 512 at once.

use super::{ALWAYS, Around, Decision, MORE, Rule, TOGETHER, threshold_bits};
use crate::rng::Lanes;
use crate::vector::{Vector, WORDS};

/// Decides the rows of a block, which are given with their rims.
#[inline(always)]
pub(super) fn block<V: Vector>(lanes: &[Lanes; 2], spins: &mut [u64], around: &[Around], decision: &Decision) {
    match decision.rule {
        Rule::HeatBath => block_by::<V, true>(lanes, spins, around, decision),
        Rule::Metropolis => block_by::<V, false>(lanes, spins, around, decision),
    }
}

#[inline(always)]
fn block_by<V: Vector, const HEAT_BATH: bool>(
    lanes: &[Lanes; 2],
    spins: &mut [u64],
    around: &[Around],
    decision: &Decision,
) {
    let bits = threshold_bits(decision);
    let stride = spins.len() / around.len() / WORDS;
    let (spins, _) = spins.as_chunks_mut::<WORDS>();
    let mut random = V::random(lanes);
    let mut batch = Batch::<V>::new();
    for (row, around) in around.iter().enumerate() {
        let [above, below, left, right] = around.0.map(|r| r.as_chunks::<WORDS>().0);
        let near = above.iter().zip(below).zip(left).zip(right);
        for (place, (((a, b), c), d)) in (row * stride + 1..).zip(near) {
            let near = [V::load(a), V::load(b), V::load(c), V::load(d)];
            let sites = Sites::begin::<HEAT_BATH>(&mut random, V::load(&spins[place]), near, &bits);
            sites.spins.store(&mut spins[place]);
            if !batch.has_room(&sites) {
                batch.finish(&mut random, spins, &bits);
            }
            batch.push(place, &sites);
        }
    }
    batch.finish(&mut random, spins, &bits);
}

/// 512 sites after the first bits.
struct Sites<V> {
    /// Decided, but for those open, which are as they would be without an event.
    spins: V,
    /// Neighbours three to one.
    three: V,
    /// Undecided.
    open: V,
}

impl<V: Vector> Sites<V> {
    /// Classes of the sites, and the first bits of their comparisons.
    #[inline(always)]
    fn begin<const HEAT_BATH: bool>(random: &mut V::Random, old: V, near: [V; 4], bits: &[u8; 32]) -> Self {
        // Heat bath counts neighbours that are up, Metropolis neighbours that differ.
        let [a, b, c, d] = near;
        let [a, b, c, d] = if HEAT_BATH { near } else { [a.xor(old), b.xor(old), c.xor(old), d.xor(old)] };
        let (odd_a, odd_b, both_a, both_b) = (a.xor(b), c.xor(d), a.and(b), c.and(d));
        let many = both_a.or(both_b);
        let not_four = odd_a.or(odd_b).or(both_a.xor(both_b));
        let (three, four) = if HEAT_BATH {
            (odd_a.xor(odd_b), not_four.not())
        } else {
            // Only a spin that agrees with most of its neighbours needs luck.
            (many.not_and(odd_a.xor(odd_b)), many.or(not_four).not())
        };
        let needs_luck = three.or(four);
        let mut comparison = Comparison::new(needs_luck, three);
        let first = V::next(random);
        comparison.bit(bits[0], first);
        for pair in &bits[1..ALWAYS] {
            comparison.bit(*pair, V::next(random));
        }
        // Without an event: heat bath the majority, or the first random bit where neighbours are split evenly; Metropolis the old
        // spin, flipped where nothing is to be decided.
        let unless =
            if HEAT_BATH { needs_luck.not_and(first).or(needs_luck.and(many)) } else { old.xor(needs_luck.not()) };
        Self { spins: unless.xor(comparison.event), three, open: comparison.open }
    }
}

/// 512 random numbers against their thresholds, bit by bit.
pub(super) struct Comparison<V> {
    /// By bits of both thresholds.
    thresholds: [V; 4],
    /// Equal to the threshold so far.
    pub(super) open: V,
    /// Below the threshold: the event.
    pub(super) event: V,
}

impl<V: Vector> Comparison<V> {
    /// Of the sites `open`, to the threshold of three neighbours where `three` says so and of four elsewhere.
    #[inline(always)]
    pub(super) fn new(open: V, three: V) -> Self {
        let zero = V::splat(0);
        Self { thresholds: [zero, three, open.xor(three), open], open, event: zero }
    }

    /// One more bit: `differs` where it is not the threshold's.
    #[inline(always)]
    pub(super) fn bit(&mut self, pair: u8, differs: V) {
        let now = self.open.and(differs);
        self.open = differs.not_and(self.open);
        self.event = self.event.or(now.and(self.thresholds[usize::from(pair & 3)]));
    }
}

/// Groups with sites yet undecided. An open site waits at its own place in the first of two sets of 512, or in the second
/// where another group's site is before it.
struct Batch<V> {
    len: usize,
    places: [usize; TOGETHER],
    /// Open sites of each group in either set.
    own: [[V; 2]; TOGETHER],
    open: [V; 2],
    three: [V; 2],
}

impl<V: Vector> Batch<V> {
    #[inline(always)]
    fn new() -> Self {
        let none = [V::splat(0); 2];
        Self { len: 0, places: [0; TOGETHER], own: [none; TOGETHER], open: none, three: none }
    }

    #[inline(always)]
    fn has_room(&self, sites: &Sites<V>) -> bool {
        self.len < TOGETHER && sites.open.and(self.open[0]).and(self.open[1]).is_zero()
    }

    #[inline(always)]
    fn push(&mut self, place: usize, sites: &Sites<V>) {
        let own = [self.open[0].not_and(sites.open), self.open[0].and(sites.open)];
        self.places[self.len] = place;
        self.own[self.len] = own;
        self.len += 1;
        for i in 0..2 {
            self.open[i] = self.open[i].or(own[i]);
            self.three[i] = self.three[i].or(own[i].and(sites.three));
        }
    }

    /// Decides all open sites.
    #[inline(always)]
    fn finish(&mut self, random: &mut V::Random, spins: &mut [[u64; WORDS]], bits: &[u8; 32]) {
        let mut sets = [Comparison::new(self.open[0], self.three[0]), Comparison::new(self.open[1], self.three[1])];
        let (more, rest) = bits[ALWAYS..].split_at(MORE);
        for pair in more {
            for set in &mut sets {
                set.bit(*pair, V::next(random));
            }
        }
        for pair in rest {
            if sets[0].open.or(sets[1].open).is_zero() {
                break;
            }
            for set in &mut sets {
                set.bit(*pair, V::next(random));
            }
        }
        for (place, own) in self.places[..self.len].iter().zip(&self.own) {
            let spins = &mut spins[*place];
            let events = sets[0].event.and(own[0]).or(sets[1].event.and(own[1]));
            V::load(spins).xor(events).store(spins);
        }
        let none = [V::splat(0); 2];
        (self.len, self.open, self.three) = (0, none, none);
    }
}
