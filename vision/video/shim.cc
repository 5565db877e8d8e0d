// The one C++ file: a thin wall between Go and OpenCV. Every exception stops here.
#include "shim.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <unistd.h>

#include <opencv2/calib3d.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video.hpp>
#include <opencv2/videoio.hpp>

static thread_local std::string reason;

template <class F> static int guard(F f) {
    try {
        return f();
    } catch (const std::exception &e) {
        reason = e.what();
    } catch (...) {
        reason = "unknown C++ exception";
    }
    return -1;
}

struct cl_capture {
    cv::VideoCapture video;
    cv::Mat decoded, picture, small;
    int turn = -1; // cv::RotateFlags; -1 turns nothing
};
struct cl_writer {
    cv::VideoWriter video;
    int w, h;
};

static int decoder_threads = 0; // 0: as many as there are processors

extern "C" {

// OpenCV 4.6 gives FFmpeg as many threads as sysconf counts processors, whatever its options say, and each holds a stack, an arena and pictures: on
// 64 processors a gigabyte. A function of the program itself comes before the C library's.
long sysconf(int name) noexcept {
    static const auto theirs = reinterpret_cast<long (*)(int)>(dlsym(RTLD_NEXT, "sysconf"));
    const long n = theirs(name);
    return name == _SC_NPROCESSORS_ONLN && decoder_threads > 0 && n > decoder_threads ? decoder_threads : n;
}
void cl_decoder_threads(int most) { decoder_threads = most; }

const char *cl_cv_error(void) { return reason.c_str(); }
const char *cl_cv_build(void) {
    static const std::string text = cv::getBuildInformation();
    return text.c_str();
}
void cl_cv_threads(int n) {
    guard([&] { return cv::setNumThreads(n), 0; });
}

cl_capture *cl_capture_open(const char *path, int turn) {
    cl_capture *c = nullptr;
    int ok = guard([&] {
        c = new cl_capture;
        if (!c->video.open(path, cv::CAP_FFMPEG)) return 0;
        if (turn < 0) return 1;
        c->video.set(cv::CAP_PROP_ORIENTATION_AUTO, 0);
        c->turn = turn == 90 ? cv::ROTATE_90_CLOCKWISE : turn == 180 ? cv::ROTATE_180 : turn == 270 ? cv::ROTATE_90_COUNTERCLOCKWISE : -1;
        return 1;
    });
    if (ok == 1) return c;
    if (ok == 0) reason = "FFmpeg cannot read it";
    delete c;
    return nullptr;
}
void cl_capture_close(cl_capture *c) {
    guard([&] { return delete c, 0; });
}
double cl_capture_get(cl_capture *c, int property) {
    double v = 0;
    const bool aside = c->turn == cv::ROTATE_90_CLOCKWISE || c->turn == cv::ROTATE_90_COUNTERCLOCKWISE;
    if (aside && (property == cv::CAP_PROP_FRAME_WIDTH || property == cv::CAP_PROP_FRAME_HEIGHT)) {
        property = property == cv::CAP_PROP_FRAME_WIDTH ? cv::CAP_PROP_FRAME_HEIGHT : cv::CAP_PROP_FRAME_WIDTH;
    }
    guard([&] { return v = c->video.get(property), 0; });
    return v;
}
int cl_capture_grab(cl_capture *c) {
    return guard([&] { return c->video.grab() ? 1 : 0; });
}
int cl_capture_retrieve(cl_capture *c) {
    return guard([&] {
        cv::Mat &to = c->turn < 0 ? c->picture : c->decoded;
        if (!c->video.retrieve(to) || to.empty() || to.type() != CV_8UC3) return 0;
        if (c->turn >= 0) cv::rotate(c->decoded, c->picture, c->turn);
        return 1;
    });
}
int cl_capture_size(cl_capture *c, int *w, int *h) {
    *w = c->picture.cols, *h = c->picture.rows;
    return 0;
}
static const cv::Mat &fitted(cl_capture *c, int w, int h) {
    if (c->picture.cols == w && c->picture.rows == h) return c->picture;
    cv::resize(c->picture, c->small, cv::Size(w, h), 0, 0, cv::INTER_AREA);
    return c->small;
}
int cl_capture_rgb(cl_capture *c, unsigned char *rgb, int w, int h) {
    return guard([&] {
        cv::Mat out(h, w, CV_8UC3, rgb);
        cv::cvtColor(fitted(c, w, h), out, cv::COLOR_BGR2RGB);
        return 0;
    });
}
int cl_capture_gray(cl_capture *c, unsigned char *gray, int w, int h) {
    return guard([&] {
        cv::Mat out(h, w, CV_8UC1, gray);
        cv::cvtColor(fitted(c, w, h), out, cv::COLOR_BGR2GRAY);
        return 0;
    });
}

static cv::Mat plane(const unsigned char *p, int w, int h) { return cv::Mat(h, w, CV_8UC1, const_cast<unsigned char *>(p)); }

int cl_dis_flow(const unsigned char *a, const unsigned char *b, int w, int h, int preset, float *uv) {
    return guard([&] {
        static thread_local cv::Ptr<cv::DISOpticalFlow> dis[3];
        if (preset < 0 || preset > 2) preset = 0;
        if (!dis[preset]) dis[preset] = cv::DISOpticalFlow::create(preset);
        cv::Mat out(h, w, CV_32FC2, uv);
        dis[preset]->calc(plane(a, w, h), plane(b, w, h), out);
        if (reinterpret_cast<float *>(out.data) != uv) { // it made an array of its own
            std::memcpy(uv, out.ptr<float>(), sizeof(float) * 2 * size_t(w) * size_t(h));
        }
        return 0;
    });
}

static const cv::TermCriteria few(cv::TermCriteria::COUNT + cv::TermCriteria::EPS, 20, 0.03);

int cl_camera(const unsigned char *a, const unsigned char *b, int w, int h, double *m, double *share) {
    return guard([&] {
        *share = 0;
        std::vector<cv::Point2f> from, to;
        cv::goodFeaturesToTrack(plane(a, w, h), from, 200, 0.01, 6);
        if (from.size() < 12) return 0;
        std::vector<unsigned char> there, inlier;
        std::vector<float> error;
        cv::calcOpticalFlowPyrLK(plane(a, w, h), plane(b, w, h), from, to, there, error, cv::Size(15, 15), 4, few);
        std::vector<cv::Point2f> p, q;
        for (size_t i = 0; i < from.size(); i++)
            if (there[i]) p.push_back(from[i]), q.push_back(to[i]);
        if (p.size() < 12) return 0;
        cv::Mat fit = cv::estimateAffinePartial2D(p, q, inlier, cv::RANSAC, 1.0);
        if (fit.empty()) return 0;
        *share = double(cv::countNonZero(inlier)) / double(from.size());
        const double order[6] = {fit.at<double>(0, 0), fit.at<double>(0, 1), fit.at<double>(1, 0), fit.at<double>(1, 1), fit.at<double>(0, 2), fit.at<double>(1, 2)};
        std::memcpy(m, order, sizeof order);
        return 0;
    });
}
int cl_resize_gray(const unsigned char *in, int w, int h, unsigned char *out, int ow, int oh) {
    return guard([&] {
        cv::Mat to = plane(out, ow, oh);
        cv::resize(plane(in, w, h), to, cv::Size(ow, oh), 0, 0, cv::INTER_AREA);
        return 0;
    });
}

static unsigned char *copied(const unsigned char *from, size_t n) {
    unsigned char *p = static_cast<unsigned char *>(std::malloc(n ? n : 1));
    if (!p) throw std::bad_alloc();
    std::memcpy(p, from, n);
    return p;
}
int cl_jpeg_encode(const unsigned char *rgb, int w, int h, int quality, unsigned char **out, int *size) {
    return guard([&] {
        cv::Mat bgr;
        cv::cvtColor(cv::Mat(h, w, CV_8UC3, const_cast<unsigned char *>(rgb)), bgr, cv::COLOR_RGB2BGR);
        std::vector<unsigned char> bytes;
        if (!cv::imencode(".jpg", bgr, bytes, {cv::IMWRITE_JPEG_QUALITY, quality})) throw std::runtime_error("JPEG encoding failed");
        *out = copied(bytes.data(), bytes.size());
        *size = int(bytes.size());
        return 0;
    });
}
int cl_jpeg_decode(const unsigned char *jpeg, int size, void **picture, int *w, int *h) {
    return guard([&] {
        auto bgr = std::make_unique<cv::Mat>(cv::imdecode(cv::Mat(1, size, CV_8UC1, const_cast<unsigned char *>(jpeg)), cv::IMREAD_COLOR));
        if (bgr->empty()) throw std::runtime_error("not a picture");
        *w = bgr->cols, *h = bgr->rows;
        *picture = bgr.release();
        return 0;
    });
}
int cl_jpeg_take(void *picture, unsigned char *rgb) {
    std::unique_ptr<cv::Mat> bgr(static_cast<cv::Mat *>(picture));
    return guard([&] {
        cv::cvtColor(*bgr, cv::Mat(bgr->rows, bgr->cols, CV_8UC3, rgb), cv::COLOR_BGR2RGB);
        return 0;
    });
}
void cl_free_bytes(unsigned char *p) { std::free(p); }

cl_writer *cl_writer_open(const char *path, double fps, int w, int h) {
    cl_writer *c = nullptr;
    int ok = guard([&] {
        c = new cl_writer;
        c->w = w, c->h = h;
        for (const char *code : {"avc1", "mp4v"})
            if (c->video.open(path, cv::CAP_FFMPEG, cv::VideoWriter::fourcc(code[0], code[1], code[2], code[3]), fps, cv::Size(w, h))) return 1;
        reason = "no H.264 or MPEG-4 encoder";
        return 0;
    });
    if (ok == 1) return c;
    delete c;
    return nullptr;
}
int cl_writer_write(cl_writer *c, const unsigned char *rgb) {
    return guard([&] {
        cv::Mat bgr;
        cv::cvtColor(cv::Mat(c->h, c->w, CV_8UC3, const_cast<unsigned char *>(rgb)), bgr, cv::COLOR_RGB2BGR);
        c->video.write(bgr);
        return 0;
    });
}
void cl_writer_close(cl_writer *c) {
    guard([&] { return delete c, 0; });
}
}
