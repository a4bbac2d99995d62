//! Groups of 256 sites in registers.

use std::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_andnot_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_storeu_si256, _mm256_testz_si256, _mm256_xor_si256,
};

use super::plane::GROUP;
use super::{ALWAYS, Around, Decision, Rule, TOGETHER, threshold_bits};
use crate::rng::Lanes;
use crate::rng::avx2::Wide;

/// Decides the rows of a block, which are given with their rims.
#[target_feature(enable = "avx2,fma")]
pub(super) fn block(lanes: &mut Lanes, spins: &mut [u64], around: &[Around], decision: &Decision) {
    match decision.rule {
        Rule::HeatBath => block_by::<true>(lanes, spins, around, decision),
        Rule::Metropolis => block_by::<false>(lanes, spins, around, decision),
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn block_by<const HEAT_BATH: bool>(lanes: &mut Lanes, spins: &mut [u64], around: &[Around], decision: &Decision) {
    let bits = threshold_bits(decision);
    let stride = spins.len() / around.len() / GROUP;
    let (spins, _) = spins.as_chunks_mut::<GROUP>();
    let mut wide = Wide::new(lanes);
    let mut sites = [Sites::none(); TOGETHER];
    let mut places = [0; TOGETHER];
    let mut waiting = 0;
    for (row, around) in around.iter().enumerate() {
        let [above, below, left, right] = around.0.map(|r| r.as_chunks::<GROUP>().0);
        let near = above.iter().zip(below).zip(left).zip(right);
        for (place, (((a, b), c), d)) in (row * stride + 1..).zip(near) {
            let near = [a, b, c, d].map(|x| load(x));
            sites[waiting] = Sites::begin::<HEAT_BATH>(&mut wide, load(&spins[place]), near, &bits);
            places[waiting] = place;
            waiting += 1;
            if waiting == TOGETHER {
                finish(&mut wide, &mut sites, &bits);
                sites.iter().zip(places).for_each(|(s, place)| store(&mut spins[place], s.decided()));
                waiting = 0;
            }
        }
    }
    sites[waiting..].fill(Sites::none());
    finish(&mut wide, &mut sites, &bits);
    sites[..waiting].iter().zip(places).for_each(|(s, place)| store(&mut spins[place], s.decided()));
    wide.store(lanes);
}

/// 256 sites on the way to their decision.
#[derive(Clone, Copy)]
struct Sites {
    /// Heat bath: the spin if there is no event; the first random bit where neighbours are split evenly. Metropolis: the old
    /// spin, flipped where nothing is to be decided.
    unless: __m256i,
    /// Neighbours three to one.
    three: __m256i,
    /// Undecided.
    open: __m256i,
    /// Random number below the threshold: the event.
    event: __m256i,
}

impl Sites {
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn none() -> Self {
        let zero = _mm256_setzero_si256();
        Self { unless: zero, three: zero, open: zero, event: zero }
    }

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
        let thresholds = [_mm256_setzero_si256(), three, four, needs_luck];
        let mut random = wide.next();
        let unless =
            if HEAT_BATH { or(and_not(needs_luck, random), and(needs_luck, many)) } else { xor(old, not(needs_luck)) };
        let (mut open, mut event) = (needs_luck, _mm256_setzero_si256());
        for (z, pair) in bits.iter().enumerate().take(ALWAYS) {
            if z > 0 {
                random = wide.next();
            }
            compare(&mut open, &mut event, thresholds[usize::from(*pair & 3)], random);
        }
        Self { unless, three, open, event }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn decided(&self) -> __m256i {
        xor(self.unless, self.event)
    }
}

/// One more bit of the comparisons.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn compare(open: &mut __m256i, event: &mut __m256i, threshold: __m256i, random: __m256i) {
    let differs = xor(threshold, random);
    *event = or(*event, and(and(*open, threshold), differs));
    *open = and_not(differs, *open);
}

/// Decides what is open in several groups with the same random words, each bit of which goes to one site.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn finish(wide: &mut Wide, sites: &mut [Sites; TOGETHER], bits: &[u8; 32]) {
    loop {
        let zero = _mm256_setzero_si256();
        let (mut open, mut three) = (zero, zero);
        // Where two groups are open at one place, the later waits for another round.
        let own: [__m256i; TOGETHER] = std::array::from_fn(|g| {
            let own = and_not(open, sites[g].open);
            open = or(open, own);
            three = or(three, and(own, sites[g].three));
            own
        });
        if _mm256_testz_si256(open, open) == 1 {
            return;
        }
        let thresholds = [zero, three, xor(open, three), open];
        let mut event = zero;
        for pair in &bits[ALWAYS..] {
            compare(&mut open, &mut event, thresholds[usize::from(*pair & 3)], wide.next());
            if _mm256_testz_si256(open, open) == 1 {
                break;
            }
        }
        for (sites, own) in sites.iter_mut().zip(own) {
            sites.event = or(sites.event, and(event, own));
            sites.open = and_not(own, sites.open);
        }
    }
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
