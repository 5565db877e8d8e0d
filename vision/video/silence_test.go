package video

import (
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSilenceIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock goes only while nobody works: the machine's speed is no part of it
		fired := make(chan time.Time, 2)
		begin := time.Now()
		s := newSilence(200*time.Millisecond, func() { fired <- time.Now() })
		time.Sleep(95 * time.Millisecond) // between two ticks
		s.heard()
		if took := (<-fired).Sub(begin); took != 295*time.Millisecond {
			t.Errorf("fired after %v", took)
		}
		s.heard()
		s.stop()
		time.Sleep(time.Hour)
		select {
		case <-fired:
			t.Error("fired after it was stopped")
		default:
		}
	})
}

// A process that is stopped for longer than the limit and goes on has heard nothing meanwhile, and nothing hung.
func TestStoppedProcessIsNoSilence(t *testing.T) {
	const limit, stopped = 2 * time.Second, 3 * time.Second
	for range 10 {
		var fired atomic.Bool
		begin := time.Now()
		s := newSilence(limit, func() { fired.Store(true) })
		cmd := exec.Command("sh", "-c", fmt.Sprintf("kill -STOP %[1]d; sleep %[2]d; kill -CONT %[1]d", os.Getpid(), stopped/time.Second))
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // for a timer that is due
		s.stop()
		took := time.Since(begin)
		if took < stopped {
			t.Fatalf("stopped for %v only", took)
		}
		if took-stopped < limit-limit/silenceTicks { // or it ran long enough besides to notice a silence, on a busy machine
			if fired.Load() {
				t.Error("the time in which the process was stopped counted")
			}
			return
		}
	}
	t.Skip("this machine is too busy to stop and continue a process within two seconds")
}
