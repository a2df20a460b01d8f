// What a page looks like right now: its elements, out of every process that has frames of it, and its picture.
// The browser thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "browser/capture.h"
#include "browser/tab.h"

namespace sojourn {

enum class Extent : std::uint8_t { viewport, whole_page };
enum class Picture : std::uint8_t { png, jpeg };

class View {
 public:
  static constexpr double picture_pixels_max = 16384;  // in each direction

  explicit View(Tab& tab) : tab_(tab) {}

  // All of it is of one moment as far as documents go: when one is replaced meanwhile, it is captured again.
  Task<Result<Capture>> capture(CaptureWish wish, std::int64_t deadline_us);
  // The bytes of an image.
  Task<Result<std::string>> picture(Extent extent, Picture kind, std::int64_t deadline_us);

 private:
  Task<Result<std::vector<FrameCapture>>> gather(std::int64_t deadline_us);
  Task<Result<>> clip_whole(json::object* params, std::int64_t deadline_us);

  Tab& tab_;
};

}  // namespace sojourn
