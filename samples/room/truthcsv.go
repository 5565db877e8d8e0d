package room

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// FrameTruth is the truth of one frame.
type FrameTruth struct {
	Frame  int
	Time   float64
	People []Truth
}

func f1(x float32) string { return strconv.FormatFloat(float64(x), 'f', 1, 32) }
func f2(x float32) string { return strconv.FormatFloat(float64(x), 'f', 2, 32) }
func f0(x float32) string { return strconv.FormatFloat(float64(x), 'f', 0, 32) }

// WriteTruth writes a row a person and frame; docs/rendered-room.md has the
// columns.
func WriteTruth(w io.Writer, all []FrameTruth) error {
	c := csv.NewWriter(w)
	head := strings.Split("frame,time_s,student,seat_row,seat_col,behaviour,posture,attention,engagement,head_x,head_y,head_w,head_h,body_x,body_y,body_w,body_h,"+
		"seen_head_x,seen_head_y,seen_head_w,seen_head_h,seen_body_x,seen_body_y,seen_body_w,seen_body_h,head_hidden,body_hidden,head_yaw,head_pitch,gaze_yaw,gaze_pitch,class_yaw", ",")
	for _, n := range PointNames {
		head = append(head, n+"_x", n+"_y", n+"_seen")
	}
	if err := c.Write(head); err != nil {
		return err
	}
	for _, f := range all {
		for i := range f.People {
			p := &f.People[i]
			row := []string{strconv.Itoa(f.Frame), strconv.FormatFloat(f.Time, 'f', 2, 64), p.ID, strconv.Itoa(p.Row), strconv.Itoa(p.Col), p.Behaviour, string(p.Posture), p.Attention, engagement(p.Engagement)}
			for _, r := range []Rect{p.Head, p.Body, p.SeenHead, p.SeenBody} {
				row = append(row, f0(r.X), f0(r.Y), f0(r.W), f0(r.H))
			}
			row = append(row, f2(p.HiddenHead), f2(p.HiddenBody), f0(p.HeadYaw), f0(p.HeadPitch), f0(p.GazeYaw), f0(p.GazePitch), f0(p.ClassYaw))
			for _, q := range p.Points {
				row = append(row, f1(q.X), f1(q.Y), strconv.Itoa(q.Seen))
			}
			if err := c.Write(row); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

func engagement(e int) string {
	if e < 0 {
		return ""
	}
	return strconv.Itoa(e)
}

// Visibility is the word of the hand-labelled truth for a head.
func (t *Truth) Visibility() string {
	switch {
	case t.HiddenHead > .75 || t.SeenHead.W*t.SeenHead.H < 12:
		return "hidden"
	case t.HiddenHead > .25:
		return "partial"
	}
	return "full"
}

// scoreID is the person's name in the form of the hand-labelled truth, which
// tells teachers by a small t.
func scoreID(id string) string { return strings.ToLower(id) }

// WriteBoxes writes a head box a person a second, in the form of the
// hand-labelled truth. Heads outside the picture are left out.
func WriteBoxes(w io.Writer, all []FrameTruth) error {
	if _, err := fmt.Fprintln(w, "time_s,student_id,x,y,w,h,visibility"); err != nil {
		return err
	}
	for _, f := range all {
		if f.Time != float64(int(f.Time)) {
			continue
		}
		for i := range f.People {
			p := &f.People[i]
			if p.Points[0].Seen == 0 && p.SeenHead.W == 0 {
				continue
			}
			if _, err := fmt.Fprintf(w, "%.1f,%s,%s,%s,%s,%s,%s\n", f.Time, scoreID(p.ID), f0(p.Head.X), f0(p.Head.Y), f0(p.Head.W), f0(p.Head.H), p.Visibility()); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteIgnore writes the regions that count neither way: none.
func WriteIgnore(w io.Writer, _ []FrameTruth) error {
	_, err := fmt.Fprintln(w, "x,y,w,h")
	return err
}

// behaviourWindow is the length of the windows of WriteBehaviour, in seconds.
const behaviourWindow = 3

// WriteBehaviour writes the behaviour shown longest in each window of three
// seconds; sure where it fills two thirds of it.
func WriteBehaviour(w io.Writer, all []FrameTruth) error {
	if _, err := fmt.Fprintln(w, "start_s,end_s,student_id,label,confidence"); err != nil {
		return err
	}
	type key struct {
		window int
		id     string
	}
	count := map[key]map[string]int{}
	total := map[int]int{}
	for _, f := range all {
		win := int(f.Time / behaviourWindow)
		total[win]++
		for i := range f.People {
			p := &f.People[i]
			k := key{win, scoreID(p.ID)}
			if count[k] == nil {
				count[k] = map[string]int{}
			}
			b := p.Behaviour
			if p.Visibility() == "hidden" || p.Points[0].Seen == 0 {
				b = "not_visible"
			}
			count[k][b]++
		}
	}
	keys := make([]key, 0, len(count))
	for k := range count {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.window != b.window {
			return a.window - b.window
		}
		return strings.Compare(a.id, b.id)
	})
	for _, k := range keys {
		best, n := "", 0
		for _, b := range sorted(count[k]) {
			if count[k][b] > n {
				best, n = b, count[k][b]
			}
		}
		sure := "unsure"
		if 3*n >= 2*total[k.window] {
			sure = "sure"
		}
		if _, err := fmt.Fprintf(w, "%d.0,%d.0,%s,%s,%s\n", k.window*behaviourWindow, (k.window+1)*behaviourWindow, k.id, best, sure); err != nil {
			return err
		}
	}
	return nil
}
