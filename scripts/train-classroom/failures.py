"""The surest mistakes on rendered students as one picture, for the model card: it shows no real face. usage: failures.py FOLDER PREDICTIONS.csv OUT.png

FOLDER of `synthroom crops` with a seed that nothing was trained on; PREDICTIONS of `classlens eval FOLDER --size m --predictions`. One of each kind of mistake, the surest.
"""
import csv
import os
import sys

import cv2
import numpy as np

SIDE, WIDE, SHOWN = 180, 4, 8
HEADS, DOWN = 3.6, .6  # vision/clip.Around


def square(picture, box):
    x, y, w, h = box
    s = (w * h) ** .5
    side = HEADS * s
    at = np.float32([[x + w / 2 - side / 2, y + h / 2 + DOWN * s - side / 2]])
    corners = np.float32([at[0], at[0] + [side, 0], at[0] + [0, side]])
    turn = cv2.getAffineTransform(corners, np.float32([[0, 0], [SIDE, 0], [0, SIDE]]))
    return cv2.warpAffine(picture, turn, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)


def main(folder, predictions, out):
    with open(predictions, newline="") as f:
        rows = sorted((r for r in csv.DictReader(f) if r["label"] != r["predicted"]), key=lambda r: -float(r["p"]))
    seen, tiles = set(), []
    for r in rows:
        if r["label"] in seen or len(tiles) == SHOWN:
            continue
        seen.add(r["label"])
        tile = square(cv2.imread(os.path.join(folder, "images", os.path.basename(r["image"]))), [float(r[k]) for k in "xywh"])
        strip = np.full((40, SIDE, 3), 255, np.uint8)
        for line, text in enumerate((f"is {r['label']}", f"read {r['predicted']}, p {float(r['p']):.2f}")):
            cv2.putText(strip, text, (4, 15 + 18 * line), cv2.FONT_HERSHEY_SIMPLEX, .45, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(np.vstack([tile, strip]))
    while len(tiles) % WIDE:
        tiles.append(np.full_like(tiles[0], 255))
    cv2.imwrite(out, np.vstack([np.hstack(tiles[i:i + WIDE]) for i in range(0, len(tiles), WIDE)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
