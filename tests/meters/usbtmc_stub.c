/* Stands in for the system calls on /dev/usbtmc9 (LD_PRELOAD): behind it a TCP connection to 127.0.0.1:USBTMC_PORT, in
   front of it what linux/usb/tmc.h and drivers/usb/class/usbtmc.c say: one read is one message, a read ends with
   ETIMEDOUT at the time USBTMC_IOCTL_SET_TIMEOUT has set (EINVAL below 100 ms), USBTMC_IOCTL_CLEAR drops what was about
   to come, ENODEV once the device has gone, ENOENT while it is not there. USBTMC_LOG takes a line for each call;
   a file USBTMC_LOG.busy makes the device locked. Proves how the wire uses the kernel, nothing about the kernel. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/tmc.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define NAME "/dev/usbtmc9"
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
static int device = -1;
static unsigned timeout_ms = 5000;

static void note(const char *what, long number)
{
    FILE *file = fopen(getenv("USBTMC_LOG"), "a");
    if (file) {
        fprintf(file, "%s %ld\n", what, number);
        fclose(file);
    }
}

static int fail(int number)
{
    errno = number;
    return -1;
}

static int plug(void)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("USBTMC_PORT")))};
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(file, (struct sockaddr *)&there, sizeof there)) {
        NEXT(close)(file);
        return fail(ENOENT);
    }
    note("open", file);
    timeout_ms = 5000;
    return device = file;
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    return strcmp(path, NAME) ? NEXT(open64)(path, flags, mode) : plug();
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    return strcmp(path, NAME) ? NEXT(open)(path, flags, mode) : plug();
}

static int describe(struct stat64 *to)
{
    memset(to, 0, sizeof *to);
    to->st_mode = S_IFCHR | 0660;
    to->st_rdev = makedev(180, 185); /* USB_MAJOR, USBTMC_MINOR_BASE 176 + 9 */
    return 0;
}

int stat64(const char *path, struct stat64 *to) { return strcmp(path, NAME) ? NEXT(stat64)(path, to) : describe(to); }
int stat(const char *path, struct stat *to) { return stat64(path, (struct stat64 *)to); }
int fstat64(int file, struct stat64 *to) { return file != device ? NEXT(fstat64)(file, to) : describe(to); }
int fstat(int file, struct stat *to) { return fstat64(file, (struct stat64 *)to); }

int flock(int file, int how)
{
    char busy[4096];
    if (file != device)
        return NEXT(flock)(file, how);
    snprintf(busy, sizeof busy, "%s.busy", getenv("USBTMC_LOG"));
    return access(busy, F_OK) ? 0 : fail(EWOULDBLOCK);
}

static int clear(void)
{
    char dropped[4096];
    ssize_t count;
    note("clear", 0);
    while ((count = recv(device, dropped, sizeof dropped, MSG_DONTWAIT)) > 0)
        ;
    return count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) ? fail(ENODEV) : 0;
}

int ioctl(int file, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (file != device)
        return NEXT(ioctl)(file, request, argument);
    if (request == USBTMC_IOCTL_CLEAR)
        return clear();
    if (request != USBTMC_IOCTL_SET_TIMEOUT)
        return fail(ENOTTY);
    unsigned wanted = *(unsigned *)argument;
    if (wanted < 100)
        return fail(EINVAL);
    timeout_ms = wanted;
    note("timeout", wanted);
    return 0;
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

ssize_t read(int file, void *to, size_t limit)
{
    long end = now_ms() + timeout_ms;
    size_t have = 0;
    if (file != device)
        return NEXT(read)(file, to, limit);
    while (have < limit && (have == 0 || ((char *)to)[have - 1] != '\n')) {
        struct pollfd waiting = {.fd = file, .events = POLLIN};
        long left = end - now_ms();
        if (left <= 0 || poll(&waiting, 1, (int)left) <= 0)
            return fail(ETIMEDOUT);
        if (recv(file, (char *)to + have, 1, 0) <= 0)
            return fail(ENODEV);
        have++;
    }
    note("read", (long)have);
    return (ssize_t)have;
}

ssize_t write(int file, const void *from, size_t count)
{
    if (file != device)
        return NEXT(write)(file, from, count);
    note("write", (long)count);
    return send(file, from, count, MSG_NOSIGNAL) < 0 ? fail(ENODEV) : (ssize_t)count;
}

int close(int file)
{
    if (file == device && file >= 0) {
        note("close", file);
        device = -1;
    }
    return NEXT(close)(file);
}
