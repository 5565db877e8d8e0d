package seats

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	"classlens/internal/safefile"
)

// format is the version of the file format, the value of "classlens_seats".
const format = 1

// Map is the content of a seat file.
type Map struct {
	Format int    `json:"classlens_seats"`
	Width  int    `json:"width"` // of the picture that places refer to, in pixels
	Height int    `json:"height"`
	Views  []View `json:"views"`
	// Taken are the SHA-256 of the recordings that the places are averaged over, latest last: a
	// recording that is analyzed again, or whose run was killed and continued, is not counted twice.
	Taken []string `json:"taken,omitempty"`
}

// View holds the seats that one position of the camera shows.
type View struct {
	Seats []Seat `json:"seats"`
}

// Seat is one chair: the centre and size of a head there, averaged and in pixels,
// and in how many recordings somebody sat on it.
type Seat struct {
	Student    string  `json:"student"`
	X          float64 `json:"x"`
	Y          float64 `json:"y"`
	W          float64 `json:"w"`
	H          float64 `json:"h"`
	Recordings int     `json:"recordings"`
}

// Limits of a file that is read: far more than any room has.
const (
	maxBytes = 4 << 20
	maxSeats = 10000
	maxTaken = 1000 // more are forgotten, the oldest first
)

// Load reads a seat file; a missing file is an empty map.
func Load(name string) (*Map, error) {
	info, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		return &Map{Format: format}, nil
	}
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxBytes) {
		err = errors.New("not a seat file")
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("seats %s: %w", name, err)
	}
	m := &Map{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("seats %s: not a seat file: %w; name another file, or move this one away to start afresh", name, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("seats %s: %w; name another file, or move this one away to start afresh", name, err)
	}
	return m, nil
}

func (m *Map) check() error {
	if m.Format != format {
		return fmt.Errorf("its format is %d, this program reads %d", m.Format, format)
	}
	if len(m.Views) > 0 && (m.Width < 1 || m.Height < 1) {
		return errors.New("width or height is missing")
	}
	known := map[string]bool{}
	for _, v := range m.Views {
		for _, s := range v.Seats {
			if number(s.Student) == 0 || known[s.Student] {
				return fmt.Errorf("student %q is not a seat's name, or appears twice", s.Student)
			}
			known[s.Student] = true
			if !(s.W > 0 && s.H > 0) || math.IsInf(s.X+s.Y+s.W+s.H, 0) || s.Recordings < 1 {
				return fmt.Errorf("seat %s has no size or no recording", s.Student)
			}
		}
	}
	if len(known) > maxSeats {
		return fmt.Errorf("%d seats", len(known))
	}
	if len(m.Taken) > maxTaken {
		return fmt.Errorf("%d recordings", len(m.Taken))
	}
	return nil
}

// Save writes the file, completely or not at all.
func (m *Map) Save(name string) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("seats %s: %w", name, err)
	}
	return safefile.WriteFile(name, append(b, '\n'))
}

// number is the number in a seat's name: 7 for S07; 0 for anything else.
func number(student string) int {
	if len(student) < 2 || student[0] != 'S' {
		return 0
	}
	n, err := strconv.Atoi(student[1:])
	if err != nil || n < 1 || n > 10*maxSeats || Name(n) != student {
		return 0
	}
	return n
}

// Name is the name of the n-th seat.
func Name(n int) string { return fmt.Sprintf("S%02d", n) }
