#include <algorithm>
#include <map>
#include <random>

#include "warp.h"
#include "work.h"

namespace sim {

GraphNode* Graph::add(Action run, const vector<GraphNode*>& after) {
	nodes.emplace_back(new GraphNode{this, std::move(run), after});
	return nodes.back().get();
}

void Graph::removeNode(GraphNode* n) {
	for (auto& other : nodes) other->after.erase(std::remove(other->after.begin(), other->after.end(), n), other->after.end());
	nodes.erase(std::find_if(nodes.begin(), nodes.end(), [&](auto& p) { return p.get() == n; }));
}

std::unique_ptr<Graph> Graph::clone() const {
	std::unique_ptr<Graph> copy(new Graph);
	std::map<GraphNode*, GraphNode*> twin;
	for (auto& n : nodes) twin[n.get()] = copy->add(n->run, {});
	for (auto& n : nodes)
		for (auto a : n->after) twin[n.get()]->after.push_back(twin[a]);
	return copy;
}

// Forward: of the nodes that may run, the one recorded first; reverse: the one recorded last; else any. So an edge that is missing
// shows, as it would on a device that runs branches side by side.
void Graph::run() const {
	std::mt19937_64 random(settings.seed);
	vector<GraphNode*> left;
	for (auto& n : nodes) left.push_back(n.get());
	std::set<GraphNode*> done;
	auto ready = [&](GraphNode* n) { return std::all_of(n->after.begin(), n->after.end(), [&](GraphNode* a) { return done.count(a); }); };
	while (!left.empty()) {
		vector<size_t> can;
		for (size_t j = 0; j < left.size(); j++) {
			if (ready(left[j])) can.push_back(j);
			if (!can.empty() && settings.order == Settings::FORWARD) break;
		}
		if (can.empty()) throw Fault{INVALID_VALUE, "the graph has a cycle"};
		size_t next = settings.order == Settings::FORWARD ? can.front() : settings.order == Settings::REVERSE ? can.back() : can[random() % can.size()];
		GraphNode* n = left[next];
		left.erase(left.begin() + next);
		n->run();
		done.insert(n);
	}
}

}  // namespace sim
