"""Narrower blocks that say nearly the same: hidden channels are left out one by one, each time the one whose loss hurts least once the projection after them is fitted anew by
least squares (after He, Zhang and Sun 2017, "Channel pruning for accelerating very deep neural networks")."""
import copy

import torch
import torch.nn as nn

SAMPLES = 60000  # places of the maps that the projection is fitted on
RIDGE = 1e-5


def hidden(block, x):
    """x through all of a block but its projection."""
    for conv in list(block.body)[:-1]:
        x = conv(x)
    return x


def flat(m):
    return m.permute(0, 2, 3, 1).reshape(-1, m.shape[1]).double()


def best(a, y, keep):
    """The `keep` columns of a (n, C) from which y (n, D) follows best -> their indices, (keep + 1, D) weights with the bias last, share of y's variance that is lost."""
    a = torch.cat([a, torch.ones(len(a), 1, dtype=a.dtype)], 1)
    gram, cross, n = a.T @ a / len(a), a.T @ y / len(a), a.shape[1] - 1
    diagonal = gram.diag()[:-1]
    gram[range(n), range(n)] += RIDGE * (diagonal + diagonal.mean())
    left = list(range(n))
    while True:
        at = left + [n]
        inverse = torch.linalg.inv(gram[at][:, at])
        w = inverse @ cross[at]
        if len(left) <= keep:
            return left, w, float(((y - a[:, at] @ w) ** 2).mean(0).sum() / y.var(0).sum())
        left.pop(int(((w ** 2).sum(1) / inverse.diag())[:-1].argmin()))


def narrow(block, maker, x, y, keep):
    """Leaves `keep` hidden channels to the block; maker is the convolution that makes them, x what the block gets, y what its projection should say."""
    enough = max(64, 4 * SAMPLES // (x.shape[2] * x.shape[3]))  # pictures; they are in no order
    a, y = flat(hidden(block, x[:enough])), flat(y[:enough])
    some = torch.randperm(len(a))[:SAMPLES]
    left, w, lost = best(a[some], y[some], keep)
    for conv in {maker, block.body[-2]}:
        conv.w, conv.b = nn.Parameter(conv.w[left].clone()), nn.Parameter(conv.b[left].clone())
    block.body[-2].groups = keep
    out = block.body[-1]
    out.w, out.b = nn.Parameter(w[:-1].T.float().reshape(-1, keep, 1, 1).contiguous()), nn.Parameter(w[-1].float().clone())
    return lost


@torch.no_grad()
def slim(modules, widths, pictures):
    """modules as trunk.load gives them; widths[k]: hidden channels of block k. Each block is fitted to what the whole network says, on what the narrowed ones before it say."""
    torch.manual_seed(1)
    whole = copy.deepcopy(modules)
    ours = theirs = pictures
    for k, (block, model) in enumerate(zip(modules, whole)):
        if k == 0:  # the stem makes block 0's hidden channels
            theirs = model(theirs)
            continue
        ours_in, theirs = (modules[0](pictures) if k == 1 else ours), model(theirs)
        if k - 1 in widths:
            lost = narrow(block, modules[0].body[0] if k == 1 else block.body[0], ours_in, theirs - ours_in if block.adds else theirs, widths[k - 1])
            print(f"block {k - 1}: {widths[k - 1]} hidden channels, {lost:.3f} lost", flush=True)
        ours = block(modules[0](pictures) if k == 1 else ours)
    return modules


def shapes(modules, state, prefix):
    """Gives modules the widths of stored weights."""
    for k, block in enumerate(modules):
        for i, conv in enumerate(block.body):
            w = state[f"{prefix}{k}.body.{i}.w"]
            if conv.groups > 1:
                conv.groups = w.shape[0]
            conv.w, conv.b = nn.Parameter(torch.zeros_like(w)), nn.Parameter(torch.zeros(w.shape[0]))
    return modules
