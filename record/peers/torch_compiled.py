"""The workloads of `cargo run --release -p gibbs-tensor --example networks` with torch.compile, for comparison.

BT: threads. Prints one RESULT line a workload; a workload that cannot be compiled says why.
"""
import os
import time

import torch
import torch.nn as nn

THREADS = int(os.environ.get("BT", "2"))
torch.set_num_threads(THREADS)
torch.manual_seed(0)


def bench(name, work):
    try:
        for _ in range(3):
            work()
    except Exception as error:  # what does not compile is said, not hidden
        print(f"RESULT torch-compile T{THREADS} {name} failed: {str(error).splitlines()[0][:120]}", flush=True)
        return
    start, times = time.perf_counter(), []
    while len(times) < 5 or time.perf_counter() - start < 2.0:
        t = time.perf_counter()
        work()
        times.append((time.perf_counter() - t) * 1e3)
    times.sort()
    print(f"RESULT torch-compile T{THREADS} {name} median_ms {times[len(times) // 2]:.4f} min_ms {times[0]:.4f}", flush=True)


mlp = nn.Sequential(nn.Linear(2, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 1))
conv = nn.Sequential(
    nn.Conv2d(1, 32, 3, 1, 1), nn.SiLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.SiLU(), nn.Conv2d(64, 128, 3, 2, 1), nn.SiLU(),
    nn.Conv2d(128, 128, 3, 2, 1), nn.SiLU(), nn.Flatten(), nn.Linear(2048, 1),
)
rows, pictures = torch.randn(512, 2), torch.rand(64, 1, 28, 28)
ETA, SIGMA = 0.005, 0.3


def mlp_gradient(x):
    """dE/dx by hand: the form that torch compiles into one graph, parameters kept differentiable."""
    w1, b1, w2, b2, w3 = mlp[0].weight, mlp[0].bias, mlp[2].weight, mlp[2].bias, mlp[4].weight
    z1 = nn.functional.linear(x, w1, b1)
    s1 = torch.sigmoid(z1)
    h1 = z1 * s1
    z2 = nn.functional.linear(h1, w2, b2)
    s2 = torch.sigmoid(z2)
    return ((s2 + z2 * s2 * (1 - s2)) * w3) @ w2 * (s1 + h1 * (1 - s1)) @ w1


@torch.compile
def langevin_step(x):
    return x - ETA * mlp_gradient(x) + (2 * ETA) ** 0.5 * torch.randn_like(x)


def langevin(x):
    with torch.no_grad():
        for _ in range(20):
            x = langevin_step(x)
    return x


@torch.compile
def contrast(x, y):
    return mlp(x).mean() - mlp(y).mean()


@torch.compile
def denoising(x, noise):
    return ((noise - SIGMA * mlp_gradient(x + SIGMA * noise)) ** 2).sum() / len(x)


@torch.compile
def conv_sum(x):
    return conv(x).sum()


adam = torch.optim.Adam(mlp.parameters(), lr=1e-4)
conv_adam = torch.optim.Adam(conv.parameters(), lr=1e-5)


def contrastive_step():
    chains = langevin(rows)
    adam.zero_grad()
    contrast(rows, chains).backward()
    adam.step()


def denoising_step():
    adam.zero_grad()
    denoising(rows, torch.randn_like(rows)).backward()
    adam.step()


def conv_gradient():
    for p in conv.parameters():
        p.requires_grad_(False)
    x = pictures.clone().requires_grad_(True)
    torch.autograd.grad(conv_sum(x), x)


def conv_step():
    for p in conv.parameters():
        p.requires_grad_(True)
    conv_adam.zero_grad()
    conv_sum(pictures).backward()
    conv_adam.step()


bench("W1_langevin20", lambda: langevin(rows))
bench("W2_cd_step", contrastive_step)
bench("W4_dsm", denoising_step)
bench("W3a_conv_gradx", conv_gradient)
bench("W3b_conv_param_step", conv_step)
