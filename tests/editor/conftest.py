"""Where Dear PyGui cannot be loaded (its X11 library may be missing) tests of the window are left out; CI has it."""

import os

try:
    import dearpygui.dearpygui  # noqa: F401
except ImportError:
    if os.environ.get("CI"):
        raise
    collect_ignore = ["gui", "view"]
