"""Golden values of calibration errors and temperature scaling by netcal, of ensemble and normal CRPS and the Brier score of an
event by properscoring, and of the spherical score (which none of them has) by NumPy.

    python -m venv venv && venv/bin/pip install netcal==1.4.0 properscoring==0.1 numpy==2.4.6 scipy==1.17.1
    venv/bin/python make_netcal.py > netcal.json

The inputs are stored with the values, so nothing has to be drawn again. The number of rows is a multiple of both numbers
of bins: then NumPy's quantiles, which netcal takes for the edges of bins of equally many rows, lie between the same
neighbours as here. netcal finds the temperature by finite differences, so it is good to the square root of rounding; what it
makes of the forecasts at that temperature, and their likelihood, are compared to 1e-10.
"""

import json
import sys

import netcal
import numpy as np
import properscoring as ps
import scipy
from netcal.metrics import ECE, MCE
from netcal.scaling import TemperatureScaling

rng = np.random.default_rng(7)
n, k = 600, 5
r = lambda x: np.asarray(x, float).tolist()
logits = rng.normal(size=(n, k)) * 2.0
truth = scipy.special.softmax(0.5 * logits, axis=1)
labels = np.array([rng.choice(k, p=p) for p in truth])
probs = scipy.special.softmax(logits, axis=1)
event, came = probs[:, 1], (labels == 1).astype(int)


def errors(bins, equal_intervals):
    how = {"bins": bins, "equal_intervals": equal_intervals}
    out = {"top": [ECE(**how).measure(probs, labels), MCE(**how).measure(probs, labels)],
           "event": [ECE(**how).measure(event, came), MCE(**how).measure(event, came)]}
    return {name: r(v) for name, v in out.items()}


scaling = TemperatureScaling()
scaling.fit(probs, labels)
scaled = scaling.transform(probs)
beta = float(np.asarray(scaling.temperature).ravel()[0])

draws, y = rng.normal(size=(6, 9)), rng.normal(size=6)
out = {"header": {"netcal": netcal.__version__, "properscoring": ps.__version__, "numpy": np.__version__},
       "n_classes": k, "probs": r(probs.ravel()), "labels": labels.tolist(),
       "equal_width": {str(b): errors(b, True) for b in (10, 15)},
       "equal_mass": {str(b): errors(b, False) for b in (10, 15)},
       "temperature": {"beta": beta, "first_rows": r(scaled[:20].ravel()),
                       "nll": float(-np.mean(np.log(scaled[np.arange(n), labels])))},
       "spherical": float(np.mean(-probs[np.arange(n), labels] / np.linalg.norm(probs, axis=1))),
       "brier_event": float(np.mean(ps.brier_score(came, event))),
       "draws": r(draws.ravel()), "y": r(y), "crps_ensemble": r(ps.crps_ensemble(y, draws)),
       "crps_normal": r(ps.crps_gaussian(y, mu=0.3, sig=1.7))}
json.dump(out, sys.stdout, indent=0)
print()
