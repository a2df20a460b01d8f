#include "browser/view.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/crypto.h"
#include "browser/params.h"

namespace sojourn {
namespace {

constexpr int captures_max = 4;  // of a page whose documents change all the time
// Until a page, or a frame with a process of its own, says that it lives: what it is then asked for may take longer.
constexpr std::int64_t again_us = 50'000;  // until another try at a picture
constexpr std::int64_t page_answer_us = 5'000'000;
constexpr std::int64_t frame_answer_us = 1'000'000;

json::object capture_params() {
  json::array styles;
  for (auto const style : captured_styles) styles.emplace_back(style);
  json::object params;
  params["computedStyles"] = std::move(styles);
  params["includeDOMRects"] = false;
  params["includePaintOrder"] = false;
  return params;
}

}  // namespace

Task<Result<std::vector<FrameCapture>>> View::gather(std::int64_t deadline_us) {
  struct Pending {
    FrameCapture capture;
    Later<Tab::Answer> pulse;
    Later<Result<std::string>> text;
    std::optional<Later<Tab::Answer>> owner;
  };
  Tab::Condition here = [this] { return !tab_.is_leaving(); };
  if (!co_await tab_.wait_until(std::move(here), deadline_us))
    co_return tab_.judge(error(Code::timeout, "the page that it goes to has not come yet; ask for a snapshot later"));
  auto const params = capture_params();
  std::vector<Pending> pending;
  for (auto const* const frame : tab_.frames.all()) {
    auto const* const parent = tab_.frames.find(frame->parent_id);
    if (parent != nullptr && parent->session == frame->session) continue;  // is in its parent's
    Pending one;
    one.capture.cdp_session = frame->session;
    one.capture.frame_id = frame->id;
    if (parent != nullptr) {
      one.capture.owner_session = parent->session;
      one.owner = tab_.send(parent->session, "DOM.getFrameOwner", only("frameId", frame->id), deadline_us);
    }
    auto const pulse_us = parent == nullptr ? page_answer_us : frame_answer_us;
    one.pulse = tab_.send(frame->session, "Runtime.evaluate", only("expression", "1"),
                          std::min(deadline_us, tab_.now_us() + pulse_us));
    one.text = tab_.send_for_text(frame->session, "DOMSnapshot.captureSnapshot", params, deadline_us);
    pending.push_back(std::move(one));
  }
  std::vector<FrameCapture> captures;
  for (auto& one : pending) {
    bool const is_page = !one.owner;
    if (one.owner) {
      auto const owner = co_await *one.owner;
      if (owner) one.capture.owner_node = find_integer(*owner, "backendNodeId");
    }
    auto const pulse = co_await one.pulse;
    bool const is_silent = !pulse && pulse.error().code == Code::timeout;
    if (is_silent && is_page) co_return tab_.judge(pulse.error());
    if (is_silent) continue;  // the rest of the page is there all the same
    auto text = co_await one.text;
    if (!text && is_page) co_return tab_.judge(text.error());
    if (!text || (!is_page && one.capture.owner_node == 0)) continue;  // that frame went away
    one.capture.text = std::move(*text);
    captures.push_back(std::move(one.capture));
  }
  co_return captures;
}

Task<Result<Capture>> View::capture(CaptureWish wish, std::int64_t deadline_us) {
  for (int tries = 1;; ++tries) {
    auto const before = tab_.frames.last_document();
    CO_TRY(auto const captures, co_await gather(deadline_us));
    if (before != tab_.frames.last_document() && tries < captures_max) continue;
    Generations generations;
    for (auto const* const frame : tab_.frames.all())
      generations[frame->id] = static_cast<std::int64_t>(frame->document);
    co_return read_captures(captures, generations, wish);
  }
}

Task<Result<>> View::clip_whole(json::object* params, std::int64_t deadline_us) {
  auto const metrics = co_await tab_.send(tab_.session(), "Page.getLayoutMetrics", {}, deadline_us);
  if (!metrics) co_return tab_.judge(metrics.error());
  auto const& content = find_object(*metrics, "cssContentSize");
  json::object clip;
  clip["y"] = 0;
  clip["x"] = 0;
  clip["width"] = std::clamp(find_number(content, "width"), static_cast<double>(tab_.width), picture_pixels_max);
  clip["height"] = std::clamp(find_number(content, "height"), static_cast<double>(tab_.height), picture_pixels_max);
  clip["scale"] = 1;
  (*params)["clip"] = std::move(clip);
  (*params)["captureBeyondViewport"] = true;
  co_return Result<>{};
}

Task<Result<std::string>> View::picture(Extent extent, Picture kind, std::int64_t deadline_us) {
  json::object params;
  params["format"] = kind == Picture::png ? "png" : "jpeg";
  if (kind == Picture::jpeg) params["quality"] = 80;
  if (extent == Extent::whole_page) CO_CHECK(co_await clip_whole(&params, deadline_us));
  auto taken = co_await tab_.send(tab_.session(), "Page.captureScreenshot", params, deadline_us);
  // One page is taking the place of another.
  for (int attempt = 0; attempt < 5 && !taken && taken.error().code == Code::failed; ++attempt) {
    if (!co_await tab_.sleep_until(std::min(deadline_us, tab_.now_us() + again_us))) break;
    taken = co_await tab_.send(tab_.session(), "Page.captureScreenshot", params, deadline_us);
  }
  if (!taken) co_return tab_.judge(taken.error());
  std::string bytes;
  if (!base64_decode(json::find_string(*taken, "data"), bytes) || bytes.empty())
    co_return error(Code::failed, "the browser gave no picture");
  co_return bytes;
}

}  // namespace sojourn
