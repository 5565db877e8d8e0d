package exec

import (
	"errors"
	"sync"

	"classlens/cuda/driver"
)

// Net is what the programs of one network share on a device: the weights in the layouts
// of the kernels. It may be used concurrently; its methods take turns.
type Net struct {
	device    *Device
	precision Precision
	mu        sync.Mutex

	packed map[packing]*driver.Buffer
	tables map[string]*driver.Buffer
	owner  *Ready // whose tables are being made
}

// packing identifies packed weights: one constant may be packed in several ways.
type packing struct {
	c          *Constant
	mpad, kpad int
	kind       Precision
}

// NewNet makes an empty net on a device; it closes the device when it is closed.
func NewNet(d *Device, p Precision) *Net {
	return &Net{device: d, precision: p, packed: map[packing]*driver.Buffer{}, tables: map[string]*driver.Buffer{}}
}

// Device is the device that the net runs on.
func (n *Net) Device() *Device { return n.device }

// constant gives a constant's values, unpacked.
func (n *Net) constant(c *Constant) (*driver.Buffer, error) {
	return n.cached(packing{c: c}, func(d *Device) (*driver.Buffer, error) { return driver.Upload(d.Device, c.Data) })
}

// weights gives weights packed for the kernels' tiles, see packWeights.
func (n *Net) weights(c *Constant, groups, m, k, mpad, kpad int) (*driver.Buffer, error) {
	return n.cached(packing{c: c, mpad: mpad, kpad: kpad}, func(d *Device) (*driver.Buffer, error) {
		return driver.Upload(d.Device, packWeights(c.Data, groups, m, k, mpad, kpad))
	})
}

// cached uploads the values of a key once.
func (n *Net) cached(key packing, upload func(d *Device) (*driver.Buffer, error)) (*driver.Buffer, error) {
	if b := n.packed[key]; b != nil {
		return b, nil
	}
	b, err := upload(n.device)
	if err == nil {
		n.packed[key] = b
	}
	return b, err
}

// ints is a table of integers; tables of one key are the same and made once.
func (n *Net) ints(key string, data func() []int32) (*driver.Buffer, error) {
	if b := n.tables[key]; key != "" && b != nil {
		return b, nil
	}
	b, err := driver.Upload(n.device.Device, data())
	if err != nil {
		return nil, err
	}
	if key != "" {
		n.tables[key] = b
	} else {
		n.owner.tables = append(n.owner.tables, b)
	}
	return b, nil
}

// floats is a table of one program.
func (n *Net) floats(data []float32) (*driver.Buffer, error) {
	b, err := driver.Upload(n.device.Device, data)
	if err == nil {
		n.owner.tables = append(n.owner.tables, b)
	}
	return b, err
}

// Prepare fuses and places a program and loads what it needs. The program must not be
// changed or prepared again afterwards.
func (n *Net) Prepare(p *Program) (*Ready, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := p.check(); err != nil {
		return nil, err
	}
	fuse(p)
	if n.precision != Float32 {
		halve(p, n.precision)
	}
	r := &Ready{net: n, program: p, places: placeAll(p)}
	n.owner = r
	err := r.prepare()
	n.owner = nil
	if err != nil {
		return nil, errors.Join(err, r.free())
	}
	return r, nil
}

// Close frees the weights and releases the device; its programs must be freed before.
func (n *Net) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for _, b := range n.packed {
		errs = append(errs, b.Free())
	}
	for _, b := range n.tables {
		errs = append(errs, b.Free())
	}
	n.packed, n.tables = nil, nil
	errs = append(errs, n.device.Close())
	return errors.Join(errs...)
}
