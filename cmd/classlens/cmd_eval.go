package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"classlens/internal/config"
	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/vision/people"

	"github.com/spf13/cobra"
)

// evalFlags are the command line of eval.
type evalFlags struct {
	weights, split, part, predictions, out, labels, boxes string
	threads                                               int
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
eval.html. Without --split all of DATA is judged: the weights that ship have seen ClaBehavior and the CCTV set, so figures on those say nothing about new rooms.`,
		Example: "  classlens eval mydata --split mydata/split.json --predictions predictions.csv --out eval",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return runEval(cmd, args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.weights, "weights", "", "ONNX file with weights (default: the ones that ship)")
	flags.StringVar(&f.split, "split", "", "split file made by classlens dataset split; its test part is judged")
	flags.StringVar(&f.part, "part", "test", "part of the split that is judged: train, val or test")
	flags.StringVar(&f.predictions, "predictions", "", "write one row a labelled box to this CSV file")
	flags.StringVar(&f.out, "out", "", "folder for eval.json, eval.txt and eval.html")
	flags.StringVar(&f.labels, "labels", "", "how classes are read as behaviours (default: configs/labels.yaml as shipped)")
	flags.StringVar(&f.boxes, "boxes", "", "what the boxes hold: head or upper (default: head for YOLO, upper for COCO)")
	flags.IntVar(&f.threads, "threads", 0, "threads, 0 for all cores")
	return cmd
}

func runEval(cmd *cobra.Command, dir string, f evalFlags) error {
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
	if f.weights != "" {
		if o.Weights, err = os.ReadFile(f.weights); err != nil {
			return fmt.Errorf("weights: %w", err)
		}
	}
	if o.Include, err = partOf(set, f.split, f.part); err != nil {
		return err
	}
	predictions, err := evaluate.Run(cmd.Context(), set, o)
	if err != nil {
		return err
	}
	return writeEval(cmd.OutOrStdout(), set, predictions, f)
}

func writeEval(out io.Writer, set *dataset.Set, predictions []evaluate.Prediction, f evalFlags) error {
	if f.predictions != "" {
		if err := evaluate.WritePredictions(f.predictions, set, predictions); err != nil {
			return err
		}
	}
	judgement, err := evaluate.Judge(set, predictions)
	if err != nil {
		return err
	}
	fmt.Fprint(out, judgement.Text())
	if f.out == "" {
		return nil
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	return judgement.WriteReport(f.out)
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
