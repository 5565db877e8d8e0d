package safefile

import "sync/atomic"

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
