// Queues of work: streams, events, graphs.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <set>

#include "types.h"

namespace sim {

using Action = std::function<void()>;   // throws Fault

struct Graph;
struct GraphNode {
	Graph* graph;
	Action run;
	vector<GraphNode*> after;
};
struct Graph {
	vector<std::unique_ptr<GraphNode>> nodes;
	GraphNode* add(Action run, const vector<GraphNode*>& after);
	void removeNode(GraphNode* n);
	std::unique_ptr<Graph> clone() const;
	void run() const;                     // in an order that the settings choose among those the edges allow
};

struct Stream;
struct Capture {                          // a recording that has begun and not ended
	std::unique_ptr<Graph> graph{new Graph};
	Stream* origin;
	std::set<Stream*> members;            // origin, and streams that waited for its events
	bool broken = false;                  // a call that recording forbids was made: its end says so, and nothing more goes in
};

struct Event {
	u64 recorded = 0, reached = 0;        // how often it was queued, and done
	double milliseconds = 0;              // when it was reached
	bool timed = true;
	Stream* in = nullptr;                 // where it was queued last
	Capture* capture = nullptr;           // recorded into a graph instead
	vector<GraphNode*> frontier;          // what it marks there
};

struct Stream {
	struct Item {
		Action run;
		std::shared_ptr<Event> wait;      // instead of run: go on when the event was reached so often
		u64 times = 0;
	};
	bool blocking = true;                 // waits for the default stream, and that one for it
	std::deque<Item> items;
	Capture* capture = nullptr;
	vector<GraphNode*> frontier;          // what the next recorded work comes after

	void push(Action run);                // queue, or record
	void record(const std::shared_ptr<Event>& e);
	void wait(const std::shared_ptr<Event>& e);
	void drain();                         // do all items, and those of others that they wait for
	void drainUntil(const Event& e, u64 times);

	void beginCapture();
	std::unique_ptr<Graph> endCapture();
	void abandonCapture();

private:
	void step();
};

}  // namespace sim
