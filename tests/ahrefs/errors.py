"""The one exception that becomes an answer of the API."""


class ApiError(Exception):
    """What v2 answers with HTTP 200, `X-Status: error` and `{"error": str(self)}`; it is free."""
