"""Trains the head detector of vision/people and writes it as ONNX.

    python train.py --data ../shared/data --labels heads.json --adults gif/ --rendered 'synth/*' --minutes 60 --out run/

README.md beside this file says how each input is made. Everything follows from --seed but for the time that a machine
takes: the schedule goes by --steps or, with --minutes, by the clock.
"""
import argparse
import glob
import os
import time

import cv2
import numpy as np
import torch
from torch.nn import functional as F

import calibrate
import pictures
from net import HeadNet, grow, load, recover

SHARES = {"A": 0.2, "B": 0.2, "cctv": 0.14, "rendered": 0.42, "adults": 0.04}  # --share changes that of rendered ones
REREAD = 150  # seconds between looks for pictures and labels that have come since


def loss_of(y, heat, judged, boxes, near):
    """Penalty-reduced focal loss (Law & Deng 2018; Zhou et al. 2019) and L1 of boxes weighed by nearness to the middle."""
    p = torch.sigmoid(y[:, 0]).clamp(1e-4, 1 - 1e-4)
    positive = (heat == 1).float() * judged
    n = positive.sum().clamp(min=1)
    found = -((1 - p) ** 2) * F.logsigmoid(y[:, 0]) * positive
    other = -((1 - heat) ** 4) * p**2 * F.logsigmoid(-y[:, 0]) * (1 - positive) * judged
    away = (y[:, 1:] - boxes).abs()
    # Offsets count in heads, as the size does: an error of a tenth of a head weighs the same everywhere.
    heads = torch.exp(-boxes[:, :2])
    away = torch.cat([away[:, :2], 2 * away[:, 2:] * heads], 1)
    box = (away.sum(1) * near * judged).sum() / (near * judged).sum().clamp(min=1)
    return (found.sum() + other.sum()) / n, box


def export(net, path):
    net.eval()
    x = torch.zeros(1, 3, 256, 256)
    torch.onnx.export(net, x, path, input_names=["picture"], output_names=["heads"], opset_version=13, dynamo=False,
                      dynamic_axes={"picture": {2: "h", 3: "w"}, "heads": {2: "h4", 3: "w4"}})


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", required=True, help="folder with clabehavior/ and cctv/")
    a.add_argument("--labels", required=True, help="heads.json of label/")
    a.add_argument("--adults", default="", help="folder with frames of adults_3s_ccby.gif")
    a.add_argument("--rendered", default="", help="patterns, comma between, of folders of synthroom rooms at 1 frame a second")
    a.add_argument("--without", default="", help="sources left out, comma between: A, B, cctv, rendered, adults")
    a.add_argument("--minutes", type=float, default=0)
    a.add_argument("--steps", type=int, default=4000)
    a.add_argument("--batch", type=int, default=12)
    a.add_argument("--rate", type=float, default=3e-3)
    a.add_argument("--harder", type=float, default=1, help="weight of places beside a head and at hands that are none")
    a.add_argument("--hands", type=float, default=0, help="share of rendered crops about a hand")
    a.add_argument("--stacked", type=float, default=0, help="share of views into which a second person is put close before a head")
    a.add_argument("--share", type=float, default=SHARES["rendered"], help="share of rendered crops")
    a.add_argument("--second", default="", help="weights (.pt) of a net whose sure heads amend the pseudo-labels")
    a.add_argument("--large", action="store_true", help="the larger net, grown from --start if that is of the smaller one")
    a.add_argument("--bfloat16", action="store_true", help="convolutions in bfloat16: a third less time on a processor that has it")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--start", default="", help="weights to go on from: .pt, or an exported .onnx")
    a.add_argument("--out", required=True)
    o = a.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(o.seed)
    os.makedirs(o.out, exist_ok=True)
    pictures.HARDER, pictures.HANDS, pictures.STACKED = o.harder, o.hands, o.stacked
    left_out = [s for s in o.without.split(",") if s]
    if set(left_out) - set(SHARES):
        a.error(f"--without {o.without}: there are {', '.join(SHARES)}")
    rest = (1 - o.share) / (1 - SHARES["rendered"])
    shares = {k: o.share if k == "rendered" else v * rest for k, v in SHARES.items() if k not in left_out}
    amended = []
    if o.second:
        judge = load(o.second)

    def amend(found):
        """Pseudo-labelled pictures with a second net's opinion."""
        for p in found:
            if o.second:
                image = p.levels[0]
                plain, mirrored = calibrate.look(judge, image), calibrate.look(judge, np.ascontiguousarray(image[:, ::-1]))
                mirrored[:, 0] = image.shape[1] - mirrored[:, 0]
                amended.append(pictures.second(p, plain, mirrored))
            yield p

    data = pictures.Crops(pictures.cctv(o.data), shares, o.seed)
    known = set()

    def read():
        """Takes in labels and rooms that have come: drawing and labelling may go on while training does."""
        data.add(amend(pictures.clabehavior(o.data, o.labels, known)))
        data.add(amend(pictures.adults(o.labels, o.adults, known)))
        data.add(pictures.rendered(sorted(f for p in o.rendered.split(",") for f in glob.glob(p)), known))
        print({k: (len(v), sum(len(p.heads) for p in v)) for k, v in data.by.items()}, "trained on", data.names, flush=True)
        if amended:
            print("second net: heads added, places not judged", np.sum(amended, 0).tolist(), flush=True)

    read()
    net = HeadNet(o.large)
    if o.start.endswith(".onnx"):
        recover(net, o.start, torch.from_numpy(data.batch(24)[0]))
    elif o.start:
        start = load(o.start)
        net = start if start.large == o.large else grow(net, start)
    mean = HeadNet(o.large)  # moving average of the weights: what is kept
    mean.load_state_dict(net.state_dict())
    net = net.to(memory_format=torch.channels_last).train()
    decay = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 2e-2}, {"params": plain, "weight_decay": 0}], lr=o.rate)
    begun, step, sums = time.time(), 0, np.zeros(2)
    saved = reread = begun
    while True:
        done = (time.time() - begun) / (60 * o.minutes) if o.minutes else step / o.steps
        if done >= 1:
            break
        rate = o.rate * min(1, (step + 1) / 60) * (0.5 + 0.5 * np.cos(np.pi * done)) + 2e-6
        for g in opt.param_groups:
            g["lr"] = rate
        if time.time() - reread > REREAD:
            read()
            reread = time.time()
        x, *t = (torch.from_numpy(v) for v in data.batch(o.batch))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=o.bfloat16):
            y = net(x.contiguous(memory_format=torch.channels_last)).float()
        data.tell(torch.sigmoid(y[:, 0].detach()).numpy())
        heat, box = loss_of(y, *t)
        opt.zero_grad()
        (heat + box).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10)
        opt.step()
        step += 1
        keep = min(0.998, step / (step + 10))
        with torch.no_grad():
            for m, p in zip(mean.state_dict().values(), net.state_dict().values()):
                m.lerp_(p, 1 - keep) if m.dtype.is_floating_point else m.copy_(p)
        sums += heat.item(), box.item()
        if step % 50 == 0:
            print(f"step {step} done {done:.3f} heat {sums[0] / 50:.3f} box {sums[1] / 50:.3f} s {time.time() - begun:.0f} cpu {time.process_time():.0f}", flush=True)
            sums[:] = 0
        if time.time() - saved > 100:
            torch.save(mean.state_dict(), f"{o.out}/weights.pt")
            saved = time.time()
    torch.save(mean.state_dict(), f"{o.out}/weights.pt")
    export(mean, f"{o.out}/heads.onnx")
    print("steps", step, flush=True)


if __name__ == "__main__":
    main()
