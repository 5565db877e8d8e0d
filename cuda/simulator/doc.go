// Package simulator holds the tests of the simulated CUDA device, whose C++ is in src; scripts/cuda-simulator.sh builds it. The
// tests go through the program's own chain (cuda/driver, gorgonia.org/cu, shim) and know of the device only what the PTX manual
// says, so that those of semantics run on a real card unchanged. They need the tag cuda and CLASSLENS_LIBCUDA.
package simulator
