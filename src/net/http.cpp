#include "net/http.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "codec/websocket.h"
#include "net/chunked.h"

namespace sojourn {
namespace {

namespace http = boost::beast::http;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "METHOD TARGET HTTP/1.1": what other protocols begin with does not end so.
bool ends_like_request_line(std::string_view line) {
  constexpr std::string_view version = " HTTP/0.0";
  constexpr std::size_t method_chars_max = 24;
  if (line.size() < version.size() || line.find(' ') > method_chars_max) return false;
  if (std::ranges::count(line, ' ') != 2) return false;
  auto const end = line.substr(line.size() - version.size());
  return end.starts_with(" HTTP/") && is_digit(end[6]) && end[7] == '.' && is_digit(end[8]);
}

// Looks at a header byte by byte, before anybody interprets it, for what readers are known to disagree on.
class HeaderScan {
 public:
  enum class Status : std::uint8_t { need_more, complete, malformed, too_many };

  // `text` is the header so far; each call goes on where the last one stopped.
  Status scan(std::string_view text, std::size_t lines_max) {
    for (; at_ < text.size(); ++at_) {
      auto const c = static_cast<unsigned char>(text[at_]);
      bool const after_cr = at_ > 0 && text[at_ - 1] == '\r';
      if (after_cr != (c == '\n')) return Status::malformed;
      if (c == '\n') {
        if (at_ - line_start_ == 1) return ++at_, Status::complete;
        if (lines_ == 0 && !ends_like_request_line(text.substr(0, at_ - 1))) return Status::malformed;
        if (++lines_ > lines_max) return Status::too_many;
        line_start_ = at_ + 1;
      } else if (at_ == line_start_ && (c == ' ' || c == '\t')) {
        return Status::malformed;  // a folded line, or a request line without a method
      } else if ((c < 0x20 && c != '\r' && c != '\t') || c == 0x7f) {
        return Status::malformed;
      } else if (at_ == 0 && (c < 'A' || c > 'Z')) {
        return Status::malformed;  // not HTTP at all: TLS, a binary protocol
      }
    }
    return Status::need_more;
  }
  std::size_t position() const { return at_; }

 private:
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  std::size_t lines_ = 0;
};

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 15 && std::ranges::all_of(text, is_digit);
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    if (equal_ignoring_case(trimmed(take_until(list, ',')), token)) return true;
  }
  return false;
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// What every answer has, unless it says otherwise in headers of its own.
void append_common(std::string& out, Envelope const& envelope, std::int64_t utc_us, Response const& response) {
  append_line(out, "Date", to_http_date(utc_us));
  for (Header const& common : {Header{"Cache-Control", "no-store"}, Header{"X-Content-Type-Options", "nosniff"},
                               Header{"Cross-Origin-Resource-Policy", "same-origin"}}) {
    auto const is_it = [&](auto const& own) { return own.first == common.name; };
    if (std::ranges::none_of(response.headers, is_it)) append_line(out, common.name, common.value);
  }
  append_line(out, "Vary", "Origin");
  if (!envelope.request_id.empty()) append_line(out, "X-Request-ID", envelope.request_id);
  if (!envelope.correlation_id.empty()) append_line(out, "X-Correlation-ID", envelope.correlation_id);
  if (envelope.allow_origin.empty()) return;
  append_line(out, "Access-Control-Allow-Origin", envelope.allow_origin);
  append_line(out, "Access-Control-Expose-Headers",
              "ETag, Idempotent-Replayed, Location, Retry-After, X-Correlation-ID, X-Request-ID, X-Total-Count");
}

}  // namespace

struct HttpParser::State {
  explicit State(Limits const& l) : limits(l) {}

  Status start(std::string_view& input);
  Status read_body(std::string_view& input);
  Status read_header();
  std::string_view check_header();
  void split_target();
  Status fail(int status, std::string_view reason) {
    failure = {status, reason};
    return Status::failed;
  }

  Limits const& limits;
  std::string head;  // while it arrives
  HeaderScan scan;
  std::optional<http::request_parser<http::empty_body>> parser;
  std::vector<Header> headers;
  std::string_view path;
  std::string_view query;
  std::string body;
  std::size_t body_bytes = 0;           // as Content-Length says
  std::optional<ChunkedReader> chunks;  // when the body comes in chunks
  bool half_empty_line = false;         // a CR before the request, its LF has to follow
  bool header_done = false;
  bool body_done = false;
  bool continue_asked = false;
  std::optional<HttpFailure> failure;
};

HttpParser::HttpParser(Limits const& limits) : state_(std::make_unique<State>(limits)) {}
HttpParser::~HttpParser() = default;

HttpParser::Status HttpParser::feed(std::string_view& input) {
  if (state_->failure) return Status::failed;
  if (!state_->header_done) {
    auto const status = state_->start(input);
    if (status != Status::request) return status;
  }
  return state_->read_body(input);
}

// Status::request means here: the header is complete.
HttpParser::Status HttpParser::State::start(std::string_view& input) {
  // Empty lines before a request say nothing (RFC 9112, section 2.2).
  for (; head.empty() && !input.empty(); input.remove_prefix(1)) {
    if (half_empty_line && input.front() != '\n') return fail(400, "malformed request header");
    if (!half_empty_line && input.front() != '\r') break;
    half_empty_line = !half_empty_line;
  }
  auto const room = static_cast<std::size_t>(limits.header_bytes) + 1 - head.size();
  auto const before = head.size();
  head.append(input.substr(0, room));
  auto const scanned = scan.scan(head, static_cast<std::size_t>(limits.header_count) + 1);
  switch (scanned) {
    case HeaderScan::Status::malformed:
      return fail(400, "malformed request header");
    case HeaderScan::Status::too_many:
      return fail(431, "too many header fields");
    case HeaderScan::Status::need_more:
      if (head.size() > static_cast<std::size_t>(limits.header_bytes)) return fail(431, "request header is too large");
      input.remove_prefix(head.size() - before);
      return Status::need_more;
    case HeaderScan::Status::complete:
      if (scan.position() > static_cast<std::size_t>(limits.header_bytes))
        return fail(431, "request header is too large");
      break;
  }
  input.remove_prefix(scan.position() - before);
  head.resize(scan.position());
  return read_header();
}

HttpParser::Status HttpParser::State::read_header() {
  parser.emplace();
  parser->header_limit(static_cast<std::uint32_t>(limits.header_bytes) + 1);
  parser->body_limit(boost::none);
  boost::system::error_code ec;
  parser->put(boost::asio::buffer(head), ec);
  if (ec == http::error::bad_version) return fail(505, "this server speaks HTTP/1.1");
  if ((ec && ec != http::error::need_more) || !parser->is_header_done()) return fail(400, "malformed request");
  head.clear();
  headers.clear();
  for (auto const& field : parser->get()) headers.push_back({view(field.name_string()), view(field.value())});
  if (auto const wrong = check_header(); !wrong.empty())
    return fail(wrong.starts_with("transfer coding") ? 501 : 400, wrong);
  split_target();
  if (path.empty()) return fail(400, "malformed request target");
  if (body_bytes > static_cast<std::size_t>(limits.body_bytes)) return fail(413, "request body is too large");
  header_done = true;
  return Status::request;
}

std::string_view HttpParser::State::check_header() {
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  for (auto const& [name, value] : headers) {
    if (equal_ignoring_case(name, "host")) ++hosts;
    if (equal_ignoring_case(name, "content-length")) {
      ++lengths;
      if (!is_number(value)) return "malformed Content-Length";
      std::from_chars(value.data(), value.data() + value.size(), body_bytes);
    }
    if (equal_ignoring_case(name, "transfer-encoding")) {
      ++codings;
      if (!equal_ignoring_case(value, "chunked")) return "transfer coding is not supported";
    }
  }
  bool const is_1_1 = parser->get().version() == 11;
  if (lengths + codings > 1) return "more than one body length";
  if (hosts != 1 && (is_1_1 || hosts > 1)) return "exactly one Host is needed";
  if (codings == 1 && !is_1_1) return "Transfer-Encoding needs HTTP/1.1";
  if (codings == 1)
    chunks.emplace(static_cast<std::size_t>(limits.body_bytes), static_cast<std::size_t>(limits.header_count));
  return {};
}

void HttpParser::State::split_target() {
  auto target = view(parser->get().target());
  // The absolute form (RFC 9112, section 3.2.2) is taken when it agrees with Host.
  constexpr std::string_view scheme = "http://";
  if (target.starts_with(scheme)) {
    auto const authority_end = target.find('/', scheme.size());
    auto const authority = target.substr(scheme.size(), authority_end - scheme.size());
    auto const host = view(parser->get()[http::field::host]);
    if (authority_end == std::string_view::npos || !equal_ignoring_case(authority, host)) return;
    target.remove_prefix(authority_end);
  }
  if (!target.starts_with('/') && !(target == "*" && parser->get().method() == http::verb::options)) return;
  query = target;
  path = take_until(query, '?');
}

// Bytes behind the body stay in `input`: they belong to the next request.
HttpParser::Status HttpParser::State::read_body(std::string_view& input) {
  if (!chunks) {
    auto const part = input.substr(0, body_bytes - body.size());
    body += part;
    input.remove_prefix(part.size());
    body_done = body.size() == body_bytes;
    return body_done ? Status::request : Status::need_more;
  }
  switch (chunks->read(input, body)) {
    case ChunkedReader::Status::need_more:
      return Status::need_more;
    case ChunkedReader::Status::done:
      body_done = true;
      return Status::request;
    case ChunkedReader::Status::malformed:
      return fail(400, "malformed request body");
    case ChunkedReader::Status::body_too_large:
      return fail(413, "request body is too large");
    case ChunkedReader::Status::too_much_framing:
      return fail(400, "too much between the parts of the body");
    case ChunkedReader::Status::too_many_trailers:
      return fail(431, "too many trailer fields");
  }
  return fail(400, "malformed request body");
}

void HttpParser::fill(Request& request) const {
  auto const& message = state_->parser->get();
  request.method = view(message.method_string());
  request.path = state_->path;
  request.query = state_->query;
  request.body = state_->body;
  request.headers = state_->headers;
}

void HttpParser::reset() {
  auto& limits = state_->limits;
  state_ = std::make_unique<State>(limits);
}

HttpFailure HttpParser::failure() const { return state_->failure.value_or(HttpFailure{}); }
bool HttpParser::is_idle() const { return state_->head.empty() && !state_->header_done; }
bool HttpParser::has_header() const { return state_->header_done; }
bool HttpParser::has_target() const { return !state_->path.empty(); }

bool HttpParser::wants_continue() const {
  if (!state_->header_done || state_->body_done || std::exchange(state_->continue_asked, true)) return false;
  return equal_ignoring_case(view(state_->parser->get()[http::field::expect]), "100-continue");
}

bool HttpParser::is_http_1_0() const { return state_->parser && state_->parser->get().version() == 10; }

bool HttpParser::keeps_alive() const { return state_->parser && state_->parser->get().keep_alive(); }

bool HttpParser::is_upgrade() const {
  auto const names = [this](std::string_view field, std::string_view token) {
    return std::ranges::any_of(state_->headers, [&](Header const& header) {
      return equal_ignoring_case(header.name, field) && has_token(header.value, token);
    });
  };
  return names("upgrade", "websocket") && names("connection", "upgrade");
}

void append_answer(std::string& out, Answer const& answer) {
  constexpr std::size_t usual_head_bytes = 512;
  auto const& response = answer.response;
  out.reserve(out.size() + usual_head_bytes + response.body.size());
  auto const status = static_cast<unsigned>(response.status);
  out.append("HTTP/1.1 ")
      .append(std::to_string(status))
      .append(" ")
      .append(view(http::obsolete_reason(http::int_to_status(status))))
      .append("\r\n");
  if (!response.content_type.empty()) append_line(out, "Content-Type", response.content_type);
  bool const has_length = status != 204 && status != 304 && !response.is_open;
  if (has_length) append_line(out, "Content-Length", std::to_string(response.body.size()));
  if (answer.is_chunked) append_line(out, "Transfer-Encoding", "chunked");
  append_common(out, answer.envelope, answer.utc_us, response);
  for (auto const& [name, value] : response.headers) append_line(out, name, value);
  if (!answer.keep_alive) append_line(out, "Connection", "close");
  out += "\r\n";
  if (answer.without_body) return;
  if (answer.is_chunked)
    append_chunk(out, response.body);
  else
    out += response.body;
}

void append_stream_head(std::string& out, Envelope const& envelope, std::int64_t utc_us) {
  out += "HTTP/1.1 200 OK\r\n";
  append_line(out, "Content-Type", "text/event-stream");
  append_common(out, envelope, utc_us, {});
  append_line(out, "X-Accel-Buffering", "no");  // proxies are not to wait for more
  append_line(out, "Connection", "close");
  out += "\r\n";
}

void append_switching(std::string& out, Envelope const& envelope, Switching const& switching) {
  out += "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  append_line(out, "Sec-WebSocket-Accept", switching.accept_key);
  if (!switching.protocol.empty()) append_line(out, "Sec-WebSocket-Protocol", switching.protocol);
  if (!switching.extension.empty()) append_line(out, "Sec-WebSocket-Extensions", switching.extension);
  append_line(out, "X-Request-ID", envelope.request_id);
  append_line(out, "X-Correlation-ID", envelope.correlation_id);
  out += "\r\n";
}

std::string_view check_handshake(Request const& request) {
  if (request.method != "GET") return "a WebSocket handshake is a GET";
  if (request.header("sec-websocket-version") != "13") return "Sec-WebSocket-Version must be 13";
  if (request.count_headers("sec-websocket-key") != 1 || !websocket::is_valid_key(request.header("sec-websocket-key")))
    return "Sec-WebSocket-Key must be 16 bytes in base64";
  if (!request.body.empty()) return "a WebSocket handshake has no body";
  return {};
}

// The field may be there more than once, which is the same as one list (RFC 6455, section 9.1).
websocket::Agreement agree_on_compression(Request const& request, websocket::Compression compression) {
  if (compression == websocket::Compression::off) return {};
  for (auto const& [name, value] : request.headers) {
    if (!equal_ignoring_case(name, "sec-websocket-extensions")) continue;
    if (auto const agreement = websocket::accept_offer(value)) return agreement;
  }
  return {};
}

}  // namespace sojourn
