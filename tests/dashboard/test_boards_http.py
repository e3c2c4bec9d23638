from pathlib import Path
from typing import Any

import pytest

from dashboard.app import create_app
from dashboard.boards import Board, PanelSpec, as_json, parse
from dashboard.boards_http import BODY_MAX, PATH
from dashboard.config import DashboardConfig

BOARD = as_json(Board("Shop", 60.0, (PanelSpec("shop.*", width=2),)))
NEW = {"If-None-Match": "*"}


@pytest.fixture
def http(tmp_path: Path) -> Any:
    return create_app(DashboardConfig(dashboards=str(tmp_path))).server.test_client()


def test_a_dashboard_is_saved_listed_changed_and_deleted(http: Any, tmp_path: Path) -> None:
    assert http.get(PATH).json == {"dashboards": [], "problems": [], "writable": True}
    created = http.put(f"{PATH}/shop", json=BOARD, headers=NEW)
    assert created.status_code == 201
    assert created.json["dashboard"] == BOARD
    revision = created.json["revision"]
    assert created.headers["ETag"] == f'"{revision}"'
    assert http.get(f"{PATH}/shop").json == created.json
    assert http.get(PATH).json["dashboards"] == [{"name": "shop", "title": "Shop", "panels": 1, "revision": revision}]
    match = {"If-Match": f'"{revision}"'}
    changed = http.put(f"{PATH}/shop", json={**BOARD, "title": "Other"}, headers=match)
    assert changed.status_code == 200
    assert parse((tmp_path / "shop.toml").read_text()).title == "Other"
    for late in (http.put(f"{PATH}/shop", json=BOARD, headers=match), http.delete(f"{PATH}/shop", headers=match)):
        assert (late.status_code, late.json["code"]) == (412, "changed")
    assert http.delete(f"{PATH}/shop", headers={"If-Match": changed.headers["ETag"]}).status_code == 204
    assert http.get(f"{PATH}/shop").status_code == 404


def test_a_broken_file_is_told_by_name_and_line(http: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[[panels]]\nwidth = 7\n")
    (problem,) = http.get(PATH).json["problems"]
    assert (problem["file"], problem["line"]) == ("broken.toml", 2)
    answer = http.get(f"{PATH}/broken")
    assert (answer.status_code, answer.json["code"], answer.json["line"]) == (422, "bad_board", 2)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"json": BOARD}, 428, "no_revision"),
        ({"json": BOARD, "headers": {"If-Match": '"a", "b"'}}, 428, "no_revision"),
        ({"json": BOARD, "headers": {"If-Match": '"a"'}}, 412, "changed"),
        ({"json": {"titel": "a"}, "headers": NEW}, 422, "bad_board"),
        ({"json": [], "headers": NEW}, 422, "bad_board"),
        ({"data": "{", "content_type": "application/json", "headers": NEW}, 400, "bad_json"),
        ({"data": "{}", "content_type": "text/plain", "headers": NEW}, 415, "bad_type"),
        ({"data": b" " * (BODY_MAX + 1), "content_type": "application/json", "headers": NEW}, 413, "too_large"),
        ({"json": BOARD, "headers": {**NEW, "Host": "evil.example"}}, 403, "forbidden"),
        ({"json": BOARD, "headers": {**NEW, "Origin": "http://evil.example"}}, 403, "forbidden"),
    ],
)
def test_what_is_not_saved(http: Any, tmp_path: Path, request_: Any, status: int, code: str) -> None:
    answer = http.put(f"{PATH}/shop", **request_)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json["message"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["..%2Fshop", "%2e%2e%2fshop", "A", "a.toml", ".a"])
def test_no_name_leads_out_of_the_directory(http: Any, tmp_path: Path, name: str) -> None:
    for answer in (http.put(f"{PATH}/{name}", json=BOARD, headers=NEW), http.get(f"{PATH}/{name}")):
        assert answer.status_code in (400, 404, 405)
    assert not list(tmp_path.parent.glob("*.toml"))
    assert not list(tmp_path.iterdir())


def test_pages_of_other_sites_are_not_told_that_they_may(http: Any) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}
    answer = http.options(f"{PATH}/shop", headers=headers)
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


def test_without_a_directory_nothing_is_saved() -> None:
    http: Any = create_app(DashboardConfig()).server.test_client()
    assert http.get(PATH).json == {"dashboards": [], "problems": [], "writable": False}
    answer = http.put(f"{PATH}/shop", json=BOARD, headers=NEW)
    assert (answer.status_code, answer.json["code"]) == (403, "read_only")
