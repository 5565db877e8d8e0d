package analysis

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"classlens/internal/config"
	"classlens/internal/safefile"
	"classlens/vision/probe"
	"classlens/vision/video"
)

// Results tell how a recording was analyzed, for programs that build on the results.
type Results struct {
	Recording string        // the file's name
	SHA256    string        // of the file
	Video     video.Options // decoding with these gives the same steps again
}

// OpenResults reads a recording's folder, which must be complete and undamaged. The error wraps safefile.ErrLocked if an analysis is running.
func OpenResults(folder string) (Results, error) {
	v, err := Check(folder)
	switch {
	case errors.Is(err, ErrNoResults):
		return Results{}, fmt.Errorf("%s: no results of classlens analyze here; name a recording's own folder, OUT/<recording>", folder)
	case err != nil:
		return Results{}, err
	case len(v.Problems) > 0:
		return Results{}, fmt.Errorf("%s: damaged: %s (classlens check lists everything)", folder, v.Problems[0])
	case v.State == Pending && safefile.HeldBy(folder) != nil:
		return Results{}, fmt.Errorf("%s: %w: %s", folder, safefile.ErrLocked, v.Notes[0])
	case v.State != Done && v.State != Partial:
		return Results{}, fmt.Errorf("%s: %s: %s", folder, v.State, v.Notes[0])
	}
	var m manifest
	var s struct {
		Settings config.Config `json:"settings"`
	}
	for name, into := range map[string]any{"manifest.json": &m, "summary.json": &s} {
		raw, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return Results{}, err
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return Results{}, fmt.Errorf("%s: %w", filepath.Join(folder, name), err)
		}
	}
	return Results{Recording: m.Recording, SHA256: m.Inputs.Recording, Video: videoOptions(s.Settings.Video)}, nil
}

// videoOptions translates the settings for the decoder.
func videoOptions(v config.Video) video.Options {
	return video.Options{
		StepSeconds: v.StepSeconds, BetweenFPS: v.BetweenFPS, KeyFrameChange: v.KeyframeChange,
		Hang: time.Duration(v.HangSeconds * float64(time.Second)), MemoryBytes: uint64(v.MemoryMB) << 20,
		Limits: probe.Limits{MaxWidth: v.MaxWidth, MaxHeight: v.MaxHeight, MaxFPS: v.MaxFPS, MaxSeconds: v.MaxHours * 3600},
	}
}
