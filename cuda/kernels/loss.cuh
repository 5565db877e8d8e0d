// What the losses share. All are means over what is labelled: the host, which has the
// labels, gives inverse = 1 / Σ weights (1 / number of labels).
#pragma once
#include "common.cuh"

// scaled is what a gradient is multiplied by: control holds the loss scale, where there is one.
DEVICE float scaled(float coefficient, const float* control) { return control ? coefficient * control[SCALE] : coefficient; }
