// What the command line of sojourn-conformance says.
// A value; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "codec/deflate.h"

namespace sojourn::conformance {

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0 = any free one
  bool eio3 = false;       // the revision of Engine.IO before the present one is spoken too
  websocket::Compression compression = websocket::Compression::off;
  std::int64_t ping_ms = 300;
  std::int64_t pong_ms = 200;  // of Engine.IO both
};

// Code::usage; an empty message when all was said by --help.
Result<Options> read_options(int argc, char const* const* argv);

}  // namespace sojourn::conformance
