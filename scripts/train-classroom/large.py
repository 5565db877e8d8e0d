"""The large network: Thunder's points and features into small layers, taught by itself and by boosted trees. usage: large.py WORK FOLD FOLDER...

FOLD is the room that is trained on beside the CCTV set and the rendered students (A or B: the other is held out), a CCTV block (1 or 2: the other is held out), or all, which
ships. Writes WORK/large-FOLD.pt, WORK/large-FOLD.npy (every crop's probabilities) and WORK/large-teacher-FOLD.npy, its own teacher.
"""
import os
import sys

import lightgbm
import numpy as np
import torch

import fit
import geometry
import judge
from data import Students, weights
from network import PoseEncoder, Temporal


def scales(s, k):
    """Means and 1/deviations over the training crops."""
    def of(v, least):
        return v[k].mean(0), 1 / (v[k].std(0) + least)
    (mg, sg), (mf, sf), (md, sd) = of(s.numbers, .02), of(s.deep, .05), of(s.direction, .02)
    return dict(mg=mg, sg=sg, mf=mf, sf=sf, md=md, sd=sd)


def train(s, k, soft=None, alpha=0., epochs=14, seed=0):
    encoder, temporal = PoseEncoder(scales(s, k)), Temporal()
    pose, deep, attends = torch.from_numpy(s.pose), torch.from_numpy(s.deep), torch.from_numpy(s.attends)
    other = geometry.mirror(pose)  # the features stay: Thunder was not run on mirror images

    def batch(j, rng):
        mirrored = torch.from_numpy(rng.random(len(j)) < .5)[:, None]
        p = torch.where(mirrored, other[j], pose[j]).clone()
        xy = p[:, :85].reshape(-1, 17, 5)
        xy[..., :2] += .006 * torch.randn(len(j), 17, 2)  # Thunder's own doubt
        zoom, shift = 1 + .06 * torch.randn(len(j), 1), .03 * torch.randn(len(j), 2)  # another head box
        for c, axis in ((0, 0), (3, 0), (1, 1), (4, 1)):
            xy[..., c] = (xy[..., c] - .5) * zoom + .5 + shift[:, axis:axis + 1]
        return (p, deep[j]), encoder.direction(torch.where(mirrored, attends[j] * geometry.MIRRORED, attends[j])), None

    fit.train(encoder, temporal, batch, s, k, only(weights(s), k), soft, alpha, epochs, seed)
    return encoder, temporal


def only(w, k):
    out = np.zeros_like(w)
    out[k] = w[k]
    return out


@torch.no_grad()
def predict(encoder, temporal, s):
    return fit.decide(temporal, encoder(torch.from_numpy(s.pose), torch.from_numpy(s.deep)), s.image)


def trees(s, k, rounds=70):
    """Boosted trees on the pose numbers, mirrored copies too -> f(j), mean over both."""
    plain, other, w = s.relative(), s.relative(True), weights(s)[k]
    model = lightgbm.LGBMClassifier(n_estimators=rounds, num_leaves=12, learning_rate=.05, min_child_samples=20, subsample=.7, subsample_freq=1, colsample_bytree=.3,
                                    reg_lambda=5, n_jobs=1, verbose=-1, random_state=0)
    model.fit(np.r_[plain[k], other[k]], np.r_[s.y[k], s.y[k]], sample_weight=np.r_[w, w])

    def probabilities(j):
        out = np.zeros((len(j), 10))
        out[:, model.classes_] = (model.predict_proba(plain[j]) + model.predict_proba(other[j])) / 2
        return out
    return probabilities


def trees_out_of_fold(s, k, folds=3):
    """Trees' probabilities of crops whose pictures they have not seen: on what they learned by heart they teach nothing."""
    pictures = np.unique(s.image[k])
    fold = dict(zip(pictures, np.random.RandomState(0).randint(0, folds, len(pictures))))
    fold, out = np.array([fold[i] for i in s.image[k]]), np.zeros((len(s.y), 10))
    for f in range(folds):
        out[k[fold == f]] = trees(s, k[fold != f])(k[fold == f])
    return out


def main(work, fold, *folders):
    torch.set_num_threads(1)
    s = Students(folders)
    k, held = s.training(fold), s.held_out(fold)
    alone = predict(*train(s, k), s)
    teacher = np.full((len(s.y), 10), .1)
    teacher[k] = judge.together(trees_out_of_fold(s, k)[k], alone[k])
    np.save(os.path.join(work, f"large-teacher-{fold}.npy"), teacher)
    encoder, temporal = train(s, k, teacher, alpha=.75, epochs=12, seed=1)
    torch.save({"encoder": encoder.state_dict(), "temporal": temporal.state_dict()}, os.path.join(work, f"large-{fold}.pt"))
    p = predict(encoder, temporal, s)
    np.save(os.path.join(work, f"large-{fold}.npy"), p)
    if len(held):
        slow = judge.together(trees(s, k, 100)(held), alone[held])
        for name, q in (("layers alone", alone[held]), ("teacher: trees and layers", slow), ("large: layers, taught", p[held])):
            judge.show(name, fold, s.y[held], q, s.image[held])


if __name__ == "__main__":
    main(*sys.argv[1:])
