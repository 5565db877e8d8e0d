package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"

	"classlens/internal/dataset"
	"classlens/internal/evaluate"
	"classlens/internal/safefile"
	"classlens/vision/people"

	"github.com/spf13/cobra"
)

func newDatasetCommand() *cobra.Command {
	cmd := &cobra.Command{
		RunE:  group,
		Use:   "dataset",
		Short: "Read, split, count, check and write labelled data sets",
		Long: `Reads labelled data in the usual formats into a common one: COCO boxes (annotations.json, images/; ClaBehavior), YOLO (images/, labels/; the
CCTV set), DAiSEE (DataSet/, Labels/), AVA and EngageNet-like CSV, and the project's own intervals.csv with a video.`,
	}
	cmd.AddCommand(newDatasetImport(), newDatasetSplit(), newDatasetStats(), newDatasetExport(), newDatasetCheck())
	return cmd
}

// openSet reads a data set and says on standard error what was kept out of it.
func openSet(cmd *cobra.Command, dir string) (*dataset.Set, error) {
	set, err := dataset.Open(dir)
	if err != nil {
		return nil, err
	}
	for _, line := range set.ProblemLines() {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", cmd.Name(), oneLine(line))
	}
	return set, nil
}

func newDatasetImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import DATA",
		Short: "Write DATA/dataset.json: the set in the common format, with subject, room and recording of every sample",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := openSet(cmd, args[0])
			if err != nil {
				return err
			}
			say := func(format string, a ...any) { fmt.Fprintf(cmd.ErrOrStderr(), "import: "+format+"\n", a...) }
			if err := evaluate.DetectBoxKind(cmd.Context(), set, func() (*people.Detector, error) { return people.NewDetector(people.Options{}) }, say); err != nil {
				return err
			}
			if err := set.Save(args[0]); err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), plainLines(dataset.Count(set).Text(set)))
			return nil
		},
	}
}

func newDatasetSplit() *cobra.Command {
	var by, out string
	var val, test float64
	var seed uint64
	cmd := &cobra.Command{
		Use:     "split DATA --by room --out split.json",
		Short:   "Split a set into train, val and test, by subject, room, recording or time",
		Example: "  classlens dataset split mydata --by subject --val 0.15 --test 0.2 --out mydata/split.json",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := openSet(cmd, args[0])
			if err != nil {
				return err
			}
			split, err := dataset.MakeSplit(set, by, val, test, seed)
			if err != nil {
				return usageError{err}
			}
			parts, err := split.Parts(set)
			if err != nil {
				return err
			}
			count := map[string]int{}
			for _, p := range parts {
				count[p]++
			}
			fmt.Fprintf(cmd.OutOrStdout(), "by %s: %d train, %d val, %d test\n", by, count["train"], count["val"], count["test"])
			return split.Save(out)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&by, "by", "subject", "`WHAT` must not be shared between parts: subject, room, recording, media or time")
	flags.StringVar(&out, "out", "split.json", "`FILE` for the split")
	flags.Float64Var(&val, "val", 0.15, "share of the samples for validation")
	flags.Float64Var(&test, "test", 0.2, "share of the samples for testing")
	flags.Uint64Var(&seed, "seed", 1, "seed of the random split")
	completeValues(cmd, "by", "subject", "room", "recording", "media", "time")
	return cmd
}

func newDatasetStats() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stats DATA",
		Short: "Count samples, classes, rooms and box sizes",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := openSet(cmd, args[0])
			if err != nil {
				return err
			}
			stats := dataset.Count(set)
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(stats)
			}
			fmt.Fprint(cmd.OutOrStdout(), plainLines(stats.Text(set)))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newDatasetCheck() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check DATA [--split FILE]",
		Short: "Fail if an identity, a room or near-duplicate pictures leak across a split",
		Long: `Looks for subjects, media and near-duplicate pictures that are in more than one part of the split, and for rooms if the split is by room.
Without --split, the parts that the set was published with are checked. Exit code 1 if something leaks.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := openSet(cmd, args[0])
			if err != nil {
				return err
			}
			return checkSplit(cmd.OutOrStdout(), set, file)
		},
	}
	cmd.Flags().StringVar(&file, "split", "", "`FILE` of the split (default: the set's own parts)")
	return cmd
}

// shownLeaks is how many leaks are printed one by one.
const shownLeaks = 20

func checkSplit(out io.Writer, set *dataset.Set, file string) error {
	by, parts := "room", make([]string, len(set.Samples))
	if file == "" {
		named := false
		for i, x := range set.Samples {
			parts[i] = x.Part
			named = named || x.Part != ""
		}
		if !named {
			return usageError{errors.New("the set has no parts of its own: name a split file with --split")}
		}
	} else {
		split, err := dataset.LoadSplit(file)
		if err != nil {
			return err
		}
		by = split.By
		if parts, err = split.Parts(set); err != nil {
			return err
		}
		said, err := split.Unmatched(set, parts)
		if err != nil {
			return err
		}
		if said != "" {
			fmt.Fprintln(out, oneLine(said))
		}
	}
	leaks, err := dataset.Check(set, by, parts)
	if err != nil {
		return err
	}
	for i, l := range leaks {
		if i == shownLeaks {
			fmt.Fprintf(out, "… and %d more\n", len(leaks)-i)
			break
		}
		fmt.Fprintln(out, l)
	}
	if len(leaks) > 0 {
		return fmt.Errorf("%d leaks: figures on this split would be too good", len(leaks))
	}
	fmt.Fprintln(out, "nothing crosses the split")
	return nil
}

func newDatasetExport() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export DATA --out FILE.csv",
		Short: "Write all samples as one CSV table",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := openSet(cmd, args[0])
			if err != nil {
				return err
			}
			name := filepath.Clean(out)
			if err := exportTable(name, set); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "dataset: %d samples in %s\n", len(set.Samples), name)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "dataset.csv", "`FILE` to write")
	return cmd
}

func exportTable(name string, set *dataset.Set) error {
	f, err := safefile.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	w := csv.NewWriter(f)
	rows := [][]string{{"media", "x", "y", "w", "h", "label", "engagement", "attention", "subject", "room", "recording", "start_s", "end_s", "part"}}
	number := func(v float64) string { return strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64) }
	known := func(v int) string {
		if v < 0 {
			return ""
		}
		return strconv.Itoa(v)
	}
	for _, x := range set.Samples {
		label := ""
		if x.Label >= 0 {
			label = set.Classes[x.Label]
		}
		rows = append(rows, []string{x.Media, number(x.Box.X), number(x.Box.Y), number(x.Box.W), number(x.Box.H), label, known(x.Level), known(x.Attention), x.Subject, x.Room, x.Recording,
			number(x.Start), number(x.End), x.Part})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	return f.Commit()
}
