/* What training needs beside the matrix product, on planar float32: written once like kernels.h, which includes it. Maps are
 * [image][channel][row][column]; gradients are added to what is there. */
INL float lane_sum(vf v) {
    float s = 0;
    for (int i = 0; i < VL; i++) s += v[i];
    return s;
}

/* y += w * x, and the slopes of it: gx += w * g; the sum of g * x is given back. */
INL void row_add(float *y, float w, const float *x, int n) {
    int i = 0;
    for (vf k = splat(w); i + VL <= n; i += VL) TO(y + i) = AT(y + i) + k * AT(x + i);
    for (; i < n; i++) y[i] += w * x[i];
}
INL float row_back(float *gx, float w, const float *x, const float *g, int n) {
    int i = 0;
    vf k = splat(w), sum = splat(0);
    for (; i + VL <= n; i += VL) {
        vf v = AT(g + i);
        sum += v * AT(x + i);
        TO(gx + i) = AT(gx + i) + k * v;
    }
    float s = lane_sum(sum);
    for (; i < n; i++) s += g[i] * x[i], gx[i] += w * g[i];
    return s;
}

/* Columns of the output whose input at tap b lies inside: first <= column < last. */
static void span(int b, int s, int pad, int w, int ow, int *first, int *last) {
    int f = 0, l = ow;
    while (f < ow && f * s + b - pad < 0) f++;
    while (l > f && (l - 1) * s + b - pad >= w) l--;
    *first = f, *last = l;
}

static void CAT(dw_forward_, ISA)(const struct cl_planes *p, const float *x, const float *w, float *y) {
    for (int n = 0; n < p->n; n++) for (int c = 0; c < p->c; c++, x += p->h * p->w, y += p->oh * p->ow) {
        const float *k = w + c * p->k * p->k;
        for (int a = 0; a < p->k; a++) for (int b = 0; b < p->k; b++, k++) {
            int f, l;
            span(b, p->s, p->pad, p->w, p->ow, &f, &l);
            for (int i = 0; i < p->oh; i++) {
                int r = i * p->s + a - p->pad;
                if (r < 0 || r >= p->h || f >= l) continue;
                const float *in = x + r * p->w + f * p->s + b - p->pad;
                float *out = y + i * p->ow + f;
                if (p->s == 1) row_add(out, *k, in, l - f);
                else for (int q = 0; q < l - f; q++) out[q] += *k * in[q * p->s];
            }
        }
    }
}

static void CAT(dw_backward_, ISA)(const struct cl_planes *p, const float *x, const float *w, const float *gy, float *gx, float *gw) {
    for (int n = 0; n < p->n; n++) for (int c = 0; c < p->c; c++, x += p->h * p->w, gx += p->h * p->w, gy += p->oh * p->ow) {
        const float *k = w + c * p->k * p->k;
        float *gk = gw + c * p->k * p->k;
        for (int a = 0; a < p->k; a++) for (int b = 0; b < p->k; b++, k++, gk++) {
            int f, l;
            span(b, p->s, p->pad, p->w, p->ow, &f, &l);
            float sum = 0;
            for (int i = 0; i < p->oh; i++) {
                int r = i * p->s + a - p->pad;
                if (r < 0 || r >= p->h || f >= l) continue;
                long at = r * p->w + f * p->s + b - p->pad;
                const float *g = gy + i * p->ow + f;
                if (p->s == 1) sum += row_back(gx + at, *k, x + at, g, l - f);
                else for (int q = 0; q < l - f; q++) sum += g[q] * x[at + q * p->s], gx[at + q * p->s] += *k * g[q];
            }
            *gk += sum;
        }
    }
}

/* Batch norm over images and pixels: moments are (mean, 1/deviation, variance) a channel; the sums are in double. */
static void CAT(norm_forward_, ISA)(int n, int c, int area, const float *x, const float *scale, const float *shift, float *y, float *normed,
                                    float *moments, float epsilon) {
    for (int k = 0; k < c; k++) {
        double sum = 0, squares = 0;
        for (int b = 0; b < n; b++) {
            const float *p = x + ((long)b * c + k) * area;
            vf v = splat(0);
            int i = 0;
            for (; i + VL <= area; i += VL) v += AT(p + i);
            float s = lane_sum(v);
            for (; i < area; i++) s += p[i];
            sum += s;
        }
        float mean = (float)(sum / ((double)n * area));
        for (int b = 0; b < n; b++) {
            const float *p = x + ((long)b * c + k) * area;
            vf v = splat(0), m = splat(mean);
            int i = 0;
            for (; i + VL <= area; i += VL) {
                vf d = AT(p + i) - m;
                v += d * d;
            }
            float s = lane_sum(v);
            for (; i < area; i++) s += (p[i] - mean) * (p[i] - mean);
            squares += s;
        }
        double variance = squares / ((double)n * area);
        float inverse = (float)(1 / __builtin_sqrt(variance + epsilon));
        moments[3 * k] = mean, moments[3 * k + 1] = inverse, moments[3 * k + 2] = (float)variance;
        for (int b = 0; b < n; b++) {
            long at = ((long)b * c + k) * area;
            vf m = splat(mean), v = splat(inverse), s = splat(scale[k]), t = splat(shift[k]);
            int i = 0;
            for (; i + VL <= area; i += VL) {
                vf z = (AT(x + at + i) - m) * v;
                TO(normed + at + i) = z;
                TO(y + at + i) = z * s + t;
            }
            for (; i < area; i++) normed[at + i] = (x[at + i] - mean) * inverse, y[at + i] = normed[at + i] * scale[k] + shift[k];
        }
    }
}

static void CAT(norm_backward_, ISA)(int n, int c, int area, const float *gy, const float *normed, const float *scale, const float *moments,
                                     float *gx, float *gscale, float *gshift) {
    for (int k = 0; k < c; k++) {
        double sum = 0, dot = 0;
        for (int b = 0; b < n; b++) {
            long at = ((long)b * c + k) * area;
            vf u = splat(0), v = splat(0);
            int i = 0;
            for (; i + VL <= area; i += VL) {
                vf g = AT(gy + at + i);
                u += g;
                v += g * AT(normed + at + i);
            }
            float s = lane_sum(u), d = lane_sum(v);
            for (; i < area; i++) s += gy[at + i], d += gy[at + i] * normed[at + i];
            sum += s, dot += d;
        }
        gscale[k] += (float)dot, gshift[k] += (float)sum;
        float count = (float)n * area, f = scale[k] * moments[3 * k + 1], mean = (float)sum / count, slope = (float)dot / count;
        for (int b = 0; b < n; b++) {
            long at = ((long)b * c + k) * area;
            vf vff = splat(f), m = splat(mean), s = splat(slope);
            int i = 0;
            for (; i + VL <= area; i += VL)
                TO(gx + at + i) = AT(gx + at + i) + vff * (AT(gy + at + i) - (m + AT(normed + at + i) * s));
            for (; i < area; i++) gx[at + i] += f * (gy[at + i] - (mean + normed[at + i] * slope));
        }
    }
}

/* ReLU6 and its slope, which is 1 where the output lies between its bounds. */
static void CAT(cut_forward_, ISA)(const float *x, float *y, long n) {
    vf lo = splat(0), hi = splat(6);
    long i = 0;
    for (; i + VL <= n; i += VL) TO(y + i) = vmin(vmax(AT(x + i), lo), hi);
    for (; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i] > 6 ? 6 : x[i];
}
static void CAT(cut_backward_, ISA)(const float *y, const float *gy, float *gx, long n) {
    for (long i = 0; i < n; i++) gx[i] += y[i] > 0 && y[i] < 6 ? gy[i] : 0;
}

/* out (c, r) = the transpose of x (r, c). */
static void CAT(transpose_, ISA)(const float *x, float *out, int r, int c) {
    for (int i0 = 0; i0 < r; i0 += 16) for (int j0 = 0; j0 < c; j0 += 16)
        for (int j = j0; j < c && j < j0 + 16; j++) for (int i = i0; i < r && i < i0 + 16; i++) out[(long)j * r + i] = x[(long)i * c + j];
}
static void CAT(add_to_, ISA)(float *y, const float *x, long n) {
    long i = 0;
    for (; i + VL <= n; i += VL) TO(y + i) = AT(y + i) + AT(x + i);
    for (; i < n; i++) y[i] += x[i];
}
