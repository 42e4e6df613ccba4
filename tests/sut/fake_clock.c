/* Preloaded on the SUT of a test: its monotonic and wall clock are off by known amounts and drift by a known rate.
   FAKE_CLOCK="<monotonic offset ns>,<wall offset ns>,<rate ppm>"; with m the kernel's CLOCK_MONOTONIC
     monotonic' = m + offset + m * ppm / 1e6        wall' = wall + offset + m * ppm / 1e6
   The law holds for every process alike, so a test can take any stamp back to the kernel's clock. */
#define _GNU_SOURCE
#include <stdio.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long offset_ns[2];
static long long ppm;

__attribute__((constructor)) static void read_law(void)
{
    const char *law = getenv("FAKE_CLOCK");
    if (law && sscanf(law, "%lld,%lld,%lld", &offset_ns[0], &offset_ns[1], &ppm) != 3)
        abort();
}

static long long in_ns(const struct timespec *t) { return t->tv_sec * 1000000000LL + t->tv_nsec; }

int clock_gettime(clockid_t id, struct timespec *t)
{
    long result = syscall(SYS_clock_gettime, id, t);
    if (result != 0 || (id != CLOCK_MONOTONIC && id != CLOCK_REALTIME))
        return (int)result;
    struct timespec m;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &m);
    long long faked = in_ns(t) + offset_ns[id == CLOCK_REALTIME] + (long long)((__int128)in_ns(&m) * ppm / 1000000);
    t->tv_sec = faked / 1000000000LL;
    t->tv_nsec = faked % 1000000000LL;
    return 0;
}

/* Python sleeps until a time of its own clock: back to the kernel's. */
int clock_nanosleep(clockid_t id, int flags, const struct timespec *t, struct timespec *left)
{
    struct timespec until = *t;
    if (id == CLOCK_MONOTONIC && (flags & TIMER_ABSTIME)) {
        long long m = (long long)((__int128)(in_ns(t) - offset_ns[0]) * 1000000 / (1000000 + ppm));
        until.tv_sec = m / 1000000000LL;
        until.tv_nsec = m % 1000000000LL;
    }
    return syscall(SYS_clock_nanosleep, id, flags, &until, left) == 0 ? 0 : errno;
}
