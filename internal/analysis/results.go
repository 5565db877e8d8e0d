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

// Results are what an analysis left, for who works on with them.
type Results struct {
	Recording string        // the file's name
	SHA256    string        // of the file
	Video     video.Options // by which it was decoded: the same steps come again
}

// OpenResults reads a recording's folder, which must be complete and whole. An error wraps safefile.ErrLocked where an analysis is running.
func OpenResults(folder string) (Results, error) {
	v, err := Check(folder)
	switch {
	case errors.Is(err, ErrNoResults):
		return Results{}, fmt.Errorf("%s: no results of classlens analyze here; it is a recording's own folder that is wanted, OUT/<recording>", folder)
	case err != nil:
		return Results{}, err
	case len(v.Problems) > 0:
		return Results{}, fmt.Errorf("%s: damaged: %s (classlens check tells all)", folder, v.Problems[0])
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

// videoOptions are the settings' in the words of the decoder.
func videoOptions(v config.Video) video.Options {
	return video.Options{
		StepSeconds: v.StepSeconds, BetweenFPS: v.BetweenFPS, KeyFrameChange: v.KeyframeChange,
		Hang: time.Duration(v.HangSeconds * float64(time.Second)), MemoryBytes: uint64(v.MemoryMB) << 20,
		Limits: probe.Limits{MaxWidth: v.MaxWidth, MaxHeight: v.MaxHeight, MaxFPS: v.MaxFPS, MaxSeconds: v.MaxHours * 3600},
	}
}
