// The driver API: start, devices, contexts, errors; and what the simulated device has beyond it.
#include <cstdio>
#include <cstdlib>

#include "context.h"

using namespace sim;

static int deviceCount = 1;

API cuInit(unsigned) {
	return enter([] {
		memory.total = strtoull(Settings::environment("CLASSLENS_SIM_MEMORY", "8589934592").c_str(), nullptr, 10);
		deviceCount = atoi(Settings::environment("CLASSLENS_SIM_DEVICES", "1").c_str());
		if (deviceCount < 1) throw Fault{NO_DEVICE, ""};
	});
}
API cuDriverGetVersion(int* v) { return enter([&] { *v = driverVersion(); }); }

static void checkDevice(int d) {
	if (d < 0 || d >= deviceCount) throw Fault{INVALID_DEVICE, "no device " + std::to_string(d)};
}
API cuDeviceGetCount(int* n) { return enter([&] { *n = deviceCount; }); }
API cuDeviceGet(int* d, int ordinal) {
	return enter([&] {
		checkDevice(ordinal);
		*d = ordinal;
	});
}
API cuDeviceGetName(char* s, int n, int d) {
	return enter([&] {
		checkDevice(d);
		snprintf(s, n, "Simulated device");
	});
}
API cuDeviceTotalMem_v2(size_t* bytes, int d) {
	return enter([&] {
		checkDevice(d);
		*bytes = memory.total;
	});
}
API cuDeviceGetUuid(char* uuid, int d) {
	return enter([&] {
		checkDevice(d);
		memcpy(uuid, "classlens-sim", 13);
		uuid[13] = uuid[14] = 0;
		uuid[15] = d;
	});
}

// A device of compute capability 8.0, with the launch limits that all of 8.x and 9.0 have.
API cuDeviceGetAttribute(int* v, int attribute, int d) {
	static const std::map<int, int> values = {
		{1, 1024}, {2, 1024}, {3, 1024}, {4, 64},        // threads of a block, its x, y, z
		{5, 0x7fffffff}, {6, 65535}, {7, 65535},         // grid x, y, z
		{8, 49152}, {97, 166912}, {81, 167936},          // shared memory of a block, on request, of a multiprocessor
		{9, 65536}, {10, 32}, {12, 65536}, {82, 65536},  // constant memory, lanes, registers
		{13, 1000000}, {16, 4}, {39, 2048},              // kHz, multiprocessors, threads of one
		{31, 1}, {36, 1000000}, {37, 256}, {38, 4 << 20}, {40, 2}, {41, 1}, {75, 8}, {76, 0}, {78, 1}, {79, 1}, {80, 1},
	};
	return enter([&] {
		checkDevice(d);
		auto found = values.find(attribute);
		*v = found == values.end() ? 0 : found->second;
	});
}

// ---- contexts

API cuCtxCreate_v2(Context** c, unsigned, int d) {
	return enter([&] {
		checkDevice(d);
		settings.read();
		*c = current = new Context;
		current->device = d;
		contexts.insert(current);
	});
}
API cuCtxDestroy_v2(Context* c) {
	return enter([&] {
		if (!contexts.erase(c)) throw Fault{INVALID_CONTEXT, "no such context"};
		try {
			if (!c->spoiled) c->settleAll();
		} catch (const Fault&) {   // nobody is left to be told
		}
		if (current == c) current = nullptr;
		delete c;
		report.write({});
		report = Report();
	});
}
static void makeCurrent(Context* c) {
	if (c && !contexts.count(c)) throw Fault{INVALID_CONTEXT, "no such context"};
	current = c;
}
API cuCtxSetCurrent(Context* c) { return enter([&] { makeCurrent(c); }); }
API cuCtxPushCurrent_v2(Context* c) { return enter([&] { makeCurrent(c); }); }
API cuCtxPopCurrent_v2(Context** c) {
	return enter([&] {
		*c = current;
		current = nullptr;
	});
}
API cuCtxGetCurrent(Context** c) { return enter([&] { *c = current; }); }
API cuCtxGetDevice(int* d) { return inContext([&](Context& c) { *d = c.device; }); }
API cuCtxGetFlags(unsigned* f) { return inContext([&](Context&) { *f = 0; }); }
API cuCtxGetApiVersion(Context*, unsigned* v) { return enter([&] { *v = 12020; }); }
API cuCtxSynchronize() {
	return inContext([](Context& c) {
		for (auto s : c.streams)
			if (s->capture) {
				s->capture->broken = true;
				throw Fault{CAPTURE_UNSUPPORTED, "the device is synchronized while a stream records"};
			}
		c.settleAll();
	});
}

// ---- errors

API cuGetErrorName(int code, const char** name) {
	static const std::map<int, const char*> names = {
		{0, "CUDA_SUCCESS"}, {1, "CUDA_ERROR_INVALID_VALUE"}, {2, "CUDA_ERROR_OUT_OF_MEMORY"}, {3, "CUDA_ERROR_NOT_INITIALIZED"},
		{100, "CUDA_ERROR_NO_DEVICE"}, {101, "CUDA_ERROR_INVALID_DEVICE"}, {201, "CUDA_ERROR_INVALID_CONTEXT"},
		{209, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
		{218, "CUDA_ERROR_INVALID_PTX"}, {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"}, {400, "CUDA_ERROR_INVALID_HANDLE"}, {401, "CUDA_ERROR_ILLEGAL_STATE"},
		{500, "CUDA_ERROR_NOT_FOUND"}, {600, "CUDA_ERROR_NOT_READY"}, {700, "CUDA_ERROR_ILLEGAL_ADDRESS"},
		{701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"}, {702, "CUDA_ERROR_LAUNCH_TIMEOUT"}, {716, "CUDA_ERROR_MISALIGNED_ADDRESS"},
		{719, "CUDA_ERROR_LAUNCH_FAILED"}, {801, "CUDA_ERROR_NOT_SUPPORTED"}, {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
		{901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"}, {903, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED"},
		{904, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED"}, {905, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION"},
		{906, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT"}, {907, "CUDA_ERROR_CAPTURED_EVENT"}, {999, "CUDA_ERROR_UNKNOWN"}};
	auto found = names.find(code);
	*name = found == names.end() ? "CUDA_ERROR" : found->second;
	return SUCCESS;
}
API cuGetErrorString(int code, const char** text) {
	if (message.empty()) return cuGetErrorName(code, text);
	*text = message.c_str();
	return SUCCESS;
}

// ---- beyond the API: cuda/driver finds the simulated device by these

extern "C" __attribute__((visibility("default"))) const char* classlensSimMessage() { return message.c_str(); }

// What a kernel of the current context did: fills a Statistics.
API classlensSimStatistics(const char* kernel, Statistics* s) {
	return enter([&] {
		vector<const Module*> loaded;
		if (current)
			for (auto& m : current->modules) loaded.push_back(m.get());
		*s = report.of(kernel, loaded);
	});
}
// What is alive in the current context: allocations, host allocations, streams, events, modules, graphs (with executables).
API classlensSimLive(u64* counts) {
	return enter([&] {
		if (!current) throw Fault{INVALID_CONTEXT, "this thread has no context"};
		const Context& c = *current;
		u64 all[] = {memory.liveOf(&c), c.hostMemory.size(), c.streams.size(), c.events.size(), c.modules.size(), c.graphs.size() + c.executables.size()};
		std::copy(std::begin(all), std::end(all), counts);
	});
}
