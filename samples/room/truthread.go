package room

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// ReadTruth reads what WriteTruth wrote.
func ReadTruth(r io.Reader) ([]FrameTruth, error) {
	c := csv.NewReader(r)
	head, err := c.Read()
	if err != nil {
		return nil, err
	}
	col := map[string]int{}
	for i, n := range head {
		col[n] = i
	}
	for _, n := range []string{"frame", "time_s", "student", "head_x", "right_ankle_seen"} {
		if _, ok := col[n]; !ok {
			return nil, fmt.Errorf("truth: no column %s", n)
		}
	}
	var all []FrameTruth
	for {
		row, err := c.Read()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		num := func(n string) float32 { v, _ := strconv.ParseFloat(row[col[n]], 32); return float32(v) }
		rect := func(n string) Rect { return Rect{num(n + "_x"), num(n + "_y"), num(n + "_w"), num(n + "_h")} }
		frame := int(num("frame"))
		if len(all) == 0 || all[len(all)-1].Frame != frame {
			t, _ := strconv.ParseFloat(row[col["time_s"]], 64)
			all = append(all, FrameTruth{Frame: frame, Time: t})
		}
		p := Truth{ID: row[col["student"]], Row: int(num("seat_row")), Col: int(num("seat_col")), Behaviour: row[col["behaviour"]], Posture: Posture(row[col["posture"]]),
			Attention: row[col["attention"]], Engagement: -1, Head: rect("head"), Body: rect("body"), SeenHead: rect("seen_head"), SeenBody: rect("seen_body"),
			HiddenHead: num("head_hidden"), HiddenBody: num("body_hidden"), HeadYaw: num("head_yaw"), HeadPitch: num("head_pitch"), GazeYaw: num("gaze_yaw"),
			GazePitch: num("gaze_pitch"), ClassYaw: num("class_yaw")}
		if row[col["engagement"]] != "" {
			p.Engagement = int(num("engagement"))
		}
		for k, n := range PointNames {
			p.Points[k] = PointTruth{num(n + "_x"), num(n + "_y"), int(num(n + "_seen"))}
		}
		last := &all[len(all)-1]
		last.People = append(last.People, p)
	}
}
