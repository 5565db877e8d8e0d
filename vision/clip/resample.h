#ifndef CLASSLENS_RESAMPLE_H
#define CLASSLENS_RESAMPLE_H
/* n output pixels along one side: for each the first source pixel, how many, and their weights ([n][most]). */
typedef struct {
    int n, most;
    const int *first, *count;
    const float *weights;
} cl_taps;
/* out (rows.n, columns.n, 3) from pix (…, width, 3). line and narrow are scratch: (last - first + 1) * 3 + 4 floats for the columns' sources, and
 * (last - first of the rows) * columns.n * 3 + 4. */
void cl_clip_picture(const unsigned char *pix, int width, cl_taps columns, cl_taps rows, float *line, float *narrow, unsigned char *out);
/* out (rows.n, columns.n, 2) = k * resampled uv (…, width, 2). */
void cl_clip_flow(const float *uv, int width, cl_taps columns, cl_taps rows, float k, float *out);
/* The sources that the taps read: [*from, *to). */
void cl_clip_span(cl_taps t, int *from, int *to);
#endif
