"""Chromatic heat bath of the Ising model on a random graph of degree 6 in numba, two threads, for record/denoise.md.

Three ways of the same rule, an independent 32-bit random number for every spin (xorshift, a state a spin, which vectorises):
  one       one lattice of N sites, a byte a spin, colour by colour, sites of a colour shared by the threads
  replicas  64 replicas of N / 64 sites, a byte a spin, replicas innermost, so that the compiler can use vectors
Thresholds come from a table of the number of neighbours up, as ours do.

python graph_numba.py [N]
"""
import sys
import time

import numba as nb
import numpy as np

N = int(sys.argv[1]) if len(sys.argv) > 1 else 1 << 20
BETA, DEGREE, REPEATS = 0.15, 6, 5
nb.set_num_threads(2)
g = np.random.default_rng(1)


def regular(n):
    """A graph of degree 6 without self-loops: six cycles' worth of neighbours from three random cyclic orders."""
    near = np.empty((n, DEGREE), np.int32)
    for k in range(DEGREE // 2):
        order = g.permutation(n).astype(np.int32)
        near[order, 2 * k] = np.roll(order, 1)
        near[order, 2 * k + 1] = np.roll(order, -1)
    return near


@nb.njit
def colours(near):
    n = near.shape[0]
    c = np.full(n, -1, np.int32)
    for i in range(n):
        for k in range(8):
            free = True
            for d in range(near.shape[1]):
                if c[near[i, d]] == k:
                    free = False
            if free:
                c[i] = k
                break
    return c


@nb.njit(parallel=True, boundscheck=False)
def sweep_one(s, near, order, starts, r, table):
    for c in range(starts.shape[0] - 1):
        for p in nb.prange(starts[c], starts[c + 1]):
            i = order[p]
            k = np.int32(0)
            for d in range(6):
                k += s[near[i, d]]
            x = r[i]
            x ^= x << np.uint32(13)
            x ^= x >> np.uint32(17)
            x ^= x << np.uint32(5)
            r[i] = x
            s[i] = np.int8(x < table[k])


@nb.njit(parallel=True, boundscheck=False)
def sweep_replicas(s, near, order, starts, r, table):
    for c in range(starts.shape[0] - 1):
        for p in nb.prange(starts[c], starts[c + 1]):
            i = order[p]
            a, b, e, f, u, v = s[near[i, 0]], s[near[i, 1]], s[near[i, 2]], s[near[i, 3]], s[near[i, 4]], s[near[i, 5]]
            o, q = s[i], r[i]
            for j in range(64):
                k = a[j] + b[j] + e[j] + f[j] + u[j] + v[j]
                x = q[j]
                x ^= x << np.uint32(13)
                x ^= x >> np.uint32(17)
                x ^= x << np.uint32(5)
                q[j] = x
                o[j] = np.int8(x < table[k])


def run(name, n, shape, sweep):
    near = regular(n)
    c = colours(near)
    order = np.argsort(c, kind="stable").astype(np.int32)
    starts = np.searchsorted(c[order], np.arange(c.max() + 2))
    # In the order of the colours, so that a colour is contiguous, as in our layout.
    place = np.empty(n, np.int32)
    place[order] = np.arange(n, dtype=np.int32)
    near, order = place[near[order]], np.arange(n, dtype=np.int32)
    s = (g.random(shape) < 0.5).astype(np.int8)
    r = g.integers(1, 2**32 - 1, shape, dtype=np.uint32)
    local = BETA * (2.0 * np.arange(7) - 6)
    table = (2.0**32 / (1 + np.exp(-2 * local))).astype(np.uint32)
    sweep(s, near, order, starts, r, table)
    sweeps, times = max(1, int(4e7) // s.size), []
    for _ in range(REPEATS):
        t = time.perf_counter()
        for _ in range(sweeps):
            sweep(s, near, order, starts, r, table)
        times.append((time.perf_counter() - t) / sweeps)
    rate = s.size / np.median(times) / 1e9
    print(f"numba {nb.__version__} {name}: {n} sites, {s.size} spins, {c.max() + 1} colours: {rate:.3f} updates/ns", flush=True)


run("one", N, N, sweep_one)
run("replicas", N // 64, (N // 64, 64), sweep_replicas)
