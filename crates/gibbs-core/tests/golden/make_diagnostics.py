"""Writes diagnostics.json: draws and what ArviZ says of them. Run with: python make_diagnostics.py > diagnostics.json"""
import json
import arviz as az
import numpy as np

r = np.random.default_rng(20260)


def ar1(chains, draws, rho, shift=0.0):
    x = np.zeros((chains, draws))
    x[:, 0] = r.standard_normal(chains)
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + np.sqrt(1 - rho * rho) * r.standard_normal(chains)
    return x + shift * np.arange(chains)[:, None]


cases = {
    "iid": r.standard_normal((4, 100)),
    "ar_09": ar1(4, 200, 0.9),
    "ar_099_odd": ar1(2, 151, 0.99),
    "antithetic": ar1(4, 100, -0.6),
    "shifted": ar1(4, 60, 0.3, 1.0),
    "scales": r.standard_normal((4, 80)) * np.array([[1.0], [1.0], [1.0], [5.0]]),
    "cauchy": r.standard_cauchy((4, 100)),
    "ties": r.integers(0, 4, (3, 90)).astype(float),
    "short": r.standard_normal((4, 10)),
    "tiny": r.standard_normal((2, 5)),
    "one_chain": ar1(1, 120, 0.5),
}
out = {"arviz": az.__version__, "cases": []}
for name, x in cases.items():
    x = np.round(x, 6)
    rhat = float(az.rhat(x, method="rank")) if len(x) > 1 else None
    out["cases"].append({
        "name": name, "n_chains": len(x), "values": x.ravel().tolist(), "rhat": rhat,
        "rhat_split": float(az.rhat(x, method="split")) if len(x) > 1 else None,
        "ess_bulk": float(az.ess(x, method="bulk")), "ess_tail": float(az.ess(x, method="tail")),
        "ess_mean": float(az.ess(x, method="mean")), "mcse": float(az.mcse(x, method="mean")),
    })
print(json.dumps(out))
