package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"classlens/cuda/driver"
)

// CPU is the value of Options.Device for the CPU.
const CPU = "cpu"

// Choice is where networks run, and why.
type Choice struct {
	Device string      // for Options: CPU, or a GPU's UUID
	Info   driver.Info // of the GPU
	Note   string      // why the CPU is used instead of a GPU; "" if it is not
	// Network and Detectors are the GPU's precisions; "" is Float32.
	Network, Detectors Precision
}

// String names the device for a report.
func (c Choice) String() string {
	if c.Device == CPU {
		return CPU
	}
	text := fmt.Sprintf("cuda: %s, %s, driver for CUDA %d.%d", c.Info.Name, c.Info.UUID, c.Info.DriverVersion/1000, c.Info.DriverVersion%1000/10)
	if c.Info.Simulated {
		text += ", simulated"
	}
	if c.Detectors != "" && c.Detectors != Float32 {
		text += ", " + string(c.Detectors)
	} else if c.Network != "" && c.Network != Float32 {
		text += ", classroom network in " + string(c.Network)
	}
	return text
}

// FindDevice turns a setting into a device:
//
//	cpu, or nothing   the CPU
//	auto              the first real GPU that the kernels run on, else the CPU: never a simulated device
//	cuda              the first GPU; the simulated one where the environment names its library
//	cuda:N            the Nth that the driver lists, from 0
//	cuda:UUID         by UUID, whole or as much of it as no other begins with
//
// A GPU that was asked for and is not there is an error that wraps driver.ErrNoDevice.
func FindDevice(setting string) (Choice, error) {
	kind, which, named := strings.Cut(setting, ":")
	switch {
	case setting == "" || setting == CPU:
		return Choice{Device: CPU}, nil
	case setting != "auto" && (kind != "cuda" || (named && which == "")):
		return Choice{}, fmt.Errorf("device %q: there are auto, cpu, cuda, cuda:N and cuda:UUID", setting)
	}
	all, err := driver.Devices()
	if setting == "auto" {
		return automatic(all, err), nil
	}
	if err != nil {
		return Choice{}, fmt.Errorf("device %s: %w; --device auto takes the CPU", setting, err)
	}
	info, err := pick(all, which)
	if err == nil {
		err = info.Unfit()
	}
	if err != nil {
		return Choice{}, fmt.Errorf("device %s: %w; --device auto takes the CPU", setting, err)
	}
	return Choice{Device: info.UUID, Info: info}, nil
}

// SplitDevices turns a setting into one for each device: the elements of a list, cuda:UUID,cuda:UUID, or, for cuda:all, every real
// GPU that the kernels run on (or any GPU, if there is none such). Anything else stays as it is.
func SplitDevices(setting string) ([]string, error) {
	var all []string
	for _, s := range strings.Split(setting, ",") {
		if s != "cuda:all" {
			all = append(all, s)
			continue
		}
		found, err := driver.Devices()
		if err == nil && len(found) == 0 {
			_, err = pick(found, "")
		}
		if err != nil {
			return nil, fmt.Errorf("device cuda:all: %w", err)
		}
		fit := func(d driver.Info) bool { return !d.Simulated && d.Unfit() == nil }
		real := slices.ContainsFunc(found, fit)
		for _, d := range found {
			if fit(d) || !real {
				all = append(all, "cuda:"+d.UUID)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// automatic is the first real GPU that the kernels run on, else the CPU.
func automatic(all []driver.Info, err error) Choice {
	for _, d := range all {
		switch unfit := d.Unfit(); {
		case d.Simulated:
		case unfit == nil:
			return Choice{Device: d.UUID, Info: d}
		case err == nil:
			err = unfit
		}
	}
	c := Choice{Device: CPU}
	if err != nil {
		c.Note = fmt.Sprintf("no GPU is used: %v", err)
	}
	return c
}

// pick finds a device by number or UUID; "" is the first.
func pick(all []driver.Info, which string) (driver.Info, error) {
	if !driver.Built {
		return driver.Info{}, fmt.Errorf("%w: this program was built without CUDA (make build has it)", driver.ErrNoDevice)
	}
	if len(all) == 0 {
		return driver.Info{}, fmt.Errorf("%w: no NVIDIA driver, or no GPU that it sees", driver.ErrNoDevice)
	}
	if which == "" {
		return all[0], nil
	}
	if n, err := strconv.Atoi(which); err == nil && len(which) < 4 {
		if n >= 0 && n < len(all) {
			return all[n], nil
		}
		return driver.Info{}, fmt.Errorf("%w: there are %d, numbered from 0", driver.ErrNoDevice, len(all))
	}
	var found []driver.Info
	for _, d := range all {
		if bare := strings.TrimPrefix(d.UUID, "GPU-"); strings.HasPrefix(d.UUID, which) || strings.HasPrefix(bare, which) {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		return driver.Info{}, fmt.Errorf("%w: %d of %d UUIDs begin so", driver.ErrNoDevice, len(found), len(all))
	}
	return found[0], nil
}

// ErrWrongResult is wrapped by the error about a device whose results differ from those stored.
var ErrWrongResult = errors.New("its results are wrong")
