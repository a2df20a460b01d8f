// Queries and cases as the sessions API shows them: what the log says of one of them, shaped as JSON. Members that
// nobody gave are null or empty. An id names the session that it belongs to. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/api.h"
#include "base/random.h"
#include "core/command.h"

namespace sojourn {

// "query_" or "case_", the session's hex digits, "_" and eight more. Of a session whose id is no UUID they are left
// out.
std::string make_query_id(std::string_view session_id, Random& random);
std::string make_case_id(std::string_view session_id, Random& random);

// The session that it belongs to; empty = it is none of ours.
std::string session_of_query(std::string_view query_id);
std::string session_of_case(std::string_view case_id);

// What the log says of a query.
struct QueryRecord {
  std::string id;
  std::string session_id;
  EventRef query;               // null = it is not there any more
  EventRef result;              // null = there is none yet
  std::string named_case = {};  // by whoever looks, when the question is not there any more

  // Of the question; empty = in none.
  std::string case_id() const;
};
QueryRecord find_query(EventPage const& page, std::string query_id);

// The answer, or why there is none, as POST /query and GET /query/{id} say it; `query.result` is there. An error has
// the status of its code.
Response to_query_response(QueryRecord const& query);
// The same of a query in a case, with `status` when it is good.
Response to_case_query_response(QueryRecord const& query, int status);
// 202, with the place where the answer will be.
Response to_pending_response(QueryRecord const& query, bool is_of_case);
// An error of a query that has an id.
Response query_refusal(Error const& error, std::string_view query_id);

// {"case_id",...} of the event that opened it.
std::string to_case(std::string_view case_id, std::string_view session_id, Event const& opened);
inline constexpr std::string_view case_opened = "case.opened";
EventRef find_case(EventPage const& page);

}  // namespace sojourn
