package main

import (
	"fmt"

	"classlens/cuda/driver"
	"classlens/model/classroom"
)

// gpus lists the devices and tries each: a device that computes wrongly is worse than none.
func (d *doctor) gpus() {
	if !driver.Built {
		d.note("gpu", "this program was built without CUDA: the networks run on the CPU (make build includes CUDA)")
		return
	}
	all, err := driver.Devices()
	if err != nil {
		d.note("gpu", fmt.Sprintf("the networks run on the CPU: %v", err))
		return
	}
	if len(all) == 0 {
		d.note("gpu", "no NVIDIA driver, or it sees no GPU: the networks run on the CPU")
		return
	}
	for _, g := range all {
		d.gpu(g)
	}
}

func (d *doctor) gpu(g driver.Info) {
	text := fmt.Sprintf("cuda:%d %s, %s, %.1f GiB, compute %d.%d, %d multiprocessors, driver for CUDA %d.%d", g.Index, g.Name, g.UUID, float64(g.Memory)/(1<<30),
		g.ComputeMajor, g.ComputeMinor, g.Multiprocessors, g.DriverVersion/1000, g.DriverVersion%1000/10)
	if g.Simulated {
		text += "; simulated: it interprets the kernels on the CPU, for tests, and is used only with --device cuda"
	}
	if err := g.Unfit(); err != nil {
		d.note("gpu", fmt.Sprintf("%s; not used: %v", text, err))
		return
	}
	if err := classroom.SelfCheck(g.UUID, classroom.Default()); err != nil {
		d.note("gpu", fmt.Sprintf("%s; not used: %v", text, err))
		return
	}
	d.good("gpu", text+"; it passed the self-check on the stored clip")
}
