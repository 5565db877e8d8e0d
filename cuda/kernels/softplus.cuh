// What the losses and softplus share: log(1 + e^v) for v up to 0.
#pragma once
#include "common.cuh"

// It has none of log1pf's ways for numbers that do not occur here: with s = e/(2 + e), at most a third, it is
// 2·artanh(s) = 2·(s + s³/3 + … + s¹¹/11), off by less than 1e-7.
DEVICE float logOnePlusExp(float v) {
  const float e = expf(v), s = e / (2 + e), q = s * s;
  return 2 * s * (1 + q * (1 / 3.f + q * (1 / 5.f + q * (1 / 7.f + q * (1 / 9.f + q * (1 / 11.f))))));
}
