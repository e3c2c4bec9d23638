import httpx
from starlette.responses import PlainTextResponse

from broadcaster.http_headers import Protected


async def test_every_answer_says_what_it_is_not() -> None:
    app = Protected(PlainTextResponse("<script>", 404, headers={"vary": "Origin"}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        response = await client.get("/<script>")
    assert (response.status_code, response.headers["vary"]) == (404, "Origin")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response.headers["referrer-policy"] == "no-referrer"
