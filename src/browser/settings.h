// What the browser room is told. Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/seal.h"

namespace sojourn {

struct BrowserSettings {
  std::string executable;        // instead of those that are looked for; empty = none
  std::string data;              // the data folder
  std::string profile_key;       // of profile_key(data)
  std::string url;               // of this server, for files; known once it listens
  std::vector<int> own_ports;    // of this server: no page may reach them
  bool recovers = true;          // sessions are made again after a crash of their browser or of us
  SealKey seal_key{};            // of their checkpoints
  std::size_t contexts_max = 0;  // at a time; 0 = as many as memory allows
  std::size_t warm = 1;          // prepared before they are asked for, while a browser runs
  std::int64_t keep_us = std::int64_t{60} * 1'000'000;  // a browser that nobody uses stays that long
  std::int64_t video_retention_s = 3600;                // after the close; 0 = only in the answer to it
};

}  // namespace sojourn
