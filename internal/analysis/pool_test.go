package analysis

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// Every recording is done once, on several devices and several at once on each; a device that takes no
// more leaves the rest to the others, or gives it back.
func TestRecordingsAreShared(t *testing.T) {
	var recordings []string
	for i := range 20 {
		recordings = append(recordings, fmt.Sprint("r", i))
	}
	for _, c := range []struct {
		name            string
		devices, atOnce int
		lost            map[int]string // device: the recording at which it fails
		left            bool
	}{
		{"one by one", 1, 1, nil, false}, {"two at once", 1, 2, nil, false}, {"two devices", 2, 2, nil, false},
		{"one of two devices fails", 2, 1, map[int]string{0: "any", 1: ""}, false}, {"the only device fails", 1, 2, map[int]string{0: "r3"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			at, most, began, used := 0, 0, []string{}, map[int]int{}
			got := 0
			var all sync.WaitGroup // each device has begun: none does all before another is woken
			all.Add(c.devices)
			left := share(t.Context(), recordings, c.devices, c.atOnce, func(device int, r string) (Result, bool) {
				mu.Lock()
				at++
				most, began = max(most, at), append(began, r)
				used[device]++
				first := used[device] == 1
				mu.Unlock()
				if first {
					all.Done()
				}
				all.Wait()
				time.Sleep(time.Millisecond)
				mu.Lock()
				at--
				mu.Unlock()
				return Result{State: Done}, c.lost[device] == "" || c.lost[device] != "any" && c.lost[device] != r
			}, func(r Result) { got++ })
			slices.Sort(began)
			if len(slices.Compact(slices.Clone(began))) != len(began) || got != len(began) || len(began)+len(left) != len(recordings) {
				t.Fatalf("%d begun, %d results, %d left", len(began), got, len(left))
			}
			if (len(left) > 0) != c.left || most > c.devices*c.atOnce || len(used) != c.devices || c.lost[0] == "any" && used[0] != 1 {
				t.Errorf("%d left, %d at once, by device %v", len(left), most, used)
			}
		})
	}
	ctx, stop := context.WithCancel(context.Background())
	if left := share(ctx, recordings, 1, 1, func(int, string) (Result, bool) { stop(); return Result{}, true }, func(Result) {}); len(left) != 19 {
		t.Errorf("%d are left after an interruption at the first", len(left))
	}
}
