"""A simulator of the Ahrefs API v3, over the same web as that of v2."""

from .account import CAPS, Key, Workspace
from .errors import Refused
from .links import TODAY
from .new_lost import as_v2
from .readings import Readings
from .simulator import Simulator

__all__ = ["CAPS", "TODAY", "Key", "Readings", "Refused", "Simulator", "Workspace", "as_v2"]
