"""Training of an ensemble of small Gaussian-likelihood networks in PyTorch on the CPU, to time beside
`cargo run --release -p gibbs --example regression_speed`: the same nets, batches and numbers of updates.

Two ways, of which the faster counts: one network after another as a person writes it, and all members stacked into batched
products with one optimiser. Usage: torch_regression.py [ROWS INPUTS BATCH EPOCHS]
"""
import sys
import time

import torch

ROWS, INPUTS, BATCH, EPOCHS = (int(a) for a in (sys.argv[1:5] or [455, 13, 32, 40]))
MEMBERS, HIDDEN = 5, 50


def data():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, INPUTS, generator=g)
    return x, x[:, :1] + 0.1 * torch.randn(ROWS, 1, generator=g)


def nll(out, y):
    m, v = out[..., :1], torch.nn.functional.softplus(out[..., 1:]) + 1e-6
    return 0.5 * (torch.log(v) + (y - m) ** 2 / v)


def one_by_one(x, y):
    for _ in range(MEMBERS):
        net = torch.nn.Sequential(torch.nn.Linear(INPUTS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 2))
        opt = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.0)
        for _ in range(EPOCHS):
            order = torch.randperm(ROWS)
            for i in range(0, ROWS, BATCH):
                rows = order[i : i + BATCH]
                opt.zero_grad(set_to_none=True)
                nll(net(x[rows]), y[rows]).mean().backward()
                opt.step()


def stacked(x, y):
    def uniform(fan_in, *shape):
        return ((2 * torch.rand(*shape) - 1) / fan_in**0.5).requires_grad_()

    w1, b1 = uniform(INPUTS, MEMBERS, INPUTS, HIDDEN), uniform(INPUTS, MEMBERS, 1, HIDDEN)
    w2, b2 = uniform(HIDDEN, MEMBERS, HIDDEN, 2), uniform(HIDDEN, MEMBERS, 1, 2)
    opt = torch.optim.AdamW([w1, b1, w2, b2], lr=0.01, weight_decay=0.0, fused=True)
    for _ in range(EPOCHS):
        order = torch.stack([torch.randperm(ROWS) for _ in range(MEMBERS)])
        for i in range(0, ROWS, BATCH):
            rows = order[:, i : i + BATCH]
            opt.zero_grad(set_to_none=True)
            h = torch.relu(torch.baddbmm(b1, x[rows], w1))
            nll(torch.baddbmm(b2, h, w2), y[rows]).mean(dim=1).sum().backward()
            opt.step()


x, y = data()
for threads in (1, 2):
    torch.set_num_threads(threads)
    for name, run in (("one by one", one_by_one), ("stacked", stacked)):
        begin = time.perf_counter()
        run(x, y)
        print(f"torch {torch.__version__}, {threads} threads, {name}: {time.perf_counter() - begin:.3f} s", flush=True)
