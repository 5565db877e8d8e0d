// Package alloctest holds calls to allocating nothing. It is for tests alone.
package alloctest

import (
	"math"
	"testing"
)

// Nothing fails the test unless a call that was made before allocates nothing. Go's runtime allocates now and then by itself, when it
// collects garbage, say; a call that allocates does so at each of several tries.
func Nothing(t testing.TB, name string, call func() error) {
	t.Helper()
	run := func() {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	run()
	least := math.Inf(1)
	for range 3 {
		least = min(least, testing.AllocsPerRun(2, run))
	}
	if least != 0 {
		t.Errorf("%s: %v allocations a call", name, least)
	}
}
