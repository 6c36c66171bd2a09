"""A web page in the operator's browser, which can reach what the browser can."""

import pytest

from daemon import question
from wire import FORM, Client, encode

LOOKED_AT = ["/", "/health", "/metrics", "/api/spend", "/api/status", "/api/token", "/api/cache",
             "/api/explain?" + encode(question()), "/api/nothing"]
CHANGES = [("POST", "/api/token/add", {"name": "mallory"}), ("POST", "/api/reconcile", {}),
           ("POST", "/api/correction", {"token": "alice", "spent": "1", "reason": "why"}),
           ("DELETE", "/api/cache?all", None)]


def ask(daemon, method, path, form=None, **headers):
    """As a browser sends it; `Sec_Fetch_Site` stands for Sec-Fetch-Site."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with Client(daemon.addresses("admin")[0]) as client:
        body = None if form is None else encode(form)
        return client.ask(method, path, body, {**(FORM if body else {}), **given})


def check_refused(reply):
    assert reply.status == 403 and "web page" in reply.json["error"], reply


@pytest.mark.parametrize("site", ["cross-site", "same-site", "another word"])
@pytest.mark.parametrize("path", LOOKED_AT)
def test_a_page_of_another_origin_sees_nothing(rowcache, site, path):
    """Neither as an image nor as a script, nor by a link that is followed."""
    daemon = rowcache()
    for method in ("GET", "HEAD"):
        reply = ask(daemon, method, path, Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors")
        assert reply.status == 403
    link = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document", "Sec_Fetch_User": "?1"}
    check_refused(ask(daemon, "GET", path, Sec_Fetch_Site=site, **link))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("method, path, form", CHANGES, ids=[path for _, path, _ in CHANGES])
def test_a_page_of_another_origin_changes_nothing(rowcache, house, site, method, path, form):
    daemon = rowcache(house)
    daemon.issue("alice")
    assert daemon.ask().miss
    before = daemon.spend(), daemon.admin_json("/api/token")
    check_refused(ask(daemon, method, path, form, Sec_Fetch_Site=site))
    check_refused(ask(daemon, method, path, form, Sec_Fetch_Site=site,
                      Origin="https://evil.example"))
    assert (daemon.spend(), daemon.admin_json("/api/token")) == before
    assert daemon.ask().hit, "the cache is as it was"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8081"])
@pytest.mark.parametrize("path", LOOKED_AT)
def test_a_page_sees_nothing_in_a_browser_that_tells_its_origin_only(rowcache, path, origin):
    """Older ones know no Sec-Fetch-Site; for what is read within one origin they send neither."""
    daemon = rowcache()
    for method in ("GET", "HEAD"):
        assert ask(daemon, method, path, Origin=origin).status == 403
    check_refused(ask(daemon, "GET", path, Origin=origin))


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_what_the_operator_types_is_answered(rowcache, site):
    daemon = rowcache()
    for path in LOOKED_AT[:-1]:
        assert ask(daemon, "GET", path, Sec_Fetch_Site=site).status == 200


def test_one_good_word_does_not_hide_a_bad_one(rowcache):
    daemon = rowcache()
    with Client(daemon.addresses("admin")[0]) as client:
        connection = client.connection
        connection.putrequest("GET", "/api/spend")
        connection.putheader("Sec-Fetch-Site", "none")
        connection.putheader("Sec-Fetch-Site", "cross-site")
        connection.endheaders()
        assert client.receive().status == 403


def test_the_admin_token_makes_no_difference(rowcache, tmp_path):
    file = tmp_path / "admin-token"
    file.write_text("Adm1n-t0ken_for/the+plays=~!\n")
    daemon = rowcache(f"admin.token_file={file}")
    bearer = {"Authorization": "Bearer Adm1n-t0ken_for/the+plays=~!"}
    assert ask(daemon, "GET", "/api/spend", **bearer).status == 200
    check_refused(ask(daemon, "GET", "/api/spend", Sec_Fetch_Site="cross-site", **bearer))


def test_clients_are_no_browsers_of_the_admin_side(rowcache):
    """A page may well ask the client side: it needs a token there."""
    assert rowcache().ask(headers={"Sec-Fetch-Site": "cross-site"}).miss
