#include "browser/recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/text.h"
#include "codec/matroska.h"

namespace sojourn {
namespace {

constexpr int unacknowledged_max = 3;  // Chromium's
constexpr std::size_t frame_bytes_max = 32U * 1024 * 1024;
constexpr std::size_t complaint_bytes_max = 1000;
constexpr int jpeg_quality = 80;
constexpr std::string_view video_there = "/dev/fd/3";  // in ffmpeg, so that it needs no way to the folder

std::int64_t now_us() { return Clock().now().steady_us; }

// Closes it unless it is taken.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  int get() const { return fd_; }
  int take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// VP8 as fast as it gets, at about constant quality: 7 ms of one core for each frame of 1280x720. Every frame keeps its
// own time (-enc_time_base, passthrough), so that there are none while a page is still.
std::vector<std::string> to_command(RecorderSetup const& setup) {
  // Colors are kept for two pixels by two.
  auto const size = std::to_string(setup.width / 2 * 2) + ":" + std::to_string(setup.height / 2 * 2);
  return {setup.program, "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1", "-f", "matroska",
          "-fpsprobesize", "0", "-i", "pipe:0", "-an", "-sn", "-filter_threads", "1", "-vf",
          // A viewport of another size is made smaller or larger, in its own proportions, on black.
          "scale=" + size + ":force_original_aspect_ratio=decrease:flags=fast_bilinear,pad=" + size +
              ":(ow-iw)/2:(oh-ih)/2",
          "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", "-static-thresh", "100", "-crf", "4", "-qmin",
          "2", "-qmax", "50", "-b:v", "1M", "-threads", "1", "-fps_mode", "passthrough", "-enc_time_base", "1:1000",
          // Those who look before it is complete see all but the last second.
          "-cluster_time_limit", "1000", "-flush_packets", "1", "-fs", std::to_string(setup.bytes_max), "-f", "webm",
          "-y", std::string(video_there)};
}

// When Chromium made it, by the steady clock: it may have waited since, on a machine that has much to do.
std::int64_t made_at_us(json::object const& event, Moment now) {
  constexpr std::int64_t wait_us_max = 2'000'000;
  auto const* const metadata = event.if_contains("metadata");
  auto const* const at_s =
      metadata != nullptr && metadata->is_object() ? metadata->get_object().if_contains("timestamp") : nullptr;
  if (at_s == nullptr || !at_s->is_double()) return now.steady_us;
  auto const waited_us = static_cast<double>(now.utc_us) - at_s->get_double() * 1e6;
  if (!(waited_us > 0 && waited_us < wait_us_max)) return now.steady_us;  // its clock says something else
  return now.steady_us - static_cast<std::int64_t>(waited_us);
}

std::string_view first_line(std::string_view text) { return trimmed(take_until(text, '\n')); }

Result<int> create(std::string const& path, std::optional<Account> const& account) {
  unlink(path.c_str());  // whoever still reads the old one keeps it
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0 || (account && fchown(file.get(), account->user, account->group) != 0))
    return error(Code::cannot_create, "the video can't be made: " + path + ": " + std::strerror(errno));
  return file.take();
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::start(RecorderWorld world, RecorderSetup setup) {
  std::unique_ptr<Recorder> recorder(new Recorder(std::move(world), std::move(setup)));
  if (auto launched = recorder->launch(); !launched) {
    recorder->wire_ = nullptr;  // nothing was begun there
    return std::move(launched).error();
  }
  recorder->begin_screencast();
  return recorder;
}

Recorder::Recorder(RecorderWorld world, RecorderSetup setup)
    : wire_(&world.wire),
      loop_(world.loop),
      timers_(world.timers),
      cdp_session_(std::move(world.cdp_session)),
      setup_(std::move(setup)),
      account_(std::move(world.account)) {}

Recorder::~Recorder() {
  stop_screencast();
  timers_.cancel(finish_timer_);
  process_.reset();
  if (is_whole_ && is_finishing_) return;
  unlink(setup_.path.c_str());
  conclude(error(Code::ended, "the recording was given up"));
}

Result<> Recorder::launch() {
  auto file = create(setup_.path, account_);
  if (!file) return std::move(file).error();
  Descriptor const video(*file);
  auto frames = pipe_to_child();
  if (!frames) return std::move(frames).error();
  Descriptor ours(frames->ours);
  Descriptor const theirs(frames->theirs);
  auto words = pipe_from_child();
  if (!words) return std::move(words).error();
  Descriptor complaints(words->ours);
  Descriptor const their_complaints(words->theirs);

  ProcessSetup setup;
  setup.command = to_command(setup_);
  setup.account = account_;
  setup.descriptors = {theirs.get(), -1, their_complaints.get(), video.get()};
  auto process = Process::start(loop_, std::move(setup), [this](Ending ending) { on_end(ending); });
  if (!process)
    return error(Code::unavailable, "recording needs ffmpeg: apt install ffmpeg (" + process.error().message + ")");
  process_ = *std::move(process);
  pipe_ = std::make_unique<Watch>(loop_, ours.take(), 0, [this](std::uint32_t) { flush(); });
  listen_to_complaints(complaints.take());
  matroska::Pictures pictures;
  pictures.codec = "V_MJPEG";
  pictures.width = static_cast<std::uint64_t>(setup_.width);
  pictures.height = static_cast<std::uint64_t>(setup_.height);
  pictures.picture_ns_usual = static_cast<std::uint64_t>(frame_us) * 1000;
  matroska::append_head(out_, pictures);
  return {};
}

void Recorder::begin_screencast() {
  json::object wish;
  wish["format"] = "jpeg";
  wish["quality"] = jpeg_quality;
  wish["maxWidth"] = setup_.width;
  wish["maxHeight"] = setup_.height;
  wish["everyNthFrame"] = 1;  // more would lose a change that comes alone
  wire_->send(cdp_session_, "Page.startScreencast", wish);
}

void Recorder::stop_screencast() {
  if (wire_ != nullptr) wire_->send(cdp_session_, "Page.stopScreencast");
  leave_page();
}

void Recorder::leave_page() {
  wire_ = nullptr;
  timers_.cancel(std::exchange(acknowledge_timer_, 0));
}

void Recorder::on_frame(json::object const& event) {
  if (wire_ == nullptr) return;
  auto const* const cast = event.if_contains("sessionId");
  if (cast == nullptr || !cast->is_int64()) return;
  if (cast_ != cast->get_int64()) unacknowledged_ = 0;
  cast_ = cast->get_int64();
  is_behind_ = ++unacknowledged_ >= unacknowledged_max;
  acknowledge_soon();

  auto const data = json::find_string(event, "data");
  if (data.size() / 4 * 3 > frame_bytes_max || !base64_decode(data, frame_) || frame_.empty()) return;
  frame_at_us_ = made_at_us(event, Clock().now());
  is_waiting_ = true;
  if (first_us_ == 0) first_us_ = frame_at_us_;
  if (out_.empty() || last_ms_ < 0) write_frame(frame_at_us_);
  flush();
}

void Recorder::acknowledge_soon() {
  if (acknowledge_timer_ != 0 || unacknowledged_ == 0) return;
  acknowledge_timer_ = timers_.set(std::max(now_us(), acknowledged_us_ + frame_us), [this] { acknowledge(); });
}

// While Chromium may make no more frames, changes are lost, among them the last of a row. So when all is quiet again
// after such a time the screencast begins anew, which gives one frame of what is there.
void Recorder::acknowledge() {
  acknowledge_timer_ = 0;
  if (wire_ == nullptr || unacknowledged_ == 0) return;
  json::object params;
  params["sessionId"] = cast_;
  wire_->send(cdp_session_, "Page.screencastFrameAck", params);
  --unacknowledged_;
  acknowledged_us_ = now_us();
  if (unacknowledged_ > 0) return acknowledge_soon();
  if (!is_behind_) return;
  is_behind_ = false;
  wire_->send(cdp_session_, "Page.stopScreencast");
  begin_screencast();
}

// Times begin with the first frame and never stand still.
void Recorder::write_frame(std::int64_t at_us) {
  is_waiting_ = false;
  last_ms_ = std::max(last_ms_ + 1, (at_us - first_us_) / 1000);
  matroska::append_picture(out_, static_cast<std::uint64_t>(last_ms_), frame_);
}

void Recorder::flush() {
  if (!pipe_ || pipe_->fd() < 0) return;
  while (!out_.empty()) {
    auto const sent = write(pipe_->fd(), out_.data() + written_, out_.size() - written_);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return pipe_->want(EPOLLOUT);
    if (sent < 0) return pipe_->close();  // on_end() says why
    written_ += static_cast<std::size_t>(sent);
    if (written_ < out_.size()) continue;
    out_.clear();
    written_ = 0;
    if (is_waiting_) write_frame(frame_at_us_);
  }
  if (is_finishing_) return pipe_->close();
  pipe_->want(0);
}

Later<Result<>> Recorder::finish() {
  stop_screencast();
  is_finishing_ = true;
  if (is_whole_)  // it ended at its largest size
    conclude(Result<>());
  else if (!failure_.empty())
    conclude(error(Code::failed, failure_));
  else if (first_us_ == 0)
    fail("the page gave no picture");
  else {
    if (is_waiting_) write_frame(frame_at_us_);
    write_frame(now_us());
    finish_timer_ = timers_.set(now_us() + finish_us, [this] {
      finish_timer_ = 0;
      fail("ffmpeg did not complete it in time");
    });
    flush();
  }
  return finished_;
}

void Recorder::listen_to_complaints(int fd) {
  complaints_pipe_ = std::make_unique<Watch>(loop_, fd, EPOLLIN, [this](std::uint32_t) {
    auto const buffer = loop_.read_buffer();
    auto const got = read(complaints_pipe_->fd(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return complaints_pipe_->close();
    auto const room = complaint_bytes_max - complaints_.size();
    complaints_.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
  });
}

void Recorder::on_end(Ending ending) {
  stop_screencast();
  pipe_->close();
  bool const is_well = ending.signal == 0 && ending.exit_code == 0 && first_us_ != 0;
  if (!is_well) {
    std::string why = "ffmpeg ended with " + ending.describe();
    if (auto const words = first_line(complaints_); !words.empty()) why.append(": ").append(words);
    return fail(std::move(why));
  }
  is_whole_ = true;
  if (account_ && lchown(setup_.path.c_str(), getuid(), getgid()) != 0) return fail("the video can't be taken over");
  if (is_finishing_) conclude(Result<>());
}

void Recorder::fail(std::string why) {
  is_whole_ = false;
  failure_ = std::move(why);
  stop_screencast();
  pipe_->close();
  process_.reset();
  unlink(setup_.path.c_str());
  if (is_finishing_) conclude(error(Code::failed, failure_));
}

// In a later iteration, since whoever waits may end all of this.
void Recorder::conclude(Result<> result) {
  timers_.cancel(std::exchange(finish_timer_, 0));
  loop_.post([finished = finished_, result = std::move(result)] { finished.give(result); });
}

}  // namespace sojourn
