"""Golden values of the special functions and exponential families, from their textbook definitions at 60 digits.

    python -m venv venv && venv/bin/pip install mpmath==1.3.0
    venv/bin/python make_families.py > families.json

Parameters are the doubles that Rust reads; everything after that is mpmath. Entropies of discrete laws are sums of
-p log p, from a start far below the mode to where terms are below 1e-40.
"""

import itertools
import json
import sys

import mpmath as mp
from mpmath import mpf

mp.mp.dps = 60
PI = mp.pi


def f(x):
    x = float(x)
    return x if abs(x) != float("inf") else str(x)


def special():
    xs = [1e-300, 1e-12, 1e-3, 0.1, 0.5, 1.0, 1.4616321449683623, 2.0, 3.7, 9.9, 14.99, 15.0, 40.0, 1e3, 1e9, 1e15]
    out = []
    for x in map(mpf, xs):
        row = {"x": f(x), "digamma": f(mp.digamma(x)), "ln_gamma": f(mp.loggamma(x))}
        if x > mpf("1e-100"):
            row["trigamma"] = f(mp.polygamma(1, x))
        row["ln_minus_digamma"] = f(mp.log(x) - mp.digamma(x))
        row["stirling_error"] = f(mp.loggamma(x + 1) - ((x + 0.5) * mp.log(x) - x + mp.log(2 * PI) / 2))
        out.append(row)
    bessel = []
    for x in map(mpf, [0.0, 1e-9, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 19.99, 20.0, 20.01, 50.0, 1e3, 1e6, 1e12]):
        if x > 1e4:
            mp.mp.dps = 60
            i0 = mp.nsum(lambda k: mp.rf(mpf(1) / 2, k) ** 2 / mp.factorial(k) / (2 * x) ** k, [0, 12])
            i1 = mp.nsum(
                lambda k: (-1) ** k * mp.rf(mpf(3) / 2, k) * mp.rf(mpf(-1) / 2, k) / mp.factorial(k) / (2 * x) ** k * (-1) ** k,
                [0, 12],
            )
            scale = mp.sqrt(2 * PI * x)
            i0, i1 = i0 / scale, i1 / scale
        else:
            i0, i1 = mp.besseli(0, x) * mp.exp(-x), mp.besseli(1, x) * mp.exp(-x)
        bessel.append({"x": f(x), "i0e": f(i0), "i1e": f(i1), "gap": f(1 - i1 / i0)})
    deviance = []
    for x, m in [(0, 3), (1, 1), (1, 1 + 2**-40), (1e9, 1e9 + 1), (5, 6), (5, 6.2), (1, 100), (1e-300, 1e300), (1e300, 1e-300), (1e300, 1.0001e300), (3, 2.5)]:
        x, m = mpf(x), mpf(m)
        deviance.append({"x": f(x), "m": f(m), "value": f((x * mp.log(x / m) if x else 0) + m - x)})
    return {"functions": out, "bessel": bessel, "deviance": deviance}


def bern_kl(p, q):
    return p * mp.log(p / q) + (1 - p) * mp.log((1 - p) / (1 - q))


def entropy_sum(log_p, ratio, mode, most=None):
    """-sum p log p outwards from the mode; ratio(k) = p(k+1)/p(k)."""
    mp.mp.dps = 30
    total = mpf(0)
    start = mp.exp(log_p(mode))
    for step in (1, -1):
        k, p = mode, start
        while True:
            if p > 0:
                if k != mode or step == 1:
                    total -= p * mp.log(p)
            if step == 1:
                if most is not None and k == most:
                    break
                p = p * ratio(k)
                k += 1
            else:
                if k == 0:
                    break
                k -= 1
                p = p / ratio(k)
            if p * mp.log(1 / p) < mpf(10) ** -25:
                break
    mp.mp.dps = 60
    return total


def binomial(n, p):
    n, p = mpf(n), mpf(p)
    log_c = lambda k: mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)
    log_p = lambda k: log_c(k) + k * mp.log(p) + (n - k) * mp.log(1 - p)
    ratio = lambda k: (n - k) / (k + 1) * p / (1 - p)
    return log_p, ratio


CASES = []


def case(family, params, xs, log_p, a, mean, var, entropy, kl=None, other=None):
    print(family, params, file=sys.stderr)
    rows = [{"x": [f(v) for v in x], "log_prob": f(log_p(*map(mpf, x)))} for x in xs]
    out = {"family": family, "params": params, "rows": rows, "log_partition": f(a), "mean": list(map(f, mean)),
           "variance": list(map(f, var))}
    if entropy is not None:
        out["entropy"] = f(entropy)
    if kl is not None:
        out["kl"], out["other"] = f(kl), other
    CASES.append(out)


def families():
    for p, q in [(0.3, 0.8), (0.5, 0.5000001), (1e-300, 0.1), (0.999, 1e-5)]:
        P, Q = mpf(p), mpf(q)
        case("bernoulli", [p], [[0], [1]], lambda x: x * mp.log(P) + (1 - x) * mp.log(1 - P), -mp.log(1 - P), [P],
             [P * (1 - P)], -P * mp.log(P) - (1 - P) * mp.log(1 - P), bern_kl(P, Q), [q])
    for n, p, q, xs in [(10, 0.3, 0.4, [0, 3, 10]), (1, 0.7, 0.2, [0, 1]), (1e9, 0.5, 0.5001, [5e8, 499990000, 0, 1e9]),
                        (1e9, 1e-9, 2e-9, [0, 1, 5]), (1e8, 0.5, 0.4, [5e7]), (1e6, 0.999, 0.9, [999000, 998000, 1e6]),
                        (1e15, 1e-300, 1e-200, [0, 1])]:
        P, Q, N = mpf(p), mpf(q), mpf(n)
        log_p, ratio = binomial(n, p)
        h = entropy_sum(log_p, ratio, int(mp.floor((N + 1) * P)), int(n)) if p > 1e-100 and (n < 2e8 or p < 1e-8) else None
        case("binomial", [n, p], [[x] for x in xs], log_p, -N * mp.log(1 - P), [N * P], [N * P * (1 - P)], h,
             N * bern_kl(P, Q), [n, q])
    for p, q, xs in [(0.3, 0.5, [0, 1, 30]), (1e-9, 2e-9, [0, 1e9, 1e12]), (1 - 2**-30, 0.9, [0, 1, 3]), (1e-20, 1e-19, [1e20])]:
        P, Q = mpf(p), mpf(q)
        case("geometric", [p], [[x] for x in xs], lambda x: x * mp.log(1 - P) + mp.log(P), -mp.log(P), [(1 - P) / P],
             [(1 - P) / P**2], -mp.log(P) - (1 - P) / P * mp.log(1 - P), bern_kl(P, Q) / P, [q])
    for r, p, q, xs in [(2.5, 0.3, 0.5, [0, 3, 40]), (0.5, 2e-4, 1e-4, [0, 1, 1000, 1e9]), (1e9, 0.5, 0.4999, [1e9, 1e9 - 1000]),
                        (1e-300, 0.5, 0.4, [0, 1, 7]), (3e4, 1e-3, 2e-3, [29970000]), (7.0, 0.9, 0.8, [0, 1, 1e9])]:
        R, P, Q = mpf(r), mpf(p), mpf(q)
        log_p = lambda k: mp.loggamma(k + R) - mp.loggamma(R) - mp.loggamma(k + 1) + R * mp.log(P) + k * mp.log(1 - P)
        ratio = lambda k: (k + R) / (k + 1) * (1 - P)
        h = entropy_sum(log_p, ratio, int(mp.floor(max(R - 1, 0) * (1 - P) / P))) if 1e-100 < r < 1e5 else None
        if r == 3e4:
            h = None
        case("negative_binomial", [r, p], [[x] for x in xs], log_p, -R * mp.log(P), [R * (1 - P) / P],
             [R * (1 - P) / P**2], h, R * bern_kl(P, Q) / P, [r, q])
    for lam, q, xs in [(0.5, 1.5, [0, 1, 20]), (1e-300, 1e-200, [0, 1]), (30.0, 31.0, [0, 30, 100]), (1e9, 1.0001e9, [1e9, 1e9 + 30000, 0]),
                       (1e300, 1.5e300, [1e9, 1e300]), (5e6, 4e6, [5e6]), (2e7, 2.1e7, [2e7])]:
        L, Q = mpf(lam), mpf(q)
        # Terms of size 1e300 cancel down to 1.
        mp.mp.dps = 700 if lam > 1e100 else 60
        log_p = lambda k: k * mp.log(L) - L - mp.loggamma(k + 1)
        h = entropy_sum(log_p, lambda k: L / (k + 1), int(lam)) if 1e-100 < lam < 1e8 else None
        case("poisson", [lam], [[x] for x in xs], log_p, L, [L], [L], h, L * mp.log(L / Q) + Q - L, [q])
        mp.mp.dps = 60
    for lam, q, xs in [(2.0, 2.0000001, [0, 0.3, 50]), (1e-150, 3e-150, [1e150]), (1e150, 1e150, [1e-150, 1])]:
        L, Q = mpf(lam), mpf(q)
        case("exponential", [lam], [[x] for x in xs], lambda x: mp.log(L) - L * x, -mp.log(L), [1 / L], [1 / L**2],
             1 - mp.log(L), mp.log(L / Q) + Q / L - 1, [q])
    for a, b, q, xs in [(2.5, 1.5, (2.0, 1.0), [0.1, 1.7, 40]), (0.01, 3.0, (0.02, 3.0), [1e-300, 1e-5, 1]), (1e9, 1e3, (1e9, 1.1e3), [1e6, 1000100]),
                        (1e-100, 1.0, (2e-100, 2.0), [1e-200, 1]), (3.0, 1e-140, (3.0, 2e-140), [1e140]), (1e12, 1e300, None, [1e-288])]:
        A, B = mpf(a), mpf(b)
        log_p = lambda x: A * mp.log(B) + (A - 1) * mp.log(x) - B * x - mp.loggamma(A)
        kl = None
        if q:
            C, D = map(mpf, q)
            kl = (A - C) * mp.digamma(A) - mp.loggamma(A) + mp.loggamma(C) + C * mp.log(B / D) + A * (D - B) / B
        far = a == 1e9
        case("gamma", [a, b], [[x] for x in xs], log_p, mp.loggamma(A) - A * mp.log(B), [mp.digamma(A) - mp.log(B), A / B],
             [mp.polygamma(1, A), 1 / B, 1 / B, A / B**2], A - mp.log(B) + mp.loggamma(A) + (1 - A) * mp.digamma(A),
             None if far else kl, list(q) if q and not far else None)
        if b < 1e100:
            inv = lambda x: A * mp.log(B) - (A + 1) * mp.log(x) - B / x - mp.loggamma(A)
            case("inverse_gamma", [a, b], [[x] for x in xs], inv, mp.loggamma(A) - A * mp.log(B), [mp.log(B) - mp.digamma(A), A / B],
                 [mp.polygamma(1, A), -1 / B, -1 / B, A / B**2], A + mp.log(B) + mp.loggamma(A) - (1 + A) * mp.digamma(A),
                 None if far else kl, list(q) if q and not far else None)

    def dirichlet(name, alpha, other, xs):
        al = list(map(mpf, alpha))
        s = sum(al)
        ln_b = sum(map(mp.loggamma, al)) - mp.loggamma(s)
        mean = [mp.digamma(v) - mp.digamma(s) for v in al]
        var = [(mp.polygamma(1, v) if i == j else 0) - mp.polygamma(1, s) for i, v in enumerate(al) for j in range(len(al))]
        h = ln_b - sum((v - 1) * m for v, m in zip(al, mean))
        kl = None
        if other:
            ot = list(map(mpf, other))
            kl = sum(map(mp.loggamma, ot)) - mp.loggamma(sum(ot)) - ln_b + sum((v - w) * m for v, w, m in zip(al, ot, mean))

        def log_p(*x):
            if name == "beta":
                x = (x[0], 1 - x[0])
            return sum((v - 1) * mp.log(t) for v, t in zip(al, x)) - ln_b

        case(name, alpha, xs, log_p, ln_b, mean, var, h, kl, other)

    dirichlet("beta", [2.0, 3.5], [1.0, 1.0], [[0.25], [0.999], [1e-300]])
    dirichlet("beta", [0.01, 0.02], [0.5, 0.5], [[1e-300], [0.5]])
    dirichlet("beta", [1e8, 3e8], None, [[0.25], [0.25001]])
    dirichlet("beta", [1e-90, 2.0], None, [[1e-300], [0.5]])
    dirichlet("dirichlet", [2.0, 3.0, 0.5], [1.0, 1.0, 1.0], [[0.25, 0.5, 0.25], [0.5, 0.4375, 0.0625]])
    dirichlet("dirichlet", [1e8, 2e8, 5e8], None, [[0.125, 0.25, 0.625]])
    for m, s, q, xs in [(0.5, 2.0, (0.6, 2.1), [0, -3, 50]), (1e9, 1e-3, (1e9 + 0.001, 1e-3), [1e9, 1e9 + 0.25]), (0.0, 1e-75, None, [1e-75]), (1e70, 1e60, None, [1e70])]:
        M, S = mpf(m), mpf(s)
        kl = None
        if q:
            N, T = map(mpf, q)
            kl = mp.log(T / S) + (S**2 + (M - N) ** 2) / (2 * T**2) - mpf(1) / 2
        args = (M**2 / S**2 / 2 + mp.log(S), [M, M**2 + S**2], [S**2, 2 * M * S**2, 2 * M * S**2, 2 * S**4 + 4 * M**2 * S**2])
        log_p = lambda x: -mp.log(2 * PI) / 2 - mp.log(S) - ((x - M) / S) ** 2 / 2
        h = mp.log(2 * PI * mp.e) / 2 + mp.log(S)
        case("gaussian", [m, s], [[x] for x in xs], log_p, *args, h, kl, list(q) if q else None)
        case("gaussian_mean", [m, s], [[x] for x in xs], log_p, M**2 / S**2 / 2, [M], [S**2], h)
        if abs(m) < 1e9:
            xs2 = [[2.0], [1e-300], [1e300]]
            case("log_normal", [m, s], xs2, lambda x: log_p(mp.log(x)) - mp.log(x), *args, h + M, kl, list(q) if q else None)
    for mu, k, q, xs in [(0.5, 2.0, (1.0, 1.0), [0.5, 0, 3.5, -2]), (-2.0, 0.0, (0.0, 1.0), [1]), (1.0, 1e-6, (1.0, 2.0), [0]), (3.0, 100.0, (3.0, 90.0), [3, 3.1]), (0.25, 1e4, None, [0.26]), (0.25, 19.9, None, [0.26]), (0.25, 20.1, None, [0.26])]:
        M, K = mpf(mu), mpf(k)
        i0 = mp.besseli(0, K)
        R = mp.besseli(1, K) / i0
        along, across = (mpf(1) / 2, mpf(1) / 2) if k == 0 else (1 - R / K - R * R, R / K)
        c, s = mp.cos(M), mp.sin(M)
        a = mp.log(2 * PI * i0)
        kl = None
        if q:
            N, L = map(mpf, q)
            kl = mp.log(mp.besseli(0, L) / i0) + K * R - L * R * mp.cos(M - N)
        case("von_mises", [mu, k], [[x] for x in xs], lambda x: K * mp.cos(x - M) - a, a, [R * c, R * s],
             [along * c * c + across * s * s, (along - across) * s * c, (along - across) * s * c, along * s * s + across * c * c],
             a - K * R, kl, list(q) if q else None)
    for c, b, q, xs in [(1.0, 2.0, 2.5, [1, -4, 60]), (0.0, 1e-150, 1e-150, [0, 1e-150]), (1e5, 1e150, 2e150, [0])]:
        C, B, Q = mpf(c), mpf(b), mpf(q)
        case("laplace", [c, b], [[x] for x in xs], lambda x: -mp.log(2 * B) - abs(x - C) / B, mp.log(2 * B), [B], [B * B],
             1 + mp.log(2 * B), mp.log(Q / B) + B / Q - 1, [c, q])
    for k, s, q, xs in [(1.7, 2.0, 3.0, [0.1, 2, 9]), (0.3, 1e100, 2e100, [1e-300, 1e100]), (1.0, 1e-150, 1e-150, [1e-150])]:
        K, S, Q = mpf(k), mpf(s), mpf(q)
        case("weibull", [k, s], [[x] for x in xs], lambda x: mp.log(K) - K * mp.log(S) + (K - 1) * mp.log(x) - (x / S) ** K,
             K * mp.log(S), [S**K], [S ** (2 * K)], mp.euler * (1 - 1 / K) + mp.log(S / K) + 1, mp.log((Q / S) ** K) + (S / Q) ** K - 1, [k, q])

    def categorical(w, v, n, xs):
        w_, v_ = list(map(mpf, w)), list(map(mpf, v))
        p, q = [t / sum(w_) for t in w_], [t / sum(v_) for t in v_]
        kl = sum(a * mp.log(a / b) for a, b in zip(p, q))
        k = len(p) - 1
        var = [p[i] * ((1 if i == j else 0) - p[j]) for i in range(k) for j in range(k)]
        if n is None:
            case("categorical", w, [[i] for i in range(k + 1)], lambda x: mp.log(p[int(x)]), -mp.log(p[-1]), p[:-1], var,
                 -sum(a * mp.log(a) for a in p), kl, v)
            return
        N = mpf(n)
        log_p = lambda *x: mp.loggamma(N + 1) + sum(c * mp.log(a) - mp.loggamma(c + 1) for c, a in zip(x, p))
        h = None
        if n < 20:
            h = mpf(0)
            for c in itertools.product(range(n + 1), repeat=k + 1):
                if sum(c) == n:
                    l = log_p(*map(mpf, c))
                    h -= mp.exp(l) * l
        case("multinomial", [n] + w, xs, log_p, -N * mp.log(p[-1]), [N * a for a in p[:-1]], [N * a for a in var], h, N * kl, [n] + v)

    categorical([1.0, 2.0, 5.0], [1.0, 1.0, 1.0], None, None)
    categorical([1e-300, 1.0, 1.0], [1.0, 1.0, 1e-300], None, None)
    categorical([1.0, 2.0, 5.0], [1.0, 1.0, 2.0], 6, [[1, 2, 3], [0, 0, 6]])
    categorical([1.0, 2.0, 5.0], [1.0, 2.0, 5.00001], 1000000000, [[125000000, 250000000, 625000000], [125010000, 249990000, 625000000]])

    def mvn(m, s, m2, s2, xs):
        d = len(m)
        M, S = mp.matrix(m), mp.matrix(s)
        P = S**-1
        pairs = [(i, j) for i in range(d) for j in range(i, d)]
        a = (M.T * P * M)[0] / 2 + mp.log(mp.det(S)) / 2
        M2, S2 = mp.matrix(m2), mp.matrix(s2)
        P2 = S2**-1
        trace = sum((P2 * S)[i, i] for i in range(d))
        kl = (trace - d + ((M2 - M).T * P2 * (M2 - M))[0] + mp.log(mp.det(S2) / mp.det(S))) / 2

        def log_p(*x):
            y = mp.matrix(x) - M
            return -d * mp.log(2 * PI) / 2 - mp.log(mp.det(S)) / 2 - (y.T * P * y)[0] / 2

        flat = lambda mat: [float(v) for row in mat for v in row]
        case("multivariate_gaussian", m + flat(s), xs, log_p, a, list(M) + [S[i, j] + M[i] * M[j] for i, j in pairs], [],
             d * mp.log(2 * PI * mp.e) / 2 + mp.log(mp.det(S)) / 2, kl, m2 + flat(s2))

    mvn([0.5, -1.0], [[2.0, 0.5], [0.5, 1.0]], [0.0, 0.0], [[1.0, 0.25], [0.25, 2.0]], [[0.5, -1.0], [3.0, 4.0]])
    mvn([1.0, 2.0, 3.0], [[4.0, 1.0, 0.5], [1.0, 3.0, -0.5], [0.5, -0.5, 2.0]], [1.0, 2.0, 2.5],
        [[4.0, 1.0, 0.5], [1.0, 3.0, -0.5], [0.5, -0.5, 2.25]], [[0.0, 0.0, 0.0]])


def predictive():
    """Posterior predictive laws of textbook form: prior of weight n about a member, log p of a row."""
    out = []
    # Bernoulli, weight 5 about 0.3: beta(1.5, 3.5).
    out.append({"family": "bernoulli", "params": [0.3], "weight": 5.0, "x": [1.0], "value": f(mp.log(mpf(0.3)))})
    # Binomial of 10: beta-binomial of weight * (10 p, 10 (1-p)).
    n, w, p = mpf(10), mpf(2.5), mpf(0.3)
    a, b = w * n * p, w * n * (1 - p)
    for k in (0, 4, 10):
        v = mp.log(mp.binomial(10, k)) + mp.log(mp.beta(k + a, 10 - k + b) / mp.beta(a, b))
        out.append({"family": "binomial", "params": [10, 0.3], "weight": 2.5, "x": [k], "value": f(v)})
    # Poisson: negative binomial with r = n t, p = n / (n + 1).
    w, t = mpf(1.5), mpf(4)
    for k in (0, 3, 50):
        r, pp = w * t, w / (w + 1)
        v = mp.loggamma(k + r) - mp.loggamma(r) - mp.loggamma(k + 1) + r * mp.log(pp) + k * mp.log(1 - pp)
        out.append({"family": "poisson", "params": [4.0], "weight": 1.5, "x": [k], "value": f(v)})
    # Exponential: rate ~ gamma(n + 1, n t), so Lomax of shape n + 1 and scale n t.
    w, t = mpf(3), mpf(0.5)
    for x in (0.0, 0.7, 100.0):
        v = mp.log(w + 1) + (w + 1) * mp.log(w * t) - (w + 2) * mp.log(w * t + mpf(x))
        out.append({"family": "exponential", "params": [2.0], "weight": 3.0, "x": [x], "value": f(v)})
    # Gaussian: precision ~ gamma((n+3)/2, n s^2/2) given which the mean has n times the precision, so Student-t with
    # n + 3 degrees of freedom about mu and squared scale (n s^2 / 2)(n + 1) / (n (n + 3) / 2).
    w, mu, s = mpf(4), mpf(0.5), mpf(2)
    nu = w + 3
    scale = mp.sqrt(s**2 * (w + 1) / nu)
    for x in (0.5, 3.0, -40.0):
        z = (mpf(x) - mu) / scale
        v = mp.loggamma((nu + 1) / 2) - mp.loggamma(nu / 2) - mp.log(nu * PI) / 2 - mp.log(scale) - (nu + 1) / 2 * mp.log(1 + z * z / nu)
        out.append({"family": "gaussian", "params": [0.5, 2.0], "weight": 4.0, "x": [x], "value": f(v)})
    # Gaussian of known spread: normal with variance s^2 (1 + 1/n).
    for x in (0.5, 3.0):
        var = s**2 * (1 + 1 / w)
        out.append({"family": "gaussian_mean", "params": [0.5, 2.0], "weight": 4.0, "x": [x],
                    "value": f(-mp.log(2 * PI * var) / 2 - (mpf(x) - mu) ** 2 / var / 2)})
    # Categorical: the weighted average itself.
    out.append({"family": "categorical", "params": [1.0, 2.0, 5.0], "weight": 7.0, "x": [2], "value": f(mp.log(mpf(5) / 8))})
    return out


families()
json.dump({"header": {"mpmath": mp.__version__ if hasattr(mp, "__version__") else "1.3.0"}, "special": special(), "families": CASES,
           "predictive": predictive()}, sys.stdout, indent=0)
print()
