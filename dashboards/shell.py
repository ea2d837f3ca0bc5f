"""The frame around every page: navigation, counts, language and theme, who is logged in, as of when, demo, connection.

The address chooses the page (`dashboards/pages`); `?lang=en` changes the viewer's language for good. Everything that is
shown again does so on a tick of the store `live`, never by a timer of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, dcc, html, no_update

from alerts.muting import proposals
from core.people import users
from core.store.open import reading, writing
from dashboards.callbacks import guarded
from dashboards.components.filters import address, parse
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty
from dashboards.components.speaking import speaking
from dashboards.components.words import ROLE, word
from dashboards.context import Console, Viewer, current_viewer
from dashboards.locale import LANGUAGES, Say, mark
from dashboards.pages import PAGES, find
from dashboards.queries import alerts, deliveries, overview, tickets
from dashboards.queries.targets import MISSED_INTERVALS

NAVIGATION = (
    ("/", mark("Overview"), "overview"),
    ("/alerts", mark("Alerts"), "bell"),
    ("/silences", mark("Silences"), "bell-off"),
    ("/tickets", mark("Tickets"), "ticket"),
    ("/on-call", mark("On-call"), "phone"),
    ("/duty", mark("Duty desk"), "duty"),
    ("/job-plans", mark("Job plans"), "plan"),
    ("/changes", mark("Changes"), "change"),
    ("/targets", mark("Targets"), "target"),
    ("/threads", mark("Thread pools"), "pool"),
    ("/kpi", mark("KPI"), "kpi"),
    ("/reconciliation", mark("Reconciliation"), "scale"),
    ("/heartbeats", mark("Heartbeats"), "heart"),
    ("/deliveries", mark("Deliveries"), "send"),
)
PULSE_EVERY_S = 15.0
"""The pipeline gives a sign of life at least so often; after two of these it is unknown."""

SANS = (
    '"Inter", "Segoe UI", system-ui, -apple-system, "Noto Sans", "PingFang SC", "Microsoft YaHei", '
    '"Noto Sans CJK SC", sans-serif'
)
THEME = {
    "fontFamily": SANS,
    "fontFamilyMonospace": 'ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace',
    "primaryColor": "blue",
    "defaultRadius": "sm",
    "cursorType": "pointer",
    "respectReducedMotion": True,
}


def frame(console: Console, viewer: Viewer, _: Say) -> dmc.MantineProvider:
    """The whole document for one viewer; pages are put into `page`."""
    return dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Location(id="reload", refresh=True),
            dcc.Store(id="live"),
            dcc.Store(id="language", data=_.language),
            dcc.Store(id="viewport"),
            dmc.NotificationContainer(id="notices", position="top-center", autoClose=7000),
            dmc.AppShell(
                [
                    dmc.AppShellHeader(_header(console, viewer, _)),
                    dmc.AppShellNavbar(_navbar(viewer, _)),
                    dmc.AppShellMain(html.Div(id="page", className="page")),
                ],
                id="shell",
                header={"height": 52},
                navbar={"width": 216, "breakpoint": 760, "collapsed": {"mobile": True}},
                padding=0,
                transitionDuration=0,
            ),
        ],
        theme=THEME,
        defaultColorScheme="auto",
    )


def _header(console: Console, viewer: Viewer, _: Say) -> html.Div:
    other = next(code for code in LANGUAGES if code != _.language)
    badge = [html.Span(_("demo data"), className="demo-badge")] if console.demo else []
    return html.Div(
        [
            html.Button(
                icon("menu"), id="menu", className="shell-tool phone-only", **{"aria-label": _("Menu")}, type="button"
            ),
            dcc.Link(console.operator, href="/", className="operator"),
            *badge,
            html.Div(className="grow"),
            html.Div(id="shell-as-of", className="shell-as-of"),
            dcc.Link(
                [icon("language"), html.Span(LANGUAGES[other], className="wide-only")],
                href=f"?lang={other}",
                id="switch-language",
                className="shell-tool",
                title=LANGUAGES[other],
                refresh=False,
            ),
            dmc.ColorSchemeToggle(
                id="switch-theme",
                className="shell-tool",
                lightIcon=icon("sun"),
                darkIcon=icon("moon"),
                variant="subtle",
                color="gray",
                **{"aria-label": _("Dark or light")},
            ),
        ],
        className="shell-header",
    )


def _navbar(viewer: Viewer, _: Say) -> html.Nav:
    links = [
        dmc.NavLink(
            label=_(label),
            href=path,
            active="exact" if path == "/" else "partial",
            leftSection=icon(picture),
            rightSection=html.Span(id=f"nav-{picture}"),
        )
        for path, label, picture in NAVIGATION
    ]
    foot = html.Div(
        [
            html.B(viewer.name),
            html.Span(word(ROLE, viewer.role, _)),
            html.Form(
                [
                    dcc.Input(type="hidden", name="csrf", value=viewer.csrf),
                    html.Button([icon("out"), _("Log out")], type="submit", className="shell-tool log-out"),
                ],
                action="/logout",
                method="post",
            ),
        ],
        className="nav-foot",
    )
    return html.Nav([*links, foot], className="shell-nav", **{"aria-label": _("Pages")})


def register_pages(app: Dash, console: Console) -> None:
    """Give Dash the frame, its own callbacks, and those of every page."""

    def layout() -> Any:
        """Made anew for each load, since it names its viewer."""
        try:
            viewer = current_viewer()
        except LookupError:  # Dash looks at the layout once while starting, for nobody
            return html.Div()
        return frame(console, viewer, speaking(console))

    app.layout = layout
    _route(app, console)
    _language(app, console)
    _counts(app, console)
    _on_the_client(app)
    for page in PAGES:
        page.register(app, console)


def _route(app: Dash, console: Console) -> None:
    @guarded(app, "own.settings", Output("page", "children"), Output("shell", "navbar"), Input("url", "pathname"))
    def show(path: str) -> tuple[Any, Any]:
        """The page's empty layout; its own callbacks fill it."""
        _ = speaking(console)
        navbar = {"width": 216, "breakpoint": 760, "collapsed": {"mobile": True}}
        found = find(path or "/")
        if found is None:
            return [html.H1(_("There is no such page")), empty(_("Nothing is kept at {path}.", path=path))], navbar
        page, segments = found
        return page.layout(_, *segments), navbar


def _language(app: Dash, console: Console) -> None:
    @guarded(app, "own.settings", Output("reload", "href"), Input("url", "href"))
    def switch(href: str) -> Any:
        """`?lang=` in the address: remember the viewer's choice and load the page again without it."""
        path, _found, query = (href or "").partition("?")
        wanted = dict(part.split("=", 1) for part in query.split("#")[0].split("&") if "=" in part).get("lang")
        if wanted not in LANGUAGES:
            return no_update
        viewer = current_viewer()
        if viewer.session and viewer.language != wanted:
            with writing(console.engine) as connection:
                users.set_language(connection, name=viewer.name, language=wanted, by=viewer.name, now=console.clock())
        return address(path, parse(query.split("#")[0]))


def _counts(app: Dash, console: Console) -> None:
    @guarded(
        app,
        "see.monitoring",
        Output("shell-as-of", "children"),
        Output("nav-bell", "children"),
        Output("nav-ticket", "children"),
        Output("nav-send", "children"),
        Output("nav-bell-off", "children"),
        Input("live", "data"),
    )
    def count(_tick: Any) -> tuple[Any, ...]:
        """How fresh the console is, and how much waits for hands."""
        now = console.clock()
        with reading(console.engine) as connection:
            health = overview.pipeline(connection, now)
            alert_load = alerts.load(connection, now)
            ticket_load = tickets.load(connection, now)
            unsent = deliveries.load(connection)
            proposed = proposals.waiting(connection, now)
        shown = render_as_of(health, now, speaking(console))
        counts = render_counts(alert_load, ticket_load)
        return shown, *counts, render_dead(unsent["dead"]), render_proposed(proposed)


def render_as_of(health: dict[str, Any], now: Any, _: Say) -> list[Any]:
    """When the newest sample came, in the viewer's zone, and the operator's zone where it is another."""
    age_s = health["last_sample_age_s"]
    at = None if age_s is None else now.fromtimestamp(now.timestamp() - age_s, now.tzinfo)
    pulse_s = health["pulse_age_s"]
    stale = pulse_s is None or pulse_s > MISSED_INTERVALS * PULSE_EVERY_S
    return [as_of(_, at, stale=stale), html.Span(zones(_), className="shell-zone wide-only")]


def zones(_: Say) -> str:
    """The zone in which times are shown, and the operator's."""
    if _.timezone == _.operator_timezone:
        return _.timezone
    return _("{zone} (operator: {operator})", zone=_.timezone, operator=_.operator_timezone)


def render_counts(alert_load: dict[str, Any], ticket_load: dict[str, Any]) -> tuple[Any, Any]:
    """The counts beside Alerts and Tickets in the navigation."""
    by_severity = alert_load["by_severity"]
    worst = next((name for name in ("critical", "warning", "unknown") if by_severity.get(name)), "")
    open_alerts, open_tickets = alert_load["open"], ticket_load["open"]
    return (
        html.Span(open_alerts, className=f"nav-count nav-count-{worst}") if open_alerts else "",
        html.Span(open_tickets, className="nav-count" + (" nav-count-warning" if ticket_load["late"] else ""))
        if open_tickets
        else "",
    )


def render_dead(dead: int) -> Any:
    """The count beside Deliveries: messages that nobody took."""
    return html.Span(dead, className="nav-count nav-count-critical") if dead else ""


def render_proposed(waiting: int) -> Any:
    """The count beside Silences: proposals that wait for a second person."""
    return html.Span(waiting, className="nav-count nav-count-warning") if waiting else ""


def _on_the_client(app: Dash) -> None:
    """What needs no server: the menu of a phone, the width in pixels, the theme of the grids."""
    call: Callable[..., Any] = app.clientside_callback
    call(
        ClientsideFunction("console", "toggleMenu"),
        Output("shell", "navbar", allow_duplicate=True),
        Input("menu", "n_clicks"),
        prevent_initial_call=True,
    )
    call(ClientsideFunction("console", "viewport"), Output("viewport", "data"), Input("url", "pathname"))
    call(
        ClientsideFunction("console", "theme"),
        Output("switch-theme", "data-scheme"),
        Input("switch-theme", "computedColorScheme"),
    )
    call(ClientsideFunction("console", "language"), Output("shell", "data-language"), Input("language", "data"))
