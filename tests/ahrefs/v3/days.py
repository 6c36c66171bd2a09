"""Days and times, in the time zone of a reading. Times are text, as answers have them."""

import re
from datetime import datetime, timedelta

DAY = re.compile(r"\d{4}-\d\d-\d\d")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FORM = "%Y-%m-%dT%H:%M:%SZ"
_HOURS = {"utc": 0, "east": 8, "west": -5}


def is_day(text) -> bool:
    return _is(DAY, text, "%Y-%m-%d")


def is_time(text) -> bool:
    return _is(TIME, text, _FORM)


def _is(pattern, text, form):
    try:
        return bool(isinstance(text, str) and pattern.fullmatch(text)
                    and datetime.strptime(text, form))
    except ValueError:
        return False


def first_second(day, zone) -> str:
    return _shifted(f"{day}T00:00:00Z", -_HOURS[zone])


def last_second(day, zone) -> str:
    return _shifted(f"{day}T23:59:59Z", -_HOURS[zone])


def local_day(time, zone) -> str:
    """The day on which a time falls there; of no time, no day."""
    return _shifted(time, _HOURS[zone])[:10] if time else ""


def _shifted(time, hours):
    if not hours:
        return time
    return (datetime.strptime(time, _FORM) + timedelta(hours=hours)).strftime(_FORM)
