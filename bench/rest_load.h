#pragma once
// Requests over several keep-alive connections: each sends so many at once, waits for all of their answers, and
// goes on, until all are done.
// Invariant: an answer of another status than the one expected ends the program.
// One thread.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "poller.h"
#include "report.h"
#include "wire.h"

namespace bench {

class RestLoad {
 public:
  // `at_once` requests stand in one write of a connection.
  RestLoad(std::uint16_t port, std::size_t lanes, std::size_t at_once);

  // make(i) gives the i-th request's bytes; take gets each answer's body. Returns the nanoseconds of each, from
  // the write to its answer.
  std::vector<std::int64_t> run(std::size_t count, int status, std::function<std::string(std::size_t)> const& make,
                                std::function<void(std::string_view)> const& take);

  // A request of this server; a body makes it a POST.
  [[nodiscard]] std::string write_request(std::string_view target, std::string_view body = {}) const;
  [[nodiscard]] std::string write_delete(std::string_view target) const;

  // Makes sessions; `*` in `body` becomes the session's number. Returns their ids.
  std::vector<std::string> create_sessions(std::size_t count, std::string const& body);

  // What the server says it has, by its own count.
  std::size_t count_sessions() { return read_number("/readyz", "sessions"); }
  std::size_t count_connections() { return read_number("/readyz", "connections"); }

 private:
  struct Lane {
    Wire wire;
    std::size_t waiting;
    std::int64_t sent_ns;
  };

  // The number `name` in the answer to a GET.
  std::size_t read_number(std::string_view target, std::string_view name);

  std::uint16_t port_;
  std::size_t at_once_;
  std::size_t made_ = 0;
  Poller poller_;
  std::vector<Lane> lanes_;
};

void measure_get(Arguments const& given);
void measure_many(Arguments const& given);
void measure_cycles(Arguments const& given);

}  // namespace bench
