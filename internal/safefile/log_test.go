package safefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

type entry struct{ N int }

// However short a crash leaves it, a log gives the lines that are whole and
// goes on after them.
func TestLogCutAnywhere(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal.jsonl")
	l, _, err := OpenLog(name)
	if err != nil {
		t.Fatal(err)
	}
	var ends []int
	for i := range 5 {
		if err := l.Append(entry{i}); err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(name)
		ends = append(ends, len(b))
	}
	l.Close()
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) + 1 {
		if err := os.WriteFile(name, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, e := range ends {
			if e <= n {
				want++
			}
		}
		l, got, err := OpenLog(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != want {
			t.Fatalf("cut to %d bytes: %d entries, want %d", n, len(got), want)
		}
		if err := l.Append(entry{99}); err != nil {
			t.Fatal(err)
		}
		l.Close()
		if again, err := ReadLog(name); err != nil || len(again) != want+1 {
			t.Fatalf("cut to %d bytes and gone on: %d entries, %v", n, len(again), err)
		}
	}
}

// A flipped bit costs the line and what follows it.
func TestLogFlippedBit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal.jsonl")
	l, _, err := OpenLog(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := l.Append(entry{i}); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	b, _ := os.ReadFile(name)
	flipped := []byte(strings.Replace(string(b), `"N":1`, `"N":7`, 1))
	if err := os.WriteFile(name, flipped, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadLog(name); err != nil || len(got) != 1 {
		t.Errorf("%d entries, %v; want the one before the flip", len(got), err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	l, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockFolder(dir); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("a second lock: %v", err)
	}
	if o := HeldBy(dir); o == nil || o.Process != os.Getpid() {
		t.Errorf("held by %v", o)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	if o := HeldBy(dir); o != nil {
		t.Errorf("after unlocking held by %v", o)
	}
	if l, err = LockFolder(dir); err != nil || l.Stale != nil {
		t.Fatalf("after unlocking: %+v %v", l, err)
	}
	l.file.Close() // as the kernel does when a process is killed
	if o := HeldBy(dir); o != nil {
		t.Errorf("a stale lock is held by %v", o)
	}
	if l, err = LockFolder(dir); err != nil || l.Stale == nil || l.Stale.Process != os.Getpid() {
		t.Fatalf("after a kill: %+v %v", l, err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Somebody who asks again and again who holds a folder keeps nobody from taking it.
func TestAskingLocksNobodyOut(t *testing.T) {
	dir := t.TempDir()
	stop := make(chan struct{})
	var asking sync.WaitGroup
	defer asking.Wait()
	defer close(stop)
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				HeldBy(dir)
			}
		}
	})
	for range 50 {
		l, err := LockFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
}

// Whichever operation fails, the old file stays whole and no temporary one is
// left; after it, writing works again.
func TestEveryOperationFails(t *testing.T) {
	for _, fail := range []error{syscall.ENOSPC, syscall.EIO, syscall.EACCES} {
		for n := 1; ; n++ {
			dir := t.TempDir()
			name := filepath.Join(dir, "result")
			if err := WriteFile(name, []byte("old")); err != nil {
				t.Fatal(err)
			}
			count := 0
			restore := SetFaults(func(string, string) error {
				if count++; count == n {
					return fail
				}
				return nil
			})
			err := WriteFile(name, []byte("new"))
			restore()
			if err == nil {
				if n < 6 {
					t.Errorf("only %d operations can fail", n-1)
				}
				break
			}
			if !errors.Is(err, fail) || !strings.Contains(err.Error(), "result") && !strings.Contains(err.Error(), dir) {
				t.Errorf("operation %d: %v", n, err)
			}
			if b, _ := os.ReadFile(name); string(b) != "old" && string(b) != "new" {
				t.Errorf("operation %d: the file holds %q", n, b)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
				t.Errorf("operation %d: left %v", n, left)
			}
		}
	}
}
