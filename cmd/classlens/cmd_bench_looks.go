package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"classlens/internal/safefile"
	"classlens/vision/people"
	"classlens/vision/scene"
)

// storedLooks is what a detector found at each step of a recording; null where it did not look.
type storedLooks struct {
	Looks  [][]scene.Person `json:"looks"`
	Counts map[string]int   `json:"counts"`
}

// storedAt is the file that caches a preset's detections in a recording; "" without --detections.
func (b *trackBench) storedAt(preset, path string) string {
	if b.stored == "" {
		return ""
	}
	return filepath.Join(b.stored, preset, strings.ReplaceAll(filepath.ToSlash(filepath.Clean(path)), "/", "-")+".json")
}

// looks gives what a detector finds, step by step: from an earlier run's file if there is one, else from the detector, after which end writes the file.
type looks struct {
	detector *people.Detector
	file     string // "": nothing is kept
	stored   *storedLooks
	fresh    storedLooks
}

func openLooks(file string, d *people.Detector) (*looks, error) {
	stored, err := readLooks(file)
	return &looks{detector: d, file: file, stored: stored}, err
}

// at is what is found at the next step.
func (l *looks) at(f scene.Frame) (found []scene.Person, err error) {
	if n := len(l.fresh.Looks); l.stored == nil {
		found, err = l.detector.Detect(f)
	} else if n < len(l.stored.Looks) {
		found = l.stored.Looks[n]
	}
	l.fresh.Looks = append(l.fresh.Looks, found)
	return found, err
}

// end gives the number of looks by each net, and stores what was found.
func (l *looks) end() (map[string]int, error) {
	if l.stored != nil {
		return l.stored.Counts, nil
	}
	l.fresh.Counts = l.detector.Counts()
	if l.file == "" {
		return l.fresh.Counts, nil
	}
	return l.fresh.Counts, l.fresh.write(l.file)
}

func readLooks(file string) (*storedLooks, error) {
	data, err := os.ReadFile(file)
	if file == "" || errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &storedLooks{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func (s *storedLooks) write(file string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return safefile.WriteFile(file, data)
}
