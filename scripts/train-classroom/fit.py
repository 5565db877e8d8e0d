"""Training of an encoder and the temporal part together, by labels and by a teacher's probabilities. Stills become sequences of five looks at one student."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from data import median_of
from geometry import DIRECTION

# configs/labels.yaml: attention (-1 unknown) and engagement of each behaviour
ON_TASK = torch.tensor([1, 1, 1, 1, 0, 1, 1, 0, 0, -1])
LEVEL = torch.tensor([1, 2, 2, 2, 0, 1, 3, 0, 0, 1])
STEPS, BATCH = 5, 128


def relative(embedding, direction):
    """Take what the class has in common from where the head points."""
    return torch.cat([embedding[:, :DIRECTION] - direction, embedding[:, DIRECTION:]], 1)


def sequences(e, rng):
    """(b, D) -> (b·5, D) looks of differing quality, offsets in seconds, and which are seen; three in ten students are seen once only."""
    b = len(e)
    offset = (torch.arange(STEPS) - STEPS // 2).float() * torch.from_numpy(rng.choice([.5, 1, 1, 1, 2], (b, 1))).float()
    seen = (torch.rand(b, STEPS) > .25).float()
    seen[torch.rand(b) < .3] = 0
    seen[:, STEPS // 2] = 1
    noise = torch.rand(b, STEPS, 1) * .35
    noise[:, STEPS // 2] *= .3
    x = e.unsqueeze(1) + noise * e.detach().std(0) * torch.randn(b, STEPS, e.shape[1])
    return x.reshape(b * STEPS, -1), offset, seen


def loss_of(out, y, soft, weight, alpha):
    """Behaviour by label and by teacher (alpha of it), attention and engagement as the labels read."""
    behaviour, attention, levels, _ = out
    log = F.log_softmax(behaviour, -1)
    hard, taught = -log.gather(1, y[:, None])[:, 0], -(soft * log).sum(1)
    on = ON_TASK[y]
    a = F.binary_cross_entropy_with_logits(attention, on.clamp(0).float(), reduction="none") * (on >= 0)
    e = F.binary_cross_entropy_with_logits(levels, (LEVEL[y][:, None] > torch.arange(3)).float(), reduction="none").mean(1)
    return (((1 - alpha) * hard + alpha * taught + .2 * a + .2 * e) * weight).mean()


def groups(encoder, temporal, rate):
    """Layers that come trained learn at a quarter of the rate."""
    trained = [p for p in encoder.up.parameters() if p.requires_grad] if hasattr(encoder, "up") else []
    known = {id(p) for p in trained}
    fresh = [p for m in (encoder, temporal) for p in m.parameters() if p.requires_grad and id(p) not in known]
    return [g for g in ({"params": fresh, "lr": rate}, {"params": trained, "lr": rate / 4}) if g["params"]]


def train(encoder, temporal, batch, students, indices, weight, soft=None, alpha=0., epochs=12, seed=0, rate=2e-3, second=None, size=BATCH, share=None):
    """batch(indices, rng) -> (encoder's inputs, the class's direction, targets of second(embedding, further output, targets)). share: of each student, in how many of the epochs it is
    looked at; None: in all. Leaves the running mean of the weights."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    params = groups(encoder, temporal, rate)
    flat = [p for g in params for p in g["params"]]
    mean = [p.detach().clone() for p in flat]
    looked_at = len(indices) if share is None else int(share[indices].sum())
    steps = epochs * (looked_at // size)
    optimizer = torch.optim.AdamW(params, rate, weight_decay=.03)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [g["lr"] for g in params], steps + 1, pct_start=.1)
    y, weight = torch.from_numpy(students.y), torch.from_numpy(weight).float()
    soft = torch.zeros(len(y), 10) if soft is None else torch.from_numpy(soft).float()
    done = 0
    for epoch in range(epochs):
        encoder.train(), temporal.train()
        order, total = rng.permutation(indices) if share is None else rng.choice(indices, looked_at, False, share[indices] / share[indices].sum()), 0.
        for j in np.array_split(order, looked_at // size):
            inputs, direction, targets = batch(j, rng)
            with torch.autocast("cpu", torch.bfloat16, enabled=hasattr(encoder, "up")):  # convolutions: three times as fast where the processor knows it
                out = encoder(*inputs)
            e, further = out if isinstance(out, tuple) else (out, None)
            if further is not None:
                e, further = e.float(), tuple(v.float() for v in further)
            alone = torch.rand(len(j)) < .15  # a student without a class around
            direction = torch.where(alone[:, None], e[:, :DIRECTION].detach(), direction + .15 * torch.randn_like(direction))
            loss = loss_of(temporal(*sequences(relative(e, direction), rng)), y[j], soft[j], weight[j], alpha)
            total += float(loss)
            if second is not None:
                loss = loss + second(e, further, targets)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(flat, 3.)
            optimizer.step()
            schedule.step()
            done += 1
            with torch.no_grad():
                keep = min(.995, done / (done + 10))
                for m, p in zip(mean, flat):
                    m.mul_(keep).add_(p, alpha=1 - keep)
        print("epoch", epoch, "loss %.3f" % (total * size / looked_at), flush=True)
    with torch.no_grad():
        for m, p in zip(mean, flat):
            p.copy_(m)
    encoder.eval(), temporal.eval()


@torch.no_grad()
def decide(temporal, embedding, image):
    """(n, D) of stills -> (n, 10) probabilities; each picture's class direction is the median."""
    direction = torch.from_numpy(median_of(embedding[:, :DIRECTION].numpy(), image))
    n = len(embedding)
    return torch.softmax(temporal(relative(embedding, direction), torch.zeros(n, 1), torch.ones(n, 1))[0], -1).numpy()
