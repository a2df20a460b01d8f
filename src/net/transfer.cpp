#include "net/transfer.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace sojourn {
namespace {

constexpr std::size_t header_bytes_max = 64 * 1024;  // of an answer, trailers and interim answers included
// Servers end idle connections after 5 s and more; a call that meets such an end fails, since none is made twice.
constexpr long idle_s_max = 4;

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

std::string place_of(std::string const& url) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> const parsed(curl_url(), &curl_url_cleanup);
  bool const is_plain = std::ranges::all_of(url, [](unsigned char c) { return c > ' ' && c != 0x7f; });
  if (!parsed || !is_plain || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  auto const scheme = url_part(parsed.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return {};
  return url_part(parsed.get(), CURLUPART_HOST) + ":" + url_part(parsed.get(), CURLUPART_PORT);
}

// RFC 9110, section 5.
bool is_field(std::pair<std::string, std::string> const& field) {
  constexpr std::string_view delimiters = "\"(),/:;<=>?@[\\]{}";
  auto const in_name = [&](unsigned char c) {
    return c > ' ' && c < 0x7f && delimiters.find(static_cast<char>(c)) == delimiters.npos;
  };
  auto const in_value = [](unsigned char c) { return (c >= ' ' && c != 0x7f) || c == '\t'; };
  return !field.first.empty() && std::ranges::all_of(field.first, in_name) &&
         std::ranges::all_of(field.second, in_value);
}

// Whether a connection to it ends on this machine's loopback; one to the unspecified address does.
bool is_loopback(in_addr const& address) {
  auto const host = ntohl(address.s_addr);
  return host >> 24 == 127 || host == INADDR_ANY;
}

bool is_loopback(in6_addr const& address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    in_addr inner{};
    std::memcpy(&inner, address.s6_addr + 12, sizeof(inner));
    return is_loopback(inner);
  }
  return IN6_IS_ADDR_LOOPBACK(&address) || IN6_IS_ADDR_UNSPECIFIED(&address);
}

// The port, if the address is on the loopback; else 0.
std::uint16_t loopback_port(sockaddr const* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof(v4));
    return is_loopback(v4.sin_addr) ? ntohs(v4.sin_port) : std::uint16_t{0};
  }
  if (address->sa_family != AF_INET6) return 0;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof(v6));
  return is_loopback(v6.sin6_addr) ? ntohs(v6.sin6_port) : std::uint16_t{0};
}

std::string in_seconds(std::int64_t us) {
  return us % 1'000'000 == 0 ? std::to_string(us / 1'000'000) + " s" : std::to_string(us / 1000) + " ms";
}

template <typename Value> bool set(void* handle, CURLoption option, Value value) {
  return curl_easy_setopt(handle, option, value) == CURLE_OK;
}

}  // namespace

struct Transfer::Asked {
  static std::size_t for_body(char* into, std::size_t size, std::size_t count, void* transfer) {
    auto& self = *static_cast<Transfer*>(transfer);
    auto const bytes = std::min(size * count, self.call_.body.size() - self.sent_);
    std::memcpy(into, self.call_.body.data() + self.sent_, bytes);
    self.sent_ += bytes;
    return bytes;
  }

  // A line at a time; of interim answers too, and of trailers.
  static std::size_t to_hear_header(char* bytes, std::size_t size, std::size_t count, void* transfer) {
    auto& self = *static_cast<Transfer*>(transfer);
    std::string_view const line(bytes, size * count);
    if (line == "\r\n" || line == "\n") self.has_header_ended_ = true;
    if (line.starts_with("HTTP/")) self.has_header_ended_ = false;
    self.header_bytes_ += line.size();
    return self.header_bytes_ > header_bytes_max ? 0 : line.size();
  }

  static std::size_t to_hear_body(char* bytes, std::size_t size, std::size_t count, void* transfer) {
    auto& self = *static_cast<Transfer*>(transfer);
    std::string_view const more(bytes, size * count);
    self.is_body_too_large_ = more.size() > self.call_.body_bytes_max - self.body_.size();
    if (self.is_body_too_large_) return 0;
    self.body_ += more;
    if (self.on_stream_ && self.is_stream()) {
      self.piece_ += more;
      self.on_stream_();
    }
    return more.size();
  }

  static curl_socket_t for_socket(void* transfer, curlsocktype, curl_sockaddr* address) {
    auto& self = *static_cast<Transfer*>(transfer);
    auto const port = loopback_port(&address->addr);
    if (port != 0 && self.rules_.own_ports.contains(port)) {
      self.is_own_ = true;
      return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }
};

void Transfer::Free::operator()(void* handle) const { curl_easy_cleanup(handle); }

Transfer::Transfer(Call call, TransferRules const& rules)
    : call_(std::move(call)), rules_(rules), place_(place_of(call_.url)), reason_(CURL_ERROR_SIZE, '\0') {}

Transfer::~Transfer() {
  handle_.reset();
  curl_slist_free_all(fields_);
}

Result<> Transfer::check() const {
  if (place_.empty())  // which is not shown: a password may stand in it
    return error(Code::configuration, "the url of a call has to begin with http:// or https:// and to name a host");
  if (!std::ranges::all_of(call_.headers, is_field))
    return error(Code::invalid, "a header field of the call to " + place_ + " is malformed");
  return {};
}

void* Transfer::open(std::function<void()> on_stream) {
  on_stream_ = std::move(on_stream);
  handle_.reset(curl_easy_init());
  auto* const handle = handle_.get();
  bool const is_open =
      handle != nullptr && set_fields(on_stream_ != nullptr) && set_callbacks() &&
      set(handle, CURLOPT_URL, call_.url.c_str()) && set(handle, CURLOPT_PROTOCOLS_STR, "http,https") &&
      set(handle, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1}) && set(handle, CURLOPT_FOLLOWLOCATION, 0L) &&
      set(handle, CURLOPT_PROXY, "") &&  // none, whatever the environment says
      set(handle, CURLOPT_NETRC, long{CURL_NETRC_IGNORED}) && set(handle, CURLOPT_NOSIGNAL, 1L) &&
      // or a cancelled call would wait for the system's look-up of a name
      set(handle, CURLOPT_QUICK_EXIT, 1L) && set(handle, CURLOPT_SSL_VERIFYPEER, 1L) &&
      set(handle, CURLOPT_SSL_VERIFYHOST, 2L) &&
      (rules_.ca_file.empty() || set(handle, CURLOPT_CAINFO, rules_.ca_file.c_str())) &&
      set(handle, CURLOPT_MAXAGE_CONN, idle_s_max) && set(handle, CURLOPT_USERAGENT, rules_.agent.c_str()) &&
      set(handle, CURLOPT_ERRORBUFFER, reason_.data());
  if (!is_open) handle_.reset();
  return handle_.get();
}

bool Transfer::set_fields(bool hears_streams) {
  auto const add = [&](std::string const& line) {
    auto* const more = curl_slist_append(fields_, line.c_str());
    fields_ = more != nullptr ? more : fields_;
    return more != nullptr;
  };
  bool is_set = add("Content-Type: application/json") && add("Expect:") &&
                add(hears_streams ? "Accept: application/json, text/event-stream" : "Accept: application/json");
  // A field without a value has to end with a semicolon there.
  for (auto const& [name, value] : call_.headers)
    is_set = is_set && add(value.empty() ? name + ";" : name + ": " + value);
  return is_set && set(handle_.get(), CURLOPT_HTTPHEADER, fields_);
}

// The body comes from a function that can't go back: otherwise libcurl repeats a POST whose old connection broke.
bool Transfer::set_callbacks() {
  auto* const handle = handle_.get();
  void* const self = this;
  return set(handle, CURLOPT_POST, 1L) &&
         set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call_.body.size())) &&
         set(handle, CURLOPT_READFUNCTION, &Asked::for_body) && set(handle, CURLOPT_READDATA, self) &&
         set(handle, CURLOPT_HEADERFUNCTION, &Asked::to_hear_header) && set(handle, CURLOPT_HEADERDATA, self) &&
         set(handle, CURLOPT_WRITEFUNCTION, &Asked::to_hear_body) && set(handle, CURLOPT_WRITEDATA, self) &&
         set(handle, CURLOPT_OPENSOCKETFUNCTION, &Asked::for_socket) && set(handle, CURLOPT_OPENSOCKETDATA, self);
}

std::string Transfer::take_piece() { return std::exchange(piece_, {}); }

bool Transfer::is_stream() const {
  long status = 0;
  char const* type = nullptr;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_TYPE, &type);
  std::string_view rest = type != nullptr ? type : "";
  return status / 100 == 2 && equal_ignoring_case(trimmed(take_until(rest, ';')), "text/event-stream");
}

Result<CallResult> Transfer::outcome(int code) {
  if (code != CURLE_OK) return describe(code);
  if (!has_header_ended_) return describe(CURLE_PARTIAL_FILE);  // which libcurl lets pass
  long status = 0;
  char const* type = nullptr;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_TYPE, &type);
  return CallResult{static_cast<int>(status), type != nullptr ? type : "", std::move(body_)};
}

Error Transfer::timed_out() const {
  return error(Code::timeout, "no whole answer from " + place_ + " within " + in_seconds(call_.timeout_us));
}

Error Transfer::describe(int code) const {
  if (header_bytes_ > header_bytes_max)
    return error(Code::too_large,
                 "the header of what " + place_ + " answers is over " + std::to_string(header_bytes_max) + " bytes");
  if (is_body_too_large_)
    return error(Code::too_large,
                 "what " + place_ + " answers is over " + std::to_string(call_.body_bytes_max) + " bytes");
  if (is_own_) return error(Code::forbidden, place_ + " is this server itself; give the url of another program");
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return error(Code::unavailable, "no address is known for " + place_ + "; correct its url in the configuration");
    case CURLE_COULDNT_CONNECT: {
      long why = 0;
      curl_easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &why);
      return error(Code::unavailable, "no connection to " + place_ + " (" +
                                          std::generic_category().message(static_cast<int>(why)) +
                                          "); start the program there, or correct its url in the configuration");
    }
    case CURLE_OPERATION_TIMEDOUT:
      return timed_out();
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
      return error(Code::failed, "no safe connection to " + place_ + ": " + reason_.c_str());
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
      return error(Code::failed, place_ + " ended the connection before its answer was whole");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return error(Code::failed, "what " + place_ + " answers is not HTTP");
    default:
      return error(Code::failed,
                   "the call to " + place_ + " failed: " + curl_easy_strerror(static_cast<CURLcode>(code)));
  }
}

}  // namespace sojourn
