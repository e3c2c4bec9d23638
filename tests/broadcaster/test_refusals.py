from broadcaster.refusals import Refusals


def test_each_reason_is_counted_by_itself() -> None:
    refusals = Refusals()
    refusals.count("idle")
    refusals.count("idle")
    refusals.count("samples_rate", 40)
    assert refusals.counts == {"idle": 2, "samples_rate": 40}
