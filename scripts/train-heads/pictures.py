"""Pictures with head boxes, and random crops of them as a training step wants them.

A picture carries `heads` (n, 4) as middle x, middle y, width, height, and `unsure` (m, 4) as x, y, width, height:
places where nothing is judged. Pixels of the picture.
"""
import collections
import csv
import glob
import json
import os

import cv2
import numpy as np

SIZE = 256  # side of a crop
SMALLEST, LARGEST = 9, 140  # heads outside are not judged, pixels of the crop


class Picture:
    def __init__(self, image, heads, unsure, source, hands=(), name="", students=()):
        self.levels = [image]  # halved again and again, so that reducing skips no pixels
        while min(self.levels[-1].shape[:2]) > 200 and len(self.levels) < 4:
            self.levels.append(cv2.resize(self.levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        self.heads = np.array(heads, np.float32).reshape(-1, 4)
        self.unsure = np.array(unsure, np.float32).reshape(-1, 4)
        self.hands = np.array(hands, np.float32).reshape(-1, 3)  # middle and height of the heads about, where hands are known and seen
        self.source, self.name = source, name
        self.students = np.array(students, np.float32).reshape(-1, 4)  # x, y, width, height of boxes that a person drew about one student each
        self.sure = np.full(len(self.heads), 0.5)  # how surely the net finds each head, running
        self.wrong = collections.deque(maxlen=8)  # where it saw one that is none: middle and height of the heads about


def iou(a, b):
    """a (4), b (n, 4) as x, y, w, h."""
    x = np.minimum(a[0] + a[2], b[:, 0] + b[:, 2]) - np.maximum(a[0], b[:, 0])
    y = np.minimum(a[1] + a[3], b[:, 1] + b[:, 3]) - np.maximum(a[1], b[:, 1])
    both = np.clip(x, 0, None) * np.clip(y, 0, None)
    return both / (a[2] * a[3] + b[:, 2] * b[:, 3] - both)


def agreed(plain, mirrored):
    """Heads that both looks of `label` show, and places that one alone or neither surely shows."""
    plain, mirrored = np.array(plain).reshape(-1, 5), np.array(mirrored).reshape(-1, 5)
    heads, unsure, used = [], [], np.zeros(len(mirrored), bool)
    for a in plain[np.argsort(-plain[:, 4])]:
        o = np.where(used, 0, iou(a, mirrored)) if len(mirrored) else np.zeros(0)
        j = int(o.argmax()) if len(o) else -1
        if j >= 0 and o[j] > 0.45:
            used[j] = True
            b = mirrored[j]
            box = (a[:4] + b[:4]) / 2
            if (1 - (1 - a[4]) * (1 - b[4])) > 0.75 and max(a[4], b[4]) > 0.6 and min(a[4], b[4]) > 0.2:
                heads.append([box[0] + box[2] / 2, box[1] + box[3] / 2, box[2], box[3]])
                continue
            unsure.append(box)
        elif a[4] > 0.12:
            unsure.append(a[:4])
    unsure.extend(b[:4] for b in mirrored[~used] if b[4] > 0.12)
    # Room about each: the box itself is as unsure as the score.
    return heads, [[x - 0.3 * w, y - 0.3 * h, 1.6 * w, 1.6 * h] for x, y, w, h in unsure]


def second(p, plain, mirrored):
    """Amends pseudo-labels by what another net sees, rows of middle x, middle y, width, height, logit, upright and mirrored: where it surely sees a head
    in both looks there is one if the pretrained nets were unsure, and nothing is judged there if they saw nothing."""
    box = lambda q: np.hstack([q[:, :2] - q[:, 2:4] / 2, q[:, 2:4]])
    heads, unsure = [], []
    known, other = box(p.heads), box(mirrored)
    for a, corner in zip(plain, box(plain)):
        o = iou(corner, other) if len(other) else np.zeros(1)
        j = int(o.argmax())
        if a[4] <= 0 or o[j] <= 0.45 or mirrored[j, 4] <= 0 or (len(known) and iou(corner, known).max() > 0.3):
            continue
        x, y, w, h = (a[:4] + mirrored[j, :4]) / 2
        u = p.unsure
        if ((np.abs(u[:, 0] + u[:, 2] / 2 - x) < 0.5 * w) & (np.abs(u[:, 1] + u[:, 3] / 2 - y) < 0.5 * h) & (u[:, 3] < 2.5 * h)).any():
            heads.append([x, y, w, h])
        else:
            unsure.append([x - 0.8 * w, y - 0.8 * h, 1.6 * w, 1.6 * h])
    p.heads = np.vstack([p.heads, np.array(heads, np.float32).reshape(-1, 4)])
    p.unsure = np.vstack([p.unsure, np.array(unsure, np.float32).reshape(-1, 4)])
    p.sure = np.full(len(p.heads), 0.5)
    return len(heads), len(unsure)


def read_labels(path):
    """Lines of label/; the last may still be being written."""
    for line in open(path):
        if line.endswith("\n"):
            yield json.loads(line)


def clabehavior(root, labels, known):
    """Photos of two primary-school rooms; known holds what was read before and is added to. Not every student has a labelled box; a box of `discuss` holds several."""
    notes = json.load(open(f"{root}/clabehavior/annotations.json"))
    seen = {l["file"]: l for l in read_labels(labels)}
    boxes = {}
    for a in notes["annotations"]:
        boxes.setdefault(a["image_id"], []).append((a["category_id"], a["bbox"]))
    for i in notes["images"]:
        l = seen.get(i["file_name"])
        if l is None or i["file_name"] in known:
            continue
        known.add(i["file_name"])
        heads, unsure = agreed(l["Heads"], l["Mirrored"])
        middles = np.array(heads).reshape(-1, 4)
        drawn = boxes.get(i["id"], [])
        for kind, (x, y, w, h) in drawn:
            inside = (middles[:, 0] > x) & (middles[:, 0] < x + w) & (middles[:, 1] > y - 0.1 * h) & (middles[:, 1] < y + 0.7 * h)
            if kind == 7 or not inside.any():
                unsure.append([x, y - 0.1 * h, w, h if kind == 7 else 0.8 * h])
        yield Picture(cv2.imread(f"{root}/clabehavior/images/{i['file_name']}"), heads, unsure, i["room"], name=i["file_name"], students=[b for kind, b in drawn if kind != 7])


def cctv(root):
    """One university room under a ceiling camera, every head boxed but for one cut by the picture's lower edge."""
    for path in sorted(glob.glob(f"{root}/cctv/images/*.jpg")):
        image = cv2.imread(path)
        h, w = image.shape[:2]
        rows = [[float(v) for v in line.split()[1:]] for line in open(path.replace("images", "labels").replace(".jpg", ".txt"))]
        heads = [[x * w, y * h, bw * w, bh * h] for x, y, bw, bh in rows]
        yield Picture(image, heads, [[0.5 * w, 0.84 * h, 0.25 * w, 0.16 * h]], "cctv", name=os.path.basename(path))


def adults(labels, folder, known):
    for l in read_labels(labels):
        path = os.path.join(folder, l["file"])
        if os.path.exists(path) and path not in known:
            known.add(path)
            yield Picture(cv2.imread(path), *agreed(l["Heads"], l["Mirrored"]), "adults")


def rendered(folders, known):
    """Rooms of `synthroom rooms` at one frame a second: exact heads; those hidden by three quarters are not judged."""
    for folder in folders:
        if folder in known or not os.path.exists(f"{folder}/behaviour.csv"):
            continue
        known.add(folder)
        rows = {}
        for r in csv.DictReader(open(f"{folder}/truth.csv")):
            rows.setdefault(int(r["frame"]), []).append(r)
        video = cv2.VideoCapture(f"{folder}/video.mp4")
        n = 0
        while True:
            ok, image = video.read()
            if not ok:
                break
            n += 1
            if n - 1 not in rows:  # its heads are not known
                continue
            heads, unsure, hands = [], [], []
            for r in rows[n - 1]:
                x, y, w, h = (float(r[f"head_{k}"]) for k in "xywh")
                if w * h <= 0:
                    continue
                hands += [[float(r[f"{side}_wrist_x"]), float(r[f"{side}_wrist_y"]), h] for side in ("left", "right") if r[f"{side}_wrist_seen"] == "2"]
                if float(r["head_hidden"]) > 0.7:
                    unsure.append([x, y, w, h])
                else:
                    heads.append([x + w / 2, y + h / 2, w, h])
            yield Picture(image, heads, unsure, "rendered", hands, f"{os.path.basename(folder)}-{n - 1}")


# Sources whose labels are a person's or exact: there a mistake of the net is one.
EXACT = ("cctv", "rendered")


def crop(p, rng, size=SIZE, scales=(12, 75)):
    """A random view of a picture: (size, size, 3) uint8, heads, unsure places and hands in its pixels, and the view's matrix A and shift t.

    Heads that the net misses are drawn oftener, and so are places that it took for heads, less where labels may be wrong, and hands."""
    image = p.levels[0]
    H, W = image.shape[:2]
    goal = np.exp(rng.uniform(np.log(scales[0]), np.log(scales[1])))
    dice = rng.random()
    if p.wrong and dice < (0.15 if p.source in EXACT else 0.07):
        cx, cy, h = p.wrong[rng.integers(len(p.wrong))]
        s = goal / h
    elif HANDS and len(p.hands) and dice < 0.15 + HANDS:
        cx, cy, h = p.hands[rng.integers(len(p.hands))]
        s = goal / h
    elif len(p.heads) and dice < 0.87:
        chances = np.cumsum((1.1 if p.source in EXACT else 1.5) - p.sure)
        cx, cy, _, h = p.heads[int(np.searchsorted(chances, rng.random() * chances[-1]))]
        s = goal / h
    else:
        cx, cy = rng.uniform(0, W), rng.uniform(0, H)
        s = goal / (np.median(p.heads[:, 3]) if len(p.heads) else 40)
    s = float(np.clip(s, 0.8 * size / W, 4))
    sx, sy = s * np.exp(rng.normal(0, 0.06)), s * np.exp(rng.normal(0, 0.06))
    turn = np.deg2rad(rng.normal(0, 4)) if rng.random() < 0.5 else 0.0
    flip = -1 if rng.random() < 0.5 else 1
    c, d = np.cos(turn), np.sin(turn)
    A = np.array([[flip * sx * c, -sy * d], [flip * sx * d, sy * c]])
    t = np.array([size * rng.uniform(0.15, 0.85), size * rng.uniform(0.15, 0.85)]) - A @ [cx, cy]
    corners = np.array([[0, 0], [W, 0], [0, H], [W, H]]) @ A.T + t
    low, high = corners.min(0), corners.max(0)  # no more emptiness about the picture than must be
    t = t - np.where(high - low > size, np.clip(low, 0, None) + np.clip(high - size, None, 0), 0)
    level = int(np.clip(np.floor(np.log2(1 / s) + 0.3), 0, len(p.levels) - 1))
    k = p.levels[level].shape[1] / W
    M = np.hstack([A / k, t[:, None]])
    fill = int(rng.integers(0, 256))
    view = cv2.warpAffine(p.levels[level], M, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(fill,) * 3)
    heads, unsure = p.heads.copy(), p.unsure.copy()
    heads[:, :2] = heads[:, :2] @ A.T + t
    heads[:, 2], heads[:, 3] = heads[:, 2] * sx, heads[:, 3] * sy
    if len(unsure):
        middle = (unsure[:, :2] + unsure[:, 2:] / 2) @ A.T + t
        unsure[:, 2], unsure[:, 3] = unsure[:, 2] * sx, unsure[:, 3] * sy
        unsure[:, :2] = middle - unsure[:, 2:] / 2
    hands = np.hstack([p.hands[:, :2] @ A.T + t, p.hands[:, 2:] * sy])
    return view, heads, unsure, hands, (A, t)


STACKED = 0.0  # share of views into which a second person is put close before a head (train.py --stacked)


def stack(p, view, heads, unsure, rng):
    """Puts another person of the picture before a head of the view, lower and nearer, so that a part of it is hidden: heads behind one another, which
    pictures show seldom and the net takes for one. Gives view, heads and unsure places anew."""
    size = view.shape[0]
    small = [i for i, (x, y, w, h) in enumerate(heads) if 11 < h < 80 and w < x < size - w and h < y < size - h / 2]
    # Who is put there must be seen whole, with nobody before or beside the shoulders.
    x, y, w, h = p.heads.T
    reach = (w * 1.1)[:, None], (h * 1.6)[:, None], (h * 0.8)[:, None]
    places = np.vstack([p.heads[:, :2], p.unsure[:, :2] + p.unsure[:, 2:] / 2])
    dx, dy = np.abs(places[None, :, 0] - x[:, None]), places[None, :, 1] - y[:, None]
    crowd = ((dx < reach[0]) & (dy < reach[1]) & (dy > -reach[2])).sum(1) > 1
    H, W = p.levels[0].shape[:2]
    whole = np.flatnonzero(~crowd & (x > w) & (x < W - w) & (y > h) & (y < H - 1.5 * h))
    if not small or not len(whole):
        return view, heads, unsure
    bx, by, bw, bh = heads[small[rng.integers(len(small))]]
    nh = bh * np.exp(rng.uniform(-0.05, 0.3))
    whole = whole[h[whole] > 0.5 * nh]
    if not len(whole):
        return view, heads, unsure
    d = whole[rng.integers(len(whole))]
    k = nh / h[d]
    nw = w[d] * k
    nx, ny = bx + rng.uniform(-0.7, 0.7) * bw, by + rng.uniform(0.35, 1.0) * bh
    if iou(np.array([nx - nw / 2, ny - nh / 2, nw, nh]), np.array([[bx - bw / 2, by - bh / 2, bw, bh]]))[0] > 0.42:
        return view, heads, unsure
    level = int(np.clip(np.floor(np.log2(1 / k) + 0.3), 0, len(p.levels) - 1))
    scale = p.levels[level].shape[1] / W
    flip = -1 if rng.random() < 0.5 else 1
    M = np.array([[flip * k / scale, 0, nx - flip * k * x[d]], [0, k / scale, ny - k * y[d]]])
    body = cv2.warpAffine(p.levels[level], M, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((size, size), np.uint8)

    def ellipse(cx, cy, rx, ry):
        cv2.ellipse(mask, (round(cx * 16), round(cy * 16)), (round(rx * 16), round(ry * 16)), 0, 0, 360, 255, -1, cv2.LINE_AA, 4)

    ellipse(nx, ny, 0.48 * nw, 0.5 * nh)
    ellipse(nx, ny + 1.3 * nh, 0.95 * nw, 0.8 * nh)
    mask[max(int(ny + 1.6 * nh), 0):] = 0
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.04 * nh)).astype(np.float32)[..., None] / 255
    view = (view * (1 - mask) + body * mask + 0.5).astype(np.uint8)
    kept, hidden = [], []
    for a, b, c, e in heads:
        x0, x1, y0, y1 = (int(np.clip(v, 0, size)) for v in (a - c / 2, a + c / 2 + 1, b - e / 2, b + e / 2 + 1))
        covered = mask[y0:y1, x0:x1]
        (hidden if covered.size and covered.mean() > 0.65 else kept).append([a, b, c, e])
    hidden = [[a - c / 2, b - e / 2, c, e] for a, b, c, e in hidden]
    return view, np.array([*kept, [nx, ny, nw, nh]], np.float32), np.vstack([unsure.reshape(-1, 4), np.array(hidden, np.float32).reshape(-1, 4)])


NOISE = np.random.default_rng(0).normal(0, 16, (2 * SIZE, 2 * SIZE, 3)).astype(np.int8)  # drawn once: drawing takes longer than training


def worsen(x, rng):
    """What cameras and encoders do: colour, blur, few pixels, noise, JPEG. (SIZE, SIZE, 3) uint8 in and out."""
    if rng.random() < 0.8:
        kind = rng.random()
        if kind < 0.6:  # from grey to gaudy
            grey = cv2.cvtColor(cv2.cvtColor(x, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            k = 0.0 if kind < 0.12 else rng.uniform(0.3, 1.6)
            x = cv2.addWeighted(x, k, grey, 1 - k, 0)
        mean = float(x[::8, ::8].mean())
        v = np.arange(256, dtype=np.float32)[:, None] * np.exp(rng.normal(0, 0.12, 3) if kind < 0.6 else np.zeros(3))
        v = (v - mean) * rng.uniform(0.55, 1.35) + mean * np.exp(rng.normal(0, 0.35)) + rng.normal(0, 8)
        if rng.random() < 0.5:
            v = 255 * np.power(np.clip(v, 0, 255) / 255, np.exp(rng.normal(0, 0.3)))
        x = cv2.LUT(x, np.clip(v, 0, 255).astype(np.uint8)[:, None, :])
    size = x.shape[0]
    small = rng.random() < 0.6
    if small:  # a low-resolution recording, enlarged by the detector
        n = int(size / rng.uniform(1.2, 3.2))
        x = cv2.resize(x, (n, n), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.25:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.4:
        n = x.shape[0]
        a, b = rng.integers(0, 2 * SIZE - n, 2)
        noise = cv2.multiply(NOISE[a:a + n, b:b + n], rng.uniform(1, 9) / 16, dtype=cv2.CV_16S)
        x = cv2.add(x, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.6:
        x = cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(18, 90))])[1], cv2.IMREAD_COLOR)
    if small:
        x = cv2.resize(x, (size, size), interpolation=cv2.INTER_CUBIC)
    return x


HARDER = 1.0  # weight of cells where nets see heads that are none: beside a head, and at hands (train.py --harder)
HANDS = 0.0  # share of crops about a hand (train.py --hands)


def targets(heads, unsure, hands, size=SIZE):
    """heat (H, W), weight of heat (H, W), boxes (4, H, W) as log h, log w, dy, dx in cells, weight of boxes (H, W)."""
    n = size // 4
    heat, judged = np.zeros((n, n), np.float32), np.ones((n, n), np.float32)
    weight = np.ones((n, n), np.float32)
    boxes, near = np.zeros((4, n, n), np.float32), np.zeros((n, n), np.float32)
    for x, y, w, h in unsure / 4:
        judged[max(int(y), 0):max(int(np.ceil(y + h)), 0), max(int(x), 0):max(int(np.ceil(x + w)), 0)] = 0
    grid = np.arange(n, dtype=np.float32) + 0.5
    order = heads[np.argsort(-heads[:, 3])] if len(heads) else heads  # nearer heads are drawn last
    for x, y, w, h in order / 4:
        if not (-w / 2 < x < n + w / 2 and -h / 2 < y < n + h / 2):
            continue
        inside = min(x + w / 2, n) - max(x - w / 2, 0) > 0.5 * w and min(y + h / 2, n) - max(y - h / 2, 0) > 0.5 * h
        x0, x1, y0, y1 = max(int(x - w / 2), 0), int(x + w / 2) + 1, max(int(y - h / 2), 0), int(y + h / 2) + 1
        if not inside or h * 4 < SMALLEST or h * 4 > LARGEST:
            judged[y0:y1, x0:x1] = 0
            continue
        judged[y0:y1, x0:x1] = 1
        cx, cy = min(max(x, 0.01), n - 0.01), min(max(y, 0.01), n - 0.01)
        gx = np.exp(-((grid - cx) ** 2) / (2 * (0.13 * w + 0.35) ** 2))
        gy = np.exp(-((grid - cy) ** 2) / (2 * (0.13 * h + 0.35) ** 2))
        g = gy[:, None] * gx[None]
        g[int(cy), int(cx)] = 1
        heat = np.maximum(heat, g)
        # A second box on the same head lies up to a head away from it.
        weight[max(int(y - 0.8 * h), 0):int(y + 1.2 * h) + 1, max(int(x - w), 0):int(x + w) + 1] = HARDER
        own = g > np.maximum(near, 0.3)
        near[own] = g[own]
        boxes[0][own], boxes[1][own] = np.log(h), np.log(w)
        boxes[2][own] = (cy * 0 + y - grid)[:, None].repeat(n, 1)[own]
        boxes[3][own] = (x - grid)[None].repeat(n, 0)[own]
    for x, y, h in hands / 4:
        r = 0.5 * h + 1
        weight[max(int(y - r), 0):max(int(y + r), 0), max(int(x - r), 0):max(int(x + r), 0)] = HARDER
    return heat, judged * np.where(heat < 0.05, weight, 1), boxes, near


class Crops:
    """Endless batches. shares says how often each source is drawn."""

    def __init__(self, pictures, shares, seed):
        self.rng = np.random.default_rng(seed)
        self.shares = shares
        self.by = {}
        self.add(pictures)

    def add(self, pictures):
        for p in pictures:
            self.by.setdefault(p.source, []).append(p)
        self.names = [k for k in self.shares if self.by.get(k)]
        weights = np.array([self.shares[k] for k in self.names], float)
        self.weights = weights / weights.sum()

    def pick(self):
        pictures = self.by[self.names[self.rng.choice(len(self.names), p=self.weights)]]
        return pictures[self.rng.integers(len(pictures))]

    def one(self):
        r, from_ = self.rng, None
        if r.random() < 0.2:  # four views of other scales and rooms in one
            half, parts, heads, unsure, hands = SIZE // 2, [], [], [], np.zeros((0, 3))
            for j in (0, half):
                for i in (0, half):
                    p = self.pick()
                    v, h, u, *_ = crop(p, r, half, (11, 34))
                    if r.random() < STACKED:
                        v, h, u = stack(p, v, h, u, r)
                    keep = (h[:, 0] > 0) & (h[:, 0] < half) & (h[:, 1] > 0) & (h[:, 1] < half)
                    edge = ~keep & (h[:, 0] > -h[:, 2] / 2) & (h[:, 0] < half + h[:, 2] / 2) & (h[:, 1] > -h[:, 3] / 2) & (h[:, 1] < half + h[:, 3] / 2)
                    cut = np.hstack([h[edge, :2] - h[edge, 2:] / 2, h[edge, 2:]])
                    for b in np.vstack([u, cut]):
                        x0, y0 = np.clip(b[:2], 0, half)
                        x1, y1 = np.clip(b[:2] + b[2:], 0, half)
                        if x1 > x0 and y1 > y0:
                            unsure.append([x0 + i, y0 + j, x1 - x0, y1 - y0])
                    heads.append(h[keep] + [i, j, 0, 0])
                    parts.append(v)
            view = np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])])
            heads, unsure = np.vstack(heads), np.array(unsure, np.float32).reshape(-1, 4)
        else:
            p = self.pick()
            view, heads, unsure, hands, at = crop(p, r)
            from_ = p, heads, at
            if r.random() < STACKED:
                view, heads, unsure = stack(p, view, heads, unsure, r)
        return worsen(view, r), heads, unsure, hands, from_

    def batch(self, n):
        """x (n, 3, SIZE, SIZE), then the targets of each, stacked. tell says how well the net did on it."""
        x, rest, self.told = [], [], []
        for _ in range(n):
            view, heads, unsure, hands, from_ = self.one()
            x.append(view[:, :, ::-1].transpose(2, 0, 1))
            rest.append(targets(heads, unsure, hands))
            self.told.append(from_)
        self.last = [np.stack(t) for t in zip(*rest)]
        return np.stack(x).astype(np.float32) / 64 - 2, *self.last

    def tell(self, p):
        """p (n, SIZE/4, SIZE/4): the net's probabilities for the last batch. Keeps where it was wrong."""
        heat, judged = self.last[:2]
        for q, g, j, from_ in zip(p, heat, judged, self.told):
            if from_ is None:
                continue
            picture, heads, (A, t) = from_
            n = len(q)
            for i, (x, y, _, h) in enumerate(heads / 4):
                if 1 <= x < n - 1 and 1 <= y < n - 1 and j[int(y), int(x)] and SMALLEST < 4 * h < LARGEST:
                    best = q[int(y) - 1:int(y) + 2, int(x) - 1:int(x) + 2].max()
                    picture.sure[i] += 0.3 * (best - picture.sure[i])
            none = q * (g < 0.02) * j
            y, x = divmod(int(none.argmax()), n)
            if none[y, x] > 0.3 and len(heads):
                where = np.linalg.solve(A, np.array([x, y]) * 4 + 2 - t)
                picture.wrong.append((*where, float(np.median(picture.heads[:, 3]))))
