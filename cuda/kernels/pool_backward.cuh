// What the gradients of pooling share. They are gathered: each input looks at the windows that hold it.
#pragma once
#include "common.cuh"

// The windows along one side that hold an input: the first, and the one after the last.
DEVICE int firstWindow(int i, int k, int step) { return i < k ? 0 : (i - k) / step + 1; }
DEVICE int endWindow(int i, int step, int all) { return min(i / step + 1, all); }
