//! Groups of 256 sites in registers.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_andnot_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_storeu_si256, _mm256_testz_si256, _mm256_xor_si256,
};

use super::plane::GROUP;
use super::{ALWAYS, Around, Decision, MORE, Rule, TOGETHER, threshold_bits};
use crate::rng::Lanes;
use crate::rng::avx2::Wide;

/// Decides the rows of a block, which are given with their rims.
#[target_feature(enable = "avx2,fma")]
pub(super) fn block(lanes: &Lanes, spins: &mut [u64], around: &[Around], decision: &Decision) {
    match decision.rule {
        Rule::HeatBath => block_by::<true>(lanes, spins, around, decision),
        Rule::Metropolis => block_by::<false>(lanes, spins, around, decision),
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn block_by<const HEAT_BATH: bool>(lanes: &Lanes, spins: &mut [u64], around: &[Around], decision: &Decision) {
    let bits = threshold_bits(decision);
    let stride = spins.len() / around.len() / GROUP;
    let (spins, _) = spins.as_chunks_mut::<GROUP>();
    let mut wide = Wide::new(lanes);
    let mut batch = Batch::new();
    for (row, around) in around.iter().enumerate() {
        let [above, below, left, right] = around.0.map(|r| r.as_chunks::<GROUP>().0);
        let near = above.iter().zip(below).zip(left).zip(right);
        for (place, (((a, b), c), d)) in (row * stride + 1..).zip(near) {
            let near = [a, b, c, d].map(|x| load(x));
            let sites = Sites::begin::<HEAT_BATH>(&mut wide, load(&spins[place]), near, &bits);
            store(&mut spins[place], sites.spins);
            if !batch.has_room(&sites) {
                batch.finish(&mut wide, spins, &bits);
            }
            batch.push(place, &sites);
        }
    }
    batch.finish(&mut wide, spins, &bits);
}

/// 256 sites after the first bits.
struct Sites {
    /// Decided, but for those open, which are as they would be without an event.
    spins: __m256i,
    /// Neighbours three to one.
    three: __m256i,
    /// Undecided.
    open: __m256i,
}

impl Sites {
    /// Classes of the sites, and the first bits of their comparisons.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn begin<const HEAT_BATH: bool>(wide: &mut Wide, old: __m256i, near: [__m256i; 4], bits: &[u8; 32]) -> Self {
        // Heat bath counts neighbours that are up, Metropolis neighbours that differ.
        let [a, b, c, d] = if HEAT_BATH { near } else { near.map(|n| xor(n, old)) };
        let (odd_a, odd_b, both_a, both_b) = (xor(a, b), xor(c, d), and(a, b), and(c, d));
        let many = or(both_a, both_b);
        let not_four = or(or(odd_a, odd_b), xor(both_a, both_b));
        let (three, four) = if HEAT_BATH {
            (xor(odd_a, odd_b), not(not_four))
        } else {
            // Only a spin that agrees with most of its neighbours needs luck.
            (and_not(many, xor(odd_a, odd_b)), not(or(many, not_four)))
        };
        let needs_luck = or(three, four);
        let mut comparison = Comparison::new(needs_luck, three);
        let first = wide.next();
        comparison.bit(bits[0], first);
        for pair in &bits[1..ALWAYS] {
            comparison.bit(*pair, wide.next());
        }
        // Without an event: heat bath the majority, or the first random bit where neighbours are split evenly; Metropolis the old
        // spin, flipped where nothing is to be decided.
        let unless =
            if HEAT_BATH { or(and_not(needs_luck, first), and(needs_luck, many)) } else { xor(old, not(needs_luck)) };
        Self { spins: xor(unless, comparison.event), three, open: comparison.open }
    }
}

/// 256 random numbers against their thresholds, bit by bit.
struct Comparison {
    /// By bits of both thresholds.
    thresholds: [__m256i; 4],
    /// Equal to the threshold so far.
    open: __m256i,
    /// Below the threshold: the event.
    event: __m256i,
}

impl Comparison {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn new(open: __m256i, three: __m256i) -> Self {
        let zero = _mm256_setzero_si256();
        Self { thresholds: [zero, three, xor(open, three), open], open, event: zero }
    }

    /// One more bit: `differs` where it is not the threshold's.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn bit(&mut self, pair: u8, differs: __m256i) {
        let now = and(self.open, differs);
        self.open = and_not(differs, self.open);
        self.event = or(self.event, and(now, self.thresholds[usize::from(pair & 3)]));
    }
}

/// Groups with sites yet undecided. An open site waits at its own place in the first of two sets of 256, or in the second
/// where another group's site is before it.
struct Batch {
    len: usize,
    places: [usize; TOGETHER],
    /// Open sites of each group in either set.
    own: [[__m256i; 2]; TOGETHER],
    open: [__m256i; 2],
    three: [__m256i; 2],
}

impl Batch {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn new() -> Self {
        let none = [_mm256_setzero_si256(); 2];
        Self { len: 0, places: [0; TOGETHER], own: [none; TOGETHER], open: none, three: none }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn has_room(&self, sites: &Sites) -> bool {
        self.len < TOGETHER && is_zero(and(sites.open, and(self.open[0], self.open[1])))
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn push(&mut self, place: usize, sites: &Sites) {
        let own = [and_not(self.open[0], sites.open), and(self.open[0], sites.open)];
        self.places[self.len] = place;
        self.own[self.len] = own;
        self.len += 1;
        for i in 0..2 {
            self.open[i] = or(self.open[i], own[i]);
            self.three[i] = or(self.three[i], and(own[i], sites.three));
        }
    }

    /// Decides all open sites.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn finish(&mut self, wide: &mut Wide, spins: &mut [[u64; GROUP]], bits: &[u8; 32]) {
        let mut sets = [Comparison::new(self.open[0], self.three[0]), Comparison::new(self.open[1], self.three[1])];
        let (more, rest) = bits[ALWAYS..].split_at(MORE);
        for pair in more {
            sets.iter_mut().for_each(|set| set.bit(*pair, wide.next()));
        }
        for pair in rest {
            if is_zero(or(sets[0].open, sets[1].open)) {
                break;
            }
            sets.iter_mut().for_each(|set| set.bit(*pair, wide.next()));
        }
        for (place, own) in self.places[..self.len].iter().zip(&self.own) {
            let spins = &mut spins[*place];
            let events = or(and(sets[0].event, own[0]), and(sets[1].event, own[1]));
            store(spins, xor(load(spins), events));
        }
        let none = [_mm256_setzero_si256(); 2];
        (self.len, self.open, self.three) = (0, none, none);
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn is_zero(x: __m256i) -> bool {
    _mm256_testz_si256(x, x) == 1
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(x: &[u64; GROUP]) -> __m256i {
    // SAFETY: four words.
    unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn store(to: &mut [u64; GROUP], x: __m256i) {
    // SAFETY: four words.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), x) }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn xor(a: __m256i, b: __m256i) -> __m256i {
    _mm256_xor_si256(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn and(a: __m256i, b: __m256i) -> __m256i {
    _mm256_and_si256(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn or(a: __m256i, b: __m256i) -> __m256i {
    _mm256_or_si256(a, b)
}

/// `!a & b`
#[target_feature(enable = "avx2,fma")]
#[inline]
fn and_not(a: __m256i, b: __m256i) -> __m256i {
    _mm256_andnot_si256(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn not(a: __m256i) -> __m256i {
    _mm256_xor_si256(a, _mm256_set1_epi64x(-1))
}

/// Adds to the digits of 256 numbers how many neighbours differ, for all whole groups of a row.
#[target_feature(enable = "avx2,fma")]
pub(super) fn add_differences(spins: &[u64], around: &Around, digits: &mut [[u64; GROUP]; 32]) {
    let [above, below, left, right] = around.0.map(|r| r.as_chunks::<GROUP>().0);
    // Carries leave the first ten digits once in 2^10 bonds that differ; these digits are added without asking.
    let (low, high) = digits.split_at_mut(10);
    let mut sums: [__m256i; 10] = std::array::from_fn(|k| load(&low[k]));
    for ((((spins, a), b), c), d) in spins.as_chunks::<GROUP>().0.iter().zip(above).zip(below).zip(left).zip(right) {
        let spins = load(spins);
        let [a, b, c, d] = [a, b, c, d].map(|n| xor(load(n), spins));
        let (sum, carry_a) = add3(a, b, c);
        let (ones, carry_b) = add3(sums[0], sum, d);
        let (twos, mut carry) = add3(sums[1], carry_a, carry_b);
        (sums[0], sums[1]) = (ones, twos);
        for sum in &mut sums[2..] {
            (*sum, carry) = (xor(*sum, carry), and(*sum, carry));
        }
        if _mm256_testz_si256(carry, carry) == 0 {
            for digit in &mut *high {
                let sum = load(digit);
                store(digit, xor(sum, carry));
                carry = and(sum, carry);
            }
        }
    }
    low.iter_mut().zip(sums).for_each(|(digit, sum)| store(digit, sum));
}

/// Sum and carry of three bits.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn add3(a: __m256i, b: __m256i, c: __m256i) -> (__m256i, __m256i) {
    let half = xor(a, b);
    (xor(half, c), or(and(a, b), and(half, c)))
}
