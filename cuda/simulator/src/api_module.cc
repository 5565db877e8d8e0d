// The driver API: modules, functions, launches.
#include "context.h"

using namespace sim;

API cuModuleLoadData(Module** m, const void* image) {
	return inContext([&](Context& c) {
		auto parsed = parseModule((const char*)image);
		*m = parsed.get();
		for (auto& k : parsed->kernels) c.kernels[k.second.get()] = parsed.get();
		c.modules.push_back(std::move(parsed));
	});
}
API cuModuleLoadDataEx(Module** m, const void* image, unsigned, int*, void**) { return cuModuleLoadData(m, image); }

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
		c.queue(stream, [=] { runLaunch(*m, *k, grid, block, dynamicShared, values->data()); });
	});
}
