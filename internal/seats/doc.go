// Package seats remembers the seats of a room from one recording to the next, so that S07
// is the same chair next week. A seat is a place in the picture and the usual size of a head
// there; nothing about anybody's looks is kept.
//
// A *view* is what one position of the camera shows. A recording's view is matched with the
// stored ones by the arrangement of the seats alone, since the camera may have been nudged in between.
package seats
