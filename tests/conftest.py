from __future__ import annotations

from hypothesis import settings

# A busy machine must not fail a test: no test measures time.
settings.register_profile("icp", deadline=None)
settings.load_profile("icp")
