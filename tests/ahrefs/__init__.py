"""A simulator of the Ahrefs API v2: deterministic answers, an exact bill, and faults on demand."""

from .readings import Readings
from .simulator import Simulator

__all__ = ["Readings", "Simulator"]
