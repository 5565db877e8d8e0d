// What lives in a context of the driver API, and how its functions are entered.
#pragma once
#include <mutex>

#include "report.h"
#include "warp.h"
#include "work.h"

namespace sim {

struct Context {
	int device = 0;
	int spoiled = 0;                 // the Result of a fault inside a kernel: every later call gives it
	string spoiledMessage;
	Stream defaultStream;
	std::set<Stream*> streams;       // without the default one
	vector<std::shared_ptr<Event>> events;
	vector<std::unique_ptr<Module>> modules;
	std::map<Kernel*, Module*> kernels;
	std::set<Graph*> graphs, executables;
	std::map<void*, size_t> hostMemory;   // page-locked, with its bytes

	Stream* stream(void* handle);    // throws Fault for one that is not of this context
	std::shared_ptr<Event>& event(void* handle);
	void queue(void* stream, Action run);   // and do it at once, unless lazy
	void settle(Stream& s);          // do its work; faults spoil the context
	void settleAll();
	void settleDefault();            // the default stream and those that wait for it
	void mustNotRecordImplicitly();  // throws where the default stream is used while one that waits for it records
	bool pageLocked(const void* p, size_t n) const;
	void unload(Module* m);
	~Context();
};

extern std::recursive_mutex entrance;     // one call of the API at a time
extern thread_local Context* current;     // of this thread
extern string message;                    // of the last call that failed
extern Report report;
extern std::set<Context*> contexts;

int fail(int code, const string& why);    // remembers and prints the message
int driverVersion();                      // 12020 is CUDA 12.2, unless the environment says another

// Runs the body of an API function: f may throw Fault.
template <class F> int enter(F f) {
	std::lock_guard<std::recursive_mutex> hold(entrance);
	message.clear();
	try {
		f();
		return SUCCESS;
	} catch (const Fault& e) {
		return fail(e.code, e.message);
	} catch (const std::bad_alloc&) {
		return fail(OUT_OF_MEMORY, "no memory on the host");
	}
}
// The same with the thread's context, which must not be spoiled.
template <class F> int inContext(F f) {
	return enter([&] {
		if (!current) throw Fault{INVALID_CONTEXT, "this thread has no context"};
		if (current->spoiled) throw Fault{current->spoiled, current->spoiledMessage};
		f(*current);
	});
}

}  // namespace sim

#define API extern "C" __attribute__((visibility("default"))) int
