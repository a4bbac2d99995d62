"""CRFsuite beside `crf_speed`: same features, same penalty, same data.

    crf_speed --write crf.tsv; python crf_suite.py crf.tsv BEST

python-crfsuite 0.9.12 (CRFsuite 0.12, one thread). Its objective is NLL + c2 |w|^2, so c2 = lambda / 2. BEST is the optimum
that the tolerances refer to. Times are those CRFsuite prints for its iterations; reading the data is left out.
"""

import os
import tempfile
import sys
import time

import pycrfsuite




def main():
    path, best = sys.argv[1], float(sys.argv[2])
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    xs, ys = [], []
    for line in open(path):
        line = line.rstrip("\n")
        if line:
            label, *names = line.split("\t")
            xs.append(names)
            ys.append(label)
        elif xs:
            trainer.append(xs, ys)
            xs, ys = [], []
    trainer.set_params({
        "c1": 0.0,
        "c2": 0.5,
        "max_iterations": 300,
        "epsilon": 1e-8,
        "delta": 1e-8,
        "num_memories": int(sys.argv[3]) if len(sys.argv) > 3 else 6,
        "feature.possible_states": False,
        "feature.possible_transitions": True,
    })
    begin = time.perf_counter()
    trainer.train(os.path.join(tempfile.mkdtemp(), "crf_suite.model"))
    seconds = time.perf_counter() - begin
    log = trainer.logparser
    spent, reached = 0.0, {}
    for iteration in log.iterations:
        spent += iteration["time"]
        for tolerance in (1e-2, 1e-3, 1e-4, 1e-5):
            if iteration["loss"] <= best * (1 + tolerance) and tolerance not in reached:
                reached[tolerance] = (spent, iteration["num"])
    last = log.iterations[-1]
    print(f"{log.featgen_num_features} weights: objective {last['loss']:.4f} after {last['num']} iterations, "
          f"{spent:.2f} s in iterations, {seconds:.2f} s in all")
    for tolerance, (at, n) in reached.items():
        print(f"within {tolerance:g} of {best}: {at:.3f} s, {n} iterations")


if __name__ == "__main__":
    main()
