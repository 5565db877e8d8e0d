package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"classlens/internal/safefile"
	"classlens/vision/people"
	"classlens/vision/scene"
	"classlens/vision/track"
	"classlens/vision/track/lucas"
	"classlens/vision/track/score"
	"classlens/vision/video"

	"github.com/spf13/cobra"
)

func newBenchTrackCommand() *cobra.Command {
	var b trackBench
	var preset string
	cmd := &cobra.Command{
		Use:   "track RECORDING...",
		Short: "Measure people search and tracking, and compare detectors",
		Long: `Finds and tracks people in recordings and prints one line per recording:
people found per second of processor time, and the processor time that detector,
flow and tracker take per second of video. With --truth, one folder with a boxes.csv
per recording, in the same order, also recall, precision, IDF1 and identity switches.
--detectors compares the nets on single steps at one input size instead.`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(b.truth) > 0 && len(b.truth) != len(args) {
				return usageError{fmt.Errorf("%d recordings, %d truth folders", len(args), len(b.truth))}
			}
			for _, p := range strings.Split(preset, ",") {
				if !slices.Contains(people.Presets(), p) {
					return usageError{fmt.Errorf("--preset %s: there are %s", p, strings.Join(people.Presets(), ", "))}
				}
				b.presets = append(b.presets, p)
			}
			if b.threads < 0 || b.detectors < 0 || !(b.between > 0 && b.between <= 1000) {
				return usageError{errors.New("want --threads and --detectors from 0, and --between-fps above 0")}
			}
			if err := b.namesApart(args); err != nil {
				return usageError{err}
			}
			for _, folder := range b.truth { // before minutes of measuring
				if _, _, err := score.ReadTruth(folder); err != nil {
					return usageError{fmt.Errorf("--truth: %w", err)}
				}
			}
			b.out = cmd.OutOrStdout()
			if b.detectors > 0 {
				return b.compare(cmd.Context(), args)
			}
			return b.run(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&preset, "preset", "default", "`PRESETS` to compare, comma-separated: "+strings.Join(people.Presets(), ", "))
	f.StringSliceVar(&b.truth, "truth", nil, "`FOLDERS` with boxes.csv, one per recording")
	f.Float64Var(&b.between, "between-fps", 6, "grey frames per second for following heads")
	f.IntVar(&b.threads, "threads", 1, "threads of the nets")
	f.StringVar(&b.stored, "detections", "", "`FOLDER` that caches what the nets found, by preset and recording, so that the tracker can be tried alone")
	f.StringVar(&b.rows, "rows", "", "`FOLDER` for the tracks, one file per preset and recording: time_s,track_id,x,y,w,h")
	f.IntVar(&b.detectors, "detectors", 0, "compare the nets at this input width, in pixels")
	cmd.ValidArgsFunction = videoFiles
	completeValues(cmd, "preset", people.Presets()...)
	return cmd
}

// trackBench measures people search and tracking.
type trackBench struct {
	presets   []string
	truth     []string
	between   float64
	threads   int
	detectors int
	stored    string
	rows      string
	out       io.Writer
}

// trackRun is what one recording took and gave.
type trackRun struct {
	detect, flow, track time.Duration // processor time
	seconds             float64       // of video
	found               int           // people, over all looks
	tracks              []scene.Track
	counts              map[string]int
}

func (b *trackBench) run(ctx context.Context, paths []string) error {
	fmt.Fprintf(b.out, "%-22s %-8s %7s %8s %8s %8s %7s", "recording", "preset", "found/s", "detector", "flow", "tracker", "tracks")
	if b.truth != nil {
		fmt.Fprintf(b.out, " %6s %9s %6s %8s %5s", "recall", "precision", "IDF1", "switches", "area")
	}
	fmt.Fprintln(b.out, "  looks")
	for _, preset := range b.presets {
		if err := b.preset(ctx, preset, paths); err != nil {
			return err
		}
	}
	return nil
}

// preset prints a line for each recording, and with truth their mean.
func (b *trackBench) preset(ctx context.Context, preset string, paths []string) (err error) {
	d, err := people.NewDetector(people.Options{Preset: preset, Threads: b.threads})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var sum score.Result
	shown := 0.0 // recordings in which anybody is to be found, or is found: without, there is nothing to score
	for i, path := range paths {
		r, err := b.one(ctx, d, path, preset)
		if err != nil {
			return err
		}
		if err := b.writeRows(preset, path, r.tracks); err != nil {
			return err
		}
		share := func(t time.Duration) float64 { return t.Seconds() / r.seconds }
		fmt.Fprintf(b.out, "%-22s %-8s %7.0f %8.4f %8.4f %8.4f %7d", clipName(path), preset,
			float64(r.found)/(r.detect+r.flow+r.track).Seconds(), share(r.detect), share(r.flow), share(r.track), len(r.tracks))
		if b.truth != nil {
			truth, ignore, err := score.ReadTruth(b.truth[i])
			if err != nil {
				return err
			}
			s := score.Score(truth, ignore, score.Rows(r.tracks))
			fmt.Fprintf(b.out, " %6.3f %9.3f %6.3f %8d %5.2f", s.Recall, s.Precision, s.IDF1, s.Switches, s.AreaRatio)
			sum.Recall, sum.Precision, sum.IDF1, sum.Switches = sum.Recall+s.Recall, sum.Precision+s.Precision, sum.IDF1+s.IDF1, sum.Switches+s.Switches
			if s.VisibleHeads+s.Scored > 0 {
				shown++
			}
		}
		fmt.Fprintf(b.out, "  %v\n", r.counts)
	}
	if b.truth != nil && shown > 1 {
		fmt.Fprintf(b.out, "%-22s %-8s %42s %6.3f %9.3f %6.3f %8d\n", "mean", preset, "", sum.Recall/shown, sum.Precision/shown, sum.IDF1/shown, sum.Switches)
	}
	return nil
}

// clipName is the file's name, or the folder's for a rendered room, whose file is always called video.mp4.
func clipName(path string) string {
	if name := filepath.Base(path); name != "video.mp4" {
		return name
	}
	return filepath.Base(filepath.Dir(path))
}

// rowsName is the file in --rows for a recording's tracks.
func rowsName(preset, path string) string {
	return preset + "-" + strings.TrimSuffix(clipName(path), ".mp4") + ".csv"
}

// namesApart refuses recordings whose tracks would be written to one file.
func (b *trackBench) namesApart(paths []string) error {
	seen := map[string]string{}
	for _, p := range paths {
		name := rowsName("", p)
		if other, twice := seen[name]; twice && b.rows != "" {
			return fmt.Errorf("--rows: %s and %s would both write to PRESET%s", other, p, name)
		}
		seen[name] = p
	}
	return nil
}

// writeRows writes where each track was seen to a file in --rows.
func (b *trackBench) writeRows(preset, path string, tracks []scene.Track) error {
	if b.rows == "" {
		return nil
	}
	var text strings.Builder
	fmt.Fprintln(&text, "time_s,track_id,x,y,w,h")
	for _, r := range score.Rows(tracks) {
		fmt.Fprintf(&text, "%.2f,%s,%.2f,%.2f,%.2f,%.2f\n", r.Time, r.ID, r.X, r.Y, r.W, r.H)
	}
	if err := os.MkdirAll(b.rows, 0o755); err != nil {
		return err
	}
	return safefile.WriteFile(filepath.Join(b.rows, rowsName(preset, path)), []byte(text.String()))
}

// benchStep is the time between steps, in seconds: the program's usual one.
const benchStep = 1.0

// one runs detector and tracker over a recording.
func (b *trackBench) one(ctx context.Context, d *people.Detector, path, preset string) (*trackRun, error) {
	l, err := openLooks(b.storedAt(preset, path), d)
	if err != nil {
		return nil, err
	}
	rec, err := video.Open(ctx, path, video.Options{BetweenFPS: b.between, NoFlow: true, Halves: d.Halves(benchStep)})
	if err != nil {
		return nil, err
	}
	defer rec.Close()
	d.Begin()
	r := &trackRun{}
	follow := &lucas.Follower{}
	t := track.NewTracker(track.Options{HoldScore: d.HoldScore(), LookSeconds: d.LookSeconds(benchStep)}, track.FollowerFunc(func(a, b scene.Gray, pts []track.Point) ([]track.Point, []bool) {
		t0 := processorTime()
		moved, ok := follow.Follow(a, b, pts)
		r.flow += processorTime() - t0
		return moved, ok
	}))
	shot := 0
	for {
		step, err := rec.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if step.Shot != shot {
			shot = step.Shot
			d.Reset()
		}
		t0 := processorTime()
		found, err := l.at(step.Frame)
		if err != nil {
			return nil, err
		}
		t1 := processorTime()
		t.Add(step, found)
		r.detect, r.track = r.detect+t1-t0, r.track+processorTime()-t1
		r.found += len(found)
		if !step.Half {
			r.seconds = step.Time + benchStep
		}
	}
	t0 := processorTime()
	r.tracks = t.Finish()
	r.track += processorTime() - t0 - r.flow
	r.counts, err = l.end()
	return r, err
}
