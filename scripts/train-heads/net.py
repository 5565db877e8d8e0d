"""The head detector's network: MobileNetV2-like stages, a thin feature pyramid back to stride 4.

Input (N, 3, H, W), RGB as v / 64 - 2, H and W multiples of 32. Output (N, 5, H/4, W/4): the logit that a head's
middle lies in the cell, log height and log width in cells, offset of the middle from the cell's own (y, x) in cells.
Channels are multiples of 16 and every stage is [expand,] depthwise, project: what the engine fuses (model/cpu). Half of
the work is done at stride 4, so that is where layers are thin.
"""
import torch
from torch import nn


def conv(cin, cout, k=1, stride=1, groups=1):
    return nn.Conv2d(cin, cout, k, stride, k // 2, groups=groups)


def wide(cin, cout, k=1, stride=1, groups=1):
    """A layer with ReLU. Wide maps go without batch normalisation, which would take a third of the training time."""
    return nn.Sequential(conv(cin, cout, k, stride, groups), nn.ReLU(inplace=True))


def narrow(cin, cout):
    """A projection: normalised, no ReLU."""
    return nn.Sequential(nn.Conv2d(cin, cout, 1, bias=False), nn.BatchNorm2d(cout))


class Block(nn.Module):
    """Inverted residual (Sandler et al. 2018); wider 1 leaves the expansion out."""

    def __init__(self, cin, cout, wider, stride=1):
        super().__init__()
        mid = cin * wider
        expand = [wide(cin, mid)] if wider > 1 else []
        self.body = nn.Sequential(*expand, wide(mid, mid, 3, stride, mid), narrow(mid, cout))
        self.add = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.body(x) if self.add else self.body(x)


class HeadNet(nn.Module):
    """The detector; large has half as many channels again, wider and more blocks, and does four times the work: for presets that may take their time."""

    def __init__(self, large=False):
        super().__init__()
        self.large = large
        thin, c8, c16, c32 = (48, 64, 112, 160) if large else (32, 48, 80, 128)
        wider = (2, 3, 4, 4) if large else (1, 2, 2, 2)  # of the blocks that keep the stride of 4, 8, 16, 32
        more = (1, 1, 3, 2) if large else (0, 0, 0, 0)
        fine = [Block(thin, thin, wider[0]) for _ in range(more[0])]
        self.stem = wide(3, 16, 3, 2)
        self.s4 = nn.Sequential(Block(16, thin, 1, 2), Block(thin, thin, 1), *fine)
        self.s8 = nn.Sequential(Block(thin, c8, 2, 2), *(Block(c8, c8, wider[1]) for _ in range(2 + more[1])))
        self.s16 = nn.Sequential(Block(c8, c16, 3, 2), *(Block(c16, c16, wider[2]) for _ in range(4 + more[2])))
        self.s32 = nn.Sequential(Block(c16, c32, 3, 2), *(Block(c32, c32, wider[3]) for _ in range(2 + more[3])))
        self.lateral = nn.ModuleList(narrow(c, thin) for c in (c8, c16, c32))
        self.smooth = nn.ModuleList(nn.Sequential(wide(thin, thin, 3, 1, thin), narrow(thin, thin)) for _ in range(3))
        self.refine = nn.ModuleList(nn.Sequential(*(Block(thin, thin, 2) for _ in range(n))) for n in ((1, 2, 1) if large else (0, 0, 0)))
        self.head = nn.Sequential(wide(thin, thin, 3, 1, thin), conv(thin, 5))
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out" if m.groups == 1 else "fan_in", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
        last = self.head[-1]
        nn.init.normal_(last.weight, std=0.01)
        # One cell in a hundred holds a head's middle; heads are six cells high.
        last.bias.data = torch.tensor([-4.6, 1.8, 1.6, 0.0, 0.0])

    def forward(self, x):
        s4 = self.s4(self.stem(x))
        s8 = self.s8(s4)
        s16 = self.s16(s8)
        y = self.lateral[2](self.s32(s16))
        y = self.refine[2](self.smooth[2](self.lateral[1](s16) + self.up(y)))
        y = self.refine[1](self.smooth[1](self.lateral[0](s8) + self.up(y)))
        y = self.refine[0](self.smooth[0](s4 + self.up(y)))
        y = self.head[0](y)
        with torch.autocast("cpu", enabled=False):  # an offset in bfloat16 would be a hundredth of a head off
            return self.head[1](y if y.dtype == torch.float32 else y.float())


def load(path):
    """A net of the size that a file of weights (.pt) has, ready to look."""
    weights = torch.load(path, weights_only=True)
    net = HeadNet(large=any(k.startswith("refine.") for k in weights))
    net.load_state_dict(weights)
    return net.eval()


def grow(net, small):
    """Fills a large net with a small one's weights so that it computes the same: nothing reads the new channels yet, new blocks begin as the
    identity (after Net2Net, Chen et al. 2016)."""
    here, there = dict(net.named_modules()), dict(small.named_modules())
    with torch.no_grad():
        for name, m in here.items():
            old = there.get(name)
            if isinstance(m, nn.Conv2d) and old is not None:
                if m.groups == 1:
                    m.weight[:, old.in_channels:].zero_()
                    m.weight[: old.out_channels, : old.in_channels].copy_(old.weight)
                else:  # depthwise
                    m.weight[: old.out_channels].copy_(old.weight)
                if m.bias is not None:
                    m.bias[: old.out_channels].copy_(old.bias)
            elif isinstance(m, nn.BatchNorm2d) and old is not None:
                for a, b in zip((m.weight, m.bias, m.running_mean, m.running_var), (old.weight, old.bias, old.running_mean, old.running_var)):
                    a[: len(b)].copy_(b)
            elif isinstance(m, Block) and old is None:
                nn.init.zeros_(m.body[-1][1].weight)
    return net


def recover(net, path, pictures):
    """Fills net with the weights of an exported file, whose normalisations are folded into its convolutions, and sets the normalisations
    from a batch of pictures so that the net computes what the file does. Blocks the file lacks begin as the identity."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    stored = [[values[n] for n in node.input[1:]] for node in graph.node if node.op_type == "Conv"]
    order, pairs = [], {}
    hooks = [m.register_forward_hook(lambda m, i, o: order.append(m)) for m in net.modules() if isinstance(m, (nn.Conv2d, Block))]
    norms = {id(m[0]): m[1] for m in net.modules() if isinstance(m, nn.Sequential) and len(m) == 2 and isinstance(m[1], nn.BatchNorm2d)}
    net.eval()
    with torch.no_grad():
        net(pictures[:1])
        for h in hooks:
            h.remove()
        news = {id(c) for m in [*net.s16[3:], *net.s32[2:]] for c in m.modules()} if len(stored) < sum(isinstance(m, nn.Conv2d) for m in order) else set()
        for m in (m for m in order if isinstance(m, nn.Conv2d)):
            if id(m) in news:
                if id(m) in norms:
                    nn.init.zeros_(norms[id(m)].weight)
                continue
            w, b = stored.pop(0)
            m.weight.copy_(w)
            if id(m) in norms:
                pairs[m] = b
                n = norms[id(m)]
                n.weight.fill_(1), n.bias.copy_(b), n.running_mean.zero_(), n.running_var.fill_(1 - n.eps)
            else:
                m.bias.copy_(b)
        assert not stored
        seen = {}
        hooks = [m.register_forward_hook(lambda m, i, o: seen.update({m: o})) for m in pairs]
        net(pictures)
        for h in hooks:
            h.remove()
        for m, b in pairs.items():
            n, var = norms[id(m)], seen[m].var((0, 2, 3))
            mean = seen[m].mean((0, 2, 3))
            n.running_mean.copy_(mean), n.running_var.copy_(var)
            n.weight.copy_(torch.sqrt(var + n.eps)), n.bias.copy_(b + mean)
    return net
