"""Without Dear PyGui only the parts of the view that need no window are tested."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("dearpygui") else ["test_item_tree.py"]
