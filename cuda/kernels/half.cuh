// A number of 16 bits whose kind (half: 0 bf16, 1 fp16) is an argument of the launch: no warp diverges.
#pragma once
#include "common.cuh"
#include "tensor.cuh"

DEVICE u32 pack(float low, float high, int half) { return half ? Fp16::pack(low, high) : Bf16::pack(low, high); }
DEVICE float low(u32 v, int half) { return half ? Fp16::low(v) : Bf16::low(v); }
DEVICE float high(u32 v, int half) { return half ? Fp16::high(v) : Bf16::high(v); }
