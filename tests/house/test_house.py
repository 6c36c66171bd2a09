"""The claims of daemon/README.md hold: the rooms that a room may include, and the pure library.

    ROWCACHE_BUILD=build /usr/bin/python3 -m pytest tests/house

ROWCACHE_BUILD is a plain build: a sanitizer adds calls of its own to the pure library.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2] / "daemon"
PURE = Path(os.environ.get("ROWCACHE_BUILD", "build")).resolve() / "daemon" / "libpure.a"

# The headers of libraries, by the names that the table of rooms uses. All others are libc's.
LIBRARIES = {
    "curl/": "libcurl", "expat.h": "libexpat", "gnutls/": "gnutls", "idn2.h": "libidn2",
    "ini.h": "inih", "microhttpd.h": "libmicrohttpd", "nettle/": "nettle", "sqlite3.h": "sqlite3",
    "systemd/": "libsystemd", "yajl/": "yajl", "zlib.h": "zlib",
    "zstd.h": "zstd",
}
TESTS = HOUSE.parent / "tests"

_V2 = re.compile(r"refpages|\bV2_|\bv2_|X-Status")
_SAYS_ERROR = re.compile(r'exchange_add_header\(.*, "X-Status", "error"\)')
_FUZZ_TARGETS = re.compile(r"^fuzz_targets = \{(.*?)^\}", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"'(\w+)': '(\w+)'")
_PLACE = re.compile(r"/(?:work|home|root)/[a-z]")
_ROW = re.compile(r"\| `(\w+)` \| [^|]+ \|([^|]*)\|")
_FORTIFIED = re.compile("^__(.+)_chk$")  # what FORTIFY_SOURCE makes of a function of libc
_INCLUDE = re.compile(r'^#include (?:"([a-z0-9_]+)/[^"]+"|<([^>]+)>)', re.MULTILINE)

# What pure code may call beside itself: it touches memory that it is given, and nothing else.
MEMORY = set(
    "calloc free malloc realloc reallocarray strdup strndup explicit_bzero memchr memcmp memcpy "
    "memmem memmove memrchr memset qsort qsort_r strchr strcmp strcspn strlen strncmp strpbrk strrchr "
    "strspn strstr inet_pton snprintf vsnprintf __stack_chk_fail".split()
)
PURE_LIBRARIES = ("yajl_", "XML_", "nettle_", "idn2_", "ini_", "ZSTD_")
ENDS_THE_PROCESS = "base_check.c.o"  # a broken invariant is printed, and that is the end

# What reads the time or waits for it, and the one place that may.
CLOCK = "base_clock.c.o"
TIME = set(
    "clock clock_gettime clock_nanosleep ftime gettimeofday nanosleep pthread_cond_clockwait "
    "pthread_cond_timedwait pthread_mutex_timedlock pthread_timedjoin_np select pselect ppoll poll "
    "sem_clockwait sem_timedwait sigtimedwait sleep time timer_create timerfd_create usleep".split()
)
# These look whether there is room or a byte, and a dying process waits for its last lines.
POLL_NO_CLOCK = {("base_log.c.o", "poll"), ("upstream_sockets.c.o", "poll")}
LIBRARY_NAMES = ("pure", "store", "administration", "service", "ctl")


def rooms():
    """Each room with the rooms and libraries that it may include, in the order of the table."""
    table = {}
    for room, allowed in _ROW.findall((HOUSE / "README.md").read_text()):
        inner, _, outer = allowed.partition(";")
        words = {word.strip(" `") for word in inner.split(",")} - {""}
        table[room] = words, {word.strip() for word in outer.split(",")} - {""}
    return table


ROOMS = rooms()


def sources(room):
    return [file for file in sorted((HOUSE / room).iterdir()) if file.suffix in (".c", ".h")]


def included(file):
    """The rooms and the libraries that a file includes."""
    found = _INCLUDE.findall(file.read_text())
    inner = {room for room, _ in found if room}
    outer = {name for _, header in found for start, name in LIBRARIES.items()
             if header.startswith(start)}
    return inner, outer


def test_every_folder_is_a_room_of_the_table():
    folders = {place.name for place in HOUSE.iterdir() if place.is_dir() and place.name != "man"}
    assert folders == ROOMS.keys()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_knows_only_rooms_above_it_in_the_table(room):
    """So that knowledge runs in one direction."""
    order = list(ROOMS)
    assert ROOMS[room][0] <= set(order[:order.index(room)]) | {"all"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_includes_what_the_table_allows(room):
    inner, outer = ROOMS[room]
    inner = set(ROOMS) if "all" in inner else inner | {room, "tables"}
    for file in sources(room):
        seen_inner, seen_outer = included(file)
        assert seen_inner <= inner, f"{file.name} includes a room that the table does not allow"
        assert seen_outer <= outer, f"{file.name} includes a library that the table does not allow"


@pytest.mark.parametrize("room", [room for room in ROOMS if "all" not in ROOMS[room][0]])
def test_the_table_allows_no_more_than_is_needed(room):
    seen = [included(file) for file in sources(room)]
    used = set().union(*(inner for inner, _ in seen)), set().union(*(outer for _, outer in seen))
    assert ROOMS[room][0] <= used[0] and ROOMS[room][1] <= used[1]


def test_only_db_names_types_and_functions_of_sqlite():
    """Its header does not either, so that they do not come in with it."""
    files = [file for room in ROOMS if room != "db" for file in sources(room)]
    assert [file.name for file in files + [HOUSE / "db" / "db.h"]
            if "sqlite3" in file.read_text()] == []


def test_a_header_is_named_by_its_subject():
    """Headers of the same name in several rooms cannot be told apart in an editor."""
    assert [file for room in ROOMS for file in sources(room) if file.name == "inside.h"] == []


def test_words_of_v2_are_in_its_files_only():
    """Another dialect is files of its own. Fuzz targets may use v2's answers as examples, and
    rowcache's own errors say to their clients that they are errors. A translation writes v2's answer;
    rowcachectl, as a client, reads it."""
    found = {(file.relative_to(HOUSE).as_posix(), word)
             for room in ROOMS for file in sources(room)
             if not (room == "dialect" and file.name.startswith("v2"))
             and file not in (HOUSE / "translate" / "translate.c", HOUSE / "ctl" / "client.c")
             and not file.name.endswith("_fuzz.c")
             for line in file.read_text().splitlines() if not _SAYS_ERROR.search(line)
             for word in _V2.findall(line)}
    assert found == set()


def test_names_of_v3_are_in_its_files_only():
    """What others need of v3 they call through struct dialect. The costs of a head are data."""
    found = {(file.relative_to(HOUSE).as_posix(), word)
             for room in ROOMS for file in sources(room)
             if not (room == "dialect" and file.name.startswith("v3"))
             for word in re.findall(r"\b[vV]3_(?!costs\b)\w+", file.read_text())}
    assert found == set()


def test_each_parser_beside_which_a_fuzz_target_stands_is_fuzzed():
    """tests/meson.build lists them: what it forgets is neither run nor replayed."""
    listed = set(_TARGET.findall(_FUZZ_TARGETS.search((TESTS / "meson.build").read_text())[1]))
    assert listed == {(file.name.removesuffix("_fuzz.c"), room) for room in ROOMS
                      for file in sources(room) if file.name.endswith("_fuzz.c")}
    assert {name for name, _ in listed} == {place.name for place in (TESTS / "corpus").iterdir()}


def test_no_text_names_a_place_of_one_machine():
    """Code, documents and tests hold wherever they are checked out."""
    tree = HOUSE.parent
    files = [file for part in ("daemon", "sql", "conf", "systemd", "tests") for file in
             sorted((tree / part).rglob("*")) if file.is_file()]
    for file in [tree / "README.md", tree / "meson.build", *files]:
        if "__pycache__" not in file.parts and "corpus" not in file.parts:
            found = _PLACE.search(file.read_text(errors="replace"))
            assert not found, f"{file.relative_to(tree)}: {found[0]}"


def symbols(library=PURE):
    """(object, defined, name) of a library."""
    listing = subprocess.run(["nm", "-A", library], capture_output=True, text=True,
                             check=True).stdout
    for line in listing.splitlines():
        place, name = line.split(":")[-2], line.split()[-1]
        yield Path(place).name, " U " not in line, _FORTIFIED.sub(r"\1", name)


def test_the_pure_library_needs_nothing_impure():
    found = list(symbols())
    own = {name for _, defined, name in found if defined}
    needed = {(place, name) for place, defined, name in found if not defined
              and place != ENDS_THE_PROCESS and name != "_GLOBAL_OFFSET_TABLE_"}
    foreign = {(place, name) for place, name in needed
               if name not in own | MEMORY and not name.startswith(PURE_LIBRARIES)}
    assert not foreign


def test_one_file_reads_the_time_and_waits_for_it():
    """So that a test can put another clock in its place."""
    found = {(place, name) for library in LIBRARY_NAMES
             for place, defined, name in symbols(PURE.parent / f"lib{library}.a")
             if not defined and name in TIME}
    assert {name for place, name in found if place == CLOCK} >= {"clock_gettime", "poll"}
    assert {(place, name) for place, name in found if place != CLOCK} == POLL_NO_CLOCK


# Called in their own file only, or not yet, and public for their tests and fuzz targets.
TRIED_BY_THEMSELVES = {
    "db_pragma", "media_of", "peer_find", "process_parse_boot", "process_parse_stat",
    "rules_is_complete", "writer_is_full",
}


def test_no_function_is_without_a_caller():
    """A public function that no other file calls is dead, or private to its file."""
    objects = [place for place in PURE.parent.glob("*.p/*.o")]
    listing = {place: subprocess.run(["nm", place], capture_output=True, text=True,
                                     check=True).stdout.splitlines() for place in objects}
    defined = {line.split()[-1] for place, lines in listing.items() for line in lines
               if " T " in line}
    called = {line.split()[-1] for lines in listing.values() for line in lines if " U " in line}
    assert defined - called - {"main"} == TRIED_BY_THEMSELVES


_STEP = re.compile(r"^STEP\((\w+), (\w+), ([^,]*),", re.MULTILINE)
_NAMED_FILE = re.compile(r"`([a-z_]+/[a-z0-9_*/.]+)`")
_ARROW = re.compile(r"^(\w+) +-> ([\w| ]+)$", re.MULTILINE)


def test_the_drawing_of_a_request_shows_the_table_of_its_steps():
    table = (HOUSE / "tables" / "steps.def").read_text()
    steps = {name.lower(): {step.lower() for step in re.findall(r"TO\((\w+)\)", follow)}
             for name, function, follow in _STEP.findall(table)}
    drawn = {step: set(follow.replace(" ", "").split("|"))
             for step, follow in _ARROW.findall((HOUSE / "README.md").read_text())}
    assert drawn == {step: follow for step, follow in steps.items() if follow}
    assert set().union(*steps.values()) | {"check"} == steps.keys()


def test_every_file_that_the_readme_names_exists():
    named = set(_NAMED_FILE.findall((HOUSE / "README.md").read_text()))
    assert len(named) > 20
    assert not [name for name in named
                if not any([*place.glob(name), *place.glob(name + ".*")]
                           for place in (HOUSE, HOUSE.parent))]


def test_no_step_calls_another():
    table = (HOUSE / "tables" / "steps.def").read_text()
    functions = {f"step_{function}" for _, function, _ in _STEP.findall(table)}
    assert functions
    for file in sources("serve"):
        for line in file.read_text().splitlines():
            called = functions & set(re.findall(r"\b(step_\w+)\(", line))
            assert not called or line.startswith("enum step step_"), (file.name, line)
