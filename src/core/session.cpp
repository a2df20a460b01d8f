#include "core/session.h"

namespace sojourn {

std::string_view to_word(SessionKind kind) { return kind == SessionKind::extension ? "extension" : "shared"; }

}  // namespace sojourn
