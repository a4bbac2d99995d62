//! Random decisions of 512 sites that fall into classes: many classes, most of them empty, or the few values of a count.

use crate::vector::Vector;

/// The most classes: nine values of each of two sums, and an observed bit.
const MAX: usize = 162;

/// Sites in disjoint classes, each with its probability to be up.
pub(super) struct Classes<V> {
    masks: [V; MAX],
    thresholds: [u32; MAX],
    len: usize,
}

impl<V: Vector> Classes<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { masks: [V::splat(0); MAX], thresholds: [0; MAX], len: 0 }
    }

    /// Forgets all classes.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds a class, unless it is empty.
    #[inline(always)]
    pub(super) fn push(&mut self, mask: V, threshold: u32) {
        if !mask.is_zero() {
            self.masks[self.len] = mask;
            self.thresholds[self.len] = threshold;
            self.len += 1;
        }
    }

    /// The sites whose random number is below their threshold. `open` holds the sites of all classes.
    #[inline(always)]
    pub(super) fn decide(&self, mut open: V, random: &mut V::Random) -> V {
        let mut event = V::splat(0);
        for z in 0..32 {
            let mut bit = V::splat(0);
            for (mask, threshold) in self.masks[..self.len].iter().zip(&self.thresholds) {
                // All ones where the threshold has this bit.
                let on = u64::from(threshold >> (31 - z) & 1).wrapping_neg();
                bit = bit.or(mask.and(V::splat(on)));
            }
            let differs = bit.xor(V::next(random));
            event = event.or(open.and(bit).and(differs));
            open = differs.not_and(open);
            // 512 sites are rarely all decided before: asking costs more than it saves.
            if z >= 6 && open.is_zero() {
                break;
            }
        }
        event
    }
}

/// One probability for each value below `N` of a count, as the comparison asks for them: `digits[z][k]` is all ones where digit
/// `z` of threshold `k` is.
pub(super) struct Counted<V, const N: usize> {
    digits: [[V; N]; 32],
}

impl<V: Vector, const N: usize> Counted<V, N> {
    /// Of the first values; the others are met nowhere.
    #[inline(always)]
    pub(super) fn new(thresholds: &[u32]) -> Self {
        let mut digits = [[V::splat(0); N]; 32];
        for (z, digits) in digits.iter_mut().enumerate() {
            for (digit, threshold) in digits.iter_mut().zip(thresholds) {
                *digit = V::splat(u64::from(threshold >> (31 - z) & 1).wrapping_neg());
            }
        }
        Self { digits }
    }

    /// The sites whose random number is below the threshold of their count; `masks[k]` is where that is `k`.
    #[inline(always)]
    pub(super) fn decide(&self, masks: &[V; N], random: &mut V::Random) -> V {
        let (mut event, mut open) = (V::splat(0), V::splat(u64::MAX));
        for (z, digits) in self.digits.iter().enumerate() {
            let mut bit = V::splat(0);
            for (mask, digit) in masks.iter().zip(digits) {
                bit = bit.or(mask.and(*digit));
            }
            let differs = bit.xor(V::next(random));
            event = event.or(open.and(bit).and(differs));
            open = differs.not_and(open);
            if z >= 6 && open.is_zero() {
                break;
            }
        }
        event
    }
}

/// Where the number with these binary digits is `value`.
#[inline(always)]
pub(super) fn equal<V: Vector>(digits: &[V], value: usize) -> V {
    let mut all = V::splat(u64::MAX);
    for (k, digit) in digits.iter().enumerate() {
        all = if value >> k & 1 == 1 { all.and(*digit) } else { digit.not_and(all) };
    }
    all
}
