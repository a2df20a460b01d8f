#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>

#include "base/json.h"
#include "base/utf8.h"

namespace sojourn {
namespace {

constexpr std::array<std::string_view, 4> level_words{"debug", "info", "warn", "error"};
constexpr std::size_t value_bytes_max = 4096;
constexpr std::size_t queued_lines_max = 8192;

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

void append_value(std::string& out, std::string_view text) {
  if (text.size() > value_bytes_max) text = text.substr(0, value_bytes_max);
  if (is_utf8(text) && !has_hidden_control(text)) return json::append_string(out, text);
  // Not UTF-8, cut within a character, or with controls: keep the ASCII of it.
  std::string ascii;
  for (char const c : text) ascii += static_cast<unsigned char>(c) < 0x7f ? c : '?';
  json::append_string(out, ascii);
}

}  // namespace

struct Log::Sink {
  std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(queued_lines_max, 1);
  std::shared_ptr<spdlog::async_logger> logger =
      std::make_shared<spdlog::async_logger>("sojourn", std::make_shared<spdlog::sinks::stderr_sink_mt>(), pool,
                                             spdlog::async_overflow_policy::overrun_oldest);
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
  if (sink_) sink_->logger->flush();
}

void Log::write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!shows(level)) return;
  sink_->logger->info(to_log_line(clock_.now(), level, event, fields));
}

std::string to_log_line(Moment at, Level level, std::string_view event, std::initializer_list<Field> fields) {
  std::string line = "{\"time\":\"" + to_iso_ms(at.utc_us) + "\",\"level\":\"";
  line += level_words[static_cast<std::size_t>(level)];
  line += "\",\"event\":";
  json::append_string(line, event);
  for (auto const& field : fields) {
    line += ',';
    json::append_string(line, field.name);
    line += ':';
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
