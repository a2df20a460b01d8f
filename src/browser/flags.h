// What Chromium is told when it starts: quiet, no traffic of its own, no window that nobody asked for, its sandbox
// kept. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sojourn {

struct FlagWish {
  std::string profile;         // folder
  std::vector<int> own_ports;  // no page reaches them, by whatever name or address
  std::vector<std::string> more_flags;
  std::uint64_t shared_bytes = UINT64_MAX;  // free in /dev/shm; little = it is not used
};

std::vector<std::string> chromium_flags(FlagWish const& wish);

// NAME=value, all that Chromium gets: nothing of ours that is secret, and no folder outside its profile.
std::vector<std::string> chromium_environment(std::string const& profile);

}  // namespace sojourn
