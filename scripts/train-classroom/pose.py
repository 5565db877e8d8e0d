"""What MoveNet Thunder sees on every crop: 17 points and averaged features. usage: pose.py THUNDER.onnx FOLDER   (~40 ms a crop)

FOLDER/pose.bin is read, FOLDER/pose.npz written: K (N, 86) as geometry.py describes it, F (N, 3840) float16: the last features' mean over the student, head and
shoulders, chest and hands. model/classroom/pose.go does the same at run time, held to this by TestPointsEqualTraining.
"""
import os
import sys

import numpy as np
import onnx
import onnxruntime

from data import POSE_SIDE

DEEP = "StatefulPartitionedCall/center_net_mobile_net_v2fpn_feature_extractor/model_1/model/out_relu/Relu6"
MIDDLES = "center_logit", "StatefulPartitionedCall/center_0/conv2d_4/BiasAdd"  # logits of where a person's middle is; what MultiPose gives out is their logistic function
GRID = POSE_SIDE // 4
ROWS, COLUMNS = np.mgrid[:GRID, :GRID].astype(np.float32)
# The student's middle lies a little below the square's.
NEAR = np.exp(-(((COLUMNS + .5) / GRID - .5) ** 2 + ((ROWS + .5) / GRID - .55) ** 2) / (2 * .22 ** 2))
SLACK = 1.8 * GRID / 48  # MoveNet's own, in cells


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -30, 30)))


def points(center, heat, regress, offset):
    """The person nearest the middle -> (86)."""
    center, heat = sigmoid(center[0]), sigmoid(heat)
    cy, cx = divmod(int((center * NEAR).argmax()), GRID)
    out = []
    for k in range(17):
        y, x = cy + regress[2 * k, cy, cx], cx + regress[2 * k + 1, cy, cx]
        j, i = divmod(int((heat[k] / (np.hypot(ROWS - y, COLUMNS - x) + SLACK)).argmax()), GRID)
        out += [(i + offset[2 * k + 1, j, i]) / GRID, (j + offset[2 * k, j, i]) / GRID, heat[k, j, i], x / GRID, y / GRID]
    return np.array(out + [center[cy, cx]], np.float32)


class PoseNet:
    """Thunder, or MultiPose, by its file."""

    def __init__(self, path):
        model = onnx.load(path)
        middle = MIDDLES[any(o.name == "center" for o in model.graph.output)]
        for name in {middle, DEEP} - {o.name for o in model.graph.output}:
            model.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        self.maps = [middle, "point_heatmap", "point_regress", "point_offset", DEEP]

    def look(self, crop):
        """crop (POSE_SIDE, POSE_SIDE, 3) -> points (86), last features (1280, 8, 8)."""
        *maps, deep = (m[0] for m in self.session.run(self.maps, {"picture": np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)}))
        return points(*maps), deep


def averages(deep):
    return np.concatenate([deep[:, a:b, 2:6].mean((1, 2)) for a, b in ((1, 7), (1, 4), (4, 7))]).astype(np.float16)


def main(net, folder):
    net = PoseNet(net)
    crops = np.memmap(os.path.join(folder, "pose.bin"), np.uint8, "r").reshape(-1, POSE_SIDE, POSE_SIDE, 3)
    pose, features = [], []
    for i, crop in enumerate(crops):
        seen, deep = net.look(crop)
        pose.append(seen)
        features.append(averages(deep))
        if i % 500 == 0:
            print(i, "of", len(crops), flush=True)
    np.savez(os.path.join(folder, "pose.npz"), K=np.array(pose), F=np.array(features))


if __name__ == "__main__":
    main(*sys.argv[1:])
