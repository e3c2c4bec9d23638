from broadcaster.auth import EVERYTHING, anybody


def test_without_credentials_everybody_may_do_everything() -> None:
    for token in (None, "", "anything"):
        grant = anybody(token)
        assert grant is EVERYTHING
        assert grant.admin and grant.expires is None
        assert grant.may_publish("a") and grant.may_subscribe("a")
