package safefile

import "sync/atomic"

// faults, where set, is asked before each operation of this package.
var faults atomic.Pointer[func(operation, name string) error]

// SetFaults makes f judge each operation (create, write, flush, sync, rename,
// sync folder, append) before it happens, so that tests can let the n-th one fail or
// end the process there. It gives what takes f away again.
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
