#include "context.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sim {

std::recursive_mutex entrance;
thread_local Context* current = nullptr;
string message;
Report report;
std::set<Context*> contexts;

int fail(int code, const string& why) {
	message = why;
	if (getenv("CLASSLENS_SIM_VERBOSE")) fprintf(stderr, "simulated device: error %d: %s\n", code, why.c_str());
	return code;
}

int driverVersion() { return atoi(Settings::environment("CLASSLENS_SIM_DRIVER", "12020").c_str()); }

Stream* Context::stream(void* handle) {
	if (!handle || handle == (void*)1 || handle == (void*)2) return &defaultStream;   // 1, 2: legacy and per-thread default
	Stream* s = (Stream*)handle;
	if (!streams.count(s)) throw Fault{INVALID_HANDLE, "no such stream"};
	return s;
}

std::shared_ptr<Event>& Context::event(void* handle) {
	for (auto& e : events)
		if (e.get() == handle) return e;
	throw Fault{INVALID_HANDLE, "no such event"};
}

void Context::settle(Stream& s) {
	try {
		s.drain();
	} catch (const Fault& f) {
		spoiled = f.code;
		spoiledMessage = f.message;
		defaultStream.items.clear();
		for (auto other : streams) other->items.clear();
		throw;
	}
}
void Context::settleAll() {
	settle(defaultStream);
	for (auto s : streams) settle(*s);
}
void Context::settleDefault() {
	settle(defaultStream);
	for (auto s : streams)
		if (s->blocking) settle(*s);
}

void Context::mustNotRecordImplicitly() {
	for (auto s : streams)
		if (s->blocking && s->capture) {
			s->capture->broken = true;
			throw Fault{906, "the default stream is used while a stream that waits for it records"};
		}
}
bool Context::pageLocked(const void* p, size_t n) const {
	auto after = hostMemory.upper_bound((void*)p);
	if (after == hostMemory.begin()) return false;
	auto& block = *std::prev(after);
	return (const u8*)p + n <= (const u8*)block.first + block.second;
}

void Context::queue(void* handle, Action run) {
	Stream* s = stream(handle);
	if (s == &defaultStream) {
		mustNotRecordImplicitly();
		for (auto other : streams)
			if (other->blocking) settle(*other);
	} else if (s->blocking && !s->capture) settle(defaultStream);
	bool recorded = s->capture;
	s->push(std::move(run));
	if (!settings.lazy && !recorded) settle(*s);
}

void Context::unload(Module* m) {
	report.add(*m);
	for (auto& k : m->kernels) kernels.erase(k.second.get());
	modules.erase(std::find_if(modules.begin(), modules.end(), [&](auto& p) { return p.get() == m; }));
}

Context::~Context() {
	while (!modules.empty()) unload(modules.back().get());
	for (auto s : streams) s->abandonCapture();
	for (auto s : streams) delete s;
	for (auto g : graphs) delete g;
	for (auto g : executables) delete g;
	for (auto& p : hostMemory) free(p.first);
	memory.releaseAll(this);
}

}  // namespace sim
