package analysis

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"classlens/internal/config"
	"classlens/internal/report"
	"classlens/internal/safefile"
	"classlens/internal/seats"
	"classlens/internal/timeline"
	"classlens/vision/scene"
	"classlens/vision/video"
)

// summary is summary.json; docs/formats.md describes it.
type summary struct {
	Recording video.Info       `json:"recording"`
	Name      string           `json:"name"`
	State     State            `json:"state"`
	Gaps      []gapLine        `json:"gaps"`
	Class     timeline.Summary `json:"class"`
	Settings  config.Config    `json:"settings"`
	Labels    config.Labels    `json:"labels"`
	Run       runLine          `json:"run"`
}

type gapLine struct {
	Start  float64 `json:"start_s"`
	End    float64 `json:"end_s"`
	Reason string  `json:"reason"`
}

type runLine struct {
	Device    string             `json:"device"`
	Note      string             `json:"device_note,omitempty"`
	Version   string             `json:"version"`
	Libraries string             `json:"libraries"`
	Weights   string             `json:"weights_sha256"`
	Threads   int                `json:"threads"`
	Steps     int                `json:"steps"`
	Looks     int                `json:"steps_searched"`
	Halves    int                `json:"halves_searched,omitempty"`
	Between   int                `json:"steps_followed"`
	Followed  int                `json:"heads_followed"`
	Unmoved   int                `json:"heads_unmoved"`
	Seats     *seats.Result      `json:"seats,omitempty"`
	Detectors map[string]int     `json:"detector_runs"`
	Timings   map[string]float64 `json:"timings_s"`
	Shares    map[string]float64 `json:"shares"`
}

// write writes all outputs, the manifest last: without one a folder does not count as complete.
func (r *run) write(ctx context.Context, in inputs, tracks []scene.Track, s *seen) (State, string, error) {
	for _, track := range tracks {
		for i := range track.Sightings {
			v := &track.Sightings[i]
			v.Motion = math.NaN()
			if m, ok := s.motion[track.ID][v.Step]; ok {
				v.Motion = m
			}
		}
	}
	t, err := timeline.Build(timeline.Input{Tracks: tracks, Decisions: s.decisions, Meanings: r.meanings(), Gaps: r.gaps(), Options: r.timelineOptions()})
	if err != nil {
		return Failed, "", err
	}
	state := Done
	gaps := []gapLine{}
	for _, g := range r.gaps() {
		state = Partial
		gaps = append(gaps, gapLine{round(g.Start, 3), round(g.End, 3), g.Reason})
	}
	var names []string
	if err := r.lock.Err(); err != nil {
		return Failed, "", err
	}
	err = r.watch.time("write", func() error {
		if err := os.Remove(filepath.Join(r.folder, "manifest.json")); err != nil && !os.IsNotExist(err) {
			return err
		}
		if names, err = t.WriteTables(r.folder); err != nil {
			return err
		}
		more, err := r.writeKeyframes(s.keyframes)
		if err != nil {
			return err
		}
		names = append(names, more...)
		return r.writeReport(t, gaps, s.keyframes)
	})
	if err != nil {
		return Failed, "", err
	}
	names = append(names, "report.html")
	if r.options.Annotate {
		err := r.watch.time("annotate", func() error { return r.annotate(ctx, tracks, t) })
		if err != nil {
			return Failed, "", err
		}
		names = append(names, "annotated.mp4")
	}
	if err := r.writeSummary(t, gaps, state); err != nil {
		return Failed, "", err
	}
	if err := r.lock.Err(); err != nil { // an annotated video takes its time
		return Failed, "", err
	}
	if err := r.writeManifest(in, state, append(names, "summary.json")); err != nil {
		return Failed, "", err
	}
	return state, describe(t, gaps), nil
}

// describe sums up a recording's result in one line.
func describe(t *timeline.Timeline, gaps []gapLine) string {
	c := t.Summary()
	text := fmt.Sprintf("%d students", c.Students)
	switch c.Students {
	case 0:
		text = "nobody was found"
	case 1:
		text = "1 student"
	}
	if c.Teacher {
		text += " and a teacher"
	}
	if c.OnTaskShare != nil {
		text += fmt.Sprintf(", on task %.0f %% of the time in which that is known (%.0f %% of what was seen)", 100**c.OnTaskShare, 100*(1-*c.UnknownShare))
	}
	for _, g := range gaps {
		text += fmt.Sprintf("; without data from %.1f to %.1f s (%s)", g.Start, g.End, g.Reason)
	}
	return text
}

func (r *run) writeKeyframes(frames []keyframe) ([]string, error) {
	folder := filepath.Join(r.folder, "keyframes")
	if err := os.RemoveAll(folder); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	var names []string
	for _, k := range frames {
		name := filepath.Join("keyframes", fmt.Sprintf("%08.2f.jpg", k.time))
		if err := safefile.WriteFile(filepath.Join(r.folder, name), k.jpeg); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func (r *run) writeReport(t *timeline.Timeline, gaps []gapLine, frames []keyframe) error {
	info := r.recording.Info()
	device, _ := r.deviceLine()
	page := report.Page{Name: r.name, Duration: info.Duration, Timeline: t,
		Device: device, Version: r.options.Version, UnsureBelow: r.options.Config.Network.UnsureBelow, AttentionBelow: r.options.Config.Network.AttentionBelow, Complaints: info.DecoderErrors,
		Meanings: r.meanings(), Blurred: r.options.Config.Report.BlurFaces}
	for _, g := range gaps {
		page.Gaps = append(page.Gaps, report.Gap{Start: g.Start, End: g.End, Reason: g.Reason})
	}
	for _, k := range frames {
		page.KeyFrames = append(page.KeyFrames, report.KeyFrame{Time: k.time, JPEG: k.jpeg})
	}
	return report.Write(filepath.Join(r.folder, "report.html"), page)
}

func (r *run) writeSummary(t *timeline.Timeline, gaps []gapLine, state State) error {
	device, note := r.deviceLine()
	timings := r.watch.rounded()
	s := summary{Recording: r.recording.Info(), Name: r.name, State: state, Gaps: gaps, Class: t.Summary(), Settings: told(r.options.Config), Labels: r.options.Labels,
		Run: runLine{Device: device, Note: note, Version: r.options.Version, Libraries: video.Versions(), Weights: sum(r.weights), Threads: r.threads(),
			Steps: r.spool.Len(), Looks: r.looks, Halves: r.halves, Between: r.spool.Len() - r.looks, Followed: r.follows.Moved, Unmoved: r.follows.Unmoved, Seats: r.seats, Detectors: r.detector.Counts(), Timings: timings, Shares: shares(timings)}}
	return writeJSON(filepath.Join(r.folder, "summary.json"), s)
}

func writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return safefile.WriteFile(name, append(b, '\n'))
}

func round(v float64, decimals int) float64 {
	k := math.Pow(10, float64(decimals))
	return math.Round(v*k) / k
}
