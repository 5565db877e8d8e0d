package main

import (
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
}

func newEvalCommand() *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval DATA",
		Short: "Judge the network on a labelled data set",
		Long: `Runs the network over a labelled data set and prints accuracy beside the commonest class, balanced accuracy, macro-F1, precision and
recall a class, calibration, and 95 % intervals by bootstrap over subjects (rooms, recordings or pictures where the set does not say who is who).

DATA is a folder that "classlens dataset import" can read. --predictions writes one row a labelled box:
image,x,y,w,h,label,predicted,p and one probability per class of DATA, all in DATA's own class names. --out writes eval.json, eval.txt and
eval.html. Without --split all of DATA is judged: the weights that ship have seen ClaBehavior and the CCTV set, so figures on those say nothing about new rooms.

Without --weights the most accurate network that ships is judged. Where students are boxed in pictures that is "box", which sees the labelled boxes, their shape and
their mirror images: evidence that is not there at run time. --size s, m or l judges what classlens analyze would see, a square round each head.

With --split, a temperature is fitted on the val part and the calibration is given before and after. --against judges a second network on the same samples
and gives the differences by paired bootstrap. --attack fgsm or pgd changes the pictures against the network, whose weights the attacker knows, and judges them then (the small network where no weights are given).`,
		Example: "  classlens eval mydata --split mydata/split.json --predictions predictions.csv --out eval\n  classlens eval mydata --split mydata/split.json --weights runs/first/weights.onnx --against runs/second/weights.onnx --attack fgsm",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return runEval(cmd, args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.weights, "weights", "", "`FILE`, weights.onnx or weights.safetensors (default: the ones that ship)")
	flags.StringVar(&f.size, "size", "", "`SIZE` of the network that ships: s, m or l see squares round the heads, as at run time; box sees the labelled boxes (default: box where the set boxes students in pictures, else l; s where make setup has not fetched the pose net)")
	flags.StringVar(&f.split, "split", "", "`FILE` made by classlens dataset split; its test part is judged")
	flags.StringVar(&f.part, "part", "test", "`PART` of the split that is judged: train, val or test")
	flags.StringVar(&f.predictions, "predictions", "", "`FILE`, a CSV table, for one row a labelled box")
	flags.StringVar(&f.out, "out", "", "`FOLDER` for eval.json, eval.txt and eval.html")
	flags.StringVar(&f.labels, "labels", "", "`FILE` that says how classes are read as behaviours (default: configs/labels.yaml as shipped)")
	flags.StringVar(&f.boxes, "boxes", "", "`WHAT` the boxes hold: head or upper (default: as heads found in some of them tell, else head for YOLO, upper for COCO)")
	flags.StringVar(&f.against, "against", "", "`FILE` with weights of another network to compare with, paired")
	flags.StringVar(&f.attack, "attack", "", "`METHOD`, fgsm or pgd: also judge pictures that are changed against the network")
	flags.Float64Var(&f.attackSize, "attack-size", 4, "most change of a pixel's value, of 255")
	flags.IntVar(&f.attackSamples, "attack-samples", 500, "attack at most so many boxes, drawn at random; 0: all")
	flags.IntVar(&f.threads, "threads", 0, "threads, 0 for all cores")
	completeValues(cmd, "size", "s", "m", "l", "box")
	completeValues(cmd, "part", "train", "val", "test")
	completeValues(cmd, "boxes", "head", "upper")
	completeValues(cmd, "attack", "fgsm", "pgd")
	return cmd
}

func runEval(cmd *cobra.Command, dir string, f evalFlags) error {
	steps, ok := map[string]int{"": 0, "fgsm": 1, "pgd": 7}[f.attack]
	if !ok || f.attackSize <= 0 {
		return usageError{fmt.Errorf("--attack %s --attack-size %g: want fgsm or pgd, and a size above 0", f.attack, f.attackSize)}
	}
	if !slices.Contains([]string{"train", "val", "test"}, f.part) {
		return usageError{fmt.Errorf("--part %s: want train, val or test", f.part)}
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
	if o.Include, err = partOf(set, f.split, f.part); err != nil {
		return err
	}
	predictions, err := evaluate.Run(cmd.Context(), set, o)
	if err != nil {
		return err
	}
	if f.predictions != "" {
		if err := evaluate.WritePredictions(f.predictions, set, predictions); err != nil {
			return err
		}
	}
	judgement, err := evaluate.Judge(set, predictions)
	if err != nil {
		return err
	}
	judgement.Seen = seen
	if err := judgeFurther(cmd, set, predictions, judgement, o, steps, f); err != nil {
		return err
	}
	return showJudgement(cmd.OutOrStdout(), judgement, f.out)
}

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
		if evaluate.CanLookAtBoxes(set) {
			size = classroom.BoxSize
		}
		if _, err := pretrained.Path(classroom.PoseNet); err != nil {
			size = "s"
			o.Warn("the small network is judged: %v", err)
		}
	}
	if size == classroom.BoxSize {
		if f.attack != "" {
			return "", usageError{evaluate.ErrNoGradient}
		}
		o.Look = evaluate.LabelledBoxes
		return "network box, the labelled boxes themselves and their mirror images (--size l: as at run time)", nil
	}
	if o.Weights, err = classroom.Shipped(size); err != nil {
		return "", usageError{fmt.Errorf("%w, and %s for labelled boxes", err, classroom.BoxSize)}
	}
	return "network " + size + ", " + runTime, nil
}

// judgeFurther adds what the flags ask for beside the figures: calibration by the val
// part, another network, attacks.
func judgeFurther(cmd *cobra.Command, set *dataset.Set, predictions []evaluate.Prediction, j *evaluate.Judgement, o evaluate.Options, steps int, f evalFlags) error {
	if f.split != "" && f.part != "val" && len(set.Classes) > 0 {
		val := o
		var err error
		if val.Include, err = partOf(set, f.split, "val"); err != nil {
			return err
		}
		if anyOf(set, val.Include) {
			seen, err := evaluate.Run(cmd.Context(), set, val)
			if err != nil {
				return err
			}
			if temperature, n := evaluate.FitTemperature(set, seen); n > 0 {
				j.Scale(set, predictions, temperature, fmt.Sprintf("the val part, %d boxes", n))
			}
		}
	}
	if f.against != "" {
		other := o
		var err error
		if other.Weights, err = readWeights(f.against); err != nil {
			return err
		}
		other.Look = evaluate.AsAtRunTime
		seen, err := evaluate.Run(cmd.Context(), set, other)
		if err != nil {
			return fmt.Errorf("%s: %w", f.against, err)
		}
		if err := j.Compare(set, predictions, seen, f.against); err != nil {
			return err
		}
	}
	if steps == 0 {
		return nil
	}
	r, err := evaluate.Attack(cmd.Context(), set, o, evaluate.AttackOptions{Steps: steps, Size: f.attackSize, Samples: f.attackSamples})
	if errors.Is(err, evaluate.ErrNoGradient) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	j.Attacks = append(j.Attacks, r)
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
			return nil, fmt.Errorf("weights %s: no classroom network: %w; weights.onnx and weights.safetensors of a run of classlens train are", file, err)
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
	fmt.Fprint(out, j.Text())
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return j.WriteReport(dir)
}

// setBoxes overrides what the reader thinks the boxes hold.
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

// partOf chooses the samples of a part; no split file chooses all.
func partOf(set *dataset.Set, file, part string) (func(int) bool, error) {
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
