//! 64 replicas of an Ising model of one coupling on any graph, a word a site.

use std::sync::atomic::{AtomicU64, Ordering};

use super::decide::{Counted, equal};
use crate::level::{Level, level};
use crate::rng::Lanes;
use crate::team;
use crate::vector::{Vector, WORDS, Words, add3};

/// Groups of sites that draw from one stream: the unit of threads, and part of the results.
const BLOCK_GROUPS: usize = 64;
/// Sites that one thread decides in a nanosecond, for deciding whether to wake the others.
const SITES_PER_NANOSECOND: usize = 1;
/// The most neighbours of a site.
pub const MAX_DEGREE: usize = 15;

/// A graph laid out for sweeps: sites in classes without neighbours inside, in each class by degree, eight of one degree a group.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Where a site's word stands.
    place: Vec<u32>,
    n_words: usize,
    classes: Vec<Vec<Run>>,
}

/// Groups of one degree.
#[derive(Clone, Debug)]
struct Run {
    degree: usize,
    first: usize,
    n_groups: usize,
    /// Places of the neighbours: group by group, neighbour by neighbour, eight sites side by side.
    near: Vec<[u32; WORDS]>,
}

impl Run {
    fn n_blocks(&self) -> usize {
        self.n_groups.div_ceil(BLOCK_GROUPS)
    }
}

impl Layout {
    /// From classes of sites and the neighbours of each site.
    ///
    /// # Panics
    /// If a site has more than [`MAX_DEGREE`] neighbours, or a neighbour in its own class.
    pub fn new<'a>(classes: &[Vec<usize>], near: impl Fn(usize) -> &'a [u32]) -> Self {
        let n_sites = classes.iter().map(Vec::len).sum();
        let (mut place, mut n_words) = (vec![0u32; n_sites], 0);
        let mut runs: Vec<Vec<(usize, usize, Vec<usize>)>> = Vec::new();
        for (c, sites) in classes.iter().enumerate() {
            runs.push(Vec::new());
            for degree in 0..=MAX_DEGREE {
                let sites: Vec<usize> = sites.iter().copied().filter(|s| near(*s).len() == degree).collect();
                if sites.is_empty() {
                    continue;
                }
                sites.iter().enumerate().for_each(|(k, s)| place[*s] = (n_words + k) as u32);
                let first = n_words;
                n_words += sites.len().next_multiple_of(WORDS);
                runs[c].push((degree, first, sites));
            }
            let placed: usize = runs[c].iter().map(|r| r.2.len()).sum();
            assert_eq!(placed, sites.len(), "sites of at most {MAX_DEGREE} neighbours");
        }
        let run = |(degree, first, sites): (usize, usize, Vec<usize>)| {
            let n_groups = sites.len().div_ceil(WORDS);
            // A last group that is not full repeats its last site, into words that nobody reads.
            let site = |g: usize, i: usize| sites[(g * WORDS + i).min(sites.len() - 1)];
            let near = (0..n_groups * degree)
                .map(|k| std::array::from_fn(|i| place[near(site(k / degree, i))[k % degree] as usize]))
                .collect();
            Run { degree, first, n_groups, near }
        };
        let classes: Vec<Vec<Run>> = runs.into_iter().map(|runs| runs.into_iter().map(run).collect()).collect();
        for runs in &classes {
            let (Some(a), Some(z)) = (runs.first(), runs.last()) else { continue };
            let own = a.first as u32..(z.first + z.n_groups * WORDS) as u32;
            let inside = runs.iter().flat_map(|r| r.near.iter().flatten()).any(|p| own.contains(p));
            assert!(!inside, "classes without neighbours inside");
        }
        Self { place, n_words, classes }
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        self.place.len()
    }

    /// Words of a state.
    pub fn n_words(&self) -> usize {
        self.n_words
    }

    /// Where the word of a site stands.
    pub fn place(&self, site: usize) -> usize {
        self.place[site] as usize
    }
}

/// `n` heat-bath sweeps of every site, sweep `t` with `key(t)`: `up[d][k]` is the threshold of a site of degree `d` with `k`
/// neighbours up. Word [`Layout::place`] holds a site, bit `r` replica `r`. The keys fix the result, whatever the instruction
/// set and the number of threads.
///
/// # Panics
/// If there are not [`Layout::n_words`] words, or no thresholds for a degree that occurs.
pub fn sweeps(layout: &Layout, words: &mut [u64], up: &[Vec<u32>], n: u64, key: impl Fn(u64) -> u128 + Sync) {
    let cost = layout.n_words * 64 / SITES_PER_NANOSECOND / layout.classes.len().max(1);
    sweeps_on(level(), layout, words, up, n, key, team::threads(cost, layout.classes.len(), n));
}

pub(super) fn sweeps_on(
    on: Level,
    layout: &Layout,
    words: &mut [u64],
    up: &[Vec<u32>],
    n: u64,
    key: impl Fn(u64) -> u128 + Sync,
    n_threads: usize,
) {
    assert_eq!(words.len(), layout.n_words, "one word a site");
    for run in layout.classes.iter().flatten() {
        assert!(up[run.degree].len() > run.degree, "a threshold for every number of neighbours up");
    }
    let words = atomic(words);
    let blocks: Vec<usize> = layout.classes.iter().map(|runs| runs.iter().map(Run::n_blocks).sum()).collect();
    team::rounds(n_threads, &blocks, n, |sweep, class, block| {
        let lanes = Lanes::pair(key(sweep), (class as u64) << 40 | block as u64);
        let (mut runs, mut b) = (layout.classes[class].iter(), block);
        let Some(run) = runs.find(|run| {
            let here = b < run.n_blocks();
            b -= if here { 0 } else { run.n_blocks() };
            here
        }) else {
            return;
        };
        let groups = b * BLOCK_GROUPS..((b + 1) * BLOCK_GROUPS).min(run.n_groups);
        let first = run.first + groups.start * WORDS;
        let n_groups = groups.len();
        let near = &run.near[groups.start * run.degree..groups.end * run.degree];
        let block = Block { words, first, n_groups, degree: run.degree, near, up: &up[run.degree][..=run.degree] };
        match on {
            Level::Scalar => decide_block::<Words>(&block, &lanes),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this level is only found on a processor that has it.
            Level::Avx2Fma => unsafe { super::avx2::decide_block(&block, &lanes) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx512 => unsafe { super::avx512::decide_block(&block, &lanes) },
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2Fma | Level::Avx512 => unreachable!("not on this processor"),
        }
    });
}

/// The same words for many threads: those of a class are written by one thread each, those of other classes only read.
fn atomic(words: &mut [u64]) -> &[AtomicU64] {
    // SAFETY: an atomic word has the size and alignment of a word here, and the borrow is exclusive.
    unsafe { &*(std::ptr::from_mut(words) as *const [AtomicU64]) }
}

const _: () = assert!(align_of::<AtomicU64>() == align_of::<u64>());

/// Groups of one degree that draw from one stream.
pub(super) struct Block<'a> {
    words: &'a [AtomicU64],
    first: usize,
    n_groups: usize,
    degree: usize,
    near: &'a [[u32; WORDS]],
    up: &'a [u32],
}

impl Block<'_> {
    #[inline(always)]
    fn gather(&self, places: &[u32; WORDS]) -> [u64; WORDS] {
        places.map(|place| self.words[place as usize].load(Ordering::Relaxed))
    }
}

/// Decides the groups of a block.
#[inline(always)]
pub(super) fn decide_block<V: Vector>(block: &Block, lanes: &[Lanes; 2]) {
    // As many masks as there are values of the count, rounded up so that few loops are compiled.
    match block.degree {
        0..4 => decide_counts::<V, 4>(block, lanes),
        4..8 => decide_counts::<V, 8>(block, lanes),
        _ => decide_counts::<V, { MAX_DEGREE + 1 }>(block, lanes),
    }
}

#[inline(always)]
fn decide_counts<V: Vector, const N: usize>(block: &Block, lanes: &[Lanes; 2]) {
    let (mut random, counted) = (V::random(lanes), Counted::<V, N>::new(block.up));
    let zero = V::splat(0);
    for group in 0..block.n_groups {
        let near = &block.near[group * block.degree..][..block.degree];
        // Digits of the number of neighbours up, three neighbours at a time.
        let mut digits = [zero; 4];
        for three in near.chunks(3) {
            let mut terms = [zero; 3];
            for (term, places) in terms.iter_mut().zip(three) {
                *term = V::load(&block.gather(places));
            }
            let [a, b, c] = terms;
            let (sum, mut carry) = add3(a, b, c);
            let mut low = digits[0].and(sum);
            digits[0] = digits[0].xor(sum);
            for digit in &mut digits[1..] {
                (*digit, carry, low) = {
                    let (s, c) = add3(*digit, carry, low);
                    (s, c, zero)
                };
            }
        }
        let mut masks = [zero; N];
        for (k, mask) in masks.iter_mut().enumerate() {
            *mask = equal(&digits[..N.ilog2() as usize], k);
        }
        let mut out = [0; WORDS];
        counted.decide(&masks, &mut random).store(&mut out);
        for (word, out) in block.words[block.first + group * WORDS..].iter().zip(out) {
            word.store(out, Ordering::Relaxed);
        }
    }
}
