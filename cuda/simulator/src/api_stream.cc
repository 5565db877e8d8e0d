// The driver API: streams, events, recording, graphs.
#include <algorithm>

#include "context.h"

using namespace sim;

// ---- streams

API cuStreamCreate(void** s, unsigned flags) {
	return inContext([&](Context& c) {
		Stream* made = new Stream;
		made->blocking = !(flags & 1);
		c.streams.insert(made);
		*s = made;
	});
}
API cuStreamCreateWithPriority(void** s, unsigned flags, int) { return cuStreamCreate(s, flags); }
API cuStreamDestroy_v2(void* s) {
	return inContext([&](Context& c) {
		Stream* ended = c.stream(s);
		if (ended == &c.defaultStream) throw Fault{INVALID_HANDLE, "the default stream"};
		c.settle(*ended);
		ended->abandonCapture();
		for (auto& e : c.events)
			if (e->in == ended) e->in = nullptr;
		c.streams.erase(ended);
		delete ended;
	});
}
static void mustNotRecord(Stream* s) {
	if (!s->capture) return;
	s->capture->broken = true;
	throw Fault{CAPTURE_UNSUPPORTED, "the stream records: it cannot be waited for"};
}
API cuStreamSynchronize(void* s) {
	return inContext([&](Context& c) {
		Stream* waited = c.stream(s);
		mustNotRecord(waited);
		waited == &c.defaultStream ? c.settleDefault() : c.settle(*waited);
	});
}
API cuStreamQuery(void* s) {
	return inContext([&](Context& c) {
		Stream* asked = c.stream(s);
		mustNotRecord(asked);
		if (!asked->items.empty()) throw Fault{NOT_READY, ""};
	});
}
API cuStreamWaitEvent(void* s, void* e, unsigned) {
	return inContext([&](Context& c) { c.stream(s)->wait(c.event(e)); });
}

// ---- events

API cuEventCreate(void** e, unsigned flags) {
	return inContext([&](Context& c) {
		c.events.push_back(std::make_shared<Event>());
		c.events.back()->timed = !(flags & 2);
		*e = c.events.back().get();
	});
}
API cuEventDestroy_v2(void* e) {
	return inContext([&](Context& c) {
		auto& p = c.event(e);
		c.events.erase(std::find(c.events.begin(), c.events.end(), p));
	});
}
API cuEventRecord(void* e, void* s) {
	return inContext([&](Context& c) {
		Stream* in = c.stream(s);
		in->record(c.event(e));
		if (!settings.lazy && !in->capture) c.settle(*in);
	});
}
static Event& outsideRecording(Context& c, void* e) {
	Event& v = *c.event(e);
	if (v.capture) {
		v.capture->broken = true;
		throw Fault{CAPTURED_EVENT, "the event belongs to a recording"};
	}
	return v;
}
API cuEventSynchronize(void* e) {
	return inContext([&](Context& c) {
		Event& v = outsideRecording(c, e);
		if (v.in && v.reached < v.recorded) c.settle(*v.in);
	});
}
API cuEventQuery(void* e) {
	return inContext([&](Context& c) {
		Event& v = outsideRecording(c, e);
		if (v.reached < v.recorded) throw Fault{NOT_READY, ""};
	});
}
API cuEventElapsedTime(float* ms, void* from, void* to) {
	return inContext([&](Context& c) {
		Event &a = outsideRecording(c, from), &b = outsideRecording(c, to);
		if (!a.timed || !b.timed) throw Fault{INVALID_HANDLE, "the event was made without times"};
		if (!a.recorded || !b.recorded) throw Fault{INVALID_HANDLE, "the event was never recorded"};
		if (a.reached < a.recorded || b.reached < b.recorded) throw Fault{NOT_READY, "the event was not reached yet"};
		*ms = b.milliseconds - a.milliseconds;
	});
}

// ---- recording and graphs

static Graph* known(std::set<Graph*>& set, Graph* g) {
	if (!set.count(g)) throw Fault{INVALID_HANDLE, "no such graph"};
	return g;
}
static Graph* keep(std::set<Graph*>& set, std::unique_ptr<Graph> g) {
	set.insert(g.get());
	return g.release();
}
API cuStreamBeginCapture_v2(void* s, int) {
	return inContext([&](Context& c) {
		if (c.stream(s) == &c.defaultStream) throw Fault{CAPTURE_UNSUPPORTED, "the default stream cannot record"};
		c.stream(s)->beginCapture();
	});
}
API cuStreamEndCapture(void* s, Graph** g) {
	return inContext([&](Context& c) {
		*g = nullptr;
		*g = keep(c.graphs, c.stream(s)->endCapture());
		for (auto& e : c.events) e->capture = nullptr;
	});
}
API cuGraphInstantiateWithFlags(Graph** exec, Graph* g, unsigned long long) {
	return inContext([&](Context& c) { *exec = keep(c.executables, known(c.graphs, g)->clone()); });
}
API cuGraphLaunch(Graph* exec, void* s) {
	return inContext([&](Context& c) {
		known(c.executables, exec);
		c.queue(s, [exec] { exec->run(); });
	});
}
API cuGraphExecDestroy(Graph* exec) {
	return inContext([&](Context& c) {
		known(c.executables, exec);
		c.settleAll();
		c.executables.erase(exec);
		delete exec;
	});
}
API cuGraphCreate(Graph** g, unsigned) {
	return inContext([&](Context& c) { *g = keep(c.graphs, std::make_unique<Graph>()); });
}
API cuGraphClone(Graph** copy, Graph* g) {
	return inContext([&](Context& c) { *copy = keep(c.graphs, known(c.graphs, g)->clone()); });
}
API cuGraphDestroy(Graph* g) {
	return inContext([&](Context& c) {
		c.graphs.erase(known(c.graphs, g));
		delete g;
	});
}
