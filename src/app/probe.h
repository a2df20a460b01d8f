#pragma once
// Questions to this machine: of what version a program is, who holds a port, what the kernel allows. Used by doctor.
// Invariant: asking changes nothing that outlives the question; every wait has an end.
// Thread: the caller's, which must be the only one of the process where a child is made.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sojourn {

// The first line that `program --version` prints within ms_max; the program is ended after that.
[[nodiscard]] std::optional<std::string> ask_version(std::string const& program, std::int64_t ms_max);

// Whether a process of an ordinary user may make a user namespace, which is what Chromium's sandbox is built of.
// Empty when it may, otherwise the reason.
[[nodiscard]] std::string why_no_user_namespace();

// Empty when io_uring can be used, otherwise the reason.
[[nodiscard]] std::string why_no_io_uring();

// "node (process 123)" of who listens at the port, as far as this user may know; empty otherwise.
[[nodiscard]] std::string find_listener(std::uint16_t port);

// Empty when files can be made in the folder, or in the nearest one above it that exists; otherwise the reason.
[[nodiscard]] std::string why_not_writable(std::string const& folder);

}  // namespace sojourn
