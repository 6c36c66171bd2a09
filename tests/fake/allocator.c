/* An allocator that fails once, when a test says so. It stands between the daemon's own code and
 * libc (--wrap of the linker), not between the libraries and libc: what they do without memory is
 * theirs, and yajl has no answer to it at all.
 *
 * FAILING_ALLOCATOR names a file of two 64-bit integers that the test maps as well: how many more
 * allocations succeed before one fails (-1: none fails), and how many have failed. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
  _Atomic int64_t left, failed;
};

static struct control none = {-1, 0};
static struct control *control = &none;

__attribute__((constructor)) static void map_control(void) {
  const char *path = getenv("FAILING_ALLOCATOR");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  void *mapped = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (file >= 0)
    close(file);
  if (mapped != MAP_FAILED)
    control = mapped;
}

static int fails(void) {
  if (atomic_load_explicit(&control->left, memory_order_relaxed) < 0 ||
      atomic_fetch_sub(&control->left, 1) != 0)
    return 0;
  atomic_fetch_add(&control->failed, 1);
  return 1;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
int __wrap_asprintf(char **out, const char *format, ...);
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...);

void *__wrap_malloc(size_t size) {
  return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
  return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size) {
  return fails() ? NULL : __real_reallocarray(old, count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text) {
  return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length) {
  return fails() ? NULL : __real_strndup(text, length);
}

int __wrap_asprintf(char **out, const char *format, ...) {
  va_list arguments;
  if (fails())
    return -1;
  va_start(arguments, format);
  int length = vasprintf(out, format, arguments);
  va_end(arguments);
  return length;
}

/* asprintf() with FORTIFY_SOURCE. */
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...) {
  va_list arguments;
  (void)flag;
  if (fails())
    return -1;
  va_start(arguments, format);
  int length = vasprintf(out, format, arguments);
  va_end(arguments);
  return length;
}
