package timeline

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"math"
	"path/filepath"
	"strconv"

	"classlens/internal/safefile"

	"github.com/parquet-go/parquet-go"
)

// The columns of the tables, as docs/formats.md has them.
var (
	timelineColumns = []string{"time_s", "student", "x", "y", "w", "h", "visible", "behaviour", "behaviour_p", "attention", "attention_p", "engagement", "engagement_p", "motion"}
	intervalColumns = []string{"start_s", "end_s", "student", "kind", "label", "p"}
)

func studentColumns() []string {
	c := []string{"student", "seat_x", "seat_y", "seen_s", "on_task_share", "engagement_mean"}
	for _, b := range Behaviours {
		c = append(c, b+"_share")
	}
	return append(c, "hand_raises")
}

// WriteTables writes timeline.csv, intervals.csv, students.csv and
// timeline.parquet to a folder and returns their names.
func (t *Timeline) WriteTables(folder string) ([]string, error) {
	tables := []struct {
		name string
		rows func() [][]string
	}{{"timeline.csv", t.timelineRows}, {"intervals.csv", t.intervalRows}, {"students.csv", t.studentRows}}
	var names []string
	for _, table := range tables {
		if err := writeCSV(filepath.Join(folder, table.name), table.rows()); err != nil {
			return nil, err
		}
		names = append(names, table.name)
	}
	return append(names, "timeline.parquet"), t.writeParquet(filepath.Join(folder, "timeline.parquet"))
}

func writeCSV(name string, rows [][]string) error {
	f, err := safefile.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	buffered := bufio.NewWriter(f)
	w := csv.NewWriter(buffered)
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return f.Commit()
}

// number writes a float with at most so many decimals, and NaN as "".
func number(v float64, decimals int) string {
	if math.IsNaN(v) {
		return ""
	}
	k := math.Pow(10, float64(decimals))
	v = math.Round(v*k) / k
	if v == 0 {
		v = 0 // no minus zero
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func (t *Timeline) timelineRows() [][]string {
	rows := [][]string{timelineColumns}
	for _, r := range t.Rows {
		line := []string{number(r.Time, 3), r.Student}
		if !r.Visible {
			rows = append(rows, append(line, "", "", "", "", "0", "", "", "", "", "", "", ""))
			continue
		}
		line = append(line, number(r.Box.X, 1), number(r.Box.Y, 1), number(r.Box.W, 1), number(r.Box.H, 1), "1")
		if r.Behaviour == "" {
			line = append(line, "", "", Unknown, "", "", "")
		} else {
			line = append(line, r.Behaviour, number(r.BehaviourP, 4), r.Attention, number(r.AttentionP, 4), strconv.Itoa(r.Engagement), number(r.EngagementP, 4))
		}
		rows = append(rows, append(line, number(r.Motion, 4)))
	}
	return rows
}

func (t *Timeline) intervalRows() [][]string {
	rows := [][]string{intervalColumns}
	for _, v := range t.Intervals {
		rows = append(rows, []string{number(v.Start, 3), number(v.End, 3), v.Student, v.Kind, v.Label, number(v.P, 4)})
	}
	return rows
}

func (t *Timeline) studentRows() [][]string {
	rows := [][]string{studentColumns()}
	for _, s := range t.Students {
		line := []string{s.ID, number(s.SeatX, 1), number(s.SeatY, 1), number(s.Seen, 3), number(s.OnTaskShare, 4), number(s.EngagementMean, 4)}
		for _, share := range s.Shares {
			line = append(line, number(share, 4))
		}
		rows = append(rows, append(line, strconv.Itoa(s.HandRaises)))
	}
	return rows
}

// parquetRow is timeline.csv's row; empty cells are null.
type parquetRow struct {
	Time        float64  `parquet:"time_s"`
	Student     string   `parquet:"student,dict"`
	X           *float64 `parquet:"x,optional"`
	Y           *float64 `parquet:"y,optional"`
	W           *float64 `parquet:"w,optional"`
	H           *float64 `parquet:"h,optional"`
	Visible     int32    `parquet:"visible"`
	Behaviour   *string  `parquet:"behaviour,optional,dict"`
	BehaviourP  *float64 `parquet:"behaviour_p,optional"`
	Attention   *string  `parquet:"attention,optional,dict"`
	AttentionP  *float64 `parquet:"attention_p,optional"`
	Engagement  *int32   `parquet:"engagement,optional"`
	EngagementP *float64 `parquet:"engagement_p,optional"`
	Motion      *float64 `parquet:"motion,optional"`
}

// writeParquet writes the rows of timeline.csv, cell by cell the same.
func (t *Timeline) writeParquet(name string) error {
	f, err := safefile.Create(name)
	if err != nil {
		return err
	}
	defer f.Abort()
	w := parquet.NewGenericWriter[parquetRow](f, parquet.CreatedBy("classlens", "", ""), parquet.Compression(&parquet.Snappy))
	for _, line := range t.timelineRows()[1:] {
		row, err := parquetOf(line)
		if err != nil {
			return err
		}
		if _, err := w.Write([]parquetRow{row}); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return f.Commit()
}

func parquetOf(c []string) (parquetRow, error) {
	var failed error
	float := func(s string) *float64 {
		if s == "" {
			return nil
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			failed = err
		}
		return &v
	}
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	row := parquetRow{Time: *float(c[0]), Student: c[1], X: float(c[2]), Y: float(c[3]), W: float(c[4]), H: float(c[5]), Behaviour: text(c[7]), BehaviourP: float(c[8]),
		Attention: text(c[9]), AttentionP: float(c[10]), EngagementP: float(c[12]), Motion: float(c[13])}
	if c[6] == "1" {
		row.Visible = 1
	}
	if e := float(c[11]); e != nil {
		level := int32(*e)
		row.Engagement = &level
	}
	return row, failed
}
