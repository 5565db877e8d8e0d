package training

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/internal/safefile"
	"classlens/model"
	"classlens/model/classroom"
	"classlens/model/train"
	"classlens/vision/people"

	"gopkg.in/yaml.v3"
)

// Files of a run folder.
const (
	configFile      = "config.yaml"
	environmentFile = "environment.json"
	metricsFile     = "metrics.csv"
	curvesFile      = "curves.png"
	checkpointFile  = "checkpoint.bin"
	WeightsFile     = "weights.onnx" // of the best epoch
	SafeFile        = "weights.safetensors"
)

// Options are what is not part of the experiment.
type Options struct {
	Out    string // the run's folder
	Cache  string // folder of the cut pictures; "": the run's
	Resume bool
	Device string // auto, cpu, cuda, cuda:N or cuda:UUID; "" is cpu
	Labels config.Labels
	Say    func(format string, a ...any) // progress lines
}

// Holds tells whether a folder has a run in it, whole or not.
func Holds(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, checkpointFile))
	return err == nil
}

// run is a training in progress.
type run struct {
	Config
	Options
	samples
	net     *train.Network[float32]
	tuned   *tuned // in place of net: a network that ships
	stepper train.Stepper
	tape    train.Tape[float32] // of attacks
	state   *train.Checkpoint
	weights []float32 // a behaviour
	history [][]string
}

// Result is what a run came to.
type Result struct {
	Metric string  // what the validation part is judged by
	Best   float64 // of all epochs
	Epoch  int     // that gave it
}

// Run trains and leaves its files in the run's folder. The same config and seed give
// the same weights on the same instruction set; a run that was stopped goes on after
// its last whole epoch and ends with the same weights too.
func Run(ctx context.Context, c Config, o Options) (Result, error) {
	r := &run{Config: c, Options: o}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return Result{}, err
	}
	defer func() {
		if r.tuned != nil {
			r.tuned.engine.Close()
		}
	}()
	if err := r.prepare(ctx); err != nil {
		return Result{}, err
	}
	defer r.crops.Close()
	if err := r.place(); err != nil {
		return Result{}, err
	}
	defer r.stepper.Close()
	for r.state.Epoch < r.Epochs && (r.Patience == 0 || r.state.Epoch-r.state.BestEpoch < r.Patience) {
		start := time.Now()
		loss, err := r.epoch(ctx)
		if err != nil {
			return Result{}, err
		}
		if err := r.judge(loss, time.Since(start)); err != nil {
			return Result{}, err
		}
	}
	metric := r.metric()
	r.Say("done: best validation %s %.3f in epoch %d, weights in %s", metric, r.state.Best, r.state.BestEpoch, filepath.Join(r.Out, WeightsFile))
	return Result{metric, r.state.Best, r.state.BestEpoch}, nil
}

func (r *run) prepare(ctx context.Context) (err error) {
	if r.set, err = dataset.Open(r.Data); err != nil {
		return err
	}
	for _, line := range r.set.ProblemLines() {
		r.Say("%s", line)
	}
	if err := evaluate.DetectBoxKind(ctx, r.set, func() (*people.Detector, error) { return people.NewDetector(people.Options{}) }, r.Say); err != nil {
		return err
	}
	if err := r.labelled(); err != nil {
		return err
	}
	if err := r.enough(); err != nil {
		return err
	}
	cache := r.Cache
	if cache == "" {
		cache = r.Out
	}
	if r.Shipped != "" {
		if r.tuned, err = openTuned(r.Shipped); err != nil {
			return err
		}
		r.Plan = train.Plan{Size: r.tuned.engine.Size()}
		r.Init, r.Adversarial.Share, r.Losses.Points = "", 0, 0
	}
	if r.crops, err = loadCrops(ctx, cache, r.set, r.Plan.Size, r.Say); err != nil {
		return err
	}
	r.takes, r.train, r.val = evaluate.Takes(r.set), r.seen(r.train), r.seen(r.val)
	if r.tuned != nil {
		if err := r.lookThrough(ctx); err != nil {
			return errors.Join(err, r.crops.Close())
		}
	}
	if err := errors.Join(r.enough(), r.start()); err != nil {
		return errors.Join(err, r.crops.Close())
	}
	return nil
}

// start makes the network and the state of the run, new or resumed.
func (r *run) start() (err error) {
	r.weights = r.balance()
	if r.Schedule.Kind == "cosine" && r.Schedule.Total == 0 {
		r.Schedule.Total = max(r.Epochs*(len(r.train)/r.Batch), r.Schedule.Warm+1)
	}
	if err := r.Schedule.Check(); err != nil {
		return err
	}
	if r.tuned == nil {
		if r.net, err = train.NewNetwork[float32](r.Plan, r.Seed); err != nil {
			return err
		}
	}
	if r.Resume {
		return r.resume()
	}
	if r.Init != "" {
		if err := r.takeOver(); err != nil {
			return fmt.Errorf("init %s: %w", r.Init, err)
		}
	}
	r.state = &train.Checkpoint{Best: -1, Average: train.Average[float32]{Keep: r.Average}}
	if r.state.Optimizer, err = train.NewOptimizer[float32](r.Optimizer, r.Decay); err != nil {
		return err
	}
	if r.Momentum != nil {
		r.state.Optimizer.Momentum = *r.Momentum
	}
	r.history = [][]string{historyHead}
	raw, err := yaml.Marshal(r.Config)
	if err != nil {
		return err
	}
	return errors.Join(safefile.WriteFile(filepath.Join(r.Out, configFile), raw), r.writeEnvironment())
}

// takeOver takes over the weights of another run's encoder and heads; a part whose shape
// differs, such as another temporal part, starts anew.
func (r *run) takeOver() error {
	raw, err := os.ReadFile(r.Init)
	if err != nil {
		return err
	}
	from, _, err := train.FromFile(raw)
	if err != nil {
		return err
	}
	taken, left := r.net.TakeOver(from)
	if taken == 0 {
		return errors.New("none of its tensors fits the network that the config describes")
	}
	r.Say("init: %d tensors taken over from %s, %d start anew", taken, r.Init, left)
	return nil
}

func (r *run) resume() (err error) {
	if r.state, err = train.LoadCheckpoint(filepath.Join(r.Out, checkpointFile)); err != nil {
		return fmt.Errorf("nothing to resume in %s: %w", r.Out, err)
	}
	f, err := os.Open(filepath.Join(r.Out, metricsFile))
	if err != nil {
		return err
	}
	defer f.Close()
	if r.history, err = csv.NewReader(f).ReadAll(); err != nil {
		return err
	}
	if r.tuned != nil {
		return r.state.RestoreTuned(r.tuned.Tuned)
	}
	return r.state.Restore(r.net)
}

// params are what is trained.
func (r *run) params() []*train.Param[float32] {
	if r.tuned != nil {
		return r.tuned.Params
	}
	return r.net.Params
}

// onnx is the network as it is now.
func (r *run) onnx(heat train.Heat) []byte {
	if r.tuned != nil {
		return r.tuned.ONNX(heat)
	}
	return r.net.ONNX(heat)
}

// writeBest writes the weights of the best epoch so far.
func (r *run) writeBest(heat train.Heat) error {
	if err := safefile.WriteFile(filepath.Join(r.Out, WeightsFile), r.onnx(heat)); err != nil || r.tuned != nil {
		return err
	}
	safe, err := r.net.Safetensors(heat)
	if err != nil {
		return err
	}
	return safefile.WriteFile(filepath.Join(r.Out, SafeFile), safe)
}

// keep puts the network into the state.
func (r *run) keep() {
	if r.tuned != nil {
		r.state.KeepTuned(r.tuned.Tuned)
		return
	}
	r.state.Keep(r.net)
}

// progressEvery is how often a long epoch says how far it is.
const progressEvery = 10 * time.Second

// epoch goes once through the training part.
func (r *run) epoch(ctx context.Context) (loss float64, err error) {
	if err := r.attend(); err != nil {
		return 0, err
	}
	inner, stop := context.WithCancel(ctx)
	batches := r.batches(inner, r.state.Epoch)
	defer func() { // also where the epoch breaks off, nobody may read crops that the caller gives back
		stop()
		for range batches {
		}
	}()
	total, done, last, begin := len(r.train)/r.Batch, 0, time.Now(), time.Now()
	for w := range batches {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		l, err := r.step(w)
		if err != nil {
			return 0, fmt.Errorf("%w; --resume goes on after the last whole epoch, with --device cpu on the CPU", err)
		}
		if math.IsNaN(l) || math.IsInf(l, 0) {
			return 0, errors.New("the loss is no number any more: lower schedule.rate")
		}
		loss += l / float64(total)
		if done++; time.Since(last) > progressEvery {
			last = time.Now()
			speed := float64(done*r.Batch) / time.Since(begin).Seconds()
			r.Say("epoch %d of %d: %d of %d batches, loss %.3f, %.0f samples/s, %.0f s left in it", r.state.Epoch+1, r.Epochs, done, total, loss*float64(total)/float64(done), speed, float64((total-done)*r.Batch)/speed)
		}
	}
	if err := errors.Join(ctx.Err(), r.stepper.Sync()); err != nil {
		return 0, err
	}
	r.state.Epoch++
	return loss, nil
}

var historyHead = []string{"epoch", "rate", "train_loss", "val_score", "val_accuracy", "val_macro_f1", "val_balanced", "val_attention_balanced", "val_engagement_kappa", "val_ece", "seconds"}

// judge validates the averaged network on the engine, keeps the best, and writes
// what a later run needs.
func (r *run) judge(loss float64, took time.Duration) error {
	back := r.state.Average.Averaged(r.params())
	defer back()
	v, err := r.validate(r.onnx(train.Heat{Behaviour: 1, Attention: 1, Engagement: 1}))
	if err != nil {
		return err
	}
	if v.Score > r.state.Best {
		r.state.Best, r.state.BestEpoch = v.Score, r.state.Epoch
		if err := r.writeBest(v.heat); err != nil {
			return err
		}
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	r.history = append(r.history, []string{strconv.Itoa(r.state.Epoch), number(r.Schedule.At(r.state.Optimizer.Steps)), number(loss), number(v.Score), number(v.Behaviour.Accuracy), number(v.Behaviour.MacroF1),
		number(v.Behaviour.Balanced), number(v.Attention.Balanced), number(v.Engagement.Kappa), number(v.ECE), strconv.FormatFloat(took.Seconds(), 'f', 1, 64)})
	if err := errors.Join(r.writeHistory(), r.writeCurves()); err != nil {
		return err
	}
	r.Say("epoch %d of %d: loss %.3f, validation accuracy %.3f, macro-F1 %.3f, %.0f samples/s", r.state.Epoch, r.Epochs, loss, v.Behaviour.Accuracy, v.Behaviour.MacroF1, float64(len(r.train)/r.Batch*r.Batch)/took.Seconds())
	back()
	r.keep()
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

// place puts the training on its device.
func (r *run) place() error {
	average := &r.state.Average
	if r.Average == 0 {
		average = nil
	}
	if r.tuned != nil {
		r.stepper = train.NewTunedCPU(r.tuned.Tuned, r.state.Optimizer, average, r.Clip)
		if r.Device != "" && r.Device != "auto" && r.Device != "cpu" {
			return errors.New("a network that ships is trained on on the CPU: leave --device out")
		}
		return nil
	}
	r.stepper = train.NewCPU(r.net, r.state.Optimizer, average, r.Clip)
	c, err := classroom.ChooseDevice(r.Device, "float32", classroom.Default())
	if err != nil {
		return err
	}
	if c.Note != "" {
		r.Say("%s", c.Note)
	}
	if c.Device == model.CPU {
		return nil
	}
	s, err := train.NewDevice(c.Device, r.net, r.state.Optimizer, average, r.Clip, r.Precision)
	if err != nil && r.Device == "auto" {
		r.Say("%s is not used: %v", c, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	r.Say("on %s", c)
	r.stepper = s
	return nil
}
