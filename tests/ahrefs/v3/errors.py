"""The one exception that becomes an error of the API."""

UNAUTHORIZED = ["Error", "Unauthorized"]
FORBIDDEN = ["Error", "Forbidden"]


class Refused(Exception):
    """An answer other than 200: free, with `data` as its JSON, or as it is if it is text."""

    def __init__(self, status, data, headers=None):
        super().__init__(str(data))
        self.status = status
        self.data = data
        self.headers = headers or {}


def refused(status, text):
    """The usual shape."""
    return Refused(status, {"error": text})
