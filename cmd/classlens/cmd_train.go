package main

import (
	"fmt"

	"classlens/internal/config"
	"classlens/internal/training"

	"github.com/spf13/cobra"
)

func newTrainCommand() *cobra.Command {
	var out, labels, device string
	var resume, tune bool
	cmd := &cobra.Command{
		Use:   "train CONFIG",
		Short: "Train the network on a data set of your own",
		Long: `Trains the classroom network as CONFIG says (configs/train-s.yaml describes each key) and leaves in the run's folder: config.yaml, environment.json,
metrics.csv, curves.png, checkpoint.bin, and the best epoch's weights.onnx and weights.safetensors. Give weights.onnx to "classlens eval --weights" and, as
setting network.weights, to "classlens analyze".

A run is not written over: one that was stopped goes on with --resume and ends with the same weights as one that was not. --tune tries the settings that the config lists under tune
for a few epochs each, judged on the validation part, and leaves tune.csv and best.yaml.`,
		Example: "  classlens dataset split mydata --by room --out mydata/split.json\n  classlens train configs/train-s.yaml --out runs/first\n  classlens eval mydata --split mydata/split.json --weights runs/first/weights.onnx",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := training.LoadConfig(args[0])
			if err != nil {
				return usageError{err}
			}
			l, err := config.LoadLabels(labels)
			if err != nil {
				return usageError{err}
			}
			if !tune && !resume && training.Holds(out) {
				return usageError{fmt.Errorf("%s holds a run already: --resume goes on with it, another --out begins a new one", out)}
			}
			say := func(format string, a ...any) { fmt.Fprintf(cmd.ErrOrStderr(), "train: "+format+"\n", a...) }
			o := training.Options{Out: out, Resume: resume, Device: device, Labels: l, Say: say}
			if tune {
				return training.Search(cmd.Context(), c, o)
			}
			_, err = training.Run(cmd.Context(), c, o)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "run", "`FOLDER` of the run")
	cmd.Flags().StringVar(&labels, "labels", "", "`FILE` that says how classes are read as behaviours (default: configs/labels.yaml as shipped)")
	cmd.Flags().StringVar(&device, "device", "auto", "`DEVICE`: auto, cpu, cuda, cuda:N or cuda:UUID")
	cmd.Flags().BoolVar(&tune, "tune", false, "search the settings listed under tune instead")
	cmd.Flags().BoolVar(&resume, "resume", false, "go on after the last whole epoch")
	completeValues(cmd, "device", "auto", "cpu", "cuda")
	return cmd
}
