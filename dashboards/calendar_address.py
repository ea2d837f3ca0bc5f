"""The viewer's own address of a calendar, as a panel of a page: whether there is one, a new one, none any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dash import Dash, Input, Output, dcc, html
from dash.exceptions import PreventUpdate

from alerts.oncall import feeds
from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components.icons import icon
from dashboards.components.speaking import speaking
from dashboards.context import Console, current_viewer
from dashboards.locale import Say


@dataclass(frozen=True, slots=True)
class CalendarAddress:
    """One calendar that can be subscribed to: the ids of its panel begin with `prefix`, `right` sees the page, `what` is
    one of `feeds.WHAT`, `path` begins the address. `none_yet` and `made` are sentences of the catalogues: that there is
    no address, and what whoever has the new one sees."""

    prefix: str
    right: str
    what: str
    path: str
    none_yet: str
    made: str


def buttons(prefix: str, _: Say) -> list[Any]:
    """The place of the sentences, and the buttons below."""
    return [
        html.Div(id=prefix),
        html.Div(
            [
                html.Button(
                    [icon("plus"), _("Make a new address")], id=f"{prefix}-renew", className="button", type="button"
                ),
                html.Button([icon("close"), _("Revoke it")], id=f"{prefix}-revoke", className="button", type="button"),
            ],
            className="form-line calendar-address",
        ),
    ]


def register_address(
    app: Dash, console: Console, address: CalendarAddress, refused: Callable[[str], str | None] = lambda _name: None
) -> None:
    """The callbacks of the panel; `refused` gives the sentence for people, by name, who can have no such address."""

    def show(_: Say) -> Any:
        name = current_viewer().name
        why = refused(name)
        if why is not None:
            return html.P(_(why), className="dim")
        with reading(console.engine) as connection:
            since = feeds.made_at(connection, name, address.what)
        if since is None:
            return html.P(_(address.none_yet), className="dim")
        return html.P(
            _(
                "You have a calendar address since {time}. It was shown once; make a new one if it is lost.",
                time=_.instant(since),
            ),
            className="dim",
        )

    @guarded(app, address.right, Output(address.prefix, "children"), Input("url", "pathname"))
    def tell(_path: Any) -> Any:
        return show(speaking(console))

    @guarded(
        app,
        "own.calendar",
        Output(address.prefix, "children", allow_duplicate=True),
        Input(f"{address.prefix}-renew", "n_clicks"),
        prevent_initial_call=True,
    )
    def renew(clicks: int | None) -> Any:
        if not clicks:
            raise PreventUpdate
        _, name = speaking(console), current_viewer().name
        if refused(name) is not None:
            return show(_)
        with writing(console.engine) as connection:
            secret = feeds.renew(connection, name, console.clock(), address.what)
        url = f"{console.external_url.rstrip('/')}{address.path}{secret}.ics"
        return [
            html.P(_(address.made)),
            html.Div(
                [html.Code(url, className="on-call-url"), dcc.Clipboard(content=url, title=_("Copy"))],
                className="form-line",
            ),
        ]

    @guarded(
        app,
        "own.calendar",
        Output(address.prefix, "children", allow_duplicate=True),
        Input(f"{address.prefix}-revoke", "n_clicks"),
        prevent_initial_call=True,
    )
    def revoke(clicks: int | None) -> Any:
        if not clicks:
            raise PreventUpdate
        with writing(console.engine) as connection:
            feeds.revoke(connection, current_viewer().name, console.clock(), address.what)
        return show(speaking(console))
