//! Threads that go through many short phases together.
//!
//! A half-sweep of a lattice in the cache takes microseconds, less than waking a sleeping thread takes, so the threads of a
//! run of sweeps wait for each other spinning. They take blocks by ticket, in one order over all phases; whoever holds
//! one waits until all blocks of the phases before are done. So a thread that the machine has put aside delays the others
//! by the one block it holds.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A round below this many nanoseconds a phase is not worth sharing.
const SHARED_ABOVE: usize = 4_000;
/// Starting the threads takes about this many nanoseconds.
const START: u64 = 200_000;
/// Turns of waiting before a thread lets others run.
const PATIENCE: u32 = 200;

/// How many threads `n` rounds of `n_phases` phases that take `cost` nanoseconds each deserve, of the current rayon pool's.
pub(crate) fn threads(cost: usize, n_phases: usize, n: u64) -> usize {
    let pays = cost > SHARED_ABOVE && n.saturating_mul((n_phases * cost) as u64) > START;
    if pays { rayon::current_num_threads() } else { 1 }
}

/// `n` rounds of phases, of which phase `p` has `blocks[p]` blocks: `work(round, p, block)` once for each. When it is called,
/// all blocks of the phases before have returned, on whatever thread, and what they wrote is seen.
pub(crate) fn rounds(n_threads: usize, blocks: &[usize], n: u64, work: impl Fn(u64, usize, usize) + Sync) {
    let a_round: usize = blocks.iter().sum();
    if a_round == 0 {
        return;
    }
    let (ticket, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let member = || {
        loop {
            let mine = ticket.fetch_add(1, Ordering::Relaxed);
            let round = mine / a_round;
            if round as u64 >= n {
                break;
            }
            let (mut phase, mut block) = (0, mine % a_round);
            while block >= blocks[phase] {
                block -= blocks[phase];
                phase += 1;
            }
            let before = mine - block;
            let mut turns = 0;
            // Acquire and release: what others wrote in the phases before is seen here.
            while done.load(Ordering::Acquire) < before {
                turns += 1;
                if turns < PATIENCE { std::hint::spin_loop() } else { std::thread::yield_now() }
            }
            work(round as u64, phase, block);
            done.fetch_add(1, Ordering::Release);
        }
    };
    let most = blocks.iter().copied().max().unwrap_or(1);
    let elsewhere = Elsewhere::find();
    let helper = || {
        elsewhere.go();
        member();
    };
    std::thread::scope(|scope| {
        (1..n_threads.min(most)).for_each(|_| drop(scope.spawn(helper)));
        member();
    });
}

/// The processors that this process may use but for the one the calling thread is on.
///
/// A system that leaves a new thread on its parent's processor may take a tenth of a second to notice that another is idle,
/// longer than most runs of sweeps; and two threads that wait for each other on one processor are slower than one.
struct Elsewhere {
    #[cfg(target_os = "linux")]
    processors: Option<rustix::thread::CpuSet>,
}

#[cfg(target_os = "linux")]
impl Elsewhere {
    fn find() -> Self {
        let mut processors = rustix::thread::sched_getaffinity(None).ok();
        if let Some(set) = &mut processors {
            set.unset(rustix::thread::sched_getcpu());
        }
        Self { processors: processors.filter(|set| set.count() > 0) }
    }

    /// Keeps the calling thread there.
    fn go(&self) {
        if let Some(set) = &self.processors {
            // A system that refuses knows better.
            _ = rustix::thread::sched_setaffinity(None, set);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Elsewhere {
    fn find() -> Self {
        Self {}
    }

    fn go(&self) {}
}
