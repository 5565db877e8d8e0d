#!/usr/bin/env python3
"""How well do pretrained detectors, who never saw our pictures, find the made-up figures?

usage: judge.py NETS SCALE crops  FOLDER [N]      a folder of synthroom crops, N pictures of it
       judge.py NETS SCALE lesson FOLDER [SEC]    a video (../lesson.mp4 or video.mp4) with truth.csv, a frame each SEC seconds
       judge.py NETS SCALE heads  FOLDER VIDEO [SEC]  any video with boxes.csv: share of visible heads found, so that real clips can be set beside

NETS is the folder with movenet-multipose-*.onnx and faceboxes-*.onnx (classlens/nets in the user's cache). SCALE enlarges the pictures; 0 brings each picture's median head
to 30 pixels for the pose net and to 60 for the face net, about what they were made for. Needs numpy,
opencv-python-headless and onnxruntime. Counted are figures with at least half of their whole body showing and the nose inside the picture.
"""
import collections, csv, glob, json, math, os, random, sys
import cv2, numpy as np, onnxruntime as ort

NAMES = 'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist'.split()


def load(pattern):
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.log_severity_level = 1, 3
    s = ort.InferenceSession(sorted(glob.glob(pattern))[0], o)
    return lambda x: dict(zip([p.name for p in s.get_outputs()], s.run(None, {'picture': x})))


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    i = max(0, w) * max(0, h)
    return i / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - i + 1e-9)


def nms(rows, t):
    kept = []
    for r in sorted(rows, key=lambda r: -r[1]):
        if all(iou(r[0], k[0]) < t for k in kept):
            kept.append(r)
    return kept


def pad(im, scale, m):
    r = cv2.resize(im, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    c = np.zeros((-(-r.shape[0] // m) * m, -(-r.shape[1] // m) * m, 3), np.float32)
    c[:r.shape[0], :r.shape[1]] = r[:, :, ::-1]
    return c.transpose(2, 0, 1)[None].copy()


def movenet(net, im, s, thr=.22):
    o = net(pad(im, s, 32))
    p, size, off = o['center'][0, 0], o['box_size'][0], o['box_offset'][0]
    heat, reg, ko = 1 / (1 + np.exp(-np.clip(o['point_heatmap'][0], -60, 60))), o['point_regress'][0], o['point_offset'][0]
    if p.min() < 0 or p.max() > 1:
        p = 1 / (1 + np.exp(-p))
    gy, gx = np.mgrid[:p.shape[0], :p.shape[1]]
    rows = []
    for y, x in np.argwhere((p >= cv2.dilate(p, np.ones((3, 3), np.uint8))) & (p > thr)):
        pts = []
        for k in range(11):
            d = np.hypot(gy - (y + reg[2 * k, y, x]), gx - (x + reg[2 * k + 1, y, x]))
            iy, ix = divmod(int(np.argmax(heat[k] / (d + 1.8))), p.shape[1])
            pts.append(((ix + ko[2 * k + 1, iy, ix]) * 4 / s, (iy + ko[2 * k, iy, ix]) * 4 / s))
        by, bx, bh, bw = y + off[0, y, x], x + off[1, y, x], size[0, y, x], size[1, y, x]
        rows.append(([v * 4 / s for v in (bx - bw / 2, by - bh / 2, bx + bw / 2, by + bh / 2)], float(p[y, x]), pts))
    return nms(rows, .6)


def faceboxes(net, im, s, thr=.5):
    o = net(pad(im, s, 128) / 127.5 - 1)
    rows = []
    grids = {0: [(z, (i + .5) / n * 32, (j + .5) / n * 32) for z, n in ((32, 4), (64, 2), (128, 1)) for i in range(n) for j in range(n)], 1: [(256, 32, 32)], 2: [(512, 64, 64)]}
    for k, st in enumerate((32, 64, 128)):
        c, b, A = o[f'class_{k}'][0], o[f'box_{k}'][0], grids[k]
        c, b = c.reshape(len(A), 2, *c.shape[1:]), b.reshape(len(A), 4, *b.shape[1:])
        q = 1 / (1 + np.exp(c[:, 0] - c[:, 1]))
        for a, y, x in np.argwhere(q > thr):
            z, ox, oy = A[a]
            ty, tx, th, tw = b[a, :, y, x]
            cx, cy, w, h = x * st + ox + tx / 10 * z, y * st + oy + ty / 10 * z, z * np.exp(tw / 5), z * np.exp(th / 5)
            rows.append(([v / s for v in (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)], float(q[a, y, x])))
    return nms(rows, .3)


class Count:
    def __init__(self):
        self.t = collections.defaultdict(lambda: [0, 0])

    def add(self, key, ok):
        self.t[key][0] += bool(ok)
        self.t[key][1] += 1

    def show(self):
        for k in sorted(self.t):
            a, n = self.t[k]
            print(f'{k:34s} {a / max(n, 1):.3f}  {a}/{n}')


def judge(c, im, people, s, mn, fb, group):
    heads, face_scale = sorted(p['head'][3] for p in people), s
    if s == 0:
        s = min(3, max(.25, 30 / heads[len(heads) // 2])) if heads else 1
        face_scale = 2 * s
    found, faces, used, fused = movenet(mn, im, s), faceboxes(fb, im, face_scale), set(), set()
    for p in people:
        P = p['points']
        nose, hidden = P[0], p['hidden']
        if hidden > .5 or nose[2] == 0:
            continue
        sh = math.dist(P[5][:2], P[6][:2])
        torso = max(sh, p['head'][3] * 1.1)
        mid = ((P[5][0] + P[6][0]) / 2, (P[5][1] + P[6][1]) / 2)
        best = None
        for i, (_, _, Q) in enumerate(found):
            d = (math.dist(((Q[5][0] + Q[6][0]) / 2, (Q[5][1] + Q[6][1]) / 2), mid) + math.dist(Q[0], nose[:2])) / 2
            if i not in used and d < torso * .6 and (best is None or d < best[0]):
                best = (d, i)
        h = p['head'][3]
        for key in ('person', 'person ' + group, 'person ' + p['behaviour'], 'person head ' + ('<14' if h < 14 else '14-22' if h < 22 else '>=22') + ' px'):
            c.add(key, best)
        if best:
            used.add(best[1])
            Q = found[best[1]][2]
            for j, n in enumerate(NAMES):
                if P[j][2] == 2:
                    ok = math.dist(Q[j], P[j][:2]) < .25 * torso + 2
                    part = n.split('_')[-1]
                    c.add('point', ok)
                    c.add('point ' + part, ok)
                    c.add('point ' + group, ok)
                    if part == 'wrist':
                        c.add('wrist ' + p['behaviour'], ok)
        if nose[2] == 2 and abs(p['yaw']) < 60 and abs(p['pitch']) < 45:
            hit = next((i for i, (R, _) in enumerate(faces) if i not in fused and math.dist(((R[0] + R[2]) / 2, (R[1] + R[3]) / 2), nose[:2]) < max(6, .5 * (R[2] - R[0]))), None)
            fused.add(hit)
            c.add('face', hit is not None)
            c.add('face ' + group, hit is not None)
    for i in range(len(found)):
        c.add('movenet right', i in used)
    return len(found)


def from_crops(folder, n):
    d = json.load(open(os.path.join(folder, 'annotations.json')))
    by = collections.defaultdict(list)
    for a in d['annotations']:
        k = a['keypoints']
        by[a['image_id']].append(dict(points=[k[3 * i:3 * i + 3] for i in range(17)], hidden=a['body_hidden'], head=a['head_bbox'], behaviour=a['behaviour'], yaw=a['head_yaw'], pitch=a['head_pitch']))
    random.seed(1)
    for im in random.sample(d['images'], min(n, len(d['images']))):
        yield cv2.imread(os.path.join(folder, im['file_name'])), by[im['id']], im['camera']


def from_video(folder, every):
    rows = collections.defaultdict(list)
    points = []
    for r in csv.DictReader(open(os.path.join(folder, 'truth.csv'))):
        points = points or [k[:-2] for k in r if k.endswith('_seen') is False and k.endswith('_x') and k[:-2] + '_seen' in r]
        rows[int(r['frame'])].append(dict(points=[(float(r[n + '_x']), float(r[n + '_y']), int(r[n + '_seen'])) for n in points], hidden=float(r['body_hidden']),
                                          head=[float(r['head_' + k]) for k in 'xywh'], behaviour=r['behaviour'] if r['student'] != 'T01' else 'teacher', yaw=float(r['head_yaw']), pitch=float(r['head_pitch'])))
    video = os.path.join(folder, 'video.mp4')
    cap = cv2.VideoCapture(video if os.path.exists(video) else os.path.normpath(folder) + '.mp4')
    step, i = max(1, round(every * cap.get(cv2.CAP_PROP_FPS))), 0
    while True:
        ok, im = cap.read()
        if not ok:
            return
        if i % step == 0 and i in rows:
            yield im, rows[i], 'lesson'
        i += 1


def judge_heads(folder, video, every, s, mn, fb, c):
    rows = collections.defaultdict(list)
    for r in csv.DictReader(open(os.path.join(folder, 'boxes.csv'))):
        rows[float(r['time_s'])].append(r)
    cap, times = cv2.VideoCapture(video), sorted(rows)
    for t in times[::max(1, round(every / (times[1] - times[0])))]:
        cap.set(cv2.CAP_PROP_POS_MSEC, t * 1000)
        ok, im = cap.read()
        if not ok:
            return
        people = [[np.mean([p[0] for p in Q[:5]]), np.mean([p[1] for p in Q[:5]])] for _, _, Q in movenet(mn, im, s)]
        faces = [[(R[0] + R[2]) / 2, (R[1] + R[3]) / 2] for R, _ in faceboxes(fb, im, s)]
        for r in rows[t]:
            if r['visibility'] == 'hidden':
                continue
            x, y, w, h = (float(r[k]) for k in 'xywh')
            for what, places in (('movenet', people), ('faceboxes', faces)):
                near = [(math.hypot((px - x - w / 2) / w, (py - y - h / 2) / h), i) for i, (px, py) in enumerate(places)]
                d, i = min(near, default=(9, 0))
                c.add(f'{what} head {r["visibility"]}', d < .65)
                c.add(f'{what} head', d < .65)
                if d < .65:
                    places.pop(i)


def main():
    nets, scale, kind, folder = sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4]
    mn, fb, c = load(nets + '/movenet-multipose-*.onnx'), load(nets + '/faceboxes-*.onnx'), Count()
    if kind == 'heads':
        judge_heads(folder, sys.argv[5], float(sys.argv[6]) if len(sys.argv) > 6 else 3, scale, mn, fb, c)
        c.show()
        return
    items = from_crops(folder, int(sys.argv[5]) if len(sys.argv) > 5 else 100) if kind == 'crops' else from_video(folder, float(sys.argv[5]) if len(sys.argv) > 5 else 3)
    for im, people, group in items:
        judge(c, im, people, scale, mn, fb, group)
    c.show()


if __name__ == '__main__':
    main()
