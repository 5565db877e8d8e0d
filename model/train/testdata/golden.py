"""What ONNX Runtime makes of the exported networks beside this file: KIND.onnx to KIND.ort, for TestEqualsONNXRuntime.
With a file of your own as argument it only says that it runs, and the outputs' shapes: python golden.py runs/first/weights.onnx"""
import os, sys
import numpy as np, onnxruntime

here = os.path.dirname(os.path.abspath(__file__))
own = sys.argv[1:]
for name in own or [os.path.join(here, k + '.onnx') for k in ('attention', 'lstm', 'gru', 'mean')]:
    s = onnxruntime.InferenceSession(name, providers=['CPUExecutionProvider'])
    shape = [10] + s.get_inputs()[0].shape[1:]
    picture = np.sin(0.37 * (np.arange(np.prod(shape)) % 9973)).astype(np.float32).reshape(shape)
    offset = (np.arange(10) % 5 - 2).astype(np.float32).reshape(2, 5)
    seen = np.ones((2, 5), np.float32)
    for i in (1, 4, 7):
        seen.flat[i] = 0
    out = s.run(None, {'picture': picture, 'offset': offset, 'seen': seen})
    print(os.path.basename(name), {o.name: v.shape for o, v in zip(s.get_outputs(), out)})
    if not own:
        with open(name[:-5] + '.ort', 'wb') as f:
            for v in out:
                f.write(np.ascontiguousarray(v, np.float32).tobytes())
