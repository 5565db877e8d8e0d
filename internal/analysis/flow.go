package analysis

import (
	"errors"
	"sync"

	"classlens/cuda/exec"
	"classlens/cuda/flow"
	"classlens/model"
	"classlens/vision/scene"
	"classlens/vision/video"
)

// gpuFlow computes dense optical flow on the GPU that runs the networks, for all recordings under analysis. After the GPU has failed, the
// CPU takes over.
type gpuFlow struct {
	mu     sync.Mutex
	device *exec.Device // nil: it failed
	bySize map[[2]int]*flow.Flow
	lost   error
}

// newGPUFlow is nil if, by the setting run.flow and the device, the CPU computes flow from the start.
func newGPUFlow(c model.Choice, setting string) *gpuFlow {
	if c.Device == model.CPU || setting == "cpu" || setting == "auto" && c.Info.Simulated {
		return nil
	}
	f := &gpuFlow{bySize: map[[2]int]*flow.Flow{}}
	f.device, f.lost = exec.Open(c.Device)
	return f
}

// compute fills in a flow from its pair of pictures.
func (f *gpuFlow) compute(step *scene.Flow) error {
	if uv := f.onGPU(step); uv != nil {
		video.FinishFlow(step, uv)
		return nil
	}
	return video.ComputeFlow(step)
}

// onGPU gives the flow, or nil if the GPU cannot.
func (f *gpuFlow) onGPU(step *scene.Flow) []float32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.device == nil {
		return nil
	}
	size := [2]int{step.Height, step.Width}
	computer, err := f.bySize[size], error(nil)
	if computer == nil {
		if computer, err = flow.New(f.device.Device, 1, step.Height, step.Width); err == nil {
			f.bySize[size] = computer
		}
	}
	var uv []float32
	if err == nil {
		uv, err = flow.Between(computer, step.Pair.From, step.Pair.To, 1)
	}
	if err != nil {
		f.lost = err
		_ = f.free() // further errors of a failed device add nothing
		return nil
	}
	return uv
}

// err is why the CPU took over, nil while it has not.
func (f *gpuFlow) err() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

func (f *gpuFlow) free() error {
	var errs []error
	for _, computer := range f.bySize {
		errs = append(errs, computer.Close())
	}
	if f.device != nil {
		errs = append(errs, f.device.Close())
	}
	f.device, f.bySize = nil, nil
	return errors.Join(errs...)
}

func (f *gpuFlow) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.free()
}
