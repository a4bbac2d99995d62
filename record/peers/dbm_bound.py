"""A deep Boltzmann machine's bound on MNIST test rows by an independent NumPy program, and how loose it is.

python dbm_bound.py RUN/model.safetensors MNIST_FOLDER LOG_Z [ROWS] [DRAWS]

Mean field gives the bound L(v) = E_q[-E] + H(q). From K draws of the second hidden layer from q, with the first summed
out exactly, log 1/K sum exp(-F(v, h2)) / q(h2) is a tighter one (Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519):
its distance from L(v) is a lower bound, in expectation, of what mean field gives away. log Z is taken as given.
"""
import gzip, json, struct, sys
import numpy as np

path, folder, log_z = sys.argv[1], sys.argv[2], float(sys.argv[3])
rows = int(sys.argv[4]) if len(sys.argv) > 4 else 500
draws = int(sys.argv[5]) if len(sys.argv) > 5 else 1000

raw = open(path, "rb").read()
(n,) = struct.unpack("<Q", raw[:8])
head = json.loads(raw[8 : 8 + n])

def tensor(name):
    a, b = head[name]["data_offsets"]
    return np.frombuffer(raw[8 + n + a : 8 + n + b], np.float32).reshape(head[name]["shape"]).astype(np.float64)

W1, W2 = tensor("weights_1"), tensor("weights_2")
b0, b1, b2 = (tensor(f"bias_{l}") for l in range(3))
images = gzip.open(f"{folder}/t10k-images-idx3-ubyte.gz").read()[16:]
v = (np.frombuffer(images, np.uint8).reshape(-1, 784)[:rows] >= 128).astype(np.float64)

sigmoid = lambda x: 1 / (1 + np.exp(-x))
softplus = lambda x: np.logaddexp(0, x)
up = v @ W1 + b1
m2 = np.full((rows, len(b2)), 0.5)
for _ in range(100):
    m1 = sigmoid(up + m2 @ W2.T)
    new = sigmoid(m1 @ W2 + b2)
    change = abs(new - m2).max()
    m2 = new
    if change < 1e-6:
        break
x = up + m2 @ W2.T
p = np.clip(m2, 1e-15, 1 - 1e-15)
entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p)).sum(1)
bound = v @ b0 + m2 @ b2 + softplus(x).sum(1) + entropy - log_z

rng = np.random.default_rng(0)
lw = np.empty((draws, rows))
logit = np.log(p) - np.log(1 - p)
for k in range(draws):
    h = (rng.random(p.shape) < p).astype(np.float64)
    lw[k] = v @ b0 + h @ b2 + softplus(up + h @ W2.T).sum(1) - (h * logit + np.log(1 - p)).sum(1)

def mean_exp(lw):
    top = lw.max(0)
    return top + np.log(np.exp(lw - top).mean(0)) - log_z

se = lambda a: a.std(ddof=1) / np.sqrt(len(a))
print(f"{rows} test rows, log Z {log_z}: mean-field bound {bound.mean():.3f} +- {se(bound):.3f}")
for k in (1, 10, 100, draws):
    gap = mean_exp(lw[:k]) - bound
    print(f"{k:5d} draws: {bound.mean() + gap.mean():.3f}, above the bound by {gap.mean():.3f} +- {se(gap):.3f}")
