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
		Use:         "train CONFIG",
		Annotations: map[string]string{whenInterrupted: "with --resume it continues"},
		Short:       "Train the network on a data set of your own",
		Long: `Trains the classroom network as CONFIG says (configs/train-s.yaml describes each key) and writes to the run's folder: config.yaml, environment.json,
metrics.csv, curves.png, checkpoint.bin, and the best epoch's weights.onnx and weights.safetensors. Pass weights.onnx to "classlens eval --weights", and to
"classlens analyze" as the setting network.weights.

An existing run is never overwritten: if it was stopped, --resume continues it and ends with the same weights as an uninterrupted run. --tune tries combinations of the values listed
under tune in CONFIG, each for a few epochs, judges them on the validation part, and writes tune.csv and best.yaml.`,
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
				return usageError{fmt.Errorf("%s already holds a run: --resume continues it, another --out begins a new one", out)}
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
	cmd.Flags().StringVar(&labels, "labels", "", "`FILE` that maps classes to behaviours (default: the built-in configs/labels.yaml)")
	cmd.Flags().StringVar(&device, "device", "auto", "`DEVICE`: auto, cpu, cuda, cuda:N or cuda:UUID")
	cmd.Flags().BoolVar(&tune, "tune", false, "instead, search over the values listed under tune in CONFIG")
	cmd.Flags().BoolVar(&resume, "resume", false, "continue after the last complete epoch")
	completeValues(cmd, "device", "auto", "cpu", "cuda")
	return cmd
}
