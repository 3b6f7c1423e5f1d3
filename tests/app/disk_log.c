/* Preloaded into a process: logs what it asks the disk to do with the files of one folder.
 *
 * A record is a letter (W write, T truncate, S sync, U unlink), the length of the name, the name,
 * an offset, a length and the bytes.  Build: cc -shared -fPIC -o disk_log.so disk_log.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int log_file = -1;
static ssize_t (*real_write)(int, const void *, size_t);

static void say(char what, const char *path, int64_t offset, const void *data, int64_t length) {
  const char *folder = getenv("DISK_LOG_FOLDER");
  if (!folder || strncmp(path, folder, strlen(folder)) != 0) return;
  if (!real_write) real_write = dlsym(RTLD_NEXT, "write");
  if (log_file < 0) log_file = open(getenv("DISK_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
  const char *name = path + strlen(folder) + 1;
  int64_t head[3] = {(int64_t)strlen(name), offset, length};
  char *record = malloc(1 + sizeof head + head[0] + length), *at = record;
  *at++ = what;
  memcpy(at, head, sizeof head), at += sizeof head;
  memcpy(at, name, head[0]), at += head[0];
  if (data) memcpy(at, data, length), at += length;
  if (real_write(log_file, record, at - record) < 0) abort();
  free(record);
}

static const char *path_of(int fd) {
  static __thread char path[4096];
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  return path;
}

#define REAL(name) __typeof__(&name) real = dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t length) {
  if (!real_write) real_write = dlsym(RTLD_NEXT, "write");
  off_t offset = lseek(fd, 0, SEEK_CUR);
  ssize_t done = real_write(fd, data, length);
  if (done > 0 && offset >= 0) say('W', path_of(fd), offset, data, done);
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  REAL(pwrite);
  ssize_t done = real(fd, data, length, offset);
  if (done > 0) say('W', path_of(fd), offset, data, done);
  return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  REAL(pwrite64);
  ssize_t done = real(fd, data, length, offset);
  if (done > 0) say('W', path_of(fd), offset, data, done);
  return done;
}

int ftruncate(int fd, off_t length) {
  REAL(ftruncate);
  int done = real(fd, length);
  if (!done) say('T', path_of(fd), length, NULL, 0);
  return done;
}

int ftruncate64(int fd, off64_t length) {
  REAL(ftruncate64);
  int done = real(fd, length);
  if (!done) say('T', path_of(fd), length, NULL, 0);
  return done;
}

int fsync(int fd) {
  REAL(fsync);
  int done = real(fd);
  if (!done) say('S', path_of(fd), 0, NULL, 0);
  return done;
}

int fdatasync(int fd) {
  REAL(fdatasync);
  int done = real(fd);
  if (!done) say('S', path_of(fd), 0, NULL, 0);
  return done;
}

int unlink(const char *path) {
  REAL(unlink);
  int done = real(path);
  if (!done) say('U', path, 0, NULL, 0);
  return done;
}
