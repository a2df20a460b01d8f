#include "api/session_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <utility>

#include "api/session_answer.h"
#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::string_view video_file = "video.webm";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

Error not_there(std::string const& name) { return error(Code::not_found, "File not found: " + name); }

struct MediaType {
  std::string_view ending;
  std::string_view type;
  bool is_shown = false;  // by a browser, rather than saved
};

// Whatever could run as a page of this server's own is only bytes.
MediaType const& type_of(std::string_view name) {
  static constexpr std::array types{
      MediaType{".png", "image/png", true},           MediaType{".jpg", "image/jpeg", true},
      MediaType{".jpeg", "image/jpeg", true},         MediaType{".webp", "image/webp", true},
      MediaType{".gif", "image/gif", true},           MediaType{".webm", "video/webm", true},
      MediaType{".mp4", "video/mp4", true},           MediaType{".pdf", "application/pdf"},
      MediaType{".json", "application/json"},         MediaType{".csv", "text/csv; charset=utf-8"},
      MediaType{".txt", "text/plain; charset=utf-8"},
  };
  static constexpr MediaType bytes{{}, "application/octet-stream"};
  auto const* const found =
      std::ranges::find_if(types, [&](MediaType const& each) { return name.ends_with(each.ending); });
  return found == types.end() ? bytes : *found;
}

Response file_response(std::string const& name, FilePart part, bool is_part) {
  constexpr int partial = 206;
  constexpr int unsatisfiable = 416;
  auto const end = part.first + static_cast<std::int64_t>(part.bytes.size());
  auto const of = "/" + std::to_string(part.size);
  if (is_part && part.bytes.empty()) {
    auto response = detail_response(unsatisfiable, name + " has " + std::to_string(part.size) + " bytes");
    response.headers.emplace_back("Content-Range", "bytes *" + of);
    return response;
  }
  auto const& type = type_of(name);
  auto response = json_response(std::move(part.bytes), is_part ? partial : 200);
  response.content_type = type.type;
  response.headers = {
      {"Content-Disposition", std::string(type.is_shown ? "inline" : "attachment") + "; filename=\"" + name + "\""},
      {"Content-Security-Policy", "default-src 'none'; sandbox"},
      {"Accept-Ranges", "bytes"}};
  if (is_part)
    response.headers.emplace_back("Content-Range",
                                  "bytes " + std::to_string(part.first) + "-" + std::to_string(end - 1) + of);
  return response;
}

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t number = 0;
  auto const* const end = text.data() + text.size();
  auto const [stop, ec] = std::from_chars(text.data(), end, number);
  if (text.empty() || text.front() == '-' || ec != std::errc() || stop != end) return std::nullopt;
  return number;
}

// Where the range begins and how many bytes it has, in a file of that size.
std::pair<std::int64_t, std::int64_t> place(ByteRange range, std::int64_t size) {
  auto const first = range.first < 0 ? std::max<std::int64_t>(size + range.first, 0) : std::min(range.first, size);
  auto const last = std::min(range.last, size - 1);
  auto const most = static_cast<std::int64_t>(session_file_bytes_max);
  return {first, std::clamp<std::int64_t>(last - first + 1, 0, most)};
}

std::string read_bytes(int fd, std::int64_t first, std::int64_t most) {
  std::string bytes(static_cast<std::size_t>(most), '\0');
  std::size_t count = 0;
  while (count < bytes.size()) {
    auto const at = first + static_cast<std::int64_t>(count);
    auto const got = ::pread(fd, bytes.data() + count, bytes.size() - count, at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    count += static_cast<std::size_t>(got);
  }
  bytes.resize(count);
  return bytes;
}

}  // namespace

bool is_file_name(std::string_view name) {
  constexpr std::size_t chars_max = 100;
  return !name.empty() && name.size() <= chars_max && name.front() != '.' && std::ranges::all_of(name, is_name_char);
}

std::optional<ByteRange> parse_range(std::string_view header) {
  constexpr std::string_view unit = "bytes=";
  if (!header.starts_with(unit)) return std::nullopt;
  auto rest = trimmed(header.substr(unit.size()));
  auto const begin = take_until(rest, '-');
  auto const first = to_number(begin);
  auto const last = to_number(rest);
  if (begin.empty() && last && *last > 0) return ByteRange{-*last, INT64_MAX};
  if (first && rest.empty() && header.ends_with('-')) return ByteRange{*first, INT64_MAX};
  if (!first || !last || *last < *first) return std::nullopt;
  return ByteRange{*first, *last};
}

Result<FilePart> read_session_file(std::string const& folder, std::string const& id, std::string const& name,
                                   std::optional<ByteRange> range) {
  if (!is_file_name(id) || !is_file_name(name)) return not_there(name);
  Descriptor const root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Descriptor const own(::openat(root.get(), id.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  // Nobody is waited for at the other end of a pipe.
  Descriptor const file(::openat(own.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return not_there(name);
  std::int64_t const size = info.st_size;
  if (!range && size > static_cast<std::int64_t>(session_file_bytes_max))
    return error(Code::too_large, name + " has " + std::to_string(size) +
                                      " bytes; of more than 64 MiB ask for parts (Range), or read it by its path");
  auto const [first, count] = place(range.value_or(ByteRange{}), size);
  return FilePart{read_bytes(file.get(), first, count), first, size};
}

std::span<Route const> SessionFiles::routes() {
  static constexpr std::array table{
      Route{"GET", "/api/v1/sessions/:id/files/:name", handle<&SessionFiles::give>, "A file that a function made"},
      Route{"GET", "/api/v1/sessions/:id/video", handle<&SessionFiles::give_video>,
            "The video, while the session is recorded and until its retention is over"},
  };
  return table;
}

void SessionFiles::give(Request const& request, Parameters const& parameters, Respond respond) {
  auto name = decode_segment(parameters.at[1]);
  if (!is_file_name(name)) return respond(detail_response(not_there(name)));
  find(request, {decode_segment(parameters.at[0]), std::move(name), {}}, respond);
}

void SessionFiles::give_video(Request const& request, Parameters const& parameters, Respond respond) {
  find(request, {decode_segment(parameters.at[0]), std::string(video_file), {}}, respond);
}

void SessionFiles::find(Request const& request, Wanted wanted, Respond respond) {
  // A part of what it was before could be asked for by its tag, and there are none.
  if (request.header("if-range").empty()) wanted.range = parse_range(request.header("range"));
  GetSession command{SessionKind::browser, wanted.id};
  hub_.submit(
      request.principal, std::move(command), [this, wanted = std::move(wanted), respond](Result<Outcome> outcome) {
        bool const is_over = !outcome && (outcome.error().code == Code::ended || outcome.error().code == Code::expired);
        bool const may_read = outcome.has_value() || (is_over && wanted.name == video_file);
        if (!may_read) return respond(session_refusal(outcome.error(), wanted.id));
        read(wanted, respond);
      });
}

void SessionFiles::read(Wanted const& wanted, Respond respond) {
  auto const part = std::make_shared<Result<FilePart>>(not_there(wanted.name));
  auto job = [part, folder = folder_, wanted] {
    *part = read_session_file(folder, wanted.id, wanted.name, wanted.range);
  };
  auto done = [part, wanted, respond] {
    if (!*part) return respond(detail_response(part->error()));
    respond(file_response(wanted.name, std::move(**part), wanted.range.has_value()));
  };
  if (!work_(std::move(job), std::move(done)))
    respond(detail_response(error(Code::too_many, "too many files are read at once; try again")));
}

}  // namespace sojourn
