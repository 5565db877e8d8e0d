#!/usr/bin/env python3
"""Makes the invented truth and predictions of this folder and, with the development data's score.py (its path as the first
argument), golden.json: make.py SCORE_PY. Nothing here was seen by a camera."""
import csv, json, random, subprocess, sys
random.seed(7)
W = lambda p, h: (lambda f: (csv.writer(f).writerow(h), csv.writer(f))[1])(open(p, 'w', newline=''))
b, p = W('truth/boxes.csv', ['time_s', 'student_id', 'x', 'y', 'w', 'h', 'visibility']), W('pred.csv', ['time_s', 'track_id', 'x', 'y', 'w', 'h'])
W('truth/ignore.csv', ['x', 'y', 'w', 'h']).writerow([300, 300, 60, 60])
for t in range(20):
    for s in range(12):
        x, y = 40 + s % 4 * 26 + random.randint(-3, 3), 50 + s // 4 * 22 + random.randint(-3, 3)
        b.writerow([t, 's%02d' % s, x, y, 20, 24, random.choices(['full', 'partial', 'hidden'], [8, 1, 1])[0]])
        if random.random() < .9:
            k = s if random.random() < .93 else (s + 1) % 12
            p.writerow([t + random.choice([0, 0, .1, -.2]), 'S%02d' % k] + [round(v + random.gauss(0, 4), 2) for v in (x, y)] + [round(random.uniform(14, 34), 2), round(random.uniform(18, 60), 2)])
    for _ in range(2): p.writerow([t, 'F%d' % random.randint(0, 9), random.randint(0, 350), random.randint(0, 350), 20, 24])
del b, p
import gc; gc.collect()
if len(sys.argv) > 1:
    r = json.loads(subprocess.check_output([sys.executable, sys.argv[1], 'truth', 'pred.csv', '--json']))
    json.dump(r['boxes'], open('golden.json', 'w'), indent=1, sort_keys=True)
