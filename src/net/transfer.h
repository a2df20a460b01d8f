// One outgoing call as libcurl carries it: what is sent, what is heard within bounds, and in words what went wrong.
// Invariant: it stays where it is while its handle lives, and never connects to a port of our own.
// The loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/result.h"
#include "core/caller.h"

struct curl_slist;

namespace sojourn {

// What all calls have in common.
struct TransferRules {
  std::string agent = "sojourn";  // as User-Agent
  std::string ca_file = {};       // PEM: the authorities to trust instead of the system's; empty = the system's
  std::set<std::uint16_t> own_ports = {};  // of ours on this machine's loopback: never connected to, by whatever name
};

class Transfer {
 public:
  // `rules` outlive it.
  Transfer(Call call, TransferRules const& rules);
  ~Transfer();
  Transfer(Transfer const&) = delete;
  Transfer& operator=(Transfer const&) = delete;

  // HOST:PORT for people, without a password that the url may have; empty = the url is none of http or https.
  std::string const& place() const { return place_; }
  std::int64_t timeout_us() const { return call_.timeout_us; }

  // Code::configuration for the url, Code::invalid for a header field.
  Result<> check() const;

  // Makes the handle (a CURL*), which is the transfer's own; nullptr when there is no memory for it. `on_stream` (may
  // be empty) is run inside libcurl when there is more for take_piece(): the body of a 2xx text/event-stream.
  void* open(std::function<void()> on_stream);
  void* handle() const { return handle_.get(); }
  std::string take_piece();

  // What came of it, when libcurl has ended with `code` (a CURLcode). Once.
  Result<CallResult> outcome(int code);
  Error timed_out() const;

 private:
  struct Asked;  // what libcurl asks while it works
  struct Free {
    void operator()(void* handle) const;
  };

  bool set_fields(bool hears_streams);
  bool set_callbacks();
  Error describe(int code) const;
  bool is_stream() const;

  Call call_;
  TransferRules const& rules_;
  std::string place_;
  std::function<void()> on_stream_;
  curl_slist* fields_ = nullptr;
  std::size_t sent_ = 0;
  std::size_t header_bytes_ = 0;
  std::string body_;
  std::string piece_;
  bool is_own_ = false;
  bool has_header_ended_ = false;
  bool is_body_too_large_ = false;
  std::string reason_;  // libcurl's words, in its own buffer
  std::unique_ptr<void, Free> handle_;
};

}  // namespace sojourn
