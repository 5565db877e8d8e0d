// The driver API: memory, copies, fills.
#include <cstdlib>

#include "context.h"

using namespace sim;

API cuMemGetInfo_v2(size_t* unused, size_t* total) {
	return inContext([&](Context&) {
		*total = memory.total;
		*unused = memory.total - memory.used;
	});
}
API cuMemAlloc_v2(u64* p, size_t n) {
	return inContext([&](Context& c) {
		if (!n) throw Fault{INVALID_VALUE, "an allocation of no bytes"};
		*p = memory.allocate(n, &c);
		if (!*p) throw Fault{OUT_OF_MEMORY, std::to_string(n) + " bytes asked for, " + std::to_string(memory.total - memory.used) + " left"};
	});
}
API cuMemFree_v2(u64 p) {
	return inContext([&](Context& c) {
		if (!p) return;
		c.settleAll();   // as the driver does
		memory.release(p);
	});
}
API cuMemHostAlloc(void** p, size_t n, unsigned) {
	return inContext([&](Context& c) {
		*p = n ? aligned_alloc(4096, (n + 4095) / 4096 * 4096) : nullptr;
		if (!*p) throw Fault{n ? OUT_OF_MEMORY : INVALID_VALUE, "host memory"};
		memset(*p, 0xff, n);
		c.hostMemory[*p] = n;
	});
}
API cuMemFreeHost(void* p) {
	return inContext([&](Context& c) {
		if (!c.hostMemory.count(p)) throw Fault{INVALID_VALUE, "no such host memory"};
		c.settleAll();
		c.hostMemory.erase(p);
		free(p);
	});
}
API cuMemGetAddressRange_v2(u64* base, size_t* size, u64 p) {
	return inContext([&](Context&) {
		Allocation* a = memory.find(p);
		if (!a || p >= a->end || a->freed()) throw Fault{NOT_FOUND, "no allocation holds this address"};
		if (base) *base = a->first;
		if (size) *size = a->end - a->first;
	});
}

// ---- copies: those that wait do so for the default stream only, as on a device

static u8* mine(u64 address, size_t n) { return memory.at(address, n, current); }

template <class F> static int waiting(F f) {
	return inContext([&](Context& c) {
		c.mustNotRecordImplicitly();
		c.settleDefault();
		f();
	});
}
template <class F> static int queued(void* stream, F f) {
	return inContext([&](Context& c) { c.queue(stream, f); });
}
API cuMemcpyHtoD_v2(u64 to, const void* from, size_t n) { return waiting([&] { memcpy(mine(to, n), from, n); }); }
API cuMemcpyDtoH_v2(void* to, u64 from, size_t n) { return waiting([&] { memcpy(to, mine(from, n), n); }); }
API cuMemcpyDtoD_v2(u64 to, u64 from, size_t n) { return waiting([&] { memmove(mine(to, n), mine(from, n), n); }); }
// A graph copies again and again from and to the addresses that were recorded: they must be page-locked.
template <class F> static int queuedWithHost(void* stream, const void* host, size_t n, F f) {
	return inContext([&](Context& c) {
		if (c.stream(stream)->capture && !c.pageLocked(host, n)) {
			c.stream(stream)->capture->broken = true;
			throw Fault{CAPTURE_UNSUPPORTED, "a copy of host memory that is not page-locked is recorded"};
		}
		c.queue(stream, f);
	});
}
API cuMemcpyHtoDAsync_v2(u64 to, const void* from, size_t n, void* s) { return queuedWithHost(s, from, n, [=] { memcpy(mine(to, n), from, n); }); }
API cuMemcpyDtoHAsync_v2(void* to, u64 from, size_t n, void* s) { return queuedWithHost(s, to, n, [=] { memcpy(to, mine(from, n), n); }); }
API cuMemcpyDtoDAsync_v2(u64 to, u64 from, size_t n, void* s) { return queued(s, [=] { memmove(mine(to, n), mine(from, n), n); }); }

// ---- fills

template <class T> static void fill(u64 to, T value, size_t n) {
	u8* p = mine(to, n * sizeof value);
	for (size_t j = 0; j < n; j++) memcpy(p + j * sizeof value, &value, sizeof value);
}
API cuMemsetD8_v2(u64 to, u8 v, size_t n) { return waiting([&] { fill(to, v, n); }); }
API cuMemsetD16_v2(u64 to, u16 v, size_t n) { return waiting([&] { fill(to, v, n); }); }
API cuMemsetD32_v2(u64 to, u32 v, size_t n) { return waiting([&] { fill(to, v, n); }); }
API cuMemsetD8Async(u64 to, u8 v, size_t n, void* s) { return queued(s, [=] { fill(to, v, n); }); }
API cuMemsetD16Async(u64 to, u16 v, size_t n, void* s) { return queued(s, [=] { fill(to, v, n); }); }
API cuMemsetD32Async(u64 to, u32 v, size_t n, void* s) { return queued(s, [=] { fill(to, v, n); }); }
