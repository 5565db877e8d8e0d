package train

// Stepper makes training steps: forward, losses, backward, gradients clipped, optimizer,
// moving average. Sync brings what it trained into the network, the optimizer and the
// average that it was made of; Close gives back what it holds.
type Stepper interface {
	Step(b Batch[float32], l Losses[float32], y Targets[float32], rate float64) (loss float64, err error)
	Sync() error
	Close() error
}

// cpuStepper makes steps on a tape.
type cpuStepper struct {
	tape    Tape[float32]
	net     *Network[float32]
	rule    *Optimizer[float32]
	average *Average[float32]
	clip    float64
}

// NewCPU is a Stepper on the CPU. average may be nil.
func NewCPU(n *Network[float32], o *Optimizer[float32], average *Average[float32], clip float64) Stepper {
	return &cpuStepper{net: n, rule: o, average: average, clip: clip}
}

func (s *cpuStepper) Step(b Batch[float32], l Losses[float32], y Targets[float32], rate float64) (float64, error) {
	s.tape.Reset()
	loss := l.Loss(&s.tape, s.net.Forward(&s.tape, b, Train), y)
	s.tape.Backward(loss)
	ClipNorm(s.net.Params, s.clip)
	s.rule.Step(s.net.Params, rate)
	if s.average != nil {
		s.average.Add(s.net.Params)
	}
	return float64(loss.Value[0]), nil
}

// Sync has nothing to do: the step works on the network itself.
func (s *cpuStepper) Sync() error { return nil }

// Close has nothing to give back.
func (s *cpuStepper) Close() error { return nil }
