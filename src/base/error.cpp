#include "base/error.h"

#include <array>

namespace sojourn {
namespace {

constexpr std::array table{
    ErrorRow{Code::invalid, "invalid", 400, 1003, -32602, 65, false},
    ErrorRow{Code::unauthenticated, "unauthenticated", 401, 1008, -32001, 77, false},
    ErrorRow{Code::forbidden, "forbidden", 403, 1008, -32003, 77, false},
    ErrorRow{Code::not_found, "not_found", 404, 1008, -32004, 66, false},
    ErrorRow{Code::expired, "expired", 404, 1008, -32010, 66, false},
    ErrorRow{Code::ended, "ended", 404, 1008, -32010, 66, false},
    ErrorRow{Code::conflict, "conflict", 409, 1008, -32009, 75, true},
    ErrorRow{Code::precondition_failed, "precondition_failed", 412, 1008, -32012, 75, false},
    ErrorRow{Code::unprocessable, "unprocessable", 422, 1008, -32022, 65, false},
    ErrorRow{Code::too_large, "too_large", 413, 1009, -32013, 65, false},
    ErrorRow{Code::too_many, "too_many", 429, 1008, -32029, 75, true},
    ErrorRow{Code::header_too_large, "header_too_large", 431, 1009, -32013, 65, false},
    ErrorRow{Code::unsupported, "unsupported", 501, 1003, -32601, 69, false},
    ErrorRow{Code::not_connected, "not_connected", 503, 1011, -32053, 69, true},
    ErrorRow{Code::timeout, "timeout", 504, 1011, -32054, 75, true},
    ErrorRow{Code::failed, "failed", 502, 1011, -32052, 76, false},
    ErrorRow{Code::stale_ref, "stale_ref", 409, 1008, -32011, 65, false},
    ErrorRow{Code::crashed, "crashed", 502, 1011, -32055, 69, true},
    ErrorRow{Code::storage_full, "storage_full", 507, 1011, -32057, 74, true},
    ErrorRow{Code::unavailable, "unavailable", 503, 1013, -32050, 69, true},
    ErrorRow{Code::usage, "usage", 400, 1003, -32602, 64, false},
    ErrorRow{Code::configuration, "configuration", 500, 1011, -32603, 78, false},
    ErrorRow{Code::cannot_create, "cannot_create", 500, 1011, -32603, 73, false},
    ErrorRow{Code::damaged, "damaged", 500, 1011, -32603, 65, false},
    ErrorRow{Code::internal, "internal", 500, 1011, -32603, 70, false},
};

}  // namespace

std::span<ErrorRow const> error_table() { return table; }

ErrorRow const& row(Code code) { return table[static_cast<std::size_t>(code)]; }

}  // namespace sojourn
