"""The rows of organic-keywords: another shape, from the same hash of a host's name."""

from functools import lru_cache
from random import Random

from ..targets import fixed_size
from .links import TODAY

_WORDS = ("best", "cheap", "buy", "how to", "日本語", "naïve", "near me", "2024", "\"quoted\"",
          "a,b")
_SHARES = {"is_branded": 0.1, "is_navigational": 0.1, "is_informational": 0.6,
           "is_commercial": 0.3, "is_transactional": 0.2}
_FEATURES = ([], ["snippet"], ["ai_overview", "question"], ["image_th", "sitelink", "video"])


def keywords_of(scope, edition: int, odd=False, today=TODAY) -> list:
    """The keywords of a scope's first host."""
    return list(_of_host(scope.hosts[0], edition, odd, today))


@lru_cache(maxsize=32)
def _of_host(host, edition, odd, today):
    random = Random(f"{edition}/{host}/keywords")
    size = fixed_size(host)
    count = min(size.rows, 20000) if size else random.randrange(800)
    return tuple(_keyword(host, index, random, odd, today) for index in range(count))


def _keyword(host, index, random, odd, today):
    below, pick = random.random, random.choice
    position = 1 + int(below() ** 2 * 100)
    words = f"{pick(_WORDS)} {pick(_WORDS)} {index}"
    return {
        "keyword": words, "keyword_country": pick(("us", "gb", "de", "jp")),
        "best_position": None if odd and below() < 0.1 else position,
        "best_position_prev": None if below() < 0.2 else position + random.randint(0, 9),
        "best_position_url": None if below() < 0.05 else f"https://{host}/p/{index % 40}",
        "volume": None if below() < 0.1 else int(below() ** 4 * 10**6),
        "keyword_difficulty": None if below() < 0.1 else int(below() * 101),
        "sum_traffic": None if below() < 0.05 else int(below() ** 4 * 10**4),
        "cpc": None if below() < 0.4 else int(below() * 900),
        "words": len(words.split()),
        "language": pick((None, "en", "de", "ja")),
        **{name: below() < share for name, share in _SHARES.items()},
        "last_update": f"{today}T{int(below() * 24):02}:00:00Z",
        "serp_features": pick(_FEATURES),
    }
