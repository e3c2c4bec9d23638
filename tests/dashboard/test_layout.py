from collections.abc import Iterator
from typing import Any

from dash.development.base_component import Component

from dashboard import ids, layout, panels
from dashboard.config import DashboardConfig


def ids_in(component: Any) -> Iterator[str]:
    if isinstance(component, list):
        for each in component:
            yield from ids_in(each)
    elif isinstance(component, Component):
        if hasattr(component, "id"):
            yield component.id
        yield from ids_in(getattr(component, "children", None))


def test_every_id_is_in_the_page_once() -> None:
    found = sorted(ids_in(layout.page(DashboardConfig())))
    shared = {value for name, value in vars(ids).items() if name.isupper()}
    assert found == sorted(shared - {ids.CONFIG})


def test_another_window_is_offered_too() -> None:
    select: Any = panels.window_select(45.0)
    assert select.options[0] == {"label": "45 s", "value": 45.0}
    assert select.value == 45.0


def test_the_usual_windows_reach_from_10_s_to_the_whole_history() -> None:
    select: Any = panels.window_select(60.0)
    assert [option["value"] for option in select.options] == [10, 30, 60, 300, 900, 3600, 0]
