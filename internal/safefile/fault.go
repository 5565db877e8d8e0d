package safefile

import (
	"os"
	"sync/atomic"
	"time"
)

// faults, if set, is asked before each operation of this package.
var faults atomic.Pointer[func(operation, name string) error]

// SetFaults calls f before each operation (create, write, flush, sync, rename,
// sync folder, append), which fails if f does. Tests make the n-th one fail, or
// kill the process there. restore removes f.
func SetFaults(f func(operation, name string) error) (restore func()) {
	faults.Store(&f)
	return func() { faults.Store(nil) }
}

func fault(operation, name string) error {
	if f := faults.Load(); f != nil {
		return (*f)(operation, name)
	}
	return nil
}

// ActShared makes this process take every folder for one on a file system that several machines share and that keeps locks local to each of them, for tests.
func ActShared(beat, silence time.Duration) (restore func()) {
	oldFlock, oldLocal, oldBeat, oldPatience := flock, isLocal, beatEvery, patience
	flock, isLocal, beatEvery, patience = func(int, int) error { return nil }, func(*os.File, *Owner) bool { return false }, beat, silence
	return func() { flock, isLocal, beatEvery, patience = oldFlock, oldLocal, oldBeat, oldPatience }
}
