"""The bottom menu (自定义菜单) as data, and the way to publish it. Limits: three buttons, five entries each."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

_FIELDS = ("name", "type", "key", "url")  # what the platform answers back beyond these says nothing about the menu


class MenuKeeper(Protocol):
    """Who keeps the menu (菜单接口)."""

    def get_menu(self) -> dict[str, Any] | None:
        """The menu published now, None when there is none."""

    def create_menu(self, menu: Mapping[str, object]) -> None:
        """Publish this menu instead."""


def _click(name: str, key: str) -> dict[str, object]:
    return {"type": "click", "name": name, "key": key}


MENU: Final[Mapping[str, object]] = {
    "button": [
        {
            "name": "毕业生",
            "sub_button": [
                _click("去向登记", "registration"),
                _click("我的进度", "progress"),
                _click("核验与报告", "report"),
            ],
        },
        {
            "name": "帮助",
            "sub_button": [
                _click("联系老师", "contact"),
                _click("使用帮助", "help"),
            ],
        },
    ],
}
"""The menu; each key arrives as ``Incoming.text`` of kind MENU."""


def publish(keeper: MenuKeeper, menu: Mapping[str, object] = MENU) -> bool:
    """Publish the menu (发布菜单) if another one or none is live; True if it was published."""
    live = keeper.get_menu()
    if live is not None and _essence(live) == _essence(menu):
        return False
    keeper.create_menu(menu)
    return True


def is_live(keeper: MenuKeeper, menu: Mapping[str, object] = MENU) -> bool:
    """Whether exactly this menu is live (菜单已发布)."""
    live = keeper.get_menu()
    return live is not None and _essence(live) == _essence(menu)


def _essence(menu: object) -> list[object]:
    """Buttons without what the platform adds, such as an empty ``sub_button`` under every entry."""
    buttons = menu.get("button", menu.get("sub_button")) if isinstance(menu, Mapping) else None
    if not isinstance(buttons, list):
        return []
    return [
        ({name: button[name] for name in _FIELDS if button.get(name)}, _essence(button))
        for button in buttons
        if isinstance(button, Mapping)
    ]
