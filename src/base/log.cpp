#include "base/log.h"

#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <mutex>

#include "base/json.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::array<std::string_view, 4> level_words{"debug", "info", "warn", "error"};
constexpr std::size_t value_bytes_max = 4096;
constexpr std::size_t queued_bundles_max = 2048;
constexpr std::size_t bundle_bytes_max = 4000;  // of lines handed on together; more than that gains nothing

// Beyond what JSON escapes: DEL, U+0080 to U+009F, U+2028 and U+2029, which some terminals obey and some readers take
// for the end of a line.
bool has_hidden_control(std::string_view text) {
  for (auto at = text.find_first_of("\x7f\xc2\xe2"); at != text.npos; at = text.find_first_of("\x7f\xc2\xe2", at + 1)) {
    auto const rest = text.substr(at);
    if (rest[0] == '\x7f' || rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) return true;
    if (rest[0] == '\xc2' && rest.size() > 1 && static_cast<unsigned char>(rest[1]) < 0xa0) return true;
  }
  return false;
}

// Whether it stands in JSON as it is.
bool is_plain(std::string_view text) {
  bool plain = true;
  for (char const c : text) plain &= c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  return plain;
}

void append_value(std::string& out, std::string_view text) {
  if (text.size() > value_bytes_max) text = text.substr(0, value_bytes_max);
  if (is_plain(text)) {  // as nearly all are
    out.append("\"").append(text).append("\"");
    return;
  }
  if (is_utf8(text) && !has_hidden_control(text)) return json::append_string(out, text);
  // Not UTF-8, cut within a character, or with controls: keep the ASCII of it.
  std::string ascii;
  for (char const c : text) ascii += static_cast<unsigned char>(c) < 0x7f ? c : '?';
  json::append_string(out, ascii);
}

// Writes to standard error. A reader that does not read makes the log's thread wait, but never the program's end.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // From now on nobody is waited for longer than that.
  void hurry() { end_us_.store(Clock().now().steady_us + last_wait_us); }

 protected:
  void sink_it_(spdlog::details::log_msg const& message) override {
    std::string_view rest(message.payload.data(), message.payload.size());
    while (!rest.empty() && wait()) {
      auto const count = ::write(STDERR_FILENO, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
      if (count < 0 && errno != EINTR && errno != EAGAIN) return;
      if (count > 0) rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void flush_() override {}

 private:
  static constexpr std::int64_t last_wait_us = 500'000;
  static constexpr int wait_ms = 50;

  // False when there is no more time. A pipe that is ready takes PIPE_BUF bytes without waiting.
  bool wait() const {
    for (;;) {
      auto const end_us = end_us_.load();
      bool const is_over = end_us != 0 && Clock().now().steady_us >= end_us;
      pollfd entry{STDERR_FILENO, POLLOUT, 0};
      auto const ready = ::poll(&entry, 1, is_over ? 0 : wait_ms);
      if (ready > 0 || (ready < 0 && errno != EINTR)) return true;  // what is wrong, if anything, the write says
      if (is_over) return false;
    }
  }

  std::atomic<std::int64_t> end_us_ = 0;
};

}  // namespace

struct Log::Sink {
  std::shared_ptr<StandardError> standard_error = std::make_shared<StandardError>();
  std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(queued_bundles_max, 1);
  std::shared_ptr<spdlog::async_logger> logger = std::make_shared<spdlog::async_logger>(
      "sojourn", standard_error, pool, spdlog::async_overflow_policy::overrun_oldest);
  std::mutex mutex;
  std::string waiting;  // whole lines

  void hand_on() {
    if (waiting.empty()) return;
    logger->info(waiting);
    waiting.clear();
  }
};

std::optional<Level> to_level(std::string_view word) {
  for (std::size_t i = 0; i < level_words.size(); ++i) {
    if (level_words[i] == word) return static_cast<Level>(i);
  }
  return std::nullopt;
}

Log::Log(Level level) : sink_(std::make_unique<Sink>()), level_(level) {
  sink_->logger->set_pattern("%v");
  sink_->logger->set_level(spdlog::level::trace);
}

Log::Log() = default;

Log::~Log() {
  flush();
  if (sink_) sink_->standard_error->hurry();  // then the pool writes what is queued, and its thread ends
}

void Log::write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!shows(level)) return;
  auto const line = to_log_line(clock_.now(), level, event, fields);
  std::scoped_lock const lock(sink_->mutex);
  if (sink_->waiting.size() + line.size() >= bundle_bytes_max) sink_->hand_on();
  sink_->waiting.append(line).append("\n");
  if (level >= Level::warn) sink_->hand_on();
}

void Log::flush() {
  if (!sink_) return;
  std::scoped_lock const lock(sink_->mutex);
  sink_->hand_on();
}

std::string to_log_line(Moment at, Level level, std::string_view event, std::initializer_list<Field> fields) {
  constexpr std::size_t usual_bytes = 384;
  std::string line;
  line.reserve(usual_bytes);
  line.append("{\"time\":\"").append(to_iso_ms(at.utc_us)).append("\",\"level\":\"");
  line += level_words[static_cast<std::size_t>(level)];
  line += "\",\"event\":";
  json::append_string(line, event);
  for (auto const& field : fields) {
    line.append(",\"").append(field.name).append("\":");
    if (auto const* text = std::get_if<std::string_view>(&field.value))
      append_value(line, *text);
    else if (auto const* number = std::get_if<std::int64_t>(&field.value))
      line += std::to_string(*number);
    else
      line += std::get<bool>(field.value) ? "true" : "false";
  }
  line += '}';
  return line;
}

}  // namespace sojourn
