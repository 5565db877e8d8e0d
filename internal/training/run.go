package training

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/internal/safefile"
	"classlens/model/classroom"
	"classlens/model/metrics"
	"classlens/model/train"

	"gopkg.in/yaml.v3"
)

// Files of a run folder.
const (
	configFile     = "config.yaml"
	metricsFile    = "metrics.csv"
	checkpointFile = "checkpoint.bin"
	WeightsFile    = "weights.onnx" // of the best epoch
)

// Options are what is not part of the experiment.
type Options struct {
	Out    string // the run's folder
	Resume bool
	Labels config.Labels
	Say    func(format string, a ...any) // progress lines
}

// run is a training in progress.
type run struct {
	Config
	Options
	set        *dataset.Set
	crops      crops
	behaviour  []int // of each sample, -1: not trained on
	train, val []int
	net        *train.Network[float32]
	state      *train.Checkpoint
	weights    []float32 // a behaviour
	history    [][]string
}

// Run trains and leaves config.yaml, metrics.csv, checkpoint.bin and weights.onnx in
// the run's folder. The same config and seed give the same weights; a run that was
// stopped goes on after its last whole epoch and ends with the same weights too.
func Run(ctx context.Context, c Config, o Options) error {
	r := &run{Config: c, Options: o}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	for r.state.Epoch < r.Epochs && (r.Patience == 0 || r.state.Epoch-r.state.BestEpoch < r.Patience) {
		loss, err := r.epoch(ctx)
		if err != nil {
			return err
		}
		if err := r.judge(loss); err != nil {
			return err
		}
	}
	r.Say("done: best validation macro-F1 %.3f in epoch %d, weights in %s", r.state.Best, r.state.BestEpoch, filepath.Join(r.Out, WeightsFile))
	return nil
}

func (r *run) prepare(ctx context.Context) (err error) {
	if r.set, err = dataset.Open(r.Data); err != nil {
		return err
	}
	if err := r.parts(); err != nil {
		return err
	}
	r.weights = r.balance()
	if r.Schedule.Kind == "cosine" && r.Schedule.Total == 0 {
		r.Schedule.Total = r.Epochs * (len(r.train) / r.Batch)
	}
	if err := r.Schedule.Check(); err != nil {
		return err
	}
	if r.crops, err = loadCrops(ctx, r.Out, r.set, r.Plan.Size, r.Say); err != nil {
		return err
	}
	if r.net, err = train.NewNetwork[float32](r.Plan, r.Seed); err != nil {
		return err
	}
	if r.Resume {
		return r.resume()
	}
	raw, err := yaml.Marshal(r.Config)
	if err != nil {
		return err
	}
	r.state = &train.Checkpoint{Best: -1, Average: train.Average[float32]{Keep: r.Average}}
	if r.state.Optimizer, err = train.NewOptimizer[float32](r.Optimizer, r.Decay); err != nil {
		return err
	}
	r.history = [][]string{{"epoch", "rate", "train_loss", "val_accuracy", "val_macro_f1"}}
	return safefile.WriteFile(filepath.Join(r.Out, configFile), raw)
}

func (r *run) resume() (err error) {
	if r.state, err = train.LoadCheckpoint(filepath.Join(r.Out, checkpointFile)); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(r.Out, metricsFile))
	if err != nil {
		return err
	}
	defer f.Close()
	if r.history, err = csv.NewReader(f).ReadAll(); err != nil {
		return err
	}
	return r.state.Restore(r.net)
}

// parts reads the split and each sample's behaviour.
func (r *run) parts() error {
	of, err := evaluate.Behaviours(r.set, r.Labels)
	if err != nil {
		return err
	}
	split, err := dataset.LoadSplit(r.Split)
	if err != nil {
		return err
	}
	parts, err := split.Parts(r.set)
	if err != nil {
		return err
	}
	r.behaviour = make([]int, len(r.set.Samples))
	for i, x := range r.set.Samples {
		if r.behaviour[i] = -1; x.Label >= 0 {
			r.behaviour[i] = of[x.Label]
		}
		switch {
		case r.behaviour[i] < 0:
		case parts[i] == "train":
			r.train = append(r.train, i)
		case parts[i] == "val":
			r.val = append(r.val, i)
		}
	}
	if len(r.train) < r.Batch || len(r.val) == 0 {
		return fmt.Errorf("%d samples to train on and %d to validate: too few for batches of %d", len(r.train), len(r.val), r.Batch)
	}
	return nil
}

// balance weighs each behaviour by n^-balance, mean 1 over the samples.
func (r *run) balance() []float32 {
	count := make([]float64, len(classroom.Behaviours))
	for _, i := range r.train {
		count[r.behaviour[i]]++
	}
	w, sum := make([]float32, len(count)), 0.0
	for _, n := range count {
		if n > 0 {
			sum += n * math.Pow(n, -r.Balance)
		}
	}
	for k, n := range count {
		if n > 0 {
			w[k] = float32(math.Pow(n, -r.Balance) * float64(len(r.train)) / sum)
		}
	}
	return w
}

// epoch goes once through the training part; its order and augmentation follow
// from the seed and the epoch's number.
func (r *run) epoch(ctx context.Context) (loss float64, err error) {
	random := rand.New(rand.NewPCG(r.Seed, uint64(r.state.Epoch)+100))
	order := random.Perm(len(r.train))
	batches := len(order) / r.Batch
	for b := range batches {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		samples := metrics.Pick(r.train, order[b*r.Batch:(b+1)*r.Batch])
		l := r.step(samples, random)
		if math.IsNaN(l) || math.IsInf(l, 0) {
			return 0, errors.New("the loss is no number any more: lower the rate")
		}
		loss += l / float64(batches)
	}
	r.state.Epoch++
	return loss, nil
}

func (r *run) step(samples []int, random *rand.Rand) float64 {
	size := r.Plan.Size
	area := train.Channels * size * size
	b := train.Batch[float32]{Pictures: make([]float32, len(samples)*area), Steps: r.Steps, Still: true}
	labels, attention, level := make([]int, len(samples)), make([]int, len(samples)), make([]int, len(samples))
	for i, k := range samples {
		r.Augment.cut(b.Pictures[i*area:], r.crops.at(k), r.crops.side, size, random)
		labels[i] = r.behaviour[k]
		attention[i], level[i] = r.meaning(labels[i])
		for s := range r.Steps {
			b.Offsets = append(b.Offsets, float32(s-r.Steps/2))
			seen := float32(1)
			if s != r.Steps/2 && random.Float64() < r.Augment.Hide {
				seen = 0
			}
			b.Seen = append(b.Seen, seen)
		}
	}
	t := &train.Tape[float32]{}
	o := r.net.Forward(t, b, train.Train)
	losses := []*train.Node[float32]{train.ClassLoss[float32]{Weights: r.weights, Smoothing: r.Smoothing, Focal: r.Focal}.Loss(t, o.Behaviour, labels),
		t.BinaryLoss(o.Attention, attention), t.BinaryLoss(o.Engagement, train.Above(level, 4))}
	l := t.Weighted(losses, []float32{1, 0.3, 0.3})
	t.Backward(l)
	train.ClipNorm(r.net.Params, r.Clip)
	r.state.Optimizer.Step(r.net.Params, r.Schedule.At(r.state.Optimizer.Steps))
	r.state.Average.Add(r.net.Params)
	return float64(l.Value[0])
}

// meaning reads a behaviour as attention and engagement, by the labels file.
func (r *run) meaning(behaviour int) (attention, level int) {
	m := r.Labels.Behaviours[classroom.Behaviours[behaviour]]
	on := map[string]int{"on_task": 1, "off_task": 0, "unknown": -1}
	return on[m.Attention], m.Engagement
}

// judge validates the averaged network on the engine, keeps the best, and writes
// what a later run needs.
func (r *run) judge(loss float64) error {
	back := r.state.Average.Averaged(r.net.Params)
	onnx := r.net.ONNX(train.Heat{Behaviour: 1, Attention: 1, Engagement: 1})
	back()
	scores, err := r.validate(onnx)
	if err != nil {
		return err
	}
	if scores.MacroF1 > r.state.Best {
		r.state.Best, r.state.BestEpoch = scores.MacroF1, r.state.Epoch
		if err := safefile.WriteFile(filepath.Join(r.Out, WeightsFile), onnx); err != nil {
			return err
		}
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	rate := r.Schedule.At(r.state.Optimizer.Steps)
	r.history = append(r.history, []string{strconv.Itoa(r.state.Epoch), number(rate), number(loss), number(scores.Accuracy), number(scores.MacroF1)})
	if err := r.writeHistory(); err != nil {
		return err
	}
	r.Say("epoch %d of %d: loss %.3f, validation accuracy %.3f, macro-F1 %.3f", r.state.Epoch, r.Epochs, loss, scores.Accuracy, scores.MacroF1)
	r.state.Keep(r.net)
	return r.state.Save(filepath.Join(r.Out, checkpointFile))
}

func (r *run) writeHistory() error {
	f, err := safefile.Create(filepath.Join(r.Out, metricsFile))
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := csv.NewWriter(f).WriteAll(r.history); err != nil {
		return err
	}
	return f.Commit()
}

func (r *run) validate(onnx []byte) (metrics.Scores, error) {
	net, err := classroom.Load(onnx, 0)
	if err != nil {
		return metrics.Scores{}, err
	}
	defer net.Close()
	size := r.Plan.Size
	off := (r.crops.side - size) / 2
	var truth, said []int
	for _, k := range r.val {
		picture := make([]byte, 3*size*size)
		for y := range size {
			copy(picture[3*y*size:3*(y+1)*size], r.crops.at(k)[3*((y+off)*r.crops.side+off):])
		}
		e, err := net.Embed([][]byte{picture}, [][]float32{nil})
		if err != nil {
			return metrics.Scores{}, err
		}
		d, err := net.Decide([]classroom.Sequence{{Embeddings: e, Offsets: []float32{0}}})
		if err != nil {
			return metrics.Scores{}, err
		}
		best := 0
		for i, v := range d[0].Behaviour {
			if v > d[0].Behaviour[best] {
				best = i
			}
		}
		truth, said = append(truth, r.behaviour[k]), append(said, best)
	}
	return metrics.Classify(truth, said, len(classroom.Behaviours)), nil
}
