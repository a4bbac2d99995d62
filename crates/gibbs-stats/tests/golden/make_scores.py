"""Golden values of scores and calibration, by scoringrules, scikit-learn and SciPy.

    python -m venv venv && venv/bin/pip install scoringrules==0.10.0 scikit-learn==1.9.1 scipy==1.17.1
    venv/bin/python make_scores.py > scores.json

The inputs are stored with the values, so nothing has to be drawn again.
"""

import json
import sys

import numpy as np
import scipy
import scipy.integrate
import scipy.optimize
import scipy.special
import scipy.stats as st
import scoringrules as sr
import sklearn
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss

rng = np.random.default_rng(0)
out = {"header": {"scoringrules": sr.__version__, "sklearn": sklearn.__version__, "scipy": scipy.__version__}}
r = lambda x: np.asarray(x, float).tolist()

crps = []


def add(name, params, y, value):
    crps.append({"name": name, "params": r(params), "y": float(y), "value": float(value)})


for y in (-1.3, 0.4, 7.0):
    add("normal", [0.5, 2.0], y, sr.crps_normal(y, 0.5, 2.0))
    add("laplace", [0.5, 2.0], y, sr.crps_laplace(y, 0.5, 2.0))
    add("logistic", [0.5, 2.0], y, sr.crps_logistic(y, 0.5, 2.0))
    add("student_t", [3.5, 0.5, 2.0], y, sr.crps_t(y, 3.5, 0.5, 2.0))
    add("uniform", [-1.0, 2.0], y, sr.crps_uniform(y, -1.0, 2.0))
for y in (0.2, 1.4, 9.0):
    add("exponential", [0.7], y, sr.crps_exponential(y, 0.7))
    add("gamma", [2.5, 1.5], y, sr.crps_gamma(y, 2.5, 1.5))
    add("log_normal", [0.3, 0.8], y, sr.crps_lognormal(y, 0.3, 0.8))
for y in (0, 3, 11):
    add("poisson", [3.4], y, sr.crps_poisson(y, 3.4))
out["crps"] = crps

draws, y = rng.normal(size=11), 0.37
out["ensemble"] = {"draws": r(draws), "y": y, "crps": float(sr.crps_ensemble(y, draws, estimator="nrg")),
                   "crps_fair": float(sr.crps_ensemble(y, draws, estimator="fair"))}
x, y = rng.normal(size=(9, 3)), rng.normal(size=3)
mu, cov = np.array([0.1, -0.2, 0.3]), np.array([[1.0, 0.3, 0.1], [0.3, 2.0, -0.2], [0.1, -0.2, 0.5]])
out["multivariate"] = {"draws": r(x.ravel()), "y": r(y), "energy": float(sr.es_ensemble(y, x)),
                       "energy_fair": float(sr.es_ensemble(y, x, estimator="fair")),
                       "variogram": float(sr.vs_ensemble(y, x, p=0.5)), "mu": r(mu), "covariance": r(cov.ravel()),
                       "dawid_sebastiani": float(np.log(np.linalg.det(cov)) + (y - mu) @ np.linalg.solve(cov, y - mu))}
# The transform of outcomes by a law that is too narrow; its own generator, so that what follows stays as it was.
u = st.norm.cdf(np.random.default_rng(1).normal(size=40), 0.3, 0.6)
ks = st.kstest(u, "uniform")
out["pit"] = {"u": r(u), "histogram": np.histogram(u, bins=8, range=(0, 1))[0].tolist(), "mean": float(u.mean()),
              "variance": float(u.var()), "distance": float(ks.statistic), "p_value": float(ks.pvalue)}
out["interval"] = [{"alpha": 0.1, "low": -1.0, "high": 2.0, "y": v, "value": float(sr.interval_score(v, -1.0, 2.0, 0.1))} for v in (-2.0, 0.0, 5.0)]
out["quantile"] = [{"level": 0.3, "q": 1.0, "y": v, "value": float(sr.quantile_score(v, 1.0, 0.3))} for v in (-2.0, 1.0, 5.0)]
med, lo, hi, al = 0.2, np.array([-1.0, -0.3]), np.array([1.5, 0.6]), np.array([0.2, 0.6])
out["weighted_interval"] = {"median": med, "low": r(lo), "high": r(hi), "alpha": r(al), "y": 1.9,
                            "value": float(sr.weighted_interval_score(1.9, med, lo, hi, al))}

# Classes: 300 rows of four, miscalibrated on purpose.
logits = rng.normal(size=(300, 4)) * 1.5
labels = np.array([rng.choice(4, p=p) for p in scipy.special.softmax(0.6 * logits + np.array([0.3, 0, 0, -0.3]), axis=1)])
probs = scipy.special.softmax(logits, axis=1)
p1, y1 = probs[:, 1], (labels == 1).astype(int)
onehot = np.eye(4)[labels]
classes = {"logits": r(logits.ravel()), "labels": labels.tolist(), "probs": r(probs.ravel()),
           "log": float(log_loss(labels, probs)), "brier": float(np.mean(np.sum((probs - onehot) ** 2, axis=1))),
           "brier_one": float(brier_score_loss(y1, p1)),
           "ranked": float(np.mean([sr.rps_score(int(l) + 1, p) for l, p in zip(labels, probs)]))}


def ece(conf, hit, edges):
    at = np.clip(np.searchsorted(edges, conf, side="right") - 1, 0, len(edges) - 2)
    gaps, sizes, freq = [], [], []
    for b in range(len(edges) - 1):
        m = at == b
        if m.any():
            gaps.append(abs(conf[m].mean() - hit[m].mean()))
            freq.append(hit[m].mean())
            sizes.append(m.sum())
    gaps, sizes, freq = map(np.array, (gaps, sizes, freq))
    w = sizes / sizes.sum()
    keep = sizes > 1
    return {"ece": float(w @ gaps), "rms": float(np.sqrt(w @ gaps**2)), "mce": float(gaps.max()),
            "debiased_square": float(w[keep] @ (gaps[keep] ** 2 - freq[keep] * (1 - freq[keep]) / (sizes[keep] - 1)))}


top = probs.argmax(axis=1)
classes["top"] = ece(probs.max(axis=1), (top == labels).astype(float), np.linspace(0, 1, 16))
classes["class_1"] = ece(p1, y1.astype(float), np.linspace(0, 1, 11))

nll = lambda beta: -np.mean(scipy.special.log_softmax(beta * logits, axis=1)[np.arange(300), labels])
best = scipy.optimize.minimize_scalar(nll, bounds=(0.01, 10), method="bounded", options={"xatol": 1e-12})
classes["temperature_beta"], classes["temperature_nll"] = float(best.x), float(best.fun)


def vector_nll(theta):
    return -np.mean(scipy.special.log_softmax(theta[:4] * logits + np.append(theta[4:], 0.0), axis=1)[np.arange(300), labels])


best = scipy.optimize.minimize(vector_nll, np.r_[np.ones(4), np.zeros(3)], method="BFGS", options={"gtol": 1e-9})
classes["vector_nll"] = float(best.fun)

score = logits[:, 1]
n1, n0 = y1.sum(), len(y1) - y1.sum()
target = np.where(y1 == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))


def platt_nll(ab, t=target):
    z = ab[0] * score + ab[1]
    return np.mean(np.logaddexp(0, z) - t * z)


best = scipy.optimize.minimize(platt_nll, [1.0, 0.0], method="BFGS", options={"gtol": 1e-10})
classes["platt"] = r(best.x)


def beta_nll(abc):
    z = abc[0] * np.log(p1) - abc[1] * np.log1p(-p1) + abc[2]
    return np.mean(np.logaddexp(0, z) - y1 * z)


best = scipy.optimize.minimize(beta_nll, [1.0, 1.0, 0.0], method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)],
                               options={"ftol": 1e-15, "gtol": 1e-10})
classes["beta_nll"], classes["beta"] = float(best.fun), r(best.x)

iso = IsotonicRegression(out_of_bounds="clip").fit(p1, y1)
grid = np.linspace(0, 1, 41)
classes["isotonic_grid"], classes["isotonic"] = r(grid), r(iso.predict(grid))
out["classes"] = classes
json.dump(out, sys.stdout, indent=0)
print()
