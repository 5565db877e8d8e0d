"""The large network: Thunder's points and features into small layers, taught by labels and, as small.py's networks are, by what boxes.py's members say of boxes whose pictures they have not
seen. At run time it decides together with m. usage: large.py WORK FOLD FOLDER...

FOLD is the room that is trained on beside the CCTV set and the rendered students (A or B: the other is held out), a CCTV block (1 or 2: the other is held out), or all, which
ships. Reads WORK/teacher-FOLD.npy; writes WORK/large-FOLD.pt and WORK/large-FOLD.npy (every crop's probabilities).
"""
import os
import sys

import numpy as np
import torch

import fit
import geometry
import judge
from data import Students, weights
from network import PoseEncoder, Temporal

TAUGHT, EPOCHS = .6, 14


def scales(s, k):
    """Means and 1/deviations over the training crops."""
    def of(v, least):
        return v[k].mean(0), 1 / (v[k].std(0) + least)
    (mg, sg), (mf, sf), (md, sd) = of(s.numbers, .02), of(s.deep, .05), of(s.direction, .02)
    return dict(mg=mg, sg=sg, mf=mf, sf=sf, md=md, sd=sd)


def train(s, k, teacher):
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

    fit.train(encoder, temporal, batch, s, k, only(weights(s), k), teacher, TAUGHT, EPOCHS, seed=1)
    return encoder, temporal


def only(w, k):
    out = np.zeros_like(w)
    out[k] = w[k]
    return out


@torch.no_grad()
def predict(encoder, temporal, s):
    return fit.decide(temporal, encoder(torch.from_numpy(s.pose), torch.from_numpy(s.deep)), s.image)


def main(work, fold, *folders):
    torch.set_num_threads(1)
    s = Students(folders)
    k, held = s.training(fold), s.held_out(fold)
    encoder, temporal = train(s, k, np.load(os.path.join(work, f"teacher-{fold}.npy")))
    torch.save({"encoder": encoder.state_dict(), "temporal": temporal.state_dict()}, os.path.join(work, f"large-{fold}.pt"))
    p = predict(encoder, temporal, s)
    np.save(os.path.join(work, f"large-{fold}.npy"), p)
    if len(held):
        judge.show("large", fold, s.y[held], p[held], s.image[held])


if __name__ == "__main__":
    main(*sys.argv[1:])
