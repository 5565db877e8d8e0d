package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"classlens/internal/analysis"
	"classlens/internal/config"
	"classlens/internal/safefile"
	"classlens/internal/seats"
	"classlens/model"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// analyzeFlags are the command line of analyze.
type analyzeFlags struct {
	out, config, labels, device string
	seats, share                string
	set                         []string
	annotate, json, force       bool
}

func newAnalyzeCommand() *cobra.Command {
	var f analyzeFlags
	cmd := &cobra.Command{
		Use:         "analyze RECORDING... --out OUT",
		Annotations: goesOn,
		Short:       "Turn each recording into timelines, tables and a report",
		Long: `Analyzes each recording (a video file, or a folder: the video files directly in it, except hidden ones) and writes to OUT/<file name without extension>/: timeline.csv,
intervals.csv, students.csv, summary.json, timeline.parquet, report.html, keyframes/ and manifest.json; docs/formats.md describes them.

A recording whose results are complete and come from the same input, settings and weights is skipped; --force analyzes it again. If a run was interrupted, killed
or stopped by a full disk, the same command continues from the last finished minute of video (setting run.segment_seconds). The first Ctrl-C finishes the work in
hand and saves it; a second one ends the program at once.

Exit codes: 0 all done; 1 failed; 2 wrong usage; 3 finished, but some recordings are partial or failed (or all of a share, because they cannot be read); 11 another process is working on the rest; 130 interrupted.`,
		Example: "  classlens analyze samples/lesson.mp4 --out out",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runAnalyze(cmd, args, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "out", "`FOLDER` for the results")
	flags.StringVar(&f.config, "config", "", "`FILE` with settings (classlens settings prints them all)")
	flags.StringVar(&f.labels, "labels", "", "`FILE` that maps behaviour to attention and engagement (default: the built-in configs/labels.yaml)")
	flags.StringVar(&f.device, "device", "", "`DEVICE` for the networks: auto, cpu, cuda, cuda:N, cuda:UUID, a comma-separated list of these, or cuda:all (setting run.device)")
	flags.StringArrayVar(&f.set, "set", nil, "override one setting, as `SECTION.KEY=VALUE`; may be repeated")
	flags.StringVar(&f.seats, "seats", "", "`FILE` that remembers the room's seats, so that S07 is the same chair in every recording; created if absent (positions only)")
	flags.StringVar(&f.share, "share", "", "analyze only share K of N equal shares, given as `K/N` with K from 0; N processes with K = 0 … N-1 analyze everything (the share depends only on the name, not on what else is in a folder)")
	flags.BoolVar(&f.annotate, "annotate", false, "also write annotated.mp4: boxes, names, states, blurred faces")
	flags.BoolVar(&f.json, "json", false, "print events as JSON lines on standard output instead of a progress line")
	flags.BoolVar(&f.force, "force", false, "analyze again even if the results are complete")
	cmd.ValidArgsFunction = videoFiles
	completeValues(cmd, "device", "auto", "cpu", "cuda", "cuda:all")
	completeSettings(cmd)
	completeFiles(cmd, "config", "yaml", "yml")
	completeFiles(cmd, "labels", "yaml", "yml")
	completeFiles(cmd, "seats", "json")
	must(cmd.MarkFlagDirname("out"))
	return cmd
}

// peopleScale is passed on as analysis.Options.PeopleScale; only tests on a simulated device set it.
var peopleScale float64

func runAnalyze(cmd *cobra.Command, args []string, f analyzeFlags) error {
	cfg, err := f.settings()
	if err != nil {
		return usageError{err}
	}
	labels, err := config.LoadLabels(f.labels)
	if err != nil {
		return usageError{err}
	}
	recordings, err := expandRecordings(args)
	if err != nil {
		return usageError{err}
	}
	if s := cfg.Run.Scratch; s != "" && !writable(s) {
		return usageError{fmt.Errorf("run.scratch: %s is not a folder that can be written to", s)}
	}
	part, err := parseShare(f.share)
	if err != nil {
		return usageError{err}
	}
	if f.seats != "" {
		if filepath.Dir(f.seats) == filepath.Clean(f.out) { // the folder of results is made anyway
			if err := os.MkdirAll(f.out, 0o755); err != nil {
				return err
			}
		}
		if err := seats.Check(f.seats); err != nil {
			return usageError{err}
		}
	}
	progress := newProgress(cmd.OutOrStdout(), cmd.ErrOrStderr(), f.json)
	if all := len(recordings); f.share != "" {
		recordings = slices.DeleteFunc(recordings, func(r string) bool { return !part.has(r) && !(slices.Contains(args, r) && missing(r)) })
		if len(recordings) == 0 {
			progress.Event(analysis.Event{Kind: "note", Recording: "share " + f.share, Text: fmt.Sprintf("none of the %d recordings is in it", all)})
			return nil
		}
	}
	losses := gpuLosses()
	if losses >= mostGPULosses {
		cfg.Run.Device = model.CPU
		progress.Event(analysis.Event{Kind: "note", Recording: "devices", Text: fmt.Sprintf("GPUs failed %d times in this run: the rest is analyzed on the CPU", losses)})
	}
	pool, err := analysis.NewPool(analysis.Options{
		Config: cfg, Labels: labels, Annotate: f.annotate, Seats: f.seats, Force: f.force, Version: version, Events: progress.Event, PeopleScale: peopleScale,
	})
	if errors.Is(err, analysis.ErrWeights) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer pool.Close()
	folder := func(recording string) string { return filepath.Join(f.out, recordingName(recording)) }
	t := tally{of: part.of}
	left := pool.Run(cmd.Context(), recordings, folder, t.add)
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	if len(left) > 0 {
		progress.Event(analysis.Event{Kind: "note", Recording: "devices", Text: fmt.Sprintf("no GPU is left to this process: a fresh one goes on with %d recordings", len(left))})
		if err := t.goOn(cmd, left, losses+1); err != nil {
			return err
		}
	}
	t.lostGPUs = losses >= mostGPULosses
	return t.outcome(len(recordings))
}

// A CUDA context that was corrupted cannot be recovered within its process, only by starting a fresh one. The
// number of such losses travels in an environment variable; after mostGPULosses the rest of the run stays on the
// CPU, and the exit code is 3.
const (
	lossesVariable = "CLASSLENS_GPU_LOSSES"
	mostGPULosses  = 3
)

func gpuLosses() int {
	n, _ := strconv.Atoi(os.Getenv(lossesVariable)) // unset, or not set by this program: none
	return n
}

// tally counts how recordings ended; one that fails does not stop the rest. The reason for each
// is printed as it ends.
type tally struct {
	count    map[analysis.State]int
	refused  int  // recordings that failed for what they are: a second try would be in vain
	of       int  // shares that the batch is divided into; 0 or 1: it is not
	locked   int  // recordings that another process is working on
	rest     int  // exit code of the fresh process that took over, if there was one
	others   int  // recordings handed to that process
	lostGPUs bool // too many GPUs failed: the run ended on the CPU
}

func (t *tally) add(r analysis.Result) {
	if t.count == nil {
		t.count = map[analysis.State]int{}
	}
	if errors.Is(r.Err, safefile.ErrLocked) { // not a failure: another process is analyzing it
		t.locked++
		return
	}
	t.count[r.State]++
	if r.Refused() {
		t.refused++
	}
}

// goOn has a fresh process analyze the rest, with the same flags.
func (t *tally) goOn(cmd *cobra.Command, left []string, losses int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append(sameFlags(cmd), "--")
	child := exec.CommandContext(cmd.Context(), self, append(args, left...)...)
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) } // it finishes the work in hand
	// A process group of its own keeps the terminal's Ctrl-C from the child: together with our SIGTERM that would be a
	// second signal, which ends it at once. If we are killed, the kernel sends it SIGTERM (Pdeathsig) when the thread
	// that started it ends; hence the locked thread.
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	child.Stdout, child.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d", lossesVariable, losses))
	err = child.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("a fresh process for the rest: %w", err)
	}
	t.rest, t.others = child.ProcessState.ExitCode(), len(left)
	return cmd.Context().Err()
}

// sameFlags gives the command and the flags that were set as arguments for another process.
func sameFlags(cmd *cobra.Command) []string {
	args := []string{cmd.Name()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if list, ok := f.Value.(pflag.SliceValue); ok {
			for _, v := range list.GetSlice() {
				args = append(args, "--"+f.Name+"="+v)
			}
			return
		}
		args = append(args, "--"+f.Name+"="+f.Value.String())
	})
	return args
}

// outcome is the error, nil where all is well, that ends a run over all recordings: its summary and exit code.
func (t *tally) outcome(all int) error {
	here := all - t.others
	done := t.count[analysis.Done] == here
	switch {
	case done && t.rest == exitDone && !t.lostGPUs:
		return nil
	case done && t.rest == exitDone:
		return outcome{code: exitPartial}
	case all == 1 && t.of > 1 && t.refused == 1:
		return outcome{code: exitPartial}
	case all == 1 && t.locked == 1:
		return outcome{code: exitLocked}
	case all == 1 && t.count[analysis.Failed] == 1:
		return outcome{code: exitFailed}
	case all == 1:
		return outcome{code: exitPartial}
	}
	o := outcome{exitPartial, fmt.Sprintf("%d recordings: %d done, %d partial, %d failed", here, t.count[analysis.Done], t.count[analysis.Partial], t.count[analysis.Failed])}
	if t.locked > 0 {
		o.summary += fmt.Sprintf(", %d being analyzed by another process", t.locked)
	}
	switch {
	case t.of > 1 && t.refused == here: // which recordings fell to this share is chance: of the whole batch, some failed
	case t.count[analysis.Failed] == here && (t.others == 0 || t.rest == exitFailed):
		o.code = exitFailed
	case t.locked > 0 && t.count[analysis.Done]+t.locked == here && t.rest == exitDone:
		o.code = exitLocked
	}
	return o
}

// settings reads the configuration; flags override it.
func (f analyzeFlags) settings() (config.Config, error) {
	overrides := map[string]any{}
	for _, s := range f.set {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return config.Config{}, fmt.Errorf("--set %s: write it as section.key=value", s)
		}
		overrides[key] = value
	}
	if f.device != "" {
		overrides["run.device"] = f.device
	}
	return config.Load(f.config, overrides)
}

// share is one of so many parts of all recordings. A recording is always in the same, whoever asks and whatever lies beside it.
type share struct{ part, of int }

const mostShares = 1 << 20

func parseShare(text string) (share, error) {
	if text == "" {
		return share{0, 1}, nil
	}
	k, n, ok := strings.Cut(text, "/")
	part, err1 := strconv.Atoi(k)
	of, err2 := strconv.Atoi(n)
	if !ok || err1 != nil || err2 != nil || of < 1 || of > mostShares || part < 0 || part >= of {
		return share{}, fmt.Errorf("--share %s: write it as K/N, with K from 0 to N-1", text)
	}
	return share{part, of}, nil
}

func (s share) has(recording string) bool {
	sum := sha256.Sum256([]byte(recordingName(recording)))
	return binary.BigEndian.Uint64(sum[:])%uint64(s.of) == uint64(s.part)
}

// missing tells whether there is nothing of that name, as where a folder of recordings is not mounted: every share fails then, or all but one would say that
// all is done.
func missing(name string) bool {
	_, err := os.Lstat(name)
	return errors.Is(err, fs.ErrNotExist)
}

var videoExtensions = []string{".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts"}

func namedLikeVideo(path string) bool {
	return slices.Contains(videoExtensions, strings.ToLower(filepath.Ext(path)))
}

// expandRecordings replaces each folder by the video files in it, drops repetitions, and refuses
// two recordings whose results would go to one folder. A folder without videos is an error, unless it is called like a video: then it is a recording that fails.
func expandRecordings(args []string) ([]string, error) {
	var all []string
	for _, arg := range args {
		if arg == "" {
			return nil, errors.New("a recording's name is empty: is a variable in your script unset?")
		}
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() { // what is wrong with a file is reported when it is opened
			all = append(all, arg)
			continue
		}
		switch found, err := videosIn(arg); {
		case err != nil && namedLikeVideo(arg): // caught by *.mp4: one bad recording among others
			all = append(all, arg)
		case err != nil:
			return nil, err
		default:
			all = append(all, found...)
		}
	}
	seen := map[string]string{}
	var once []string
	for _, r := range all {
		name := recordingName(r)
		other, twice := seen[name]
		if twice && filepath.Clean(other) == filepath.Clean(r) {
			continue // a folder was given, and a file in it
		}
		if twice {
			return nil, fmt.Errorf("%s and %s would both write to %s: rename one, or analyze them with different --out folders", other, r, name)
		}
		seen[name] = r
		once = append(once, r)
	}
	return once, nil
}

// videosIn lists the files named like videos, symbolic links included; what is wrong with one is reported when it is opened. Hidden files are skipped (macOS
// leaves a ._NAME beside each file on a memory card), and so are folders within the folder.
func videosIn(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if hidden := strings.HasPrefix(e.Name(), "."); !hidden && !e.IsDir() && namedLikeVideo(e.Name()) {
			found = append(found, filepath.Join(folder, e.Name()))
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: no video file in this folder (looked for %s)", folder, strings.Join(videoExtensions, " "))
	}
	return found, nil
}

// recordingName is the file's name without its extension. Where only dots would be left, the extension stays: "." and ".." would be the folder of all results
// and the one above it.
func recordingName(path string) string {
	base := filepath.Base(path)
	if name := strings.TrimSuffix(base, filepath.Ext(base)); strings.Trim(name, ".") != "" {
		return name
	}
	return base
}
