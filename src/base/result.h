// Result<T>: a value or an Error. Expected failures travel as values; exceptions mean bugs and start-up trouble.
#pragma once

#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <utility>

#include "base/error.h"

namespace sojourn {

template <typename T = void> using Result = boost::system::result<T, Error>;

inline Error error(Code code, std::string message) { return Error{code, std::move(message)}; }

// Only reached when value() is called on a failure, which is a bug of the caller.
[[noreturn]] inline void throw_exception_from_error(Error const& e, boost::source_location const&) {
  throw std::logic_error(e.message);
}

}  // namespace sojourn
