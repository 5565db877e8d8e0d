"""The mix of behaviours in a recording: what estimating it from the recording itself brings, and what drawing the share of turned heads to the usual one does (internal/timeline/turned.go).
usage: mix.py WORK NAME   NAME as in judge.py; reads the same files.

A room's held-out pictures stand for a recording. Whatever has a strength takes the one of least log-loss in the rooms that are not judged (of the CCTV set: in ClaBehavior's rooms).
Beside each row: 95 % intervals of the differences from the same network with its temperature alone, pictures drawn anew.
"""
import os
import sys

import numpy as np
from scipy.optimize import minimize, nnls

import judge
from data import BEHAVIOURS, EVENED, FEWEST, HELD_OUT, UNDONE, Table

TURN = BEHAVIOURS.index("turn")
SHIPPED = {"s": 1.4, "m": judge.M_TEMPERATURE}  # temperatures; the others have none
STRENGTHS = [np.inf, 30, 10, 3, 1, .3, .1]  # of the prior, in times as much as the recording itself; inf leaves the network as it is


def even(q):
    return q / q.sum(1, keepdims=True)


def em(q, prior, strength, rounds=300):
    """Saerens, Latinne, Decaestecker 2002, with a Dirichlet prior: q (N, 10) said under `prior` -> under the likeliest mix, and the mix."""
    mix = prior
    if np.isinf(strength):
        return q, mix
    for _ in range(rounds):
        before, mix = mix, (even(q * mix / prior).mean(0) + strength * prior) / (1 + strength)
        if abs(mix - before).max() < 1e-7:
            break
    return even(q * mix / prior), mix


def scaled(q, x):
    """Vector scaling: one temperature (exp -x0) and a bias a class."""
    return judge.tempered(even(q * np.exp(x[1:] / np.exp(x[0]))), np.exp(-x[0]))


def solved(found, said, prior, ridge):
    """Black box shift estimation (Lipton 2018) with regularisation (RLLS): the mix whose share of said[:, j], the mean probabilities where class j is true, is found."""
    n = len(prior)
    mix, _ = nnls(np.r_[said, np.sqrt(ridge) * np.eye(n), 100 * np.ones((1, n))], np.r_[found, np.sqrt(ridge) * prior, 100])
    return mix / mix.sum()


def mean_said(parts):
    """(10, 10): mean probabilities (rows) where a class (column) is true, rooms by size; of classes that none knows as a guess."""
    said = .5 * np.eye(10) + .05
    for j in range(10):
        known = [p.q[p.y == j] for p in parts if (p.y == j).sum() >= 10]
        if known:
            said[:, j] = np.average([k.mean(0) for k in known], axis=0, weights=[min(len(k), 300) for k in known])
    return said


def drawn(q, usual, strength=.5):
    """The mean probability of turned heads goes by strength (of the logarithm) to the usual share, where it is above."""
    found = q[:, TURN].mean()
    if found <= usual:
        return q
    want, factor, low, high = found ** (1 - strength) * usual ** strength, np.ones(10), -16., 0.
    for _ in range(40):
        middle = (low + high) / 2
        factor[TURN] = np.exp(middle)
        low, high = (middle, high) if even(q * factor)[:, TURN].mean() < want else (low, middle)
    return even(q * factor)


def log_loss(part, q):
    return -np.log(judge.restricted(q, part.classes)[np.arange(len(part.y)), part.y] + 1e-9).mean()


def row(name, part, q, than=None, draws=300):
    q = judge.restricted(q, part.classes)
    line = "%-40s %s ECE %.3f" % (name, " ".join("%.3f" % v for v in judge.figures(part.y, q, part.classes)), judge.calibration_error(part.y, q))
    if than is not None:
        than, rng, both = judge.restricted(than, part.classes), np.random.RandomState(0), []
        _, group = np.unique(part.image, return_inverse=True)
        members = [np.flatnonzero(group == i) for i in range(group.max() + 1)]
        for _ in range(draws):
            j = np.concatenate([members[i] for i in rng.randint(0, len(members), len(members))])
            a, b = ((*judge.figures(part.y[j], p[j], part.classes)[:2], judge.calibration_error(part.y[j], p[j])) for p in (than, q))
            both.append(np.subtract(b, a))
        line += "  " + " ".join("%s [%+.3f, %+.3f]" % (n, *v) for n, v in zip(("accuracy", "F", "ECE"), np.percentile(both, [2.5, 97.5], 0).T))
    print(line, flush=True)


def attention(part, q):
    off, on = q[:, judge.OFF_TASK].sum(1), q[:, judge.ON_TASK].sum(1)
    said, true = np.isin(q.argmax(1), judge.OFF_TASK), np.isin(part.y, judge.OFF_TASK)
    p = np.where(said, off, on) / (off + on)
    return "; ".join("p >= %.1f: %.2f known, %.3f of them right, off task %.3f" % (least, (p >= least).mean(), (said == true)[p >= least].mean(), said[p >= least].mean()) for least in (0, .7))


def many_turn(part, q, usual):
    """The room with so many of its other boxes left out that a given share is turned."""
    turned, others, rng = np.flatnonzero(part.y == TURN), np.flatnonzero(part.y != TURN), np.random.RandomState(1)
    for share in (.25, .4, .6):
        k = np.r_[turned, rng.choice(others, int(len(turned) * (1 - share) / share), False)]
        a, b = (judge.figures(part.y[k], judge.restricted(p, part.classes), part.classes) for p in (q[k], drawn(q[k], usual)))
        print("  of whom %.2f are turned: accuracy %.3f, drawn %.3f; F5 %.3f, %.3f" % (share, a[0], b[0], a[1], b[1]))


def main(work, name):
    real, made = (Table(os.path.join(work, f)) for f in ("real", "made"))
    parts = judge.held_out(work, name)
    for fold, part in parts.items():
        seen = np.isin(real.room, [fold, "1", "2"]) if fold in "AB" else real.room != HELD_OUT[fold]
        expected = np.maximum(np.bincount(np.r_[real.y[seen], made.y], minlength=10), FEWEST) ** (1 - EVENED + (0 if name == "boxes" else UNDONE))
        part.prior, part.q, part.usual_turned = expected / expected.sum(), even(part.p * part.usual), (real.y[seen] == TURN).mean()
    for fold, part in parts.items():
        others = [p for f, p in parts.items() if f != fold and not (f in "12" and fold in "12")]
        if not others:
            continue

        def best(of, values):
            return min(values, key=lambda v: np.mean([log_loss(p, of(p, v)) for p in others]))
        print(f"{name}, room {HELD_OUT[fold]} held out")
        t = best(lambda p, t: judge.tempered(p.q, t), np.arange(.7, 2.3, .1))
        plain = judge.tempered(part.q, t)
        row("the other rooms' temperature %.1f" % t, part, plain)
        for values, what in ((STRENGTHS, "EM, prior x%g"), (STRENGTHS[1:], "EM that must do something, x%g")):
            a = best(lambda p, a: em(judge.tempered(p.q, t), p.prior, a)[0], values)
            row(what % a, part, em(plain, part.prior, a)[0], plain)
        x = minimize(lambda x: np.mean([log_loss(p, scaled(p.q, x)) for p in others]) + .1 * (x[1:] ** 2).sum(), np.zeros(11), method="L-BFGS-B").x
        row("vector scaling", part, scaled(part.q, x), plain)
        prior = np.mean([scaled(p.q, x).mean(0) for p in others], 0)
        a = best(lambda p, a: em(scaled(p.q, x), prior, a)[0], STRENGTHS)
        row("vector scaling, EM, prior x%g" % a, part, em(scaled(part.q, x), prior, a)[0], plain)
        if fold in "AB":
            true, found = np.bincount(part.y, minlength=10) / len(part.y), part.q.mean(0)
            mixes = {"as said": found, "EM, prior x1": em(part.q, part.prior, 1)[1], "RLLS .1": solved(found, mean_said(others), part.prior, .1), "RLLS .3": solved(found, mean_said(others), part.prior, .3)}
            print("  total variation from the true mix:", ", ".join("%s %.3f" % (k, .5 * abs(v - true).sum()) for k, v in mixes.items()))
            row("RLLS .3", part, even(plain * (mixes["RLLS .3"] + .01) / (found + .01)), plain)
            row("the true mix, known", part, even(plain * (true + 1e-3) / found), plain)
        shipped = judge.tempered(part.q, SHIPPED.get(name, 1))
        row("as it ships", part, shipped)
        row("turned heads drawn to the usual %.3f (found %.3f)" % (part.usual_turned, shipped[:, TURN].mean()), part, drawn(shipped, part.usual_turned), shipped)
        if fold in "AB":
            print("  attention as it ships:", attention(part, shipped), "\n  drawn:", attention(part, drawn(shipped, part.usual_turned)))
            many_turn(part, shipped, part.usual_turned)


if __name__ == "__main__":
    main(*sys.argv[1:])
