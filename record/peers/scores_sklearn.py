"""The scores of `cargo run --release -p gibbs --example scores -- score DIR` by scikit-learn, scoringrules and netcal, on the same
files: one line of JSON with the values and the seconds of each part.

    pip install numpy numba scikit-learn scoringrules netcal
    python scores_sklearn.py DIR

What no package has is NumPy: the spherical score, and calibration errors class by class. Code that numba compiles runs
once on a few rows before the clock starts.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import scoringrules as sr
from netcal.metrics import ECE, MCE
from sklearn.metrics import brier_score_loss, log_loss

folder = Path(sys.argv[1])
probs, labels, normal, draws = (np.load(folder / f"{n}.npy") for n in ("probs", "labels", "normal", "draws"))
labels = labels.ravel().astype(int)
mu, sigma, y = (np.ascontiguousarray(c) for c in normal.T)
n, k = probs.shape
bins = 15
out = {"n": n}


def timed(name, work):
    clock = time.perf_counter()
    work()
    out[name] = time.perf_counter() - clock


def scores():
    out["log"] = log_loss(labels, probs)
    out["brier"] = brier_score_loss(labels, probs, scale_by_half=False, labels=np.arange(k))
    out["spherical"] = float(np.mean(-probs[np.arange(n), labels] / np.sqrt(np.einsum("ij,ij->i", probs, probs))))
    # scoringrules counts categories from 1; its score has no factor either.
    out["ranked"] = float(np.mean(sr.rps_score(labels + 1, probs)))


def calibration():
    out["ece"] = float(ECE(bins).measure(probs, labels))
    out["mce"] = float(MCE(bins).measure(probs, labels))
    out["ece_equal_mass"] = float(ECE(bins, equal_intervals=False).measure(probs, labels))
    each = [ECE(bins).measure(probs[:, c], (labels == c).astype(int)) for c in range(k)]
    out["classwise_ece"] = float(np.mean(each))


def crps_normal():
    out["crps_normal"] = float(np.mean(sr.crps_normal(y, mu, sigma)))


def crps_fair():
    out["crps_fair"] = float(np.mean(sr.crps_ensemble(y, draws, estimator="fair")))


sr.crps_ensemble(y[:10], draws[:10], estimator="fair")
sr.crps_normal(y[:10], mu[:10], sigma[:10])
sr.rps_score(labels[:10] + 1, probs[:10])
timed("seconds_scores", scores)
timed("seconds_calibration", calibration)
timed("seconds_crps_normal", crps_normal)
timed("seconds_crps_fair", crps_fair)
print(json.dumps(out, sort_keys=True))
