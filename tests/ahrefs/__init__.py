"""A simulator of the Ahrefs API v2: deterministic answers, an exact bill, and faults on demand."""

from .simulator import Simulator

__all__ = ["Simulator"]
