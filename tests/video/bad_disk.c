/* Preloaded into a process: reading the file BAD_DISK behind the offset BAD_DISK_FROM fails for
 * as long as the file BAD_DISK_OFF is there, as on a disk that was taken off.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_bad(int fd, off_t until) {
  const char *bad = getenv("BAD_DISK");
  char link[64], path[4096];
  if (!bad || until < atol(getenv("BAD_DISK_FROM"))) return 0;
  if (access(getenv("BAD_DISK_OFF"), F_OK)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  return !strcmp(path, bad);
}

ssize_t read(int fd, void *data, size_t length) {
  static ssize_t (*real)(int, void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "read");
  off_t at = lseek(fd, 0, SEEK_CUR);
  if (at >= 0 && is_bad(fd, at + (off_t)length)) return errno = EIO, -1;
  return real(fd, data, length);
}
