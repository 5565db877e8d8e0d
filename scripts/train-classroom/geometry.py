"""What the 17 points of a student tell about behaviour, as numbers.

Everything takes torch tensors, so that the same code runs in training and inside the exported ONNX graph.
"""
import torch

POSE = 86  # numbers a student: 17 points of x, y, score, regressed x, y (the square's side = 1), and the score of the student's middle
NUMBERS = 100  # that the points tell
DIRECTION = 9  # of these, where the head points
# How mirroring changes them: what is horizontal changes its sign.
MIRRORED = torch.tensor([-1., -1, -1, 1, 1, -1, -1, -1, 1])
OTHER_SIDE = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
HEAD = (0, 7), (13, 20), (26, 33), (39, 46), (52, 54), (60, 79)  # which of the numbers tell of head and shoulders alone
NOSE, EYES, EARS, SHOULDERS, ELBOWS, WRISTS, HIPS = 0, (1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12)


def mirror(pose):
    """pose (N, 86) of the mirrored student: x becomes 1 - x, left becomes right."""
    points = pose[:, :85].reshape(-1, 17, 5)[:, OTHER_SIDE].clone()
    points[..., 0] = 1 - points[..., 0]
    points[..., 3] = 1 - points[..., 3]
    return torch.cat([points.reshape(-1, 85), pose[:, 85:]], 1)


def of_head(numbers):
    """numbers (N, 100) -> (N, 49), those of head and shoulders."""
    return torch.cat([numbers[:, a:b] for a, b in HEAD], 1)


def geometry(pose):
    """pose (N, 86) -> (N, 100) numbers, and the (N, 9) among them that tell where the head points."""
    points = pose[:, :85].reshape(-1, 17, 5)
    x, y, score, guess_x, guess_y = (points[..., i] for i in range(5))

    def at(values, i):
        return values[:, i:i + 1]

    def middle(values, pair):
        return (at(values, pair[0]) + at(values, pair[1])) / 2

    def apart(a, b):
        return torch.sqrt((at(x, a) - at(x, b)) ** 2 + (at(y, a) - at(y, b)) ** 2 + 1e-6)

    def upper(pair):  # the higher of two points; y grows downwards
        return torch.minimum(at(y, pair[0]), at(y, pair[1]))

    def mean_score(a, b):
        return score[:, a:b].mean(1, keepdim=True)

    nose_x, nose_y = at(x, NOSE), at(y, NOSE)
    ears_x, ears_y, eyes_x, eyes_y = middle(x, EARS), middle(y, EARS), middle(x, EYES), middle(y, EYES)
    neck_x, neck_y = middle(x, SHOULDERS), middle(y, SHOULDERS)
    head = apart(*EARS) + .02
    shoulders = torch.abs(at(x, 5) - at(x, 6)) + .05
    direction = torch.cat([
        (nose_x - ears_x) / head, at(score, 3) - at(score, 4), at(x, 3) - at(x, 4), (nose_y - ears_y) / head, eyes_y - ears_y,
        nose_x - eyes_x, ears_x - neck_x, nose_x - neck_x, nose_y - neck_y], 1)
    numbers = [
        score[:, :13], x[:, :13] - neck_x, y[:, :13] - neck_y, y[:, :13] - .5, x[:, 5:13] - .5, direction,
        nose_x - ears_x, nose_y - ears_y, (nose_y - eyes_y) / head, at(score, 1) - at(score, 2), head, shoulders, head / shoulders,
        at(x, 1) - at(x, 2), ears_y - neck_y, (ears_y - neck_y) / shoulders,
        upper(WRISTS) - nose_y, upper(WRISTS) - neck_y, upper(ELBOWS) - neck_y, apart(9, NOSE), apart(10, NOSE), apart(*WRISTS),
        torch.maximum((nose_y - at(y, 9)) * at(score, 9), (nose_y - at(y, 10)) * at(score, 10)),
        at(score, 9) * (neck_y - at(y, 9)), at(score, 10) * (neck_y - at(y, 10)),
        pose[:, 85:86], mean_score(0, 5), mean_score(5, 11), mean_score(11, 13),
        x[:, :1] - guess_x[:, :1], y[:, :1] - guess_y[:, :1], guess_y[:, 9:11] - neck_y, guess_y[:, 5:7] - nose_y, guess_y[:, 11:13] - neck_y]
    return torch.cat(numbers, 1), direction
