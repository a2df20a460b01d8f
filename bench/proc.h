#pragma once
// What the kernel says a process has used: CPU time and resident memory, read from /proc.
// Invariant: reading disturbs nothing but the reader's own CPU. A value that cannot be read is 0.
// Any thread.

#include <sys/types.h>

#include <cstdint>

namespace bench {

// Nanoseconds since each process began. On loopback the kernel moves part of a sender's network work to
// the softirq thread of the CPU it sends on, so a server pinned to CPU 0 is charged with softirq0_ns too.
struct Usage {
  std::int64_t process_ns = 0;   // all threads of the process
  std::int64_t softirq0_ns = 0;  // ksoftirqd/0
  std::int64_t softirq1_ns = 0;  // ksoftirqd/1
};

// The kernel brings a thread's figure up to date when it leaves the CPU: read while the process is idle.
Usage read_usage(pid_t pid);

Usage operator-(Usage const& later, Usage const& earlier);

// VmRSS.
std::int64_t resident_bytes(pid_t pid);

}  // namespace bench
