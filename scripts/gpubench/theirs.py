"""PyTorch on the same network, weights and card as gpubench, which runs this.

usage: theirs.py NET.onnx STEPS PLAN.json OURS.f32 CLIPS... (python packages: torch, numpy, onnx)

One line a row and variant: "theirs ROW VARIANT MS". Times are medians of whole runs: pictures from page-locked memory to the card, the network, logits
back. OURS.f32 holds the behaviours that gpubench found for the first number of clips; the largest difference is printed as "difference D".
CLASSLENS_THEIRS_DEVICE=cpu tries the script without a card (variants that need one are left out).
"""
import json
import os
import statistics
import sys
import time

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F

DEVICE = os.environ.get("CLASSLENS_THEIRS_DEVICE", "cuda")
CARD = DEVICE == "cuda"


def made_up(n):
    """What gpubench makes: a pattern in -1..1."""
    i = np.arange(n, dtype=np.uint64)
    return (((i * 2654435761) & 0xFFFF).astype(np.float32) / 32768 - 1).astype(np.float32)


def ints(v):
    return [int(x) for x in np.asarray(v).reshape(-1)]


class Net(torch.nn.Module):
    """The ONNX file as PyTorch calls, for one shape: what follows from shapes alone is worked out while it is built."""

    def __init__(self, path, inputs):
        super().__init__()
        graph = onnx.load(path).graph
        self.names = list(inputs)
        self.outputs = ["behaviour", "attention", "engagement"]
        known = {i.name: torch.from_numpy(onnx.numpy_helper.to_array(i).copy()) for i in graph.initializer}
        known[""] = None  # an input that is left out
        dynamic = dict(inputs)
        self.steps = []
        for n in graph.node:
            a = {x.name: onnx.helper.get_attribute_value(x) for x in n.attribute}
            if n.op_type == "Constant":
                known[n.output[0]] = torch.from_numpy(onnx.numpy_helper.to_array(a["value"]).copy())
                continue
            if n.op_type == "Shape":
                known[n.output[0]] = torch.tensor((known | dynamic)[n.input[0]].shape)
                continue
            call = operation(n.op_type, a, [known.get(i) for i in n.input])
            if all(i in known for i in n.input):
                known[n.output[0]] = call(*[known[i] for i in n.input])
                continue
            for i in n.input:
                if i and i in known and known[i].is_floating_point() and not hasattr(self, "c_" + clean(i)):
                    self.register_buffer("c_" + clean(i), known[i])
            self.steps.append((call, list(n.input), n.output[0], {i for i in n.input if i in known}))
            dynamic[n.output[0]] = call(*[dynamic[i] if i in dynamic else known[i] for i in n.input])

    def forward(self, *given):
        values = dict(zip(self.names, given))
        for call, names, out, fixed in self.steps:
            values[out] = call(*[getattr(self, "c_" + clean(i), None) if i in fixed else values[i] for i in names])
        return [values[o] for o in self.outputs]


def clean(name):
    return name.replace("/", "_").replace(".", "_")


def operation(op, a, known):
    """The call of one node; integers and limits come from known."""
    fixed = [None if k is None else k for k in known]
    if op == "Conv":
        top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
        uneven = (top, left) != (bottom, right)  # strides of 2 in nets that come from TensorFlow
        padding = [0, 0] if uneven else [top, left]

        def convolve(x, w, b=None):
            x = F.pad(x, (left, right, top, bottom)) if uneven else x
            return F.conv2d(x, w, b, a.get("strides", [1, 1]), padding, a.get("dilations", [1, 1]), a.get("group", 1))

        return convolve
    if op == "Clip":
        low, high = (None if k is None else float(k) for k in (fixed + [None, None])[1:3])
        return lambda x, *_: x.clamp(low, high)
    if op in ("Unsqueeze", "Squeeze"):
        axes = sorted(ints(fixed[1]))

        def change(x, _):
            for k in axes if op == "Unsqueeze" else reversed(axes):
                x = x.unsqueeze(k) if op == "Unsqueeze" else x.squeeze(k)
            return x

        return change
    if op == "Reshape":
        shape = ints(fixed[1])
        return lambda x, _: x.reshape(shape)
    if op == "Slice":
        start, end, axis, step = (ints(k)[0] for k in fixed[1:5])
        end = None if end > 1 << 40 else end

        def cut(x, *_):
            at = [slice(None)] * x.dim()
            at[axis] = slice(start, end, step)
            return x[tuple(at)]

        return cut
    if op == "Gather":
        axis, index = a.get("axis", 0), fixed[1]
        return lambda x, _: x.select(axis, int(index)) if index.dim() == 0 else x.index_select(axis, index)
    if op == "LayerNormalization":
        return lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b, a.get("epsilon", 1e-5))
    if op == "Gemm":
        return lambda x, w, b=None: F.linear(x, w if a.get("transB") else w.t(), b)
    return {
        "Add": lambda x, y: x + y, "Sub": lambda x, y: x - y, "Mul": lambda x, y: x * y, "Div": lambda x, y: x / y, "MatMul": torch.matmul,
        "Concat": lambda *x: torch.cat([v.reshape(-1) if v.dim() == 0 else v for v in x], a.get("axis", 0)), "Transpose": lambda x: x.permute(a["perm"]), "Softmax": lambda x: x.softmax(a.get("axis", -1)),
        "Sigmoid": torch.sigmoid, "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True), "Flatten": lambda x: x.flatten(1), "Sin": torch.sin, "Cos": torch.cos,
        "Relu": torch.relu, "Tanh": torch.tanh, "Softplus": F.softplus,
    }[op]


def wait():
    if CARD:
        torch.cuda.synchronize()


def median(run, least=10, seconds=1.0):
    for _ in range(4):
        run()
    wait()
    times, begin = [], time.perf_counter()
    while len(times) < least or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        run()
        wait()
        times.append(time.perf_counter() - start)
        if len(times) >= 3 and time.perf_counter() - begin > 5:
            break
    return 1e3 * statistics.median(times)


def inference(path, steps, clips, ours):
    n = clips * steps
    side = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[3].dim_value
    given = {"picture": torch.from_numpy(made_up(n * 5 * side * side).reshape(n, 5, side, side)),
             "offset": torch.arange(steps, dtype=torch.float32).sub(steps // 2).repeat(clips, 1), "seen": torch.ones(clips, steps)}
    there = {k: v.to(DEVICE) for k, v in given.items()}  # as the crops are, in float32
    variants = {"eager-fp32": (torch.float32, False, False), "channels-last-fp16": (torch.float16, True, False), "compiled-fp16": (torch.float16, True, True),
                "compiled-fp32": (torch.float32, True, True)}
    for name, (kind, last, compiled) in variants.items():
        if not CARD and name != "eager-fp32":
            continue
        with torch.inference_mode():
            net = Net(path, {k: v[: n if k == "picture" else clips] for k, v in given.items()}).to(DEVICE, kind).eval()
            if last:
                net = net.to(memory_format=torch.channels_last)
            call = torch.compile(net, mode="reduce-overhead") if compiled else net

            def run():
                x = there["picture"].to(kind, memory_format=torch.channels_last if last else torch.contiguous_format)
                out = call(x, *[there[k].to(kind) for k in ("offset", "seen")])
                return [o.float().cpu() for o in out]

            try:
                if name == "eager-fp32" and ours is not None:
                    print("difference", float(np.abs(run()[0].numpy().reshape(-1) - ours).max()), flush=True)
                print("theirs", f"infer-{clips}", name, f"{median(run):.4f}", flush=True)
            except Exception as e:  # a variant that this PyTorch cannot do is left out, and said
                print(f"{name} at {clips} clips: {type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}", file=sys.stderr)


class Layer(torch.nn.Sequential):
    def __init__(self, i, o, k, stride=1, groups=1, cut=True):
        super().__init__(torch.nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), torch.nn.BatchNorm2d(o), *([torch.nn.ReLU6()] if cut else []))


class Block(torch.nn.Module):
    def __init__(self, i, s, stride):
        super().__init__()
        self.add = stride == 1 and i == s["Out"]
        self.body = torch.nn.Sequential(Layer(i, s["Expand"], 1), Layer(s["Expand"], s["Expand"], 3, stride, s["Expand"]), Layer(s["Expand"], s["Out"], 1, cut=False))

    def forward(self, x):
        return x + self.body(x) if self.add else self.body(x)


class Classroom(torch.nn.Module):
    """The network that model/train trains, from its plan."""

    def __init__(self, p, steps):
        super().__init__()
        layers, i = [Layer(5, p["Stem"], 3, 2)], p["Stem"]
        for s in p["Stages"]:
            for k in range(s["Repeat"]):
                layers.append(Block(i, s, s["Stride"] if k == 0 else 1))
                i = s["Out"]
        self.encoder = torch.nn.Sequential(*layers, Layer(i, p["Top"], 1))
        d, w = p["Embedding"], p["Width"]
        self.heads, self.steps = p["Heads"], steps
        line = torch.nn.Linear
        self.embed, self.time, self.qkv, self.back, self.score = line(p["Top"], d), line(12, d), line(d, 3 * w), line(w, d), line(d, 1)
        self.out = line(d, 10 + 1 + 3)

    def forward(self, x, code, hide):
        x = self.embed(self.encoder(x).mean((2, 3)))
        x = x.unsqueeze(1).expand(-1, self.steps, -1) + self.time(code)
        b, t, d = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        x = x + self.back(F.scaled_dot_product_attention(q, k, v, hide[:, None, None, :].to(q.dtype)).transpose(1, 2).reshape(b, t, -1))
        return self.out(((self.score(x).squeeze(-1) + hide).softmax(-1).unsqueeze(-1) * x).sum(1))


def training(plan, steps, batch):
    side = plan["Size"]
    host = torch.from_numpy(made_up(batch * 5 * side * side).reshape(batch, 5, side, side))
    if CARD:
        host = host.pin_memory()
    code, hide = torch.zeros(batch, steps, 12, device=DEVICE), torch.zeros(batch, steps, device=DEVICE)
    label, on, above = torch.arange(batch, device=DEVICE) % 10, (torch.arange(batch, device=DEVICE) % 2).float(), torch.ones(batch, 3, device=DEVICE)
    for name, half, compiled in (("eager-fp32", False, False), ("channels-last-fp16", True, False), ("compiled-fp16", True, True)):
        if not CARD and name != "eager-fp32":
            continue
        net = Classroom(plan, steps).to(DEVICE).train()
        if half:
            net = net.to(memory_format=torch.channels_last)
        rule = torch.optim.AdamW(net.parameters(), 1e-3, fused=CARD)
        scaler = torch.amp.GradScaler(enabled=half)
        call = torch.compile(net, mode="reduce-overhead") if compiled else net

        def run():
            x = host.to(DEVICE, non_blocking=True)
            if half:
                x = x.to(memory_format=torch.channels_last)
            with torch.autocast(DEVICE, torch.float16, enabled=half):
                y = call(x, code, hide)
            y = y.float()
            loss = F.cross_entropy(y[:, :10], label) + 0.3 * F.binary_cross_entropy_with_logits(y[:, 10], on) + 0.3 * F.binary_cross_entropy_with_logits(y[:, 11:], above)
            rule.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(rule)
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
            scaler.step(rule)
            scaler.update()
            return loss.item()

        try:
            print("theirs", f"train-{batch}", name, f"{median(run):.4f}", flush=True)
        except Exception as e:
            print(f"{name} training: {type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}", file=sys.stderr)


def main():
    path, steps, plan, ours, *clips = sys.argv[1:]
    if CARD and not torch.cuda.is_available():
        sys.exit("this PyTorch sees no card")
    found = np.fromfile(ours, np.float32)
    for k, c in enumerate(map(int, clips)):
        inference(path, int(steps), c, found if k == 0 else None)
    training(json.load(open(plan)), int(steps), 32)


if __name__ == "__main__":
    main()
