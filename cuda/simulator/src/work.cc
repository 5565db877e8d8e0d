#include "work.h"

#include <algorithm>
#include <chrono>

namespace sim {

static double now() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void Stream::push(Action run) {
	if (capture && capture->broken) throw Fault{CAPTURE_INVALIDATED, "the recording was spoiled by a call that it forbids"};
	if (capture) frontier = {capture->graph->add(std::move(run), frontier)};
	else items.push_back({std::move(run), nullptr, 0});
}

void Stream::record(const std::shared_ptr<Event>& e) {
	if (capture) {
		e->capture = capture;
		e->frontier = frontier;
		return;
	}
	e->capture = nullptr;
	e->in = this;
	u64 times = ++e->recorded;
	push([e, times] {
		e->milliseconds = now();
		e->reached = times;
	});
}

void Stream::wait(const std::shared_ptr<Event>& e) {
	if (e->capture) {                       // the stream joins the recording
		if (capture && capture != e->capture) throw Fault{CAPTURE_ISOLATION, "an event of another recording"};
		capture = e->capture;
		capture->members.insert(this);
		for (auto n : e->frontier)
			if (std::find(frontier.begin(), frontier.end(), n) == frontier.end()) frontier.push_back(n);
		return;
	}
	if (capture) throw Fault{CAPTURE_ISOLATION, "the event was recorded before the recording began"};
	if (e->recorded) items.push_back({nullptr, e, e->recorded});
}

void Stream::step() {
	Item i = std::move(items.front());
	items.pop_front();
	if (!i.wait) return i.run();
	if (i.wait->reached < i.times && i.wait->in) i.wait->in->drainUntil(*i.wait, i.times);
}
void Stream::drain() {
	while (!items.empty()) step();
}
void Stream::drainUntil(const Event& e, u64 times) {
	while (!items.empty() && e.reached < times) step();
}

void Stream::beginCapture() {
	if (capture) throw Fault{ILLEGAL_STATE, "the stream records already"};
	capture = new Capture;
	capture->origin = this;
	capture->members.insert(this);
	frontier.clear();
}

static void collect(GraphNode* n, std::set<GraphNode*>& all) {
	if (!all.insert(n).second) return;
	for (auto a : n->after) collect(a, all);
}

std::unique_ptr<Graph> Stream::endCapture() {
	if (!capture) throw Fault{ILLEGAL_STATE, "the stream does not record"};
	if (capture->origin != this) throw Fault{CAPTURE_UNMATCHED, "the recording began in another stream"};
	if (capture->broken) {
		abandonCapture();
		throw Fault{CAPTURE_INVALIDATED, "the recording was spoiled by a call that it forbids"};
	}
	std::set<GraphNode*> joined;
	for (auto n : frontier) collect(n, joined);
	bool whole = true;
	for (auto s : capture->members)
		for (auto n : s->frontier) whole = whole && joined.count(n);
	std::unique_ptr<Graph> graph = std::move(capture->graph);
	abandonCapture();
	if (!whole) throw Fault{CAPTURE_UNJOINED, "a stream that joined the recording has work that the first one does not wait for"};
	return graph;
}

void Stream::abandonCapture() {
	Capture* ended = capture;
	if (!ended) return;
	for (auto s : ended->members) {
		s->capture = nullptr;
		s->frontier.clear();
	}
	delete ended;
}

}  // namespace sim
