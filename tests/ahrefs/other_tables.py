"""The tables that are only passed through: valid JSON that no serializer would write.

Spaces, needless escapes, 1.0, 1e3 and integers of 31 digits make it visible
when something between has parsed an answer and written it anew.
"""

import hashlib
import json

from . import formats

# table -> name of its array
ARRAYS = {
    "ahrefs_rank": "pages",
    "anchors": "anchors",
    "backlinks": "refpages",
    "backlinks_new_lost_counters": "counts",
    "backlinks_one_per_domain": "refpages",
    "broken_links": "refpages",
    "domain_rating": "domain",
    "linked_domains": "domains",
    "metrics": "metrics",
    "pages": "pages",
    "refdomains": "refdomains",
    "refips": "refips",
}
_MOST_RESULTS = 40
_ROW = (
    '{"name" :"\\u0041nchor \\/ \\ud83d\\ude00 %d","rating":1.0, "visits": 1e3,"share":5.00E-1 ,'
    '"big":1234567890123456789012345678901,"minus":-0,"none":null,"list":[ ],"object":{ } }'
)


def count(table, host, limit) -> int:
    """The number of results: between 1 and 40, and not more than asked for."""
    digest = hashlib.sha256(f"{table}/{host}".encode()).digest()
    return min(limit, 1 + digest[0] % _MOST_RESULTS)


def pieces(table, results, output):
    text = _text(ARRAYS[table], results)
    if output == "json":
        return [text.encode()]
    return formats.document(output, json.loads(text))


def _text(member, results):
    rows = ",\n\t".join(_ROW % index for index in range(results))
    stats = f'{{ "total":{results}, "ratio" : 1.50 }}'
    return f'{{ "{member}" : [ {rows} ] ,\r\n  "stats" : {stats} }}\n'
