#include "../src/warp.h"
#include "../src/work.h"
#include "check.h"

using namespace sim;

static std::string log;
static Action says(char c) { return [c] { log += c; }; }

TEST(streamsKeepTheirOrder) {
	Stream a, b;
	log.clear();
	a.push(says('1'));
	b.push(says('x'));
	a.push(says('2'));
	EQUAL(log, "");
	a.drain();
	EQUAL(log, "12");
	b.drain();
	EQUAL(log, "12x");
}

TEST(eventsOrderStreams) {
	Stream a, b;
	auto e = std::make_shared<Event>();
	log.clear();
	a.push(says('1'));
	a.record(e);
	a.push(says('2'));
	b.wait(e);
	b.push(says('x'));
	b.drain();
	EQUAL(log, "1x");   // as much of a as the event asks for
	a.drain();
	EQUAL(log, "1x2");
}

TEST(anEventThatWasNeverRecordedHoldsNobody) {
	Stream a;
	log.clear();
	a.wait(std::make_shared<Event>());
	a.push(says('1'));
	a.drain();
	EQUAL(log, "1");
}

TEST(recordingForksAndJoins) {
	Stream a, b;
	auto fork = std::make_shared<Event>(), join = std::make_shared<Event>();
	log.clear();
	a.beginCapture();
	a.push(says('1'));
	a.record(fork);
	b.wait(fork);
	b.push(says('x'));
	b.record(join);
	a.push(says('2'));
	a.wait(join);
	a.push(says('3'));
	auto g = a.endCapture();
	CHECK(!a.capture && !b.capture && a.items.empty() && b.items.empty());
	EQUAL(log, "");
	settings.order = Settings::FORWARD;
	g->run();
	EQUAL(log, "1x23");
	log.clear();
	settings.order = Settings::REVERSE;
	g->run();
	settings.order = Settings::FORWARD;
	EQUAL(log, "12x3");
	log.clear();
	g->clone()->run();
	EQUAL(log, "1x23");
}

TEST(anUnjoinedStreamIsRefused) {
	Stream a, b;
	auto fork = std::make_shared<Event>();
	a.beginCapture();
	a.push(says('1'));
	a.record(fork);
	b.wait(fork);
	b.push(says('x'));
	THROWS(a.endCapture(), "has work that the first one does not wait for");
	CHECK(!a.capture && !b.capture);
}

TEST(recordingsAreKeptApart) {
	Stream a, b;
	auto e = std::make_shared<Event>(), before = std::make_shared<Event>();
	before->recorded = 1;
	a.beginCapture();
	b.beginCapture();
	b.record(e);
	THROWS(a.wait(e), "another recording");
	THROWS(a.wait(before), "before the recording began");
	THROWS(a.beginCapture(), "records already");
	a.endCapture();
	b.endCapture();
	THROWS(a.endCapture(), "does not record");
}

TEST(graphsBuiltByHand) {
	Graph g;
	log.clear();
	GraphNode* c = g.add(says('c'), {});
	GraphNode* a = g.add(says('a'), {});
	c->after.push_back(a);
	g.run();
	EQUAL(log, "ac");
	a->after.push_back(c);
	THROWS(g.run(), "a cycle");
	g.removeNode(a);
	log.clear();
	g.run();
	EQUAL(log, "c");
}
