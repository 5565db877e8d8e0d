//go:build cuda

package driver

/*
#include <stdint.h>
#include <stdlib.h>
#include <cuda.h>

// Loads PTX and keeps what the driver's compiler says of a text that it refuses.
static CUresult load_module(CUmodule *m, const char *ptx, char *log, size_t bytes) {
	CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
	void *values[] = {log, (void *)(uintptr_t)bytes};
	log[0] = 0;
	return cuModuleLoadDataEx(m, ptx, 2, options, values);
}
*/
import "C"

import (
	"errors"
	"math"
	"strings"
	"unsafe"

	"gorgonia.org/cu"
)

// Module is a loaded PTX text.
type Module struct {
	device *Device
	mod    cu.Module
	params map[string][]Param
	closed bool
}

// logBytes is the size of the buffer for the errors of the driver's compiler.
const logBytes = 8192

// Load compiles a PTX text for the device. That can take seconds the first time; the driver keeps the result on disk.
func (d *Device) Load(ptx []byte) (*Module, error) {
	params, err := parseKernels(string(ptx))
	if err != nil {
		return nil, callError("load module", "%v", err)
	}
	m := &Module{device: d, params: params}
	err = d.Do(func() error {
		text, log := C.CString(string(ptx)), (*C.char)(C.malloc(logBytes))
		defer C.free(unsafe.Pointer(text))
		defer C.free(unsafe.Pointer(log))
		*log = 0
		err := d.call("load module", func() error {
			return result(C.load_module((*C.CUmodule)(unsafe.Pointer(&m.mod)), text, log, logBytes))
		})
		if err == nil {
			d.live.Modules++
			return nil
		}
		if said := strings.TrimSpace(C.GoString(log)); said != "" {
			var failed *Error
			if errors.As(err, &failed) {
				failed.Detail = said
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Close unloads the module, after the work that was queued so far; its kernels must not be used any more. A second call does
// nothing.
func (m *Module) Close() error {
	d := m.device
	return d.Do(func() error {
		if m.closed {
			return nil
		}
		if d.busy {
			if err := d.synchronize(); err != nil {
				return err
			}
		}
		m.closed = true
		d.live.Modules--
		return d.call("unload module", m.mod.Unload)
	})
}

// Kernels lists the kernels of the module and their parameters.
func (m *Module) Kernels() map[string][]Param { return m.params }

// Kernel is a function that the device runs.
type Kernel struct {
	module  *Module
	name    string
	fn      cu.Function
	params  []Param
	dynamic int // bytes of dynamic shared memory it may have so far
}

// Function finds a kernel by its name.
func (m *Module) Function(name string) (*Kernel, error) {
	k := &Kernel{module: m, name: name, params: m.params[name], dynamic: usualShared}
	err := m.device.Do(func() error {
		if m.closed {
			return callError("get kernel "+name, "the module is closed")
		}
		return m.device.call("get kernel "+name, func() (err error) { k.fn, err = m.mod.Function(name); return err })
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// usualShared is the shared memory a block may have without asking.
const usualShared = 48 << 10

// Name is the kernel's name in the PTX.
func (k *Kernel) Name() string { return k.name }

// Params are the kernel's parameters in order.
func (k *Kernel) Params() []Param { return k.params }

// Launch queues the kernel on s (nil: the default stream). grid is in blocks, block in threads, shared the bytes of dynamic
// shared memory; above 48 KiB the device is asked for it. The arguments are compared with the PTX: see pack. A buffer must
// live until the work is done. A fault inside the kernel shows at a later call, as ErrContextSpoiled.
func (k *Kernel) Launch(s *Stream, grid, block [3]int, shared int, args ...any) error {
	cells, err := pack(k.name, k.params, args)
	if err != nil {
		return err
	}
	for i := range 3 {
		if grid[i] < 1 || block[i] < 1 {
			return callError("launch "+k.name, "grid %v, block %v", grid, block)
		}
	}
	if grid[0] > math.MaxInt32 || grid[1] > 65535 || grid[2] > 65535 || block[0] > 1024 || block[1] > 1024 || block[2] > 64 || block[0]*block[1]*block[2] > 1024 {
		return callError("launch "+k.name, "grid %v, block %v: a grid has 2147483647, 65535 and 65535 blocks at most, a block 1024 threads, 64 deep", grid, block)
	}
	pointers := make([]unsafe.Pointer, len(cells))
	for i := range cells {
		pointers[i] = unsafe.Pointer(&cells[i])
	}
	d := k.module.device
	return d.Do(func() error {
		if k.module.closed {
			return callError("launch "+k.name, "the module is closed")
		}
		if shared > k.dynamic {
			if err := k.allowShared(shared); err != nil {
				return err
			}
		}
		d.busy = true
		return d.call("launch "+k.name, func() error {
			return k.fn.Launch(grid[0], grid[1], grid[2], block[0], block[1], block[2], shared, s.raw(), pointers)
		})
	})
}

func (k *Kernel) allowShared(bytes int) error {
	err := k.module.device.call("ask for shared memory for "+k.name, func() error {
		fn := *(*C.CUfunction)(unsafe.Pointer(&k.fn))
		return result(C.cuFuncSetAttribute(fn, C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)))
	})
	if err == nil {
		k.dynamic = bytes
	}
	return err
}

// Usage is how much of a multiprocessor's resources a kernel takes.
type Usage struct {
	Registers    int // a thread; 0 on a simulated device
	Shared       int // static bytes a block
	Local        int // bytes a thread: spills and arrays
	MaxThreads   int // a block
	ActiveBlocks int // a multiprocessor, at the block size asked about; 0 on a simulated device
}

// Usage asks the driver what the kernel takes at this block size and dynamic shared memory.
func (k *Kernel) Usage(threads, shared int) (u Usage, err error) {
	d := k.module.device
	err = d.Do(func() error {
		for _, q := range []struct {
			what cu.FunctionAttribute
			to   *int
		}{{cu.NumRegs, &u.Registers}, {cu.SharedSizeBytes, &u.Shared}, {cu.LocalSizeBytes, &u.Local}, {cu.FnMaxThreadsPerBlock, &u.MaxThreads}} {
			if err := d.call("get attribute of "+k.name, func() (err error) { *q.to, err = k.fn.Attribute(q.what); return err }); err != nil {
				return err
			}
		}
		if d.info.Simulated {
			return nil
		}
		return d.call("get occupancy of "+k.name, func() (err error) {
			u.ActiveBlocks, err = k.fn.MaxActiveBlocksPerMultiProcessor(threads, int64(shared))
			return err
		})
	})
	return u, err
}
