//go:build cuda

/*
 * libcuda, found at run time. gorgonia.org/cu is linked against the symbols of libcuda and calls cuInit while the program starts,
 * ending the process when that fails. Here every symbol is a trampoline (shim_amd64.S) through a slot. Until shim_open has found a
 * driver each slot holds a function that answers "no device", so a program without a driver starts, and one with a driver pays
 * for it only when it asks for devices.
 */
#include "shim.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int no_device(void) { return 100; }     /* CUDA_ERROR_NO_DEVICE */
static int not_supported(void) { return 801; } /* CUDA_ERROR_NOT_SUPPORTED: the driver found lacks this function */

#define SYMBOL(name) void *classlens_slot_##name __attribute__((visibility("hidden"))) = (void *)no_device;
#include "shim_symbols.h"
#undef SYMBOL

static const struct {
	const char *name;
	void **slot;
} slots[] = {
#define SYMBOL(name) {#name, &classlens_slot_##name},
#include "shim_symbols.h"
#undef SYMBOL
};

static void *library;
static int init_result = 100;
static char failure[512];
static const char *(*sim_message)(void);
static int (*sim_statistics)(const char *kernel, void *statistics);
static int (*sim_live)(void *counts);

/* cu's init calls this one and gives up unless it answers 0; the driver's own cuInit runs in shim_open. */
int cuInit(unsigned flags) {
	(void)flags;
	return 0;
}

static void *find(const char *chosen) {
	static const char *const usual[] = {"libcuda.so.1", "/usr/local/nvidia/lib64/libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"};
	if (chosen && *chosen) {
		void *h = dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
		if (!h) snprintf(failure, sizeof failure, "%s", dlerror());
		return h;
	}
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		void *h = dlopen(usual[i], RTLD_NOW | RTLD_LOCAL);
		if (h) return h;
		if (!failure[0]) snprintf(failure, sizeof failure, "%s", dlerror());
	}
	return 0;
}

int shim_open(const char *chosen) {
	if (library) return init_result;
	failure[0] = 0;
	library = find(chosen);
	if (!library) return init_result = 100;
	for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
		void *f = dlsym(library, slots[i].name);
		*slots[i].slot = f ? f : (void *)not_supported;
	}
	*(void **)&sim_message = dlsym(library, "classlensSimMessage");
	*(void **)&sim_statistics = dlsym(library, "classlensSimStatistics");
	*(void **)&sim_live = dlsym(library, "classlensSimLive");
	int (*init)(unsigned) = 0;
	*(void **)&init = dlsym(library, "cuInit");
	init_result = init ? init(0) : 801;
	return init_result;
}

int shim_loaded(void) { return library != 0; }
const char *shim_failure(void) { return failure; }
int shim_simulated(void) { return sim_message != 0; }
const char *shim_sim_message(void) { return sim_message ? sim_message() : ""; }
int shim_sim_statistics(const char *kernel, unsigned long long *eight) { return sim_statistics ? sim_statistics(kernel, eight) : 801; }
int shim_sim_live(unsigned long long *six) { return sim_live ? sim_live(six) : 801; }
