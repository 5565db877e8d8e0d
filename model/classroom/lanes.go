package classroom

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"classlens/model"
)

// lanes are a network and twins of it, among which the CPU's threads are shared: parts of a batch side by side
// need not wait for each other after every layer. On a device there is one.
type lanes []*model.Net

// mostLanes bounds the memory that they take.
const mostLanes = 4

func newLanes(onnx []byte, o model.Options) (lanes, error) {
	threads, n := o.Threads, 1
	if threads <= 0 {
		threads = runtime.NumCPU()
	}
	if o.Device == model.CPU {
		n = min(threads, mostLanes)
		o.Threads = (threads + n - 1) / n
	}
	first, err := model.Load(onnx, o)
	if err != nil {
		return nil, err
	}
	l := lanes{first}
	for len(l) < n {
		twin, err := first.Twin()
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l = append(l, twin)
	}
	return l, nil
}

func (l lanes) close() error {
	var errs []error
	for _, n := range l {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}

// partRows is how many rows of a batch a lane takes at a time: few enough that lanes end together although other work takes a
// core away from one of them, and of one size, which is planned once.
const partRows = 16

// run evaluates a batch, in parts where there are several lanes. in gives the inputs of rows [from, to), and is called for
// several lanes at once; the outputs are joined.
func (l lanes) run(rows int, in func(lane, from, to int) ([]model.Tensor, error)) ([]model.Tensor, error) {
	size := partRows
	if len(l) == 1 {
		size = max(rows, 1)
	}
	parts := max(1, (rows+size-1)/size)
	outs, errs := make([][]model.Tensor, parts), make([]error, parts)
	var next atomic.Int64
	work := func(lane int) {
		for i := int(next.Add(1)) - 1; i < parts; i = int(next.Add(1)) - 1 {
			inputs, err := in(lane, i*size, min((i+1)*size, rows))
			if err == nil {
				outs[i], err = l[lane].Run(inputs...)
			}
			errs[i] = err
		}
	}
	var working sync.WaitGroup
	for lane := 1; lane < min(len(l), parts); lane++ {
		working.Go(func() { work(lane) })
	}
	work(0)
	working.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	out := outs[0]
	for _, more := range outs[1:] {
		for k := range out {
			out[k].Data = append(out[k].Data, more[k].Data...)
			out[k].Shape[0] += more[k].Shape[0]
		}
	}
	return out, nil
}
