// Package track turns the people found at each step of a recording into
// students: one track a seat, and the teacher's.
//
// A *tracklet* is a run of detections that surely show one person: linked by
// optical flow from step to step and cut where a second link is nearly as good.
// A *seat* is what tracklets are joined to, over the whole recording, when their
// places and sizes agree and they never show two people at once. A seat is kept
// on evidence, not on its share of the time; its gaps are filled by flow from
// both sides, and where that ends the seat is held, or said to be not visible.
//
// Add works online and keeps numbers only (positions, sizes, scores) besides a
// bounded ring of small grey frames; Finish joins, names and fills. The same
// input gives the same output.
//
// Inside the package positions are in room coordinates: pixels of the first
// frame of a view, the camera's motion since then taken back.
package track
