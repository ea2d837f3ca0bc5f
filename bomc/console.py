"""The console's web server: the dashboards' application on uvicorn, on a socket that is already ours."""

from __future__ import annotations

import socket
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from bomc import __version__
from bomc.assurance.arrivals import first_days
from bomc.assurance.calendar import card, expectations
from bomc.configuration.estate import Estate
from bomc.home import Home
from bomc.reloading import Reloader
from bomc.service import Address, clock

DAYS_SHOWN = 14
"""Business days whose files the arrivals page expects."""


def serve(
    engine: Engine, estate: Estate, address: Address, listener: socket.socket, home: Home, reloader: Reloader
) -> None:
    """Serve until the process is told to stop (SIGINT or SIGTERM)."""
    import uvicorn

    from dashboards.context import Console
    from dashboards.server import create_app
    from dashboards.shell import register_pages

    settings = estate.settings
    zone = ZoneInfo(settings.operator.timezone)
    console = Console(
        engine=engine,
        clock=clock,
        operator=settings.operator.name,
        timezone=zone,
        external_url=address.external_url,
        language=settings.operator.language,
        demo=any(target.demo for target in estate.targets.values()),
        version=__version__,
        idle=settings.console.session_idle,
        lifetime=settings.console.session_absolute,
        controls=[card(control, zone) for control in estate.controls],
        expectations=lambda now: expectations(estate.controls, zone, now, DAYS_SHOWN, first_days(engine)),
        routes=reloader.routes,
        oncall=reloader.routes.oncall,
        reload=reloader.reload,
        duty=estate.duty,
        plans=estate.plans,
        home=home.path.resolve(),
        heartbeats=estate.heartbeats,
        tickets=estate.tickets,
    )
    reloader.add(console.reroute)
    app = create_app(console, lambda dash: register_pages(dash, console))
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="on")
    uvicorn.Server(config).run(sockets=[listener])
