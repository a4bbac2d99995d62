"""Golden values of the chain diagnostics, computed by ArviZ.

    python -m venv venv && venv/bin/pip install arviz==0.23.4
    venv/bin/python make_diagnostics.py > diagnostics.json

The draws are not stored: both languages make them with the same exactly rounded operations (integers, + - * /), so
they agree to the last bit. `sum` guards that.
"""

import json
import math
import sys
import warnings

warnings.simplefilter("ignore")
import arviz  # noqa: E402
import numpy as np  # noqa: E402
import scipy  # noqa: E402
from arviz.stats.stats_utils import autocov  # noqa: E402


class Uniform:
    """Knuth's 64-bit linear congruential generator; the upper 31 bits make a number strictly between 0 and 1."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return ((self.state >> 33) + 0.5) / 2147483648.0

    def bell(self):
        """Sum of twelve uniforms minus six: mean 0, variance 1."""
        total = 0.0
        for _ in range(12):
            total += self.next()
        return total - 6.0


def draw(kind, chain, t, n_draws, previous, rng):
    if kind == "independent":
        return rng.bell()
    if kind == "ar_0.9":
        return 0.9 * previous + rng.bell()
    if kind == "ar_0.99":
        return 0.99 * previous + rng.bell()
    if kind == "ar_-0.7":
        return -0.7 * previous + rng.bell()
    if kind == "means_differ":
        return rng.bell() + 0.5 * chain
    if kind == "spreads_differ":
        return rng.bell() * (1.0 + chain)
    if kind == "drift":
        return rng.bell() + 2.0 * t / n_draws
    if kind == "heavy_tails":  # tails as heavy as Cauchy's
        top = rng.bell()
        return top / rng.next()
    if kind == "ties":
        return float(math.floor(5.0 * rng.next())) * 0.1
    if kind == "bits":
        return 1.0 if rng.next() < 0.3 else 0.0
    if kind == "sticky_bits":
        if t > 0 and rng.next() < 0.9:
            return previous
        return 1.0 if rng.next() < 0.5 else 0.0
    if kind == "rare_bits":
        return 1.0 if rng.next() < 0.02 else 0.0
    raise ValueError(kind)


def draws(kind, n_chains, n_draws, seed):
    rng = Uniform(seed)
    out = []
    for chain in range(n_chains):
        x = 0.0
        row = []
        for t in range(n_draws):
            x = draw(kind, chain, t, n_draws, x, rng)
            row.append(x)
        out.append(row)
    return out


CASES = [
    ("independent", 4, 100),
    ("independent", 4, 1000),
    ("independent", 3, 101),
    ("independent", 4, 10),
    ("independent", 5, 11),
    ("independent", 2, 4),
    ("independent", 2, 5),
    ("independent", 3, 7),
    ("independent", 2, 9),
    ("independent", 1, 4),
    ("independent", 1, 101),
    ("independent", 100, 20),
    ("ar_0.9", 4, 250),
    ("ar_0.9", 1, 1000),
    ("ar_0.9", 7, 33),
    ("ar_0.99", 2, 2000),
    ("ar_-0.7", 4, 100),
    ("means_differ", 4, 100),
    ("spreads_differ", 4, 100),
    ("drift", 4, 100),
    ("drift", 1, 60),
    ("heavy_tails", 4, 100),
    ("heavy_tails", 2, 1001),
    ("ties", 4, 100),
    ("ties", 3, 57),
    ("bits", 4, 200),
    ("sticky_bits", 4, 300),
    ("sticky_bits", 8, 41),
    ("rare_bits", 4, 250),
]


def number(x):
    x = float(x)
    return x if math.isfinite(x) else None


def main():
    cases = []
    for seed, (kind, n_chains, n_draws) in enumerate(CASES, start=1):
        rows = draws(kind, n_chains, n_draws, seed)
        x = np.array(rows)
        total = 0.0
        for row in rows:
            for value in row:
                total += value
        values = {
            "mean": x.mean(),
            "sd": x.std(ddof=1),
            "rhat_rank": arviz.rhat(x, method="rank"),
            "rhat_split": arviz.rhat(x, method="split"),
            "ess_bulk": arviz.ess(x, method="bulk"),
            "ess_tail": arviz.ess(x, method="tail"),
            "ess_mean": arviz.ess(x, method="mean"),
            "ess_sd": arviz.ess(x, method="sd"),
            "ess_quantile_0.1": arviz.ess(x, method="quantile", prob=0.1),
            "ess_quantile_0.5": arviz.ess(x, method="quantile", prob=0.5),
            "ess_quantile_0.9": arviz.ess(x, method="quantile", prob=0.9),
            "mcse_mean": arviz.mcse(x, method="mean"),
            "mcse_sd": arviz.mcse(x, method="sd"),
        }
        cases.append(
            {
                "kind": kind,
                "n_chains": n_chains,
                "n_draws": n_draws,
                "seed": seed,
                "sum": total,
                "autocovariance": [number(c) for c in autocov(x[0])[:5]],
                **{name: number(value) for name, value in values.items()},
            }
        )
    header = {
        "written_by": "make_diagnostics.py",
        "arviz": arviz.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    lines = ",\n".join(json.dumps(case) for case in cases)
    sys.stdout.write(f'{{"header": {json.dumps(header)},\n"cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
