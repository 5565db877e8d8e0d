# LightGBM with the settings of models.Boosting on the exported features; prints a probability a test row.
import csv, sys
import lightgbm, numpy

COURSE_WIDE = {"progress", "weeks", "due_count", "due_weight", "cohort_left", "cohort_handed", "cohort_score"}

def read(name):
    rows = list(csv.reader(open(name, encoding="utf-8")))
    keep = [i for i, c in enumerate(rows[0]) if i > 1 and c not in COURSE_WIDE]
    x = numpy.array([[float(r[i]) if r[i] else numpy.nan for i in keep] for r in rows[1:]])
    return x, numpy.array([float(r[0]) for r in rows[1:]]), [r[1] for r in rows[1:]]

x, y, modules = read(sys.argv[1])
tx, _, test_modules = read(sys.argv[2])
names = sorted(set(modules))
x = numpy.hstack([x, [[float(m == n) for n in names] for m in modules]])
tx = numpy.hstack([tx, [[float(m == n) for n in names] for m in test_modules]])
z = 0
for seed in 1, 2, 3:
    m = lightgbm.LGBMClassifier(n_estimators=160, num_leaves=15, min_child_samples=40, reg_lambda=5, colsample_bynode=.4, subsample=.7, subsample_freq=1,
                                learning_rate=.04, max_bin=63, n_jobs=1, verbose=-1, random_state=seed)
    z = z + m.fit(x, y).predict(tx, raw_score=True)
for v in z / 3:
    print(1 / (1 + numpy.exp(-v)))
