"""rowcachectl warm: a file of queries is asked for, as a client would, and no further than a limit."""

import json
import signal
import subprocess

import pytest

import v3
from certificates import make_certificate
from daemon import (OTHER_TOKEN, QUESTIONS, ROWCACHECTL, TOKEN, arrived, question,
                    wait_until_held)
from test_where_commands_go import Impostor, needs_root
from wire import encode, patience, tenths

AS_V3 = ("-o", "upstream.api=v3")
LOST = 'where=type%3D"lost"'


@pytest.fixture
def token(tmp_path):
    """The option that names a file with the token."""
    return token_file(tmp_path, TOKEN)


def token_file(directory, text, mode=0o600):
    file = directory / "token"
    file.write_text(text + "\n")
    file.chmod(mode)
    return "--token-file", str(file)


def line(target="rows-5.example", **params) -> str:
    """A query without a token."""
    return encode(question(target, **{"token": None, **params}))


@pytest.fixture
def warm(tmp_path):
    """Runs warm on lines: warm(daemon, [...], ...); `dash_o` come before the command."""

    def run_one(daemon, lines, *arguments, dash_o=(), **options):
        file = tmp_path / "queries"
        file.write_bytes(b"".join(
            (text if isinstance(text, bytes) else text.encode()) + b"\n" for text in lines))
        return daemon.ctl(*dash_o, "warm", str(file), *arguments, **options)

    return run_one


def told(done) -> dict:
    """What --json printed."""
    return json.loads(done.stdout)


def sums(done) -> tuple:
    answer = told(done)
    return answer["asked"], answer["hits"], answer["misses"], answer["failed"]


def outcomes(done) -> list:
    return [query["outcome"] for query in told(done)["queries"]]


# What is asked


def test_each_line_is_asked_for_and_is_a_hit_from_then_on(sim, rowcache, warm, token):
    daemon = rowcache()
    lines = ["# last week's", line(), "", "?" + line("rows-10.example"),
             "http://apiv2.ahrefs.com/?" + line("rows-20.example") + "#top", "  " + line() + "\r"]
    done = warm(daemon, lines, *token, "--json")
    assert done.returncode == 0, done.stderr
    assert sums(done) == (4, 1, 3, 0)
    assert [query["line"] for query in told(done)["queries"]] == [2, 4, 5, 6]
    assert [query["spent"] for query in told(done)["queries"]] == ["2.0", "3.0", "5.0", "0.0"]
    assert told(done)["spent"] == "10.0" and told(done)["currency"] == "rows"
    assert told(done)["limit"] is None and told(done)["left"] is None
    assert len(arrived(sim)) == 3 and sim.bill(TOKEN) == daemon.account["rows_spent"] == 100
    assert daemon.ask("rows-20.example").hit


def test_people_see_a_line_for_each_query_and_the_sums(rowcache, warm, token):
    daemon = rowcache()
    done = warm(daemon, [line(), line(), line("rows-40.example"), line("rows-40.example") + "&" + LOST],
                *token)
    assert done.returncode == 0
    assert done.stderr.splitlines() == ["line 1: miss, 2.0 rows", "line 2: hit, 0.0 rows",
                                        "line 3: miss, 9.0 rows", "line 4: derived, 0.0 rows"]
    shown = dict(text.rsplit(maxsplit=1) for text in done.stdout.splitlines())
    assert shown == {"asked": "4", "hits": "2", "misses": "2", "failed": "0",
                     "rows spent": "11.0", "cost unknown": "0", "rows left": "-"}


def test_standard_input_is_a_file_too_and_needs_no_last_newline(rowcache, token):
    daemon = rowcache()
    done = daemon.ctl("warm", "-", *token, "--json", input=line() + "\n" + line("rows-10.example"))
    assert done.returncode == 0 and sums(done) == (2, 0, 2, 0)


def test_an_empty_file_is_no_failure(rowcache, warm, token):
    done = warm(rowcache(), ["", "# nothing"], *token, "--json")
    assert done.returncode == 0 and sums(done) == (0, 0, 0, 0) and told(done)["queries"] == []


def test_the_account_of_each_is_that_of_its_token(rowcache, warm, token, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    done = warm(daemon, [line(), line("rows-10.example", token=alice)], *token, "--json")
    assert done.returncode == 0 and sums(done) == (2, 0, 2, 0)
    assert daemon.accounts["alice"]["rows_spent"] == 30
    assert daemon.account["rows_spent"] == 50


def test_a_cost_that_the_head_did_not_tell_is_found_out(sim, rowcache, warm, token):
    daemon = rowcache()
    sim.fault("no_count", match=QUESTIONS)
    done = warm(daemon, [line("rows-20000.example", limit=20000)], *token, "--json")
    assert done.returncode == 0, done.stderr
    assert told(done)["spent"] == "4001.0" and told(done)["unknown"] == 0


# Calls of v3


def test_calls_and_queries_of_v2_are_asked_side_by_side(sim3, driven3, warm, tmp_path):
    daemon = driven3()
    key = token_file(tmp_path, v3.KEY)
    whole = v3.path("rows-5.example", select="url_from,url_to")
    lines = [whole, "https://api.ahrefs.com" + whole, line("rows-5.example", select="url_from,url_to")]
    done = warm(daemon, lines, *key, "--json", "--limit", "10000", dash_o=AS_V3)
    assert done.returncode == 0, done.stderr
    assert outcomes(done)[:2] == ["miss", "hit"] and told(done)["failed"] == 0
    assert told(done)["currency"] == "units"
    assert told(done)["spent"] == daemon.account["units_spent"] > 0
    assert told(done)["left"] == 10000 - told(done)["spent"]
    reply = v3.send(daemon, whole)
    assert reply.hit and reply.status == 200


def test_a_call_may_carry_its_token(driven3, warm):
    daemon = driven3()
    done = warm(daemon, [v3.path() + "&token=" + v3.KEY], "--json")
    assert done.returncode == 0, done.stderr
    assert outcomes(done) == ["miss"] and told(done)["currency"] == "units"
    assert v3.call(daemon).hit, "the token is no parameter of the call"


def test_a_call_is_explained_too(driven3):
    daemon = driven3()
    told_of = daemon.ctl_json("explain", v3.path())
    assert told_of["currency"] == "units" and told_of["normal"].startswith("/v3/"), told_of


@pytest.mark.parametrize("limit", [(), ("--limit", "1000")], ids=["", "limit"])
def test_where_upstream_speaks_v2_there_are_no_calls(rowcache, warm, token, limit):
    done = warm(rowcache(), [v3.path(), line()], *token, "--json", *limit)
    assert done.returncode == 1 and outcomes(done) == ["error", "miss"]
    assert told(done)["queries"][0]["status"] == 404


# The limit


def test_it_stops_before_the_limit_would_be_passed(sim, rowcache, warm, token):
    daemon = rowcache()
    lines = [line(f"rows-5.n{number}.example", limit=5) for number in range(5)]
    done = warm(daemon, lines, *token, "--limit", "5.9", "--json")
    assert done.returncode == 3, done.stderr
    assert sums(done) == (2, 0, 2, 0) and told(done)["spent"] == "4.0"
    assert told(done)["limit"] == "5.9" and told(done)["left"] == "1.9"
    assert "line 3" in done.stderr and "1.9 of --limit are left" in done.stderr
    assert sim.bill(TOKEN) == 40


def test_the_most_that_a_query_can_cost_has_to_fit(sim, rowcache, warm, token):
    """Though it has five rows only, it could have had a thousand."""
    daemon = rowcache()
    done = warm(daemon, [line()], *token, "--limit", "200", "--json")
    assert done.returncode == 3 and arrived(sim) == []
    done = warm(daemon, [line()], *token, "--limit", "201", "--json")
    assert done.returncode == 0 and told(done)["left"] == "199.0"


def test_hits_need_no_limit(sim, rowcache, warm, token):
    daemon = rowcache()
    daemon.ask("rows-40.example")
    lines = [line("rows-40.example"), line("rows-40.example") + "&" + LOST]
    done = warm(daemon, lines, *token, "--limit", "0", "--json")
    assert done.returncode == 0, done.stderr
    assert outcomes(done) == ["hit", "derived"] and len(arrived(sim)) == 1


def test_a_request_of_somebody_else_is_waited_for(sim, rowcache, warm, token, tmp_path):
    """If it failed, this one would have to pay."""
    daemon = rowcache()
    daemon.ask("rows-10.example")
    sim.hold(match=QUESTIONS)
    first = daemon.send(question())
    wait_until_held(sim)
    process = start_warm(daemon, tmp_path, [line()], *token, "--limit", "0", "--json")
    sim.release()
    assert first.receive().miss
    first.close()
    output, errors = process.communicate(timeout=patience(30))
    assert process.returncode == 0, errors
    assert json.loads(output)["hits"] == 1


def test_while_it_waits_it_can_be_interrupted(sim, rowcache, token, tmp_path):
    daemon = rowcache()
    sim.hold(match=QUESTIONS)
    first = daemon.send(question())
    wait_until_held(sim)
    process = start_warm(daemon, tmp_path, [line("rows-5.example")], *token, "--limit", "0", "--json")
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=patience(1))
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=patience(30))
    assert process.returncode == 1 and "has not ended" in errors and "interrupted" in errors
    assert len(arrived(sim)) == 1 and json.loads(output)["spent"] == "0.0"
    sim.release()
    assert first.receive().miss
    first.close()


@pytest.mark.parametrize("limit", ["", "-1", "many", "1.55", "1e3"])
def test_a_limit_is_an_amount(rowcache, warm, token, limit):
    done = warm(rowcache(), [line()], *token, "--limit", limit)
    assert done.returncode == 2 and "--limit" in done.stderr and not done.stdout


def test_the_daemon_must_count_in_the_currency_of_the_limit(sim, rowcache, warm, token):
    daemon = rowcache()
    file = ["-o", "upstream.api=v3", "warm", "-", *token, "--limit", "100"]
    done = daemon.ctl(*file, input=line())
    assert done.returncode == 1 and "upstream.api" in done.stderr and arrived(sim) == []


# What fails


def test_a_line_that_fails_is_told_by_its_number_and_the_others_are_asked(rowcache, warm, token):
    daemon = rowcache()
    lines = ["target=rows-5.example", b"target=\xff", "a" * 200000, line(), line(mode="nonsense"),
             line() + "&limit=5&limit=6", line() + "&token=a1&token=b2"]
    done = warm(daemon, lines, *token, "--json")
    assert done.returncode == 1 and "6 of 7 queries failed" in done.stderr
    failed = {query["line"]: query for query in told(done)["queries"] if query["error"]}
    assert failed.keys() == {1, 2, 3, 5, 6, 7}
    assert "UTF-8" in failed[2]["error"] and "bytes" in failed[3]["error"]
    assert failed[2]["status"] is None and failed[6]["status"] == 400
    assert told(done)["spent"] == "2.0" and told(done)["unknown"] == 0


def test_with_a_limit_they_fail_in_the_same_way(rowcache, warm, token):
    lines = ["target=rows-5.example", line(), line() + "&where=" + "a" * 40000]
    done = warm(rowcache(), lines, *token, "--limit", "500", "--json")
    assert done.returncode == 1 and outcomes(done) == ["error", "miss", "error"], done.stderr


def test_an_error_of_upstream_is_a_failure(sim, rowcache, warm, token):
    daemon = rowcache()
    done = warm(daemon, [line(select="foobar_rating"), line()], *token, "--json")
    assert done.returncode == 1 and outcomes(done) == ["error", "miss"]
    assert "foobar_rating" in told(done)["queries"][0]["error"]
    assert tenths(told(done)["spent"]) == sim.bill(TOKEN)


def test_what_broke_off_is_a_failure_and_costs_what_the_account_says(sim, rowcache, warm, token):
    daemon = rowcache()
    sim.fault("cut", match=QUESTIONS)
    done = warm(daemon, [line(limit=5), line("rows-10.example")], *token, "--json")
    assert done.returncode == 1 and outcomes(done) == ["error", "miss"]
    assert tenths(told(done)["spent"]) == daemon.account["rows_spent"]
    assert told(done)["unknown"] == 1


@pytest.mark.parametrize("limit", [(), ("--limit", "1000")], ids=["", "limit"])
def test_what_all_others_would_meet_ends_the_run(sim, rowcache, warm, house, limit, tmp_path):
    daemon = rowcache(house)
    alice = daemon.issue("alice", "--budget", "5")
    lines = [line(f"rows-5.n{number}.example", limit=10) for number in range(5)]
    done = warm(daemon, lines, *token_file(tmp_path, alice), "--json", *limit)
    assert done.returncode == 1
    assert outcomes(done) == ["miss", "miss", "error"]
    assert told(done)["queries"][2]["status"] == 402 and "line 3" in done.stderr
    daemon.ctl_text("token", "revoke", "alice")
    done = warm(daemon, lines, *token_file(tmp_path, alice), "--json", *limit)
    assert outcomes(done) == ["error"] and told(done)["queries"][0]["status"] == 403


def test_a_refused_token_of_one_line_is_that_lines_matter(rowcache, warm, token, house):
    daemon = rowcache(house)
    alice = daemon.issue("alice")
    daemon.ctl_text("token", "revoke", "alice")
    done = warm(daemon, [line(token=alice), line()], *token, "--json")
    assert done.returncode == 1 and outcomes(done) == ["error", "miss"]


def test_without_any_token_it_says_what_is_missing(sim, rowcache, warm):
    done = warm(rowcache(), [line(), line()], "--json")
    assert done.returncode == 1 and outcomes(done) == ["error"]
    assert "--token-file" in done.stderr and sim.requests == []


def test_a_file_that_is_not_there_is_told(rowcache, tmp_path, token):
    daemon = rowcache()
    missing = daemon.ctl("warm", str(tmp_path / "nowhere"), *token)
    assert missing.returncode == 2 and "nowhere" in missing.stderr
    directory = daemon.ctl("warm", str(tmp_path), *token)
    assert directory.returncode == 1 and "cannot be read" in directory.stderr
    assert daemon.ctl("warm").returncode == 2


def test_without_a_daemon_nothing_is_asked(sim, rowcache, warm, token):
    daemon = rowcache()
    assert daemon.stop() == 0
    done = warm(daemon, [line(), line()], *token, "--json")
    assert done.returncode == 1 and "does not run" in done.stderr
    assert sums(done) == (1, 0, 0, 1) and sim.requests == []


@pytest.mark.parametrize("limit, spent", [((), "0.0"), (("--limit", "50"), "2.0")])
def test_what_was_asked_of_a_daemon_that_died_has_an_unknown_cost(sim, rowcache, tmp_path, token,
                                                                  limit, spent):
    daemon = rowcache()
    sim.hold(match=QUESTIONS)
    process = start_warm(daemon, tmp_path, [line(limit=5), line()], *token, "--json", *limit)
    wait_until_held(sim)
    daemon.kill()
    output, errors = process.communicate(timeout=patience(30))
    answer = json.loads(output)
    assert process.returncode == 1 and "no answer" in errors
    assert (answer["asked"], answer["failed"], answer["unknown"]) == (1, 1, 1)
    assert answer["spent"] == spent


# Interruption


def start_warm(daemon, tmp_path, lines, *arguments):
    file = tmp_path / "queries"
    file.write_text("\n".join(lines))
    return subprocess.Popen(
        [ROWCACHECTL, *daemon.dash_o_of_ctl(), "warm", str(file), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_after_the_present_query(sim, rowcache, tmp_path, token, number):
    daemon = rowcache()
    sim.hold(match=QUESTIONS)
    process = start_warm(daemon, tmp_path, [line(), line("rows-10.example")], *token, "--json")
    wait_until_held(sim)
    process.send_signal(number)
    sim.release()
    output, errors = process.communicate(timeout=patience(30))
    assert process.returncode == 1 and "interrupted after line 1" in errors
    assert json.loads(output)["asked"] == json.loads(output)["misses"] == 1
    assert len(arrived(sim)) == 1


def test_a_second_signal_ends_it_at_once(sim, rowcache, tmp_path, token):
    daemon = rowcache()
    sim.hold(match=QUESTIONS)
    process = start_warm(daemon, tmp_path, [line()], *token)
    wait_until_held(sim)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
    assert process.wait(patience(30)) == -signal.SIGINT
    process.communicate()
    sim.release()


# The token


def test_the_token_is_nowhere(rowcache, warm, token):
    daemon = rowcache("server.log_requests=all")
    lines = [line(token=OTHER_TOKEN), line(select="nothing"), line(mode="x", token=OTHER_TOKEN)]
    done = warm(daemon, lines, *token, "--limit", "1000")
    for text in (done.stdout, done.stderr, daemon.log):
        assert TOKEN not in text and OTHER_TOKEN not in text


def test_what_upstream_repeats_is_masked(sim, rowcache, warm, token):
    """The daemon masks a token for all clients but its own."""
    daemon = rowcache()
    sim.fault("status", match=QUESTIONS, code=400, body=json.dumps({"error": TOKEN + " is no good"}))
    done = warm(daemon, [line()], *token, "--json")
    assert "is no good" in told(done)["queries"][0]["error"]
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("content", ["", "two words", "short"])
def test_a_file_that_holds_no_token_is_refused(rowcache, warm, tmp_path, content):
    done = warm(rowcache(), [line()], *token_file(tmp_path, content))
    assert done.returncode == 2 and "--token-file" in done.stderr
    assert not content or content not in done.stderr


def test_a_file_that_everybody_may_read_is_warned_about(rowcache, warm, tmp_path):
    done = warm(rowcache(), [line()], *token_file(tmp_path, TOKEN, 0o644))
    assert done.returncode == 0 and "everybody-may-read-it" in done.stderr


def test_a_bare_name_is_a_file_here(rowcache, warm, tmp_path):
    token_file(tmp_path, TOKEN)
    done = warm(rowcache(), [line()], "--token-file", "token", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@needs_root
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_nobody_else_is_sent_a_token(rowcache, warm, token, shared, kind):
    """Somebody listens where the client side was, and the daemon elsewhere."""
    daemon = rowcache()
    impostor = Impostor(shared / "socket" if kind == "unix" else "")
    where = ["-o", f"state.directory={daemon.state}", "-o", f"server.listen={impostor.address}"]
    done = subprocess.run([ROWCACHECTL, *where, "warm", "-", *token], input=line(),
                          capture_output=True, text=True, timeout=patience(30))
    assert done.returncode == 1 and "was not asked" in done.stderr
    assert impostor.end() == ""


# The client side


def test_a_certificate_of_ones_own_is_known_by_its_key(rowcache, tmp_path, token):
    certificate, key = make_certificate(tmp_path, "client")
    tls = [f"server.tls_certificate={certificate}", f"server.tls_key={key}"]
    daemon = rowcache(*tls)
    dash_o = [word for option in tls for word in ("-o", option)]
    done = daemon.ctl(*dash_o, "warm", "-", *token, input=line())
    assert done.returncode == 0, done.stderr
    other = make_certificate(tmp_path, "other")
    done = daemon.ctl("-o", f"server.tls_certificate={other[0]}", "-o", f"server.tls_key={other[1]}",
                      "warm", "-", *token, input=line("rows-10.example"))
    assert done.returncode == 1 and "server.tls_certificate" in done.stderr
    assert daemon.account["misses"] == 1


def test_a_unix_socket_and_the_first_of_several_addresses(rowcache, shared, token):
    daemon = rowcache(f"server.listen=unix:{shared}/client,127.0.0.1:0")
    listen = f"unix:{shared}/client,127.0.0.1:1"
    done = daemon.ctl("-o", f"server.listen={listen}", "warm", "-", *token, input=line())
    assert done.returncode == 0, done.stderr


def test_every_address_of_the_machine_is_asked_here(rowcache, token):
    daemon = rowcache("server.listen=0.0.0.0:0")
    done = daemon.ctl("warm", "-", *token, input=line())
    assert done.returncode == 0, done.stderr


def test_any_port_is_not_known(rowcache, token):
    daemon = rowcache()
    done = daemon.ctl("-o", "server.listen=127.0.0.1:0", "warm", "-", *token, input=line())
    assert done.returncode == 1 and "port 0" in done.stderr and "server.listen" in done.stderr


def test_without_the_admin_side_there_is_no_limit(rowcache, warm, token, tmp_path):
    daemon = rowcache("admin.listen=none")
    done = daemon.ctl("-o", "admin.listen=none", "warm", "-", *token, input=line())
    assert done.returncode == 0, done.stderr
    done = daemon.ctl("-o", "admin.listen=none", "warm", "-", *token, "--limit", "500", input=line())
    assert done.returncode == 1 and "admin.listen" in done.stderr
