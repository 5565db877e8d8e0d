// The functions of the driver API, called as a program calls them.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../../include/cuda.h"
#include "check.h"

static const std::string head = ".version 8.2\n.target sm_80\n.address_size 64\n";
// add puts the thread's number to the words at p.
static const std::string module_ = head + ".visible .entry add(.param .u64 p) .maxntid 64, 1, 1 { .reg .b64 %o, %x; .reg .b32 %t, %v;"
	"ld.param.u64 %o, [p]; mov.u32 %t, %tid.x; mul.wide.u32 %x, %t, 4; add.s64 %o, %o, %x; ld.global.u32 %v, [%o]; add.u32 %v, %v, %t; st.global.u32 [%o], %v; ret; }";

namespace {
struct With {   // a context
	CUcontext context = nullptr;
	explicit With(const char* lazy = "0") {
		setenv("CLASSLENS_SIM_LAZY", lazy, 1);
		cuInit(0);
		cuCtxCreate(&context, 0, 0);
	}
	~With() {
		cuCtxDestroy(context);
		setenv("CLASSLENS_SIM_LAZY", "0", 1);
	}
};
struct Loaded : With {   // and a module with its kernel, and 8 words
	CUmodule module = nullptr;
	CUfunction add = nullptr;
	CUdeviceptr words = 0;
	explicit Loaded(const char* lazy = "0") : With(lazy) {
		cuModuleLoadData(&module, module_.c_str());
		cuModuleGetFunction(&add, module, "add");
		cuMemAlloc(&words, 32);
		cuMemsetD32(words, 100, 8);
	}
	int launch(unsigned threads, CUstream s = nullptr) {
		void* arguments[] = {&words};
		return cuLaunchKernel(add, 1, 1, 1, threads, 1, 1, 0, s, arguments, nullptr);
	}
	std::vector<unsigned> read() {
		std::vector<unsigned> v(8);
		cuMemcpyDtoH(v.data(), words, 32);
		return v;
	}
};
const std::vector<unsigned> before(8, 100), after{100, 101, 102, 103, 104, 105, 106, 107};
}  // namespace

TEST(apiTellsOfDevices) {
	int n = 0, v = 0;
	char name[64];
	EQUAL((int)cuInit(0), 0);
	EQUAL((int)cuDeviceGetCount(&n), 0);
	EQUAL(n, 1);
	CUdevice d;
	EQUAL((int)cuDeviceGet(&d, 0), 0);
	EQUAL((int)cuDeviceGet(&d, 1), 101);
	EQUAL((int)cuDeviceGetName(name, sizeof name, 0), 0);
	EQUAL(std::string(name), "Simulated device");
	EQUAL((int)cuDeviceGetAttribute(&v, (CUdevice_attribute)1, 0), 0);
	EQUAL(v, 1024);
	const char* text;
	EQUAL((int)cuGetErrorName((CUresult)700, &text), 0);
	EQUAL(std::string(text), "CUDA_ERROR_ILLEGAL_ADDRESS");
}

TEST(apiNeedsAContext) {
	CUdeviceptr p;
	EQUAL((int)cuMemAlloc(&p, 4), 201);
	EQUAL((int)cuCtxSynchronize(), 201);
	With one;
	EQUAL((int)cuMemAlloc(&p, 4), 0);
	EQUAL((int)cuCtxSetCurrent(nullptr), 0);
	EQUAL((int)cuMemFree(p), 201);
	EQUAL((int)cuCtxSetCurrent(one.context), 0);
	EQUAL((int)cuMemFree(p), 0);
	EQUAL((int)cuCtxDestroy((CUcontext)&p), 201);
}

TEST(apiMemory) {
	With c;
	CUdeviceptr p = 0;
	size_t size = 0, left = 0, all = 0;
	EQUAL((int)cuMemAlloc(&p, 0), 1);
	EQUAL((int)cuMemAlloc(&p, 10), 0);
	EQUAL((int)cuMemGetInfo(&left, &all), 0);
	EQUAL(all - left, (size_t)10);
	EQUAL((int)cuMemsetD8(p, 7, 10), 0);
	EQUAL((int)cuMemsetD8(p, 7, 11), 1);   // outside what was allocated
	char got[10];
	EQUAL((int)cuMemcpyDtoH(got, p, 10), 0);
	EQUAL(got[9], 7);
	EQUAL((int)cuMemcpyHtoD(p + 8, "xyz", 3), 1);
	EQUAL((int)cuMemGetAddressRange(nullptr, &size, p + 3), 0);
	EQUAL(size, (size_t)10);
	EQUAL((int)cuMemFree(p + 1), 1);
	EQUAL((int)cuMemFree(p), 0);
	EQUAL((int)cuMemFree(p), 1);
	EQUAL((int)cuMemcpyDtoH(got, p, 1), 1);
	EQUAL((int)cuMemAlloc(&p, all + 1), 2);
	void* host = nullptr;
	EQUAL((int)cuMemHostAlloc(&host, 100, 0), 0);
	EQUAL((int)cuMemFreeHost(host), 0);
	EQUAL((int)cuMemFreeHost(host), 1);
}

TEST(apiModulesAndLaunches) {
	Loaded c;
	CUmodule m;
	CUfunction f;
	EQUAL((int)cuModuleLoadData(&m, "nonsense"), 218);
	EQUAL((int)cuModuleGetFunction(&f, c.module, "other"), 500);
	EQUAL(c.launch(8), 0);
	CHECK(c.read() == after);
	int v = 0;
	EQUAL((int)cuFuncGetAttribute(&v, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, c.add), 0);
	EQUAL(v, 64);
	EQUAL(c.launch(0), 1);
	EQUAL(c.launch(65), 701);   // compiled for 64
	EQUAL(c.launch(1025), 1);
	void* arguments[] = {&c.words};
	EQUAL((int)cuLaunchKernel(c.add, 1, 65536, 1, 1, 1, 1, 0, nullptr, arguments, nullptr), 1);
	EQUAL((int)cuLaunchKernel(c.add, 1, 1, 1, 1, 1, 1, 49153, nullptr, arguments, nullptr), 1);
	EQUAL((int)cuLaunchKernel(c.add, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr), 1);
	CHECK(c.read() == after);   // none of these ran
	EQUAL((int)cuModuleUnload(c.module), 0);
	EQUAL(c.launch(8), 400);
	EQUAL((int)cuModuleUnload(c.module), 400);
}

TEST(apiFaultsSpoilTheContextOnly) {
	{
		Loaded c;
		EQUAL(c.launch(9), 700);   // the ninth thread writes behind the words
		const char* why = nullptr;
		EQUAL((int)cuGetErrorString((CUresult)700, &why), 0);
		CHECK(std::string(why).find("thread (8,0,0)") != std::string::npos);
		EQUAL((int)cuCtxSynchronize(), 700);
		CUdeviceptr p;
		EQUAL((int)cuMemAlloc(&p, 4), 700);
	}
	Loaded next;
	EQUAL(next.launch(8), 0);
}

TEST(apiWorkIsLateWhereNothingWaits) {
	Loaded c("1");
	CUstream s;
	CUevent e;
	EQUAL((int)cuStreamCreate(&s, CU_STREAM_NON_BLOCKING), 0);
	EQUAL((int)cuEventCreate(&e, 0), 0);
	EQUAL(c.launch(8, s), 0);
	EQUAL((int)cuEventRecord(e, s), 0);
	EQUAL((int)cuEventQuery(e), 600);
	EQUAL((int)cuStreamQuery(s), 600);
	CHECK(c.read() == before);   // a copy on the default stream does not wait for this one
	EQUAL((int)cuEventSynchronize(e), 0);
	CHECK(c.read() == after);
	EQUAL((int)cuStreamQuery(s), 0);
	EQUAL((int)cuStreamDestroy(s), 0);
	EQUAL((int)cuStreamDestroy(s), 400);
	EQUAL((int)cuEventDestroy(e), 0);
}

// What a device forbids while a stream records spoils the recording: its end says so, once, and the stream works on.
TEST(apiForbiddenWhileRecording) {
	Loaded c;
	CUstream s, blocking;
	CUgraph graph;
	CUevent e;
	char pageable[4];
	void* locked;
	EQUAL((int)cuStreamCreate(&s, CU_STREAM_NON_BLOCKING), 0);
	EQUAL((int)cuStreamCreate(&blocking, 0), 0);
	EQUAL((int)cuEventCreate(&e, 0), 0);
	EQUAL((int)cuMemHostAlloc(&locked, 32, 0), 0);
	auto recording = [&](CUstream in, auto call) {
		EQUAL((int)cuStreamBeginCapture(in, CU_STREAM_CAPTURE_MODE_RELAXED), 0);
		int made = call();
		int ended = cuStreamEndCapture(in, &graph);
		EQUAL(ended, made ? 901 : 0);
		EQUAL((int)cuStreamEndCapture(in, &graph), 401);
		EQUAL(c.launch(8, in), 0);
		return made;
	};
	EQUAL(recording(s, [&] { return cuCtxSynchronize(); }), 900);
	EQUAL(recording(s, [&] { return cuStreamSynchronize(s); }), 900);
	EQUAL(recording(s, [&] { return cuStreamQuery(s); }), 900);
	EQUAL(recording(s, [&] { cuEventRecord(e, s); return cuEventSynchronize(e); }), 907);
	EQUAL(recording(s, [&] { return cuMemcpyHtoDAsync(c.words, pageable, 4, s); }), 900);
	EQUAL(recording(s, [&] { return cuMemcpyDtoHAsync((char*)locked + 1, c.words, 32, s); }), 900);   // past the end of what is page-locked
	EQUAL(recording(s, [&] { return cuMemcpyDtoHAsync(locked, c.words, 32, s); }), 0);
	EQUAL(recording(s, [&] { return cuMemcpyDtoH(pageable, c.words, 4); }), 0);   // s does not wait for the default stream
	EQUAL(recording(blocking, [&] { return cuMemcpyDtoH(pageable, c.words, 4); }), 906);
	EQUAL(recording(blocking, [&] { return c.launch(8); }), 906);
	EQUAL(recording(s, [&] { cuStreamSynchronize(s); return c.launch(8, s); }), 901);   // nothing more goes in
}

TEST(apiEventsWithoutTimes) {
	With c;
	CUevent a, b;
	float ms;
	EQUAL((int)cuEventCreate(&a, CU_EVENT_DISABLE_TIMING), 0);
	EQUAL((int)cuEventCreate(&b, 0), 0);
	EQUAL((int)cuEventRecord(a, nullptr), 0);
	EQUAL((int)cuEventRecord(b, nullptr), 0);
	EQUAL((int)cuEventElapsedTime(&ms, a, b), 400);
	EQUAL((int)cuEventElapsedTime(&ms, b, b), 0);
}

// Each context has its own memory, though addresses never repeat here.
TEST(apiMemoryOfAnotherContext) {
	Loaded a;
	CUdeviceptr of = a.words;
	{
		Loaded b;
		char got[4];
		EQUAL((int)cuMemcpyDtoH(got, of, 4), 1);
		EQUAL((int)cuMemsetD8(of, 0, 4), 1);
		b.words = of;
		EQUAL(b.launch(8), 700);
		const char* why = nullptr;
		EQUAL((int)cuGetErrorString((CUresult)700, &why), 0);
		CHECK(std::string(why).find("of memory of another context") != std::string::npos);
	}
	EQUAL((int)cuCtxSetCurrent(a.context), 0);
	EQUAL(a.launch(8), 0);
	CHECK(a.read() == after);
}

// PTX newer than the driver, or for a later device, is refused as a driver does.
TEST(apiRefusesWhatTheDriverCannotTake) {
	With c;
	CUmodule m;
	const std::string body = module_.substr(head.size());
	auto load = [&](const char* version, const char* target) {
		return (int)cuModuleLoadData(&m, (std::string(".version ") + version + "\n.target " + target + "\n.address_size 64\n" + body).c_str());
	};
	EQUAL(load("8.2", "sm_80"), 0);
	EQUAL(load("7.0", "sm_70"), 0);
	EQUAL(load("8.3", "sm_80"), 222);
	EQUAL(load("8.2", "sm_86"), 209);
	EQUAL(load("8.2", "sm_90a"), 209);
	setenv("CLASSLENS_SIM_DRIVER", "11080", 1);
	int version = 0;
	EQUAL((int)cuDriverGetVersion(&version), 0);
	EQUAL(version, 11080);
	EQUAL(load("7.8", "sm_80"), 0);
	EQUAL(load("8.0", "sm_80"), 222);
	unsetenv("CLASSLENS_SIM_DRIVER");
}

TEST(apiRecordsAndReplays) {
	Loaded c;
	CUstream s;
	CUgraph graph;
	CUgraphExec exec;
	EQUAL((int)cuStreamCreate(&s, CU_STREAM_NON_BLOCKING), 0);
	EQUAL((int)cuStreamBeginCapture(nullptr, CU_STREAM_CAPTURE_MODE_RELAXED), 900);
	EQUAL((int)cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_RELAXED), 0);
	EQUAL(c.launch(8, s), 0);
	EQUAL((int)cuStreamEndCapture(s, &graph), 0);
	CHECK(c.read() == before);
	EQUAL((int)cuGraphInstantiateWithFlags(&exec, graph, 0), 0);
	EQUAL((int)cuGraphLaunch(exec, s), 0);
	EQUAL((int)cuStreamSynchronize(s), 0);
	CHECK(c.read() == after);
	EQUAL((int)cuGraphExecDestroy(exec), 0);
	EQUAL((int)cuGraphDestroy(graph), 0);
	EQUAL((int)cuGraphLaunch(exec, s), 400);
	EQUAL((int)cuStreamDestroy(s), 0);
}
