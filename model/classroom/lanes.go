package classroom

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"classlens/model"
)

// lanes are a network and its twins, which divide the CPU's threads: several parts of a batch run concurrently
// and need not wait for each other after every layer. On a device there is one lane. It is not safe for concurrent use.
type lanes struct {
	nets []*model.Net
	outs [][]model.Tensor // of each lane's last part
	work []func()         // what each lane does in a run

	job     rowsJob // of the run under way
	rows    int
	size    int          // rows of a part
	next    atomic.Int64 // part
	errs    []error      // of each lane
	working sync.WaitGroup
}

// rowsJob is a batch of rows. Its methods are called concurrently, but never with the same lane or the same rows.
type rowsJob interface {
	// inputs are the inputs for rows [from, to), in memory that belongs to the lane.
	inputs(lane, from, to int) []model.Tensor
	// take reads the outputs for rows [from, to), which the lane's next part overwrites.
	take(from, to int, out []model.Tensor) error
}

// mostLanes bounds the memory of lanes.
const mostLanes = 4

func newLanes(onnx []byte, o model.Options) (*lanes, error) {
	threads, n := o.Threads, 1
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if o.Device == model.CPU {
		n = min(threads, mostLanes)
		o.Threads = (threads + n - 1) / n
	}
	first, err := model.Load(onnx, o)
	if err != nil {
		return nil, err
	}
	l := &lanes{nets: []*model.Net{first}, errs: make([]error, n)}
	for len(l.nets) < n {
		twin, err := first.Twin()
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.nets = append(l.nets, twin)
	}
	for lane := range n {
		l.outs = append(l.outs, make([]model.Tensor, len(first.Outputs())))
		l.work = append(l.work, func() {
			l.errs[lane] = l.parts(lane)
			l.working.Done()
		})
	}
	return l, nil
}

func (l *lanes) deviceError() error { return l.nets[0].DeviceError() }

func (l *lanes) close() error {
	var errs []error
	for _, n := range l.nets {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}

// partRows is how many rows of a batch a lane takes at a time: few enough that all lanes end at about the same time even if other work
// takes a core away from one, and always the same number, which is planned once.
const partRows = 16

// run evaluates a batch, in parts where there are several lanes.
func (l *lanes) run(rows int, job rowsJob) error {
	l.job, l.rows, l.size = job, rows, partRows
	if len(l.nets) == 1 {
		l.size = max(rows, 1)
	}
	l.next.Store(0)
	clear(l.errs)
	busy := max(1, min(len(l.nets), (rows+l.size-1)/l.size))
	l.working.Add(busy)
	for _, work := range l.work[1:busy] {
		go work()
	}
	l.work[0]()
	l.working.Wait()
	l.job = nil
	return errors.Join(l.errs...)
}

// parts evaluates parts in a lane until there are no more.
func (l *lanes) parts(lane int) error {
	for {
		from := (int(l.next.Add(1)) - 1) * l.size
		if from >= l.rows {
			return nil
		}
		to := min(from+l.size, l.rows)
		if err := l.nets[lane].RunInto(l.job.inputs(lane, from, to), l.outs[lane]); err != nil {
			return err
		}
		if err := l.job.take(from, to, l.outs[lane]); err != nil {
			return err
		}
	}
}
