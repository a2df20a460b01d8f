// How the door of the agent-browser app answers: its errors, its sessions and its tasks as JSON. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/api.h"
#include "api/app_tasks.h"
#include "core/command.h"

namespace sojourn {

inline constexpr std::string_view app_name = "agent-browser";

// {"error":{"code":"SESSION_NOT_FOUND","message":"Session not found: ID"}}; of what is unprocessable the "field" too.
// A session that is over is 410.
Response app_refusal(Error const& error, std::string_view session_id = {});

// Whether it is what became of the call, so that it stands in its task, rather than why there was none.
bool is_failed_call(Error const& error);

// SESSION_NOT_FOUND, APP_NOT_FOUND and so on by what is not there, TIMEOUT and so on by the table.
std::string to_app_code(Error const& error);

// A session's record; `ended_us` = 0: it lives.
std::string to_app_session(SessionInfo const& info, std::int64_t ended_us = 0);

std::string to_text(AppTask const& task);

}  // namespace sojourn
