"""One asynchronous sweep of a Hopfield network for many queries, in numba: fields by one BLAS product, then every query visits
its spins in a random order of its own and flips update its fields (rank one). Two threads.
python hopfield_numba.py [N] [QUERIES]"""
import sys, time
import numpy as np
import numba as nb

N = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
Q = int(sys.argv[2]) if len(sys.argv) > 2 else 256


@nb.njit(parallel=True, fastmath=True)
def sweep(W, S, H, order):
    flips = np.zeros(S.shape[0], np.int64)
    for q in nb.prange(S.shape[0]):
        s, h = S[q], H[q]
        for i in order[q]:
            if s[i] * h[i] < 0:
                s[i] = -s[i]
                c = np.float32(2) * s[i]
                w = W[i]
                for j in range(h.shape[0]):
                    h[j] += c * w[j]
                flips[q] += 1
    return flips.sum()


rng = np.random.default_rng(0)
X = np.sign(rng.standard_normal((N // 10, N))).astype(np.float32)
W = X.T @ X / np.float32(N)
np.fill_diagonal(W, 0)
S0 = X[np.arange(Q) % len(X)] * np.where(rng.random((Q, N)) < 0.1, -1, 1).astype(np.float32)
order = np.argsort(rng.random((Q, N)), axis=1).astype(np.int32)  # drawn outside the clock
times, products = [], []
for rep in range(12):
    S = S0.copy()
    t = time.perf_counter()
    H = S @ W
    p = time.perf_counter()
    flips = sweep(W, S, H, order)
    e = time.perf_counter()
    times.append(e - t)
    products.append(p - t)
times, products = sorted(times[2:]), sorted(products[2:])
print(f"numba {nb.__version__}: one sweep of {Q} queries, N = {N}: {1e3 * times[len(times) // 2]:.2f} ms, of which product "
      f"{1e3 * products[len(products) // 2]:.2f} ms, {flips} flips")
