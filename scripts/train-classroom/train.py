"""Trains the first weights of the classroom network (PyTorch, CPU) and writes the ONNX file.

  train.py CROPS THUNDER.npz OUT.onnx [--train A,B,1,2] [--test B] [--epochs 20] [--seed 0] [--start OLD.onnx.pt] [--rate 2e-3] [--balance .6]

CROPS is the folder that `go run ./scripts/train-classroom/crops` makes. THUNDER.npz holds, for every ClaBehavior box in the order of annotations by picture, MoveNet
Thunder's 17 points (K) in a square crop of 1.6 times the box and its backbone's mean over the box (F); they are extra targets while training, so that the small
network learns what a pose net knows, and are not needed afterwards. Rooms A and B are ClaBehavior's, 1 and 2 the two time blocks of the CCTV set, R the rendered students.
"""
import argparse, csv, json, math, os
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

BEHAVIOURS = ['look_forward', 'read', 'write', 'raise_hand', 'turn', 'stand', 'discuss', 'phone', 'head_down', 'other']
MAP = {'write': 'write', 'read': 'read', 'lookup': 'look_forward', 'turn_head': 'turn', 'raise_hand': 'raise_hand', 'stand': 'stand', 'discuss': 'discuss',
       'down': 'head_down', 'lookaround': 'turn', 'phone': 'phone', 'up': 'look_forward'}
ON = [1, 1, 1, 1, 0, 1, 1, 0, 0, -1]           # attention by configs/labels.yaml; -1 unknown
LEVEL = [1, 2, 2, 2, 0, 1, 3, 0, 0, 1]         # engagement by configs/labels.yaml
SIZE, STORED, D, POINTS = 96, 120, 128, 11


class Inverted(nn.Module):
    """1x1 expand, 3x3 depthwise, 1x1 project, residual where the shape allows (Sandler et al. 2018)."""
    def __init__(self, cin, cout, stride, wide):
        super().__init__()
        layers = [] if wide == cin else [nn.Conv2d(cin, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()]
        layers += [nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU6(), nn.Conv2d(wide, cout, 1, bias=False), nn.BatchNorm2d(cout)]
        self.body, self.add = nn.Sequential(*layers), stride == 1 and cin == cout
    def forward(self, x): return x + self.body(x) if self.add else self.body(x)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        plan = [(16, 16, 1, 16), (16, 16, 2, 64), (16, 16, 1, 64), (16, 32, 2, 96), (32, 32, 1, 128), (32, 32, 1, 128), (32, 48, 1, 192), (48, 48, 1, 192),
                (48, 96, 2, 288), (96, 96, 1, 384), (96, 96, 1, 384)]
        self.body = nn.Sequential(nn.Conv2d(5, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6(), *[Inverted(*p) for p in plan],
                                  nn.Conv2d(96, 256, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU6(), nn.AdaptiveAvgPool2d(1))
        self.embed = nn.Linear(256, D)
    def forward(self, x): return self.embed(self.body(x).flatten(1))


class Temporal(nn.Module):
    """Self-attention over the steps with their true time offsets, hidden steps masked; attention pooling whose weights are an output."""
    def __init__(self, heads=4):
        super().__init__()
        self.heads = heads
        self.freq = nn.Parameter(2 * math.pi / torch.tensor([1., 2, 4, 8, 16, 32]), requires_grad=False)
        self.time, self.n1, self.n2 = nn.Linear(12, D), nn.LayerNorm(D), nn.LayerNorm(D)
        self.q, self.k, self.v, self.o = (nn.Linear(D, D) for _ in range(4))
        self.f1, self.f2, self.pool1, self.pool2 = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, 64), nn.Linear(64, 1)
        self.behaviour, self.attention, self.engagement = nn.Linear(D, 10), nn.Linear(D, 1), nn.Linear(D, 1)
        self.steps = nn.Parameter(torch.tensor([-1., 0, 1]))
        self.temperature = nn.Parameter(torch.ones(1), requires_grad=False)
    def forward(self, embedding, offset, seen):
        b, t = offset.shape[0], offset.shape[1]
        a = offset.unsqueeze(-1) * self.freq
        x = embedding.reshape(b, t, D) + self.time(torch.cat([torch.sin(a), torch.cos(a)], -1))
        hide = (seen - 1).unsqueeze(1).unsqueeze(1) * 1e4
        y = self.n1(x)
        split = lambda z: z.reshape(b, t, self.heads, D // self.heads).transpose(1, 2)
        w = torch.softmax(split(self.q(y)) @ split(self.k(y)).transpose(2, 3) / math.sqrt(D // self.heads) + hide, -1)
        x = x + self.o((w @ split(self.v(y))).transpose(1, 2).reshape(b, t, D))
        x = x + self.f2(torch.relu(self.f1(self.n2(x))))
        moments = torch.softmax(self.pool2(torch.tanh(self.pool1(x))).squeeze(-1) + (seen - 1) * 1e4, -1)
        z = (moments.unsqueeze(1) @ x).squeeze(1)
        order = torch.cumsum(torch.cat([self.steps[:1], torch.nn.functional.softplus(self.steps[1:])]), 0) if self.training else self.thresholds
        return self.behaviour(z), self.attention(z).squeeze(-1), self.engagement(z) - order, moments
    def freeze(self): self.register_buffer('thresholds', torch.cumsum(torch.cat([self.steps[:1], F.softplus(self.steps[1:])]), 0).detach().clone())


class Whole(nn.Module):
    """What is exported: probabilities, not logits."""
    def __init__(self, encoder, temporal): super().__init__(); self.encoder, self.temporal = encoder, temporal
    def forward(self, picture, offset, seen):
        e = self.encoder(picture)
        b, a, g, m = self.temporal(e, offset, seen)
        c = torch.sigmoid(g)  # P(level > 0), > 1, > 2
        levels = torch.cat([1 - c[:, :1], c[:, :2] - c[:, 1:], c[:, 2:]], 1)
        return e, torch.softmax(b / self.temporal.temperature, -1), torch.sigmoid(a), levels, m


def load(a):
    rows = list(csv.DictReader(open(a.crops + '/crops.csv')))
    X = np.fromfile(a.crops + '/pixels.bin', np.uint8).reshape(len(rows), STORED, STORED, 3)
    y = np.array([BEHAVIOURS.index(MAP.get(r['label'], r['label'])) for r in rows]); room = np.array([r['room'] for r in rows]); img = np.array([r['image'] for r in rows])
    n = sum(r['set'] == 'clabehavior' for r in rows)
    P = np.zeros((len(rows), POINTS, 3), np.float32); T = np.zeros((len(rows), 64), np.float32); has = np.zeros(len(rows), np.float32); has[:n] = 1
    z = np.load(a.thunder); K = z['K'][:, :85].reshape(-1, 17, 5); Fe = z['F'][:, :1280].astype(np.float32)
    assert len(K) == n, (len(K), n)
    for i in range(n):
        r = rows[i]; x, yy, w, h = (float(r[k]) for k in 'xywh'); s = max(w, h) * 1.6; sx, sy, side = (float(r['square_' + k]) for k in ('x', 'y', 'side'))
        P[i, :, 0] = (K[i, :POINTS, 0] * s + x + w / 2 - s / 2 - sx) / side; P[i, :, 1] = (K[i, :POINTS, 1] * s + yy + h / 2 - s / 2 - sy) / side; P[i, :, 2] = K[i, :POINTS, 2]
    train = np.isin(room, a.train.split(','))
    f = Fe - Fe[train[:n]].mean(0); _, sv, vt = np.linalg.svd(f[train[:n]][::3], full_matrices=False); T[:n] = f @ vt[:64].T; T[:n] /= T[:n][train[:n]].std(0)
    return X, y, room, img, P, T, has, train


MIRROR = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9]
def batch(X, P, idx, rng, augment):
    """Pictures (n, 5, 96, 96) and points; augmentation on picture and points together, flow smooth and meaningless on stills."""
    n = len(idx); out = np.zeros((n, 5, SIZE, SIZE), np.float32); pts = P[idx].copy()
    x = torch.from_numpy(X[idx]).permute(0, 3, 1, 2).float()
    th = torch.zeros(n, 2, 3); base = SIZE / STORED  # 96 of the 120 stored pixels
    for i in range(n):
        s, dx, dy, rot, flip = base, 0., 0., 0., 1.
        if augment:
            s = base * math.exp(rng.uniform(-.22, .2)); dx, dy = rng.uniform(-.12, .12, 2); rot = rng.normal(0, .12); flip = -1. if rng.random() < .5 else 1.
        c, d = math.cos(rot) * s, math.sin(rot) * s
        th[i] = torch.tensor([[c * flip, -d, dx], [d * flip, c, dy]])
        # points: picture coordinate p (0..1 of the unaugmented square) -> stored -1..1 -> back through the map
        q = (pts[i, :, :2] - .5) * 2 * base - [dx, dy]; inv = np.linalg.inv(np.array([[c * flip, -d], [d * flip, c]])); pts[i, :, :2] = (q @ inv.T) / 2 + .5
        if flip < 0: pts[i] = pts[i, MIRROR]
    g = F.affine_grid(th, (n, 3, SIZE, SIZE), align_corners=False); x = F.grid_sample(x, g, mode='bilinear', padding_mode='border', align_corners=False)
    if augment:
        x = (x - 128) * torch.from_numpy(rng.uniform(.6, 1.4, (n, 1, 1, 1))).float() + 128 + torch.from_numpy(rng.uniform(-35, 35, (n, 1, 1, 1)) + rng.uniform(-12, 12, (n, 3, 1, 1))).float()
        if rng.random() < .5:
            k = int(rng.integers(24, 80)); x = F.interpolate(F.interpolate(x, (k, k), mode='area'), (SIZE, SIZE), mode='bilinear')
        if rng.random() < .3: x = x.mean(1, keepdim=True).expand(-1, 3, -1, -1) * .8 + x * .2
        x = x + torch.randn(n, 1, SIZE, SIZE) * rng.uniform(0, 8)
        for i in range(n):
            if rng.random() < .35:
                a, b, w, h = rng.integers(0, 76), rng.integers(0, 76), rng.integers(8, 40), rng.integers(8, 40); x[i, :, b:b + h, a:a + w] = float(rng.uniform(0, 255))
    out[:, :3] = (x.clamp(0, 255) / 127.5 - 1).numpy()
    if augment:
        k = torch.randn(n, 2, 4, 4) * torch.from_numpy(rng.exponential(.15, (n, 1, 1, 1))).float() * (torch.rand(n, 1, 1, 1) < .6); out[:, 3:] = F.interpolate(k, (SIZE, SIZE), mode='bicubic').clamp(-1, 1).numpy()
    return torch.from_numpy(out), torch.from_numpy(pts)


def sequences(e, rng, t=5):
    """Stills as sequences: copies with noise, random offsets and hidden steps."""
    b = len(e); step = torch.from_numpy(rng.choice([.5, 1, 1, 1, 2], (b, 1))).float(); off = (torch.arange(t) - t // 2).float() * step
    seen = (torch.rand(b, t) > .2).float(); seen[:, t // 2] = 1
    return (e.unsqueeze(1) + .1 * e.std().detach() * torch.randn(b, t, D)).reshape(b * t, D), off, seen


def f1s(y, p):
    c = np.zeros((10, 10)); np.add.at(c, (y, p), 1); tp = np.diag(c); d = c.sum(0) + c.sum(1)
    return np.where(d > 0, 2 * tp / np.maximum(d, 1), 0), c


def predict(enc, tem, X, P, idx):
    enc.eval(); tem.eval(); tem.freeze(); L = []
    with torch.no_grad():
        for i in range(0, len(idx), 128):
            x, _ = batch(X, P, idx[i:i + 128], None, False); lo = 0
            for v in (x, x.flip(3)): e = enc(v); lo = lo + tem(e.unsqueeze(1).expand(-1, 5, -1).reshape(-1, D), (torch.arange(5.) - 2).expand(len(e), 5), torch.ones(len(e), 5))[0]
            L.append(lo / 2)
    return torch.cat(L)


def main():
    ap = argparse.ArgumentParser(); [ap.add_argument(k) for k in ('crops', 'thunder', 'out')]
    ap.add_argument('--train', default='A,B,1,2'); ap.add_argument('--test', default=''); ap.add_argument('--epochs', type=int, default=20); ap.add_argument('--seed', type=int, default=0); ap.add_argument('--start', default=''); ap.add_argument('--rate', type=float, default=2e-3); ap.add_argument('--balance', type=float, default=.6); a = ap.parse_args()
    torch.manual_seed(a.seed); rng = np.random.default_rng(a.seed); torch.set_num_threads(1)
    X, y, room, img, P, T, has, train = load(a); idx = np.flatnonzero(train)
    w = np.bincount(y[idx], minlength=10).astype(float); w = np.where(w > 0, np.maximum(w, 30) ** -a.balance, 0); w = torch.from_numpy(w / (w[y[idx]].mean())).float()
    enc, tem = Encoder(), Temporal(); points, teacher, direct = nn.Linear(D, POINTS * 2), nn.Linear(D, 64), nn.Linear(D, 10)
    ps = [p for m in (enc, tem, points, teacher, direct) for p in m.parameters() if p.requires_grad]; B = 64; steps = a.epochs * (len(idx) // B)
    if a.start: z = torch.load(a.start); enc.load_state_dict(z['encoder']); z['temporal'].pop('thresholds', 0); tem.load_state_dict(z['temporal'])
    opt = torch.optim.AdamW(ps, a.rate, weight_decay=.02); sch = torch.optim.lr_scheduler.OneCycleLR(opt, a.rate, steps, pct_start=.1)
    on, level = torch.tensor(ON), torch.tensor(LEVEL)
    for ep in range(a.epochs):
        enc.train(); tem.train(); perm = rng.permutation(idx); tot = np.zeros(4)
        for k in range(len(idx) // B):
            j = perm[k * B:(k + 1) * B]; x, pt = batch(X, P, j, rng, True); yt = torch.from_numpy(y[j]); h = torch.from_numpy(has[j])
            e = enc(x); b, at, en, _ = tem(*sequences(e, rng)); ww = w[yt]
            lb = (F.cross_entropy(b, yt, reduction='none', label_smoothing=.05) * ww).mean() + .5 * (F.cross_entropy(direct(e), yt, reduction='none') * ww).mean()
            known = (on[yt] >= 0).float(); la = (F.binary_cross_entropy_with_logits(at, on[yt].clamp(0).float(), reduction='none') * known * ww).mean()
            le = (F.binary_cross_entropy_with_logits(en, (level[yt].unsqueeze(1) > torch.arange(3)).float(), reduction='none').mean(1) * ww).mean()
            pp = points(e).reshape(-1, POINTS, 2); lp = (F.smooth_l1_loss(pp + .5, pt[..., :2], beta=.05, reduction='none').mean(-1) * pt[..., 2] * h.unsqueeze(1)).mean()
            lt = (((teacher(e) - torch.from_numpy(T[j])) ** 2).mean(1) * h).mean()
            loss = lb + .3 * la + .3 * le + 6 * lp + .5 * lt; opt.zero_grad(); loss.backward(); nn.utils.clip_grad_norm_(ps, 5.); opt.step(); sch.step(); tot += [float(v) for v in (lb, la, lp, lt)]
        print('epoch', ep, 'losses', np.round(tot / (len(idx) // B), 3), flush=True)
        if a.test and (ep % 5 == 4 or ep == a.epochs - 1):
            for r in a.test.split(','):
                te = np.flatnonzero(room == r); p = predict(enc, tem, X, P, te).argmax(1).numpy(); f, c = f1s(y[te], p)
                print('  test', r, 'accuracy %.3f' % (p == y[te]).mean(), 'F5 %.3f' % f[[2, 1, 0, 4, 3]].mean(), 'F1', np.round(f, 2), flush=True)
    if a.test:  # temperature on a held-out room
        te = np.flatnonzero(np.isin(room, a.test.split(','))); lo = predict(enc, tem, X, P, te); yt = torch.from_numpy(y[te])
        best = min((float(F.cross_entropy(lo / t, yt)), t) for t in np.linspace(.5, 5, 46)); pr = torch.softmax(lo / best[1], -1); cf, pd = pr.max(1); ok = (pd == yt).float()
        ece = sum(float(m.float().mean() * (cf[m].mean() - ok[m].mean()).abs()) for lo_ in np.arange(0, 1, .1) if (m := (cf > lo_) & (cf <= lo_ + .1)).any()); print('temperature %.2f nll %.3f ece %.3f' % (best[1], best[0], ece))
    if a.out != '-':
        tem.temperature.fill_(float(os.environ.get('TEMPERATURE', '1'))); enc.eval(); tem.eval(); tem.freeze(); m = Whole(enc, tem).eval()
        torch.save({'encoder': enc.state_dict(), 'temporal': tem.state_dict()}, a.out + '.pt')
        torch.onnx.export(m, (torch.randn(10, 5, SIZE, SIZE), torch.randn(2, 5), torch.ones(2, 5)), a.out, input_names=['picture', 'offset', 'seen'], output_names=['embedding', 'behaviour', 'attention', 'engagement', 'moments'],
                          dynamic_axes={'picture': {0: 'N'}, 'offset': {0: 'B', 1: 'T'}, 'seen': {0: 'B', 1: 'T'}}, opset_version=17, dynamo=False)
        print('wrote', a.out, os.path.getsize(a.out), 'bytes', sum(p.numel() for p in m.parameters()), 'parameters')


if __name__ == '__main__': main()
