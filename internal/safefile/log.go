package safefile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// Log is an append-only file of JSON lines. Each line has a checksum and is on disk
// before Append returns, so that a line torn by a crash is recognized and dropped.
type Log struct {
	name string
	file *os.File
}

// logLine is one line: CRC-32C of the entry's bytes, and the entry.
type logLine struct {
	Sum   string          `json:"crc32c"`
	Entry json.RawMessage `json:"entry"`
}

func lineSum(b []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// OpenLog opens or creates a log and gives its intact entries. Everything from the
// first damaged line on is cut off, since a crash damages the end, and what follows
// damage cannot be trusted.
func OpenLog(name string) (*Log, []json.RawMessage, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("write %s: %w", name, plain(err))
	}
	l := &Log{name, f}
	raw, err := os.ReadFile(name)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	entries, whole := readLog(raw)
	if err := f.Truncate(int64(whole)); err != nil {
		return nil, nil, l.failed(err)
	}
	if _, err := f.Seek(int64(whole), 0); err != nil {
		return nil, nil, l.failed(err)
	}
	if err := syncFolder(filepath.Dir(name)); err != nil {
		f.Close()
		return nil, nil, err
	}
	return l, entries, nil
}

// ReadLog gives the intact entries of a log and leaves the file as it is.
func ReadLog(name string) ([]json.RawMessage, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	entries, _ := readLog(raw)
	return entries, nil
}

// readLog reads lines up to the first damaged one, which begins at byte whole.
func readLog(raw []byte) (entries []json.RawMessage, whole int) {
	for {
		end := bytes.IndexByte(raw[whole:], '\n')
		if end < 0 {
			return entries, whole
		}
		var l logLine
		if json.Unmarshal(raw[whole:whole+end], &l) != nil || l.Sum != lineSum(l.Entry) {
			return entries, whole
		}
		entries = append(entries, l.Entry)
		whole += end + 1
	}
}

// Append adds one entry, which is durable when Append returns.
func (l *Log) Append(v any) error {
	entry, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", l.name, err)
	}
	line, err := json.Marshal(logLine{lineSum(entry), entry})
	if err != nil {
		return fmt.Errorf("write %s: %w", l.name, err)
	}
	if err := fault("append", l.name); err != nil {
		return fmt.Errorf("write %s: %w", l.name, err)
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write %s: %w", l.name, plain(err))
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", l.name, plain(err))
	}
	return nil
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

func (l *Log) failed(err error) error {
	l.file.Close()
	return fmt.Errorf("write %s: %w", l.name, plain(err))
}
