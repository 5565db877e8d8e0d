package exec

import (
	"errors"
	"fmt"
	"sync"

	"classlens/cuda/driver"
	"classlens/cuda/kernels"
)

// Device is an open device with the project's kernels. Nets share it: Open returns the
// same one for the same name until all of them have closed it.
type Device struct {
	*driver.Device
	name string
	uses int

	mu      sync.Mutex
	modules map[string]*driver.Module // by name of the PTX file, loaded when first asked for
	found   map[string]*driver.Kernel
}

var (
	openMutex sync.Mutex
	opened    = map[string]*Device{}
)

// Open opens a device: "cuda" is the first one, or the simulated one if the
// environment names its library; anything else is a UUID.
func Open(name string) (*Device, error) {
	openMutex.Lock()
	defer openMutex.Unlock()
	if d := opened[name]; d != nil && d.Err() == nil {
		d.uses++
		return d, nil
	}
	uuid := name
	if name == "cuda" {
		all, err := driver.Devices()
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("device cuda: %w", driver.ErrNoDevice)
		}
		uuid = all[0].UUID
	}
	inner, err := driver.Open(uuid)
	if err != nil {
		return nil, err
	}
	d := &Device{Device: inner, name: name, uses: 1, modules: map[string]*driver.Module{}, found: map[string]*driver.Kernel{}}
	opened[name] = d
	return d, nil
}

// Close releases the device; the last user's call closes it.
func (d *Device) Close() error {
	openMutex.Lock()
	defer openMutex.Unlock()
	if d.uses--; d.uses > 0 {
		return nil
	}
	if opened[d.name] == d {
		delete(opened, d.name)
	}
	return d.Device.Close()
}

// homes says in which module each kernel is.
var homes = sync.OnceValue(func() map[string]kernels.Module {
	m := map[string]kernels.Module{}
	for _, module := range kernels.Modules() {
		for _, k := range module.Kernels {
			m[k] = module
		}
	}
	return m
})

// Kernel finds a kernel by name; it loads the kernel's module if necessary.
func (d *Device) Kernel(name string) (*driver.Kernel, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if k := d.found[name]; k != nil {
		return k, nil
	}
	home, ok := homes()[name]
	if !ok {
		return nil, fmt.Errorf("no kernel is called %s", name)
	}
	m := d.modules[home.Name]
	if m == nil {
		var err error
		if m, err = d.Load([]byte(home.PTX)); err != nil {
			return nil, fmt.Errorf("kernels of %s: %w", home.Name, err)
		}
		d.modules[home.Name] = m
	}
	k, err := m.Function(name)
	if err != nil {
		return nil, err
	}
	d.found[name] = k
	return k, nil
}

// OutOfMemory tells whether a smaller batch might avoid the error.
func OutOfMemory(err error) bool { return errors.Is(err, driver.ErrMemory) }
