package safefile

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// sharedFolder is a folder as several machines see it whose file system keeps locks to each of them: the kernel gives every lock that is asked for.
func sharedFolder(t *testing.T) string {
	t.Helper()
	t.Cleanup(ActShared(10*time.Millisecond, time.Minute))
	oldLook, oldSettle := lookEvery, settle
	t.Cleanup(func() { lookEvery, settle = oldLook, oldSettle })
	lookEvery, settle = 5*time.Millisecond, 50*time.Millisecond
	return t.TempDir()
}

// left makes the lock of a machine that is gone.
func left(t *testing.T, folder string) {
	t.Helper()
	if err := WriteFile(filepath.Join(folder, LockName), []byte(`{"pid":7,"host":"elsewhere","since":"2026-01-02T03:04:05Z","boot":"b","run":"r","beat":3}`+"\n")); err != nil {
		t.Fatal(err)
	}
}

// Where the kernel keeps nobody out, a living owner does: by having made the file, and by its beat.
func TestSharedFolderHasOneOwner(t *testing.T) {
	dir := sharedFolder(t)
	l, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	var waited Owner
	if _, err := LockFolderPatiently(context.Background(), dir, func(o Owner) { waited = o }); !errors.Is(err, ErrLocked) || waited.Process != os.Getpid() {
		t.Errorf("a second lock: %v, having waited for %v", err, waited)
	}
	if o := HeldBy(dir); o == nil || o.Process != os.Getpid() {
		t.Errorf("held by %v", o)
	}
	if err := l.Err(); err != nil {
		t.Error(err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	if found, _ := os.ReadDir(dir); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
}

// Of many that come at once one gets the folder, free or left by a machine that is gone.
func TestSharedFolderIsTakenByOne(t *testing.T) {
	for _, stale := range []bool{false, true} {
		dir := sharedFolder(t)
		if stale {
			patience = 100 * time.Millisecond
			left(t, dir)
		}
		var mu sync.Mutex
		var got []*Lock
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				l, err := LockFolder(dir)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got = append(got, l)
				} else if !errors.Is(err, ErrLocked) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if !stale && len(got) != 1 {
			t.Errorf("%d took a free folder", len(got))
		}
		if stale && len(got) == 1 && (got[0].Stale == nil || got[0].Stale.Host != "elsewhere") {
			t.Errorf("taken over from %v", got[0].Stale)
		}
		valid := 0
		for _, l := range got {
			if l.Err() == nil {
				valid++
			}
		}
		if valid != 1 {
			t.Errorf("stale %v: %d of %d have the folder", stale, valid, len(got))
		}
		for _, l := range got {
			if err := l.Unlock(); err != nil {
				t.Error(err)
			}
		}
		if found, _ := os.ReadDir(dir); len(found) > 0 {
			t.Errorf("left behind: %v", found)
		}
	}
}

// An owner whose folder was given away knows it, and leaves the other's lock alone.
func TestOwnerLearnsThatItLost(t *testing.T) {
	dir := sharedFolder(t)
	l, err := LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	left(t, dir)
	<-l.Lost()
	if err := l.Err(); !errors.Is(err, ErrLocked) {
		t.Errorf("said %v", err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	if o := readOwner(filepath.Join(dir, LockName)); o == nil || o.Host != "elsewhere" {
		t.Errorf("the other's lock is now %v", o)
	}
}

// Nobody waits for a process of this machine that has ended.
func TestOwnersThatHaveEndedAreKnown(t *testing.T) {
	dir := sharedFolder(t)
	patience = time.Hour
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if boot() == "" || pidSpace() == "" {
		t.Skip("this system does not tell")
	}
	b, err := json.Marshal(Owner{Process: cmd.Process.Pid, Host: "here", Boot: boot(), Space: pidSpace(), Run: "r"})
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, LockName), b); err != nil {
		t.Fatal(err)
	}
	if o := HeldBy(dir); o != nil {
		t.Errorf("held by %v", o)
	}
	l, err := LockFolder(dir)
	if err != nil || l.Stale == nil || l.Stale.Host != "here" {
		t.Fatalf("%+v, %v", l, err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Owner{{Process: cmd.Process.Pid, Boot: "another", Space: pidSpace()}, {Process: cmd.Process.Pid, Boot: boot(), Space: "another"}, {Process: os.Getpid(), Boot: boot(), Space: pidSpace()}, {Process: cmd.Process.Pid}} {
		if o.gone() {
			t.Errorf("%+v is believed to have ended", o)
		}
	}
}

// Waiting for a machine that is gone ends when the program is to end.
func TestWaitingIsInterrupted(t *testing.T) {
	dir := sharedFolder(t)
	patience = time.Hour
	left(t, dir)
	ctx, stop := context.WithCancel(context.Background())
	if _, err := LockFolderPatiently(ctx, dir, func(Owner) { stop() }); !errors.Is(err, context.Canceled) {
		t.Errorf("said %v", err)
	}
}

// On this machine's own disks nobody waits: the kernel's word is the last.
func TestOwnDiskNeedsNoBeat(t *testing.T) {
	f, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for kind, want := range map[int64]bool{0xef53: true, 0x01021994: true, 0x6969: false, fuse: false, 0xfe534d42: false, 0x0bd00bd0: false} { // ext4, tmpfs; NFS, FUSE, SMB, Lustre
		if own[kind] != want {
			t.Errorf("%#x is a disk of this machine alone: %v", kind, own[kind])
		}
	}
	if t := typeOf(f); t != 0 && !own[t] {
		return // the tests' folder is on something else
	}
	if !local(f, &Owner{Boot: "another"}) || !local(f, nil) {
		t.Error("an own disk is taken for a shared one")
	}
}

// Processes that change one file in turn do so one at a time, also where the kernel keeps nobody out.
func TestLockFile(t *testing.T) {
	for _, shared := range []bool{false, true} {
		dir := t.TempDir()
		if shared {
			dir = sharedFolder(t)
		}
		name := filepath.Join(dir, "count")
		if err := WriteFile(name, nil); err != nil {
			t.Fatal(err)
		}
		const each, processes = 5, 4
		var all sync.WaitGroup
		for range processes {
			all.Go(func() {
				for range each {
					l, err := LockFile(context.Background(), name)
					if err != nil {
						t.Error(err)
						return
					}
					before, err := os.ReadFile(name)
					if err != nil {
						t.Error(err)
					}
					if err := WriteFile(name, append(before, '.')); err != nil {
						t.Error(err)
					}
					if err := l.Unlock(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if got, _ := os.ReadFile(name); len(got) != each*processes {
			t.Errorf("shared %v: %d of %d changes", shared, len(got), each*processes)
		}
		if found, _ := os.ReadDir(dir); len(found) != 1 {
			t.Errorf("left behind: %v", found)
		}
	}
}

// A file system that cannot sync a folder, as SMB, is none that cannot be written to.
func TestFolderThatCannotBeSynced(t *testing.T) {
	d, err := os.Open("/proc/self")
	if err != nil {
		t.Skip(err)
	}
	defer d.Close()
	if err := d.Sync(); err == nil {
		t.Skip("/proc can be synced")
	}
	if err := syncFolder("/proc/self"); err != nil {
		t.Error(err)
	}
}
