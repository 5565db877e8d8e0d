// Package seats keeps the seats of a room over several recordings, so that S07
// is the same chair next week. A seat is a place in the picture and the usual size of a head
// there; nothing of how anybody looks is kept.
//
// A *view* is what one position of the camera shows. Recordings are laid over the
// stored views by the places themselves: the camera may have been nudged in between.
package seats
