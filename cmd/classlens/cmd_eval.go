package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/internal/safefile"
	"classlens/model/classroom"
	"classlens/model/pretrained"
	"classlens/model/train"
	"classlens/vision/people"

	"github.com/spf13/cobra"
)

// evalFlags are the command line of eval.
type evalFlags struct {
	weights, size, split, part, predictions, out, labels, boxes, against, attack string
	attackSize                                                                   float64
	attackSamples, threads                                                       int
	alone                                                                        bool
}

func newEvalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval DATA",
		Short: "Judge the network on a labelled data set",
		Long: `Runs the network over a labelled data set and prints accuracy (next to that of always guessing the commonest class), balanced accuracy, macro-F1, precision and
recall per class, calibration, and 95 % bootstrap intervals over subjects (over rooms, recordings or pictures where the set does not say who is who).

DATA is a folder that "classlens dataset import" can read. --predictions writes one row per labelled box:
image,x,y,w,h,label,predicted,p and one probability per class of DATA, all in DATA's own class names. --out writes eval.json, eval.txt and
eval.html. Without --split all of DATA is judged: the shipped weights were trained on ClaBehavior and the CCTV set, so figures on those say nothing about new rooms.

Without --weights the most accurate shipped network is judged. Where students are boxed in pictures that is "box", which sees the labelled boxes, their shape and
their mirror images: evidence that is not available at run time. Of 250 boxes of a room or recording on it also learns from what it says most surely of them, their
labels unseen; --alone judges without. --size s, m or l judges what classlens analyze would see, a square around each head.

With --split, a temperature is fitted on the val part, and calibration is given before and after. --against judges a second network on the same samples
and gives the differences by paired bootstrap. --attack fgsm or pgd also judges pictures that were altered to fool the network by an attacker who knows its weights (the small network's, unless --weights is given).`,
		Example: "  classlens eval mydata --split mydata/split.json --predictions predictions.csv --out eval\n  classlens eval mydata --split mydata/split.json --weights runs/first/weights.onnx --against runs/second/weights.onnx --attack fgsm",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return runEval(cmd, args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.weights, "weights", "", "`FILE`, weights.onnx or weights.safetensors (default: the shipped weights)")
	flags.StringVar(&f.size, "size", "", "`SIZE` of the shipped network: s, m and l see squares around the heads, as at run time; box sees the labelled boxes (default: box where the set boxes students in pictures, else l; s where make setup has not fetched the pose nets)")
	flags.StringVar(&f.split, "split", "", "`FILE` made by classlens dataset split; its test part is judged (see --part)")
	flags.StringVar(&f.part, "part", "test", "`PART` of the split to judge: train, val or test")
	flags.StringVar(&f.predictions, "predictions", "", "CSV `FILE` for one row per labelled box")
	flags.StringVar(&f.out, "out", "", "`FOLDER` for eval.json, eval.txt and eval.html")
	flags.StringVar(&f.labels, "labels", "", "`FILE` that maps classes to behaviours (default: the built-in configs/labels.yaml)")
	flags.StringVar(&f.boxes, "boxes", "", "`WHAT` the boxes hold: head or upper (default: told from heads found in some of them, else head for YOLO, upper for COCO)")
	flags.StringVar(&f.against, "against", "", "`FILE` with the weights of a second network, compared on the same samples")
	flags.StringVar(&f.attack, "attack", "", "`METHOD`, fgsm or pgd: also judge pictures altered to fool the network")
	flags.Float64Var(&f.attackSize, "attack-size", 4, "largest change to a pixel's value, out of 255")
	flags.IntVar(&f.attackSamples, "attack-samples", 500, "attack at most this many boxes, drawn at random; 0: all")
	flags.BoolVar(&f.alone, "alone", false, "size box judges each box without learning from what it says of the other boxes of its room")
	flags.IntVar(&f.threads, "threads", 0, "threads; 0: all cores")
	completeValues(cmd, "size", "s", "m", "l", "box")
	completeValues(cmd, "part", "train", "val", "test")
	completeValues(cmd, "boxes", "head", "upper")
	completeValues(cmd, "attack", "fgsm", "pgd")
	return cmd
}

func runEval(cmd *cobra.Command, dir string, f evalFlags) error {
	if _, ok := attackSteps[f.attack]; !ok || !(f.attackSize > 0 && f.attackSize <= 255) {
		return usageError{fmt.Errorf("--attack %s --attack-size %g: want fgsm or pgd, and a size above 0", f.attack, f.attackSize)}
	}
	if f.threads < 0 || f.attackSamples < 0 {
		return usageError{fmt.Errorf("--threads %d --attack-samples %d: want numbers from 0", f.threads, f.attackSamples)}
	}
	if !slices.Contains([]string{"train", "val", "test"}, f.part) {
		return usageError{fmt.Errorf("--part %s: want train, val or test", f.part)}
	}
	if cmd.Flags().Changed("part") && f.split == "" {
		return usageError{errors.New("--part is a part of a split: name its file with --split")}
	}
	if f.weights != "" && f.size != "" {
		return usageError{errors.New("--size chooses among the shipped networks: with --weights there is nothing to choose")}
	}
	if f.alone && (f.weights != "" || f.attack != "" || f.size != "" && f.size != classroom.BoxSize) {
		return usageError{errors.New("--alone goes with --size box")}
	}
	if err := onlyWith(cmd, "attack", "attack-size", "attack-samples"); err != nil {
		return err
	}
	labels, err := config.LoadLabels(f.labels)
	if err != nil {
		return usageError{err}
	}
	set, err := openSet(cmd, dir)
	if err != nil {
		return err
	}
	if err := setBoxes(set, f.boxes); err != nil {
		return usageError{err}
	}
	o := evaluate.Options{Threads: f.threads, Labels: labels, Progress: countPictures(cmd.ErrOrStderr()),
		Warn:     func(format string, a ...any) { fmt.Fprintf(cmd.ErrOrStderr(), "eval: "+format+"\n", a...) },
		NewHeads: func() (*people.Detector, error) { return people.NewDetector(people.Options{Threads: f.threads}) }}
	if f.boxes == "" {
		if err := evaluate.DetectBoxKind(cmd.Context(), set, o.NewHeads, o.Warn); err != nil {
			return err
		}
	}
	seen, err := chooseNetwork(&o, set, f)
	if err != nil {
		return err
	}
	if o.Include, err = partOf(set, f.split, f.part, o.Warn); err != nil {
		return err
	}
	e := evaluation{flags: f, set: set, options: o}
	if e.against, err = readWeights(f.against); err != nil { // what is wrong with a file is told before the work, not after it
		return err
	}
	if err := f.canWrite(); err != nil {
		return err
	}
	if e.predictions, err = evaluate.Run(cmd.Context(), set, o); err != nil {
		return err
	}
	if f.predictions != "" {
		if err := evaluate.WritePredictions(f.predictions, set, e.predictions); err != nil {
			return err
		}
	}
	if e.judgement, err = evaluate.Judge(set, e.predictions); err != nil {
		return err
	}
	e.judgement.Seen = seen
	for _, further := range []func(context.Context) error{e.calibrate, e.compare, e.attack} {
		if err := further(cmd.Context()); err != nil {
			return err
		}
	}
	return showJudgement(cmd.OutOrStdout(), e.judgement, f.out)
}

// canWrite makes the folder for the results, and tells whether the predictions can be written.
func (f evalFlags) canWrite() error {
	if f.out != "" {
		if err := os.MkdirAll(f.out, 0o755); err != nil {
			return err
		}
	}
	if f.predictions == "" {
		return nil
	}
	trial, err := safefile.Create(f.predictions)
	if err != nil {
		return err
	}
	trial.Abort()
	return nil
}

// attackSteps are the gradient steps of each --attack; none without.
var attackSteps = map[string]int{"": 0, "fgsm": 1, "pgd": 7}

// chooseNetwork sets what is judged: the file's weights, the size asked for, or the most
// accurate one that can run here. It says in words what that sees.
func chooseNetwork(o *evaluate.Options, set *dataset.Set, f evalFlags) (seen string, err error) {
	const runTime = "a square round each head, as at run time"
	if f.weights != "" {
		o.Weights, err = readWeights(f.weights)
		return f.weights + ", " + runTime, err
	}
	size := f.size
	if size == "" && f.attack != "" {
		size = "s" // the pose net's points have no gradient
	}
	if size == "" {
		size = "l"
		_, missing := pretrained.Path(classroom.PoseNet)
		if evaluate.CanLookAtBoxes(set) {
			size, missing = classroom.BoxSize, classroom.BoxesCanRun()
		}
		if missing != nil {
			size = "s"
			o.Warn("the small network is judged: %v", missing)
		}
	}
	if size == classroom.BoxSize {
		if f.attack != "" {
			return "", usageError{evaluate.ErrNoGradient}
		}
		o.Look = evaluate.LabelledBoxes
		o.Alone = f.alone
		seen = "network box, the labelled boxes themselves and their mirror images"
		if !o.Alone {
			seen += ", learning from what it says of a room's boxes (--alone: without)"
		}
		return seen + " (--size l: as at run time)", nil
	}
	if o.Weights, err = classroom.Shipped(size); err != nil {
		return "", usageError{fmt.Errorf("%w, and %s for labelled boxes", err, classroom.BoxSize)}
	}
	return "network " + size + ", " + runTime, nil
}

// evaluation is a network judged on a set. Its methods add what single flags ask for
// to the judgement, and nothing where the flag is not set.
type evaluation struct {
	flags       evalFlags
	set         *dataset.Set
	options     evaluate.Options
	against     []byte // weights of the second network
	predictions []evaluate.Prediction
	judgement   *evaluate.Judgement
}

// calibrate fits a temperature on the val part of --split.
func (e *evaluation) calibrate(ctx context.Context) (err error) {
	if e.flags.split == "" || e.flags.part == "val" || len(e.set.Classes) == 0 {
		return nil
	}
	val := e.options
	if val.Include, err = partOf(e.set, e.flags.split, "val", nil); err != nil || !anyOf(e.set, val.Include) {
		return err
	}
	predictions, err := evaluate.Run(ctx, e.set, val)
	if err != nil {
		return err
	}
	if temperature, n := evaluate.FitTemperature(e.set, predictions); n > 0 {
		e.judgement.Scale(e.set, e.predictions, temperature, fmt.Sprintf("the val part, %d boxes", n))
	}
	return nil
}

// compare judges the network of --against on the same samples.
func (e *evaluation) compare(ctx context.Context) (err error) {
	file := e.flags.against
	if file == "" {
		return nil
	}
	other := e.options
	other.Weights, other.Look = e.against, evaluate.AsAtRunTime
	predictions, err := evaluate.Run(ctx, e.set, other)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return e.judgement.Compare(e.set, e.predictions, predictions, file)
}

// attack judges the network on the pictures that --attack made.
func (e *evaluation) attack(ctx context.Context) error {
	steps := attackSteps[e.flags.attack]
	if steps == 0 {
		return nil
	}
	result, err := evaluate.Attack(ctx, e.set, e.options, evaluate.AttackOptions{Steps: steps, Size: e.flags.attackSize, Samples: e.flags.attackSamples})
	if errors.Is(err, evaluate.ErrNoGradient) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	e.judgement.Attacks = append(e.judgement.Attacks, result)
	return nil
}

func anyOf(set *dataset.Set, include func(int) bool) bool {
	for i := range set.Samples {
		if include(i) {
			return true
		}
	}
	return false
}

// readWeights reads an ONNX file, or makes one of safetensors; "" is nil, the weights
// that ship.
func readWeights(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	if filepath.Ext(file) != ".safetensors" {
		n, err := classroom.Load(raw, 1)
		if err != nil {
			return nil, fmt.Errorf("weights %s: not a classroom network: %w; give the weights.onnx or weights.safetensors of a run of classlens train", file, err)
		}
		return raw, n.Close()
	}
	net, heat, err := train.FromSafetensors(raw)
	if err != nil {
		return nil, fmt.Errorf("weights %s: %w", file, err)
	}
	return net.ONNX(heat), nil
}

func showJudgement(out io.Writer, j *evaluate.Judgement, dir string) error {
	fmt.Fprint(out, plainLines(j.Text()))
	if dir == "" {
		return nil
	}
	return j.WriteReport(dir)
}

// setBoxes overrides what the set's reader took the boxes to hold.
func setBoxes(set *dataset.Set, kind string) error {
	switch k := dataset.BoxKind(kind); k {
	case "":
	case dataset.HeadBox, dataset.UpperBox:
		set.Boxes = k
	default:
		return fmt.Errorf("--boxes %s: want head or upper", kind)
	}
	return nil
}

// partOf gives the predicate for the samples of a part; without a split file it is nil, which means all. A split that does not fit the set is told to warn, if there is one.
func partOf(set *dataset.Set, file, part string, warn func(string, ...any)) (func(int) bool, error) {
	if file == "" {
		return nil, nil
	}
	split, err := dataset.LoadSplit(file)
	if err != nil {
		return nil, err
	}
	parts, err := split.Parts(set)
	if err != nil {
		return nil, err
	}
	if said, err := split.Unmatched(set, parts); err != nil {
		return nil, err
	} else if said != "" && warn != nil {
		warn("%s", oneLine(said))
	}
	return func(i int) bool { return parts[i] == part }, nil
}

// countPictures says now and then how far the run is.
func countPictures(log io.Writer) func(done, total int) {
	last := time.Now()
	return func(done, total int) {
		if time.Since(last) < plainEvery && done < total {
			return
		}
		last = time.Now()
		fmt.Fprintf(log, "eval: %d of %d pictures\n", done, total)
	}
}
