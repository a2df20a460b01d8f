#include "store/wal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

namespace sojourn {
namespace {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::uint32_t magic = 0x377f0682;  // its last bit: the sums are over big-endian words
constexpr std::uint32_t format = 3007000;

using Bytes = std::vector<unsigned char>;
using Sum = std::pair<std::uint32_t, std::uint32_t>;

std::uint32_t word_at(Bytes const& bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24U | std::uint32_t{bytes[at + 1]} << 16U | std::uint32_t{bytes[at + 2]} << 8U |
         std::uint32_t{bytes[at + 3]};
}

std::uint32_t swapped(std::uint32_t word) { return __builtin_bswap32(word); }

Sum add(Sum sum, Bytes const& bytes, std::pair<std::size_t, std::size_t> range, bool is_big_endian) {
  auto const size = (range.second - range.first) & ~std::size_t{7};
  for (auto at = range.first; at < range.first + size; at += 8) {
    auto first = word_at(bytes, at), second = word_at(bytes, at + 4);
    if (!is_big_endian) first = swapped(first), second = swapped(second);
    sum.first += first + sum.second;
    sum.second += second + sum.first;
  }
  return sum;
}

class Wal {
 public:
  explicit Wal(std::string path) : path_(std::move(path)), file_(path_, std::ios::binary) {
    std::error_code failed;
    auto const size = std::filesystem::file_size(path_, failed);
    size_ = failed ? 0 : size;
  }

  Result<> check() {
    if (size_ == 0) return {};
    auto const header = read(0, std::min<std::uint64_t>(size_, header_bytes));
    if (!is_header(header)) return is_untouched() ? Result<>() : refuse(0);
    page_bytes_ = word_at(header, 8);
    big_endian_ = (word_at(header, 0) & 1U) != 0;
    salt_ = {word_at(header, 16), word_at(header, 20)};
    sum_ = {word_at(header, 24), word_at(header, 28)};
    std::uint64_t frames = 0;
    std::uint64_t kept = 0;
    while (has_frame(frames)) {
      auto const frame = read(place_of(frames), frame_bytes());
      if (!follows(frame)) break;
      ++frames;
      if (word_at(frame, 4) != 0) kept = frames;
    }
    if (commits_behind(frames) > 1) return refuse(frames);
    return cut_off(place_of(kept));
  }

 private:
  Bytes read(std::uint64_t at, std::uint64_t size) {
    Bytes bytes(size);
    file_.seekg(static_cast<std::streamoff>(at));
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    bytes.resize(static_cast<std::size_t>(file_.gcount()));
    file_.clear();
    return bytes;
  }

  static bool is_header(Bytes const& bytes) {
    if (bytes.size() < header_bytes || (word_at(bytes, 0) & ~1U) != magic || word_at(bytes, 4) != format) return false;
    auto const page_bytes = word_at(bytes, 8);
    if (!std::has_single_bit(page_bytes) || page_bytes < 512 || page_bytes > 65536) return false;
    auto const sum = add({}, bytes, {0, 24}, (word_at(bytes, 0) & 1U) != 0);
    return sum == Sum{word_at(bytes, 24), word_at(bytes, 28)};
  }

  // Nothing was ever committed in one whose first write came to nothing.
  bool is_untouched() {
    if (size_ <= header_bytes) return true;
    auto const bytes = read(0, size_);
    return std::all_of(bytes.begin(), bytes.end(), [](unsigned char byte) { return byte == 0; });
  }

  std::uint64_t frame_bytes() const { return frame_header_bytes + page_bytes_; }
  std::uint64_t place_of(std::uint64_t frame) const { return header_bytes + frame * frame_bytes(); }
  bool has_frame(std::uint64_t frame) const { return place_of(frame + 1) <= size_; }
  bool is_of_this_round(Bytes const& frame) const {
    return frame.size() >= frame_header_bytes && Sum{word_at(frame, 8), word_at(frame, 12)} == salt_;
  }

  bool follows(Bytes const& frame) {
    if (frame.size() < frame_bytes() || !is_of_this_round(frame) || word_at(frame, 0) == 0) return false;
    auto const sum = add(add(sum_, frame, {0, 8}, big_endian_), frame, {frame_header_bytes, frame.size()}, big_endian_);
    if (sum != Sum{word_at(frame, 16), word_at(frame, 20)}) return false;
    sum_ = sum;
    return true;
  }

  int commits_behind(std::uint64_t frame) {
    int commits = 0;
    for (; has_frame(frame); ++frame) {
      auto const header = read(place_of(frame), frame_header_bytes);
      if (is_of_this_round(header) && word_at(header, 4) != 0) ++commits;
    }
    return commits;
  }

  // Otherwise what was torn would look like a commit once others have been written before it.
  Result<> cut_off(std::uint64_t end) {
    std::error_code failed;
    if (end < size_) std::filesystem::resize_file(path_, end, failed);
    if (failed) return error(Code::cannot_create, "can't write " + path_ + ": " + failed.message());
    return {};
  }

  Result<> refuse(std::uint64_t frame) const {
    return error(Code::damaged, path_ + ": frame " + std::to_string(frame) + " at byte " +
                                    std::to_string(place_of(frame)) +
                                    " is damaged, and commits lie behind it; restore a backup with `sojourn restore "
                                    "BACKUP`");
  }

  std::string path_;
  std::ifstream file_;
  std::uint64_t size_ = 0;
  std::uint64_t page_bytes_ = 0;
  bool big_endian_ = false;
  Sum salt_;
  Sum sum_;
};

}  // namespace

Result<> check_wal(std::string const& file) { return Wal(file + "-wal").check(); }

}  // namespace sojourn
