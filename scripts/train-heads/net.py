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
    def __init__(self, thin=32):
        super().__init__()
        self.stem = wide(3, 16, 3, 2)
        self.s4 = nn.Sequential(Block(16, thin, 1, 2), Block(thin, thin, 1))
        self.s8 = nn.Sequential(Block(thin, 48, 2, 2), Block(48, 48, 2), Block(48, 48, 2))
        self.s16 = nn.Sequential(Block(48, 80, 3, 2), Block(80, 80, 2), Block(80, 80, 2))
        self.s32 = nn.Sequential(Block(80, 128, 3, 2), Block(128, 128, 2))
        self.lateral = nn.ModuleList(narrow(c, thin) for c in (48, 80, 128))
        self.smooth = nn.ModuleList(nn.Sequential(wide(thin, thin, 3, 1, thin), narrow(thin, thin)) for _ in range(3))
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
        y = self.smooth[2](self.lateral[1](s16) + self.up(y))
        y = self.smooth[1](self.lateral[0](s8) + self.up(y))
        y = self.smooth[0](s4 + self.up(y))
        return self.head(y)
