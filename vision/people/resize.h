/* Pictures to a net's input; resize.go has the words. */
#ifndef CLASSLENS_RESIZE_H
#define CLASSLENS_RESIZE_H

/* For each of n output places along one side the first source place and how many ([n][2]), and their weights ([n][most]). */
typedef struct {
    int n, most;
    const int *places;
    const float *weights;
} cl_axis;

/* A part of a resized picture: columns [x0, x1) and rows [y0, y1) of it. */
typedef struct {
    int x0, y0, x1, y1;
} cl_part;

/* Writes the part of the picture pix (…, width, 3), resized, to dst: three planes of `plane` floats with rows of `pitch`, each value v as
 * v * gain + bias. line takes 3 * width + 4 floats; ring takes slots * 3 * columns.n, where slots is rows.most: rows that were resized along x. */
void cl_resize(const unsigned char *pix, int width, cl_axis columns, cl_axis rows, cl_part part, float gain, float bias, float *line, float *ring, float *dst, long plane, long pitch);
#endif
