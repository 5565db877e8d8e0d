package video

import (
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

func TestSilenceIsNoticed(t *testing.T) {
	fired := make(chan time.Time, 2)
	begin := time.Now()
	s := newSilence(200*time.Millisecond, func() { fired <- time.Now() })
	time.Sleep(100 * time.Millisecond)
	s.heard()
	if took := (<-fired).Sub(begin); took < 280*time.Millisecond {
		t.Errorf("fired after %v", took)
	}
	s.heard()
	s.stop()
	select {
	case <-fired:
		t.Error("fired after it was stopped")
	case <-time.After(400 * time.Millisecond):
	}
}

// A process that is stopped for longer than the limit and goes on has heard nothing meanwhile, and nothing hung.
func TestStoppedProcessIsNoSilence(t *testing.T) {
	var fired atomic.Bool
	s := newSilence(2*time.Second, func() { fired.Store(true) })
	defer s.stop()
	cmd := exec.Command("sh", "-c", fmt.Sprintf("kill -STOP %[1]d; sleep 3; kill -CONT %[1]d", os.Getpid()))
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 3*time.Second {
		t.Fatalf("stopped for %v only", took)
	}
	time.Sleep(50 * time.Millisecond)
	if fired.Load() {
		t.Error("the time in which the process was stopped counted")
	}
}
