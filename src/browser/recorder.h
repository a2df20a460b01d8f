// The video of one session: the frames of its page's one screencast, written as WebM by an `ffmpeg` process with the
// times at which they came. A page that is still costs nothing. Nothing here waits and at most two frames are held: a
// slow disk or encoder costs frames, and an encoder that fails costs the video, never the session.
// Invariant: the file is whole once finish() gave a value; when this ends before, there is none. The browser thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/loop.h"
#include "base/process.h"
#include "base/result.h"
#include "base/task.h"
#include "base/timers.h"
#include "browser/wire.h"

namespace sojourn {

// References outlive the recorder, but for the wire's: see leave_page().
struct RecorderWorld {
  Wire& wire;
  Loop& loop;
  Timers& timers;
  std::string cdp_session;              // of the page
  std::optional<Account> account = {};  // that ffmpeg runs as; none = as we are
};

struct RecorderSetup {
  std::string path;        // of the video, in a folder that exists; a file that is there is replaced
  std::int64_t width = 0;  // of the video, which stays what the viewport was at first; later ones are fitted into it
  std::int64_t height = 0;
  std::int64_t bytes_max = std::int64_t{1} << 30;  // of the file; the recording ends there
  std::string program = "ffmpeg";
};

class Recorder {
 public:
  static constexpr std::int64_t finish_us = 10'000'000;
  static constexpr std::int64_t frame_us = 66'667;  // between two frames, about; fifteen in a second

  // Begins the screencast, which goes on over navigations and crashes of the page. The page has to be visible, with its
  // `Page` domain enabled. Code::unavailable when there is no ffmpeg: says what to install. Code::cannot_create when
  // the file can't be made.
  static Result<std::unique_ptr<Recorder>> start(RecorderWorld world, RecorderSetup setup);
  // Ends ffmpeg at once; a video that is not finished is removed.
  ~Recorder();
  Recorder(Recorder const&) = delete;
  Recorder& operator=(Recorder const&) = delete;

  // A `Page.screencastFrame` of that page.
  void on_frame(json::object const& event);
  // The page is gone, or about to go: nothing is sent over the wire any more. The time runs on until finish().
  void leave_page();
  // The last frame stays until now, then the file is completed: that takes a moment, at most `finish_us`. The error
  // says why there is no video. Once; the page and the wire may go at once afterwards.
  Later<Result<>> finish();

 private:
  Recorder(RecorderWorld world, RecorderSetup setup);
  Result<> launch();

  void begin_screencast();
  void stop_screencast();
  void acknowledge_soon();
  void acknowledge();

  void write_frame(std::int64_t now_us);
  void flush();
  void listen_to_complaints(int fd);
  void on_end(Ending ending);
  void fail(std::string why);
  void conclude(Result<> result);

  Wire* wire_;  // null = the page is left
  Loop& loop_;
  Timers& timers_;
  std::string const cdp_session_;
  RecorderSetup const setup_;
  std::optional<Account> const account_;

  // Chromium makes no more frames while three are not acknowledged; that is how their rate is held.
  std::int64_t cast_ = 0;  // the screencast's number, in each of its frames
  int unacknowledged_ = 0;
  bool is_behind_ = false;  // the newest frame may be one that Chromium did not make
  std::int64_t acknowledged_us_ = 0;
  TimerId acknowledge_timer_ = 0;

  std::string out_;  // on its way to ffmpeg, from written_ on
  std::size_t written_ = 0;
  std::string frame_;  // the newest
  std::int64_t frame_at_us_ = 0;
  bool is_waiting_ = false;    // the newest is not in out_ yet
  std::int64_t first_us_ = 0;  // 0 = no frame came
  std::int64_t last_ms_ = -1;

  bool is_finishing_ = false;
  bool is_whole_ = false;
  std::string failure_;     // why there will be no video
  std::string complaints_;  // of ffmpeg
  TimerId finish_timer_ = 0;
  Later<Result<>> finished_;
  std::unique_ptr<Watch> pipe_;
  std::unique_ptr<Watch> complaints_pipe_;
  std::unique_ptr<Process> process_;
};

}  // namespace sojourn
