//go:build cuda

package driver

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import "unsafe"

// Statistics is what a simulated device counted of the kernel of this name, over all modules that this device loaded. A real
// device answers ErrCall. Bank conflicts and sectors are counted when CLASSLENS_SIM_STATISTICS is 1.
func (d *Device) Statistics(kernel string) (s Statistics, err error) {
	err = d.Do(func() error {
		name := C.CString(kernel)
		defer C.free(unsafe.Pointer(name))
		var v [8]C.ulonglong
		if code := int(C.shim_sim_statistics(name, &v[0])); code != 0 {
			return convert("get statistics of "+kernel, code)
		}
		s = Statistics{uint64(v[0]), uint64(v[1]), uint64(v[2]), uint64(v[3]), uint64(v[4]), uint64(v[5]), uint64(v[6]), uint64(v[7])}
		return nil
	})
	return s, err
}

// alive is what the simulated device itself holds, whatever this package believes. Called on the device's thread.
func alive() (c Counts, err error) {
	var v [6]C.ulonglong
	if code := int(C.shim_sim_live(&v[0])); code != 0 {
		return c, convert("count what is alive", code)
	}
	return Counts{Buffers: int(v[0]), HostBuffers: int(v[1]), Streams: int(v[2]), Events: int(v[3]), Modules: int(v[4]), Graphs: int(v[5])}, nil
}
