// nvrtc LIBRARY OUT.ptx IN.cu [options...]: compiles CUDA C++ to PTX with NVRTC, which is found at run time.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <unistd.h>

typedef void *program;

static char *read_all(const char *name) {
  FILE *f = fopen(name, "rb");
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  rewind(f);
  char *text = calloc(size + 1, 1);
  if (text && fread(text, 1, size, f) != (size_t)size) text = NULL;
  fclose(f);
  return text;
}

int main(int n, char **a) {
  if (n < 4) {
    fprintf(stderr, "usage: nvrtc LIBRARY OUT.ptx IN.cu [options]\n");
    return 2;
  }
  // NVRTC's order of registers depends on where things lie in memory: let that be the same on every run, unless the caller wants another try.
  int now = personality(0xffffffff);
  if (!getenv("NVRTC_ANYWHERE") && now >= 0 && !(now & ADDR_NO_RANDOMIZE) && personality(now | ADDR_NO_RANDOMIZE) >= 0) {
    char *none[] = {NULL};
    execve("/proc/self/exe", a, none);
  }
  void *lib = dlopen(a[1], RTLD_NOW);
  if (!lib) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  int (*create)(program *, const char *, const char *, int, void *, void *) = dlsym(lib, "nvrtcCreateProgram");
  int (*compile)(program, int, const char **) = dlsym(lib, "nvrtcCompileProgram");
  int (*log_size)(program, size_t *) = dlsym(lib, "nvrtcGetProgramLogSize");
  int (*get_log)(program, char *) = dlsym(lib, "nvrtcGetProgramLog");
  int (*ptx_size)(program, size_t *) = dlsym(lib, "nvrtcGetPTXSize");
  int (*get_ptx)(program, char *) = dlsym(lib, "nvrtcGetPTX");
  char *source = read_all(a[3]);
  if (!source) {
    perror(a[3]);
    return 1;
  }
  program p;
  size_t size;
  create(&p, source, a[3], 0, NULL, NULL);
  int failed = compile(p, n - 4, (const char **)(a + 4));
  if (!log_size(p, &size) && size > 1) {
    char *text = malloc(size);
    get_log(p, text);
    fputs(text, stderr);
  }
  if (failed) return 1;
  ptx_size(p, &size);
  char *out = malloc(size);
  get_ptx(p, out);
  FILE *f = fopen(a[2], "wb");
  if (!f) {
    perror(a[2]);
    return 1;
  }
  fwrite(out, 1, size - 1, f); // without the closing zero
  return fclose(f) != 0;
}
