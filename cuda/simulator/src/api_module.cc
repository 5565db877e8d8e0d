// The driver API: modules, functions, launches.
#include <cstdio>
#include <cstdlib>

#include "context.h"

using namespace sim;

// CUDA 11.x takes PTX up to 7.x, 12.x up to 8.x; the device is an sm_80, which no text for a later one runs on.
static void mustFit(const Module& m) {
	const int version = driverVersion(), most = (version / 1000 - 4) * 10 + version % 1000 / 10;
	int major = 0, minor = 0;
	sscanf(m.version.c_str(), "%d.%d", &major, &minor);
	if (major * 10 + minor > most)
		throw Fault{UNSUPPORTED_PTX, "PTX ISA " + m.version + " and a driver that takes " + std::to_string(most / 10) + "." + std::to_string(most % 10)};
	if (m.target.compare(0, 3, "sm_") == 0 && atoi(m.target.c_str() + 3) > 80) throw Fault{NO_BINARY, "PTX for " + m.target + " on a device of sm_80"};
}

API cuModuleLoadData(Module** m, const void* image) {
	return inContext([&](Context& c) {
		auto parsed = parseModule((const char*)image);
		mustFit(*parsed);
		*m = parsed.get();
		for (auto& k : parsed->kernels) c.kernels[k.second.get()] = parsed.get();
		c.modules.push_back(std::move(parsed));
	});
}
// Of the options the log of errors is kept: a buffer (5) of so many bytes (6).
API cuModuleLoadDataEx(Module** m, const void* image, unsigned options, int* names, void** values) {
	int code = cuModuleLoadData(m, image);
	char* log = nullptr;
	size_t room = 0;
	for (unsigned j = 0; j < options; j++) {
		if (names[j] == 5) log = (char*)values[j];
		if (names[j] == 6) room = (size_t)values[j];
	}
	if (code && log && room) snprintf(log, room, "%s", message.c_str());
	return code;
}

static Module& moduleOf(Context& c, Module* m) {
	for (auto& p : c.modules)
		if (p.get() == m) return *m;
	throw Fault{INVALID_HANDLE, "no such module"};
}
API cuModuleUnload(Module* m) {
	return inContext([&](Context& c) {
		moduleOf(c, m);
		c.settleAll();
		c.unload(m);
	});
}
API cuModuleGetFunction(Kernel** k, Module* m, const char* name) {
	return inContext([&](Context& c) {
		auto& kernels = moduleOf(c, m).kernels;
		auto found = kernels.find(name);
		if (found == kernels.end()) throw Fault{NOT_FOUND, string("the module has no kernel ") + name};
		*k = found->second.get();
	});
}
API cuModuleGetGlobal_v2(u64* p, size_t* n, Module* m, const char* name) {
	return inContext([&](Context& c) {
		auto& globals = moduleOf(c, m).globals;
		auto found = globals.find(name);
		if (found == globals.end()) throw Fault{NOT_FOUND, string("the module has no variable ") + name};
		if (p) *p = found->second.first;
		if (n) *n = found->second.second;
	});
}

// ---- functions

static const u32 SHARED_USUAL = 49152, SHARED_MOST = 166912;

static Module& moduleOf(Context& c, Kernel* k) {
	auto found = c.kernels.find(k);
	if (found == c.kernels.end()) throw Fault{INVALID_HANDLE, "no such kernel"};
	return *found->second;
}
API cuFuncGetAttribute(int* v, int attribute, Kernel* k) {
	return inContext([&](Context& c) {
		moduleOf(c, k);
		*v = attribute == 0 ? k->maxThreads : attribute == 1 ? k->sharedBytes : attribute == 3 ? k->localBytes : attribute == 8 ? k->dynamicLimit : 0;
	});
}
API cuFuncSetAttribute(Kernel* k, int attribute, int v) {
	return inContext([&](Context& c) {
		moduleOf(c, k);
		if (attribute != 8) return;
		if (v < 0 || v + k->sharedBytes > SHARED_MOST) throw Fault{INVALID_VALUE, "more shared memory than a multiprocessor has"};
		k->dynamicLimit = v;
	});
}
API cuFuncSetCacheConfig(Kernel*, int) { return SUCCESS; }

static void checkLaunch(const Kernel& k, Dim grid, Dim block, u32 dynamicShared) {
	auto no = [&](int code, const string& why) { throw Fault{code, "launch of " + k.name + ": " + why}; };
	u64 threads = block.count();
	if (!grid.count() || !threads) no(INVALID_VALUE, "an empty grid or block");
	if (threads > 1024 || block.z > 64) no(INVALID_VALUE, std::to_string(threads) + " threads in a block");
	if (grid.y > 65535 || grid.z > 65535 || grid.x > 0x7fffffff) no(INVALID_VALUE, "the grid is too large");
	bool usual = k.sharedBytes + dynamicShared <= SHARED_USUAL, asked = dynamicShared <= k.dynamicLimit && k.dynamicLimit > SHARED_USUAL;
	if (!usual && !asked) no(INVALID_VALUE, std::to_string(k.sharedBytes + dynamicShared) + " bytes of shared memory, not asked for");
	if (threads > k.maxThreads) no(LAUNCH_OUT_OF_RESOURCES, std::to_string(threads) + " threads in a block, compiled for " + std::to_string(k.maxThreads));
}

API cuLaunchKernel(Kernel* k, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned dynamicShared, void* stream,
                   void** arguments, void** extra) {
	return inContext([&](Context& c) {
		Module* m = &moduleOf(c, k);
		Dim grid{gx, gy, gz}, block{bx, by, bz};
		checkLaunch(*k, grid, block, dynamicShared);
		settings.readForLaunch();
		if (extra) throw Fault{NOT_SUPPORTED, "arguments in one piece"};
		auto values = std::make_shared<vector<u8>>(k->parameterBytes + 8);
		for (size_t j = 0; j < k->parameters.size(); j++) {
			if (!arguments || !arguments[j]) throw Fault{INVALID_VALUE, "argument " + std::to_string(j) + " is missing"};
			memcpy(values->data() + k->parameters[j].offset, arguments[j], k->parameters[j].bytes);
		}
		c.queue(stream, [=, &c] { runLaunch(*m, *k, grid, block, dynamicShared, values->data(), &c); });
	});
}
