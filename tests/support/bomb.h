// A compressed message that is a thousand times as large as it looks.
#pragma once

#include <zlib.h>

#include <string>

namespace sojourn::test {

// So many MiB of zeros in about a KiB each: a flush ends each MiB, so any number of them is one message.
inline std::string make_bomb(int mebibytes) {
  std::string zeros(1 << 20, '\0');
  std::string once(8192, '\0');
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = reinterpret_cast<Bytef*>(once.data());
  stream.avail_out = static_cast<uInt>(once.size());
  deflate(&stream, Z_FULL_FLUSH);
  once.resize(once.size() - stream.avail_out);
  deflateEnd(&stream);
  std::string bomb;
  for (int i = 0; i < mebibytes; ++i) bomb += once;
  return bomb;
}

}  // namespace sojourn::test
