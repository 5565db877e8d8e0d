#!/usr/bin/env python3
"""What rendered pictures bring to a classifier of real rooms: points of MoveNet Thunder, boosted trees, tested on rooms not trained on.

usage: real_rooms.py points NET.onnx FOLDER N OUT.npz              points of N students of a synthroom crops folder
       real_rooms.py gain PROTOTYPES REAL.npz POINTS.npz SYN.npz   rendered alone, the other real room, both

NET is movenet-thunder-*.onnx of the project's cache. PROTOTYPES is the folder with probe.py and posefeat.py; REAL.npz and POINTS.npz are what crops.py and
pose.py there make of the real pictures. Needs numpy, opencv-python-headless, onnxruntime, lightgbm, scikit-learn, torch.
"""
import json, random, sys
import numpy as np

CLASSES = ['write', 'read', 'look_forward', 'turn', 'raise_hand', 'stand', 'discuss']
MARGIN, SIZE = 1.6, 256


def points(net, folder, n, out):
    import cv2, onnxruntime as ort
    d = json.load(open(folder + '/annotations.json'))
    images = {i['id']: i for i in d['images']}
    random.seed(3)
    rows = [a for a in d['annotations'] if a['behaviour'] in CLASSES and a['body_hidden'] < .7 and a['head_hidden'] < .6 and a['head_bbox'][3] > 14
            and images[a['image_id']]['camera'] in ('front', 'corner', 'side')]
    random.shuffle(rows)
    rows = sorted(rows[:n], key=lambda a: a['image_id'])
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.log_severity_level = 1, 3
    run, sig, g = ort.InferenceSession(net, o).run, lambda z: 1 / (1 + np.exp(-np.clip(z, -30, 30))), SIZE // 4
    yy, xx = np.mgrid[:g, :g].astype(np.float32)
    prior = np.exp(-(((xx + .5) / g - .5) ** 2 + ((yy + .5) / g - .6) ** 2) / (2 * .22 ** 2))
    K, Y, G, I = [], [], [], []
    for a in rows:
        i = images[a['image_id']]
        im = cv2.imread(folder + '/' + i['file_name'])
        x, y, w, h = a['upper_bbox']
        x0, y0 = max(x, 0), max(y, 0)
        w, h = min(x + w, i['width']) - x0, min(y + h, i['height']) - y0
        cx, cy = x0 + w / 2, y0 + h / 2
        z = SIZE / (max(w, h) * MARGIN)
        if z < .7:
            im = cv2.GaussianBlur(im, (0, 0), .4 / z)
        c = cv2.warpAffine(im, np.float32([[z, 0, SIZE / 2 - cx * z], [0, z, SIZE / 2 - cy * z]]), (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)[..., ::-1]
        center, heat, reg, off = run(None, {'picture': np.ascontiguousarray(c.astype(np.float32).transpose(2, 0, 1)[None])})
        center, heat = sig(center)[0, 0], sig(heat[0])
        py, px = divmod(int((center * prior).argmax()), g)
        k = []
        for b in range(17):
            ey, ex = py + reg[0, 2 * b, py, px], px + reg[0, 2 * b + 1, py, px]
            ky, kx = divmod(int((heat[b] / (np.hypot(yy - ey, xx - ex) + 1.8 * g / 48)).argmax()), g)
            k += [(kx + off[0, 2 * b + 1, ky, kx]) / g, (ky + off[0, 2 * b, ky, kx]) / g, heat[b, ky, kx], ex / g, ey / g]
        K.append(k + [center[py, px], px / g, py / g, 0, 0])
        Y.append(CLASSES.index(a['behaviour']))
        G.append([cx / i['width'], cy / i['height'], w / i['width'], h / i['height']])
        I.append(a['image_id'])
    np.savez(out, K=np.array(K, np.float32), y=np.array(Y), geo=np.array(G, np.float32), img=np.array(I))


def gain(prototypes, real, real_points, rendered):
    sys.path.insert(0, prototypes)
    from posefeat import feats
    from probe import gbt, gbt_prob
    from sklearn.metrics import f1_score
    w, k, s = np.load(real), np.load(real_points)['K'], np.load(rendered)
    y, room = w['y'], w['room']
    R = [feats(k, w['geo'], w['img'], m)[0] for m in (False, True)]
    S = [feats(s['K'], s['geo'], s['img'], m)[0] for m in (False, True)]
    for train, test in (('A', 'B'), ('B', 'A')):
        j, t = np.flatnonzero(room == train), np.flatnonzero(room == test)
        sets = {'rendered alone': (S, s['y']), 'real ' + train: ([r[j] for r in R], y[j]), 'both': ([np.r_[r[j], q] for r, q in zip(R, S)], np.r_[y[j], s['y']])}
        for name, (X, Y) in sets.items():
            g = gbt(np.r_[X[0], X[1]], np.r_[Y, Y])
            p = (gbt_prob(g, R[0][t]) + gbt_prob(g, R[1][t])).argmax(1)
            f = f1_score(y[t], p, labels=range(7), average=None, zero_division=0)
            recall = [(p[y[t] == c] == c).mean() for c in range(7) if (y[t] == c).sum() >= 20]
            print(f'{name:16s} > {test}: accuracy {(p == y[t]).mean():.3f} F5 {f[:5].mean():.3f} balanced {np.mean(recall):.3f}', np.round(f, 2))


if __name__ == '__main__':
    if sys.argv[1] == 'points':
        points(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        gain(*sys.argv[2:6])
