// A door above Engine.IO sessions that says everything again: text as text, bytes as bytes. The hub's thread.
#pragma once

#include <memory>
#include <span>

#include "api/router.h"

namespace sojourn::conformance {

class EngineEcho {
 public:
  static std::span<Entrance const> entrances();
  std::unique_ptr<EngineClient> attach(Request const& request, EngineLine const& line);
};

}  // namespace sojourn::conformance
