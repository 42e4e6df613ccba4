/* A libnvidia-ml.so.1 without a GPU: NVML's functions as far as the agent and its Python binding ask for them, each value
   read from the trace named in NVML_TRACE, which the test may rewrite at any time. A line of the trace: <name> <number>;
   a missing name is NVML_ERROR_NOT_SUPPORTED (3); "error <name> <code>" gives that code. Return codes: nvml.h, nvmlReturn_t.
   Proves how the agent samples, nothing about real power. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int ret;
typedef void *device;
typedef struct { unsigned gpu, memory; } rates;
typedef struct { unsigned long long total, free, used; } memory;
typedef struct { unsigned pid; unsigned long long memory; unsigned instance, compute; } process;
typedef struct { unsigned pid; unsigned long long time; unsigned sm, memory, encoder, decoder; } use;
/* nvmlFieldValue_t; of its value's union the member that is told: valueType 1, an unsigned int. */
typedef struct { unsigned field, scope; long long stamp, latency; unsigned type; ret code; union { unsigned ui; double d; } value; } field;
enum { OK = 0, INVALID = 2, UNSUPPORTED = 3, MISSING = 6, SMALL = 7, UNLOADED = 9 };

static ret look(const char *name, unsigned long long *value)
{
    const char *path = getenv("NVML_TRACE");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[256], key[128];
    ret found = UNSUPPORTED;
    int code;
    unsigned long long number;
    if (!file)
        return UNLOADED;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "error %127s %d", key, &code) == 2 && !strcmp(key, name))
            found = code;
        else if (sscanf(line, "%127s %llu", key, &number) == 2 && !strcmp(key, name)) {
            found = OK;
            *value = number;
        }
    }
    fclose(file);
    return found;
}

static ret of_device(device d, const char *name, unsigned long long *value)
{
    char full[128];
    snprintf(full, sizeof full, "gpu%ld.%s", (long)d - 1, name);
    return look(full, value);
}

static ret word(device d, const char *name, unsigned *out)
{
    unsigned long long value = 0;
    ret r = of_device(d, name, &value);
    *out = (unsigned)value;
    return r;
}

static ret text(char *out, unsigned size, const char *value)
{
    if (size <= strlen(value))
        return SMALL;
    strcpy(out, value);
    return OK;
}

const char *nvmlErrorString(ret r)
{
    switch (r) {
    case OK: return "Success";
    case UNSUPPORTED: return "Not Supported";
    case MISSING: return "Not Found";
    case UNLOADED: return "Driver Not Loaded";
    case 15: return "GPU is lost";
    default: return "Unknown Error";
    }
}
ret nvmlInitWithFlags(unsigned flags) { (void)flags; return getenv("NVML_TRACE") ? OK : UNLOADED; }
ret nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
ret nvmlShutdown(void) { return OK; }
ret nvmlSystemGetDriverVersion(char *out, unsigned size) { return text(out, size, "550.00-stub"); }
ret nvmlDeviceGetCount_v2(unsigned *count)
{
    unsigned long long value = 0;
    ret r = look("count", &value);
    *count = (unsigned)value;
    return r;
}
ret nvmlDeviceGetHandleByIndex_v2(unsigned index, device *d) { *d = (device)(long)(index + 1); return OK; }
ret nvmlDeviceGetName(device d, char *out, unsigned size) { (void)d; return text(out, size, "Stub 3000"); }
ret nvmlDeviceGetUUID(device d, char *out, unsigned size) { (void)d; return text(out, size, "GPU-stub"); }
ret nvmlDeviceGetVbiosVersion(device d, char *out, unsigned size) { (void)d; (void)out; (void)size; return UNSUPPORTED; }
ret nvmlDeviceGetEnforcedPowerLimit(device d, unsigned *out) { return word(d, "power_limit_mw", out); }
ret nvmlDeviceGetPersistenceMode(device d, unsigned *out) { return word(d, "persistence", out); }
ret nvmlDeviceGetPowerManagementLimit(device d, unsigned *out) { return word(d, "power_limit_mw", out); }
ret nvmlDeviceGetPowerManagementDefaultLimit(device d, unsigned *out) { return word(d, "default_limit_mw", out); }
ret nvmlDeviceGetApplicationsClock(device d, unsigned kind, unsigned *out)
{
    return kind == 1 ? word(d, "applications_clock", out) : INVALID;
}
ret nvmlDeviceGetDefaultApplicationsClock(device d, unsigned kind, unsigned *out)
{
    return kind == 1 ? word(d, "default_clock", out) : INVALID;
}
ret nvmlDeviceGetPerformanceState(device d, unsigned *out) { return word(d, "pstate", out); }
ret nvmlDeviceGetCurrPcieLinkGeneration(device d, unsigned *out) { return word(d, "pcie", out); }
ret nvmlDeviceGetTemperature(device d, unsigned sensor, unsigned *out)
{
    return sensor == 0 ? word(d, "temperature", out) : INVALID;
}
ret nvmlDeviceGetUtilizationRates(device d, rates *out)
{
    ret r = word(d, "load", &out->gpu);
    return r ? r : word(d, "memory_load", &out->memory);
}
ret nvmlDeviceGetMemoryInfo(device d, memory *out)
{
    ret r = of_device(d, "memory_used", &out->used);
    out->total = 24ULL << 30;
    out->free = out->total - out->used;
    return r;
}
ret nvmlDeviceGetPowerUsage(device d, unsigned *out) { return word(d, "power_mw", out); }
ret nvmlDeviceGetTotalEnergyConsumption(device d, unsigned long long *out) { return of_device(d, "energy_mj", out); }
/* gpu<n>.field<number>.<scope>; a board with gpu<n>.no_fields has no such function. */
ret nvmlDeviceGetFieldValues(device d, int count, field *out)
{
    unsigned absent;
    if (!word(d, "no_fields", &absent))
        return UNSUPPORTED;
    for (int k = 0; k < count; ++k) {
        char name[64];
        snprintf(name, sizeof name, "field%u.%u", out[k].field, out[k].scope);
        out[k].type = 1;
        out[k].code = word(d, name, &out[k].value.ui);
    }
    return OK;
}
ret nvmlDeviceGetCurrentClocksThrottleReasons(device d, unsigned long long *out) { return of_device(d, "throttle_reasons", out); }
ret nvmlDeviceGetClockInfo(device d, unsigned kind, unsigned *out)
{
    const char *names[] = {"graphics_clock", "sm_clock", "memory_clock"};
    return kind < 3 ? word(d, names[kind], out) : INVALID;
}
/* Processes on a board: gpu<n>.process<k>.pid, and .sm (percent) of those that ran since the last question; a board
   with gpu<n>.no_processes cannot say. */
static ret of_process(device d, unsigned k, const char *name, unsigned *out)
{
    char full[128];
    snprintf(full, sizeof full, "process%u.%s", k, name);
    return word(d, full, out);
}
ret nvmlDeviceGetComputeRunningProcesses_v3(device d, unsigned *count, process *out)
{
    unsigned room = out ? *count : 0, pid;
    if (!word(d, "no_processes", &pid))
        return UNSUPPORTED;
    for (*count = 0; !of_process(d, *count, "pid", &pid); ++*count)
        if (*count < room)
            out[*count] = (process){.pid = pid};
    return *count > room ? SMALL : OK;
}
ret nvmlDeviceGetGraphicsRunningProcesses_v3(device d, unsigned *count, process *out)
{
    (void)d, (void)out;
    *count = 0;
    return OK;
}
ret nvmlDeviceGetProcessUtilization(device d, use *out, unsigned *count, unsigned long long since)
{
    unsigned room = out ? *count : 0, pid, sm;
    *count = 0;
    for (unsigned k = 0; !of_process(d, k, "pid", &pid); ++k) {
        if (of_process(d, k, "sm", &sm))
            continue;
        if (*count < room)
            out[*count] = (use){.pid = pid, .time = since + 1, .sm = sm};
        ++*count;
    }
    return !*count ? MISSING : *count > room ? SMALL : OK;
}
