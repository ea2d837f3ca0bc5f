"""`bomc init`, `bomc config check`, `bomc db upgrade`: from nothing to a store that can be used."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from bomc.commands.common import HomeOption, carry_out, err, estate_of, fail, home_of, out

config_app = typer.Typer(help="The configuration files.", no_args_is_help=True)
db_app = typer.Typer(help="The store's schema.", no_args_is_help=True)


def init(
    directory: Annotated[Path, typer.Argument(help="The home folder to make; it must not hold a configuration.")],
) -> None:
    """Write a commented configuration to start from."""
    home = home_of(directory)
    try:
        if home.config.exists() and any(home.config.iterdir()):
            fail(f"{home.config} already holds files; choose another folder, or edit those.")
        home.config.mkdir(parents=True, exist_ok=True)
        for template in sorted(resources.files("bomc.templates").iterdir(), key=lambda file: file.name):
            if template.name.endswith(".yaml"):
                (home.config / template.name).write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
                out.print(f"wrote {home.config / template.name}", highlight=False, soft_wrap=True)
    except OSError as error:
        fail(f"{home.config} cannot be written: {error.strerror}.")
    out.print(
        f"\nControls are files too: `bomc reconcile library` lists ready ones for {home.config / 'controls'}.",
        highlight=False,
        soft_wrap=True,
    )
    out.print(
        f"\nNext: look through these files, then\n  bomc --help\n  export BOMC_HOME={directory}\n  bomc config check\n"
        "  bomc db upgrade\n  bomc user add NAME --role admin\n  bomc up",
        highlight=False,
        soft_wrap=True,
    )


@config_app.command("check")
def config_check(home: HomeOption = None) -> None:
    """Read the configuration and name every fault, with its file and line, and note what has no effect or will leave gaps; change
    nothing."""
    from bomc.configuration.estate import notes_of
    from bomc.service import clock

    place = home_of(home)
    estate = estate_of(place)
    for note in (*estate.notes, *notes_of(place.config, estate, clock())):
        err.print(f"note: {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    counts = {
        "targets": len(estate.targets) - len(estate.controls),
        "probes": len(estate.probes),
        "checks": len(estate.checks),
        "receivers": len(estate.routes.receivers),
        "controls": len(estate.controls),
        "schedules": len(estate.routes.oncall.schedules),
        "maintenance windows": len(estate.routes.maintenance),
    }
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    out.print(f"The configuration in {place.config} is sound: {listed}.", highlight=False, soft_wrap=True)


@config_app.command("reload")
def config_reload(home: HomeOption = None) -> None:
    """Have whoever runs on the store read routes.yaml, oncall.yaml and maintenance.yaml again; files with faults change
    nothing."""
    from bomc.commands.people import who
    from bomc.reloading import FILES, LOOK_EVERY_S, ask

    place = home_of(home)
    carry_out(home, lambda connection, _estate, now: ask(connection, place.config, who(), now))
    out.print(
        f"Asked for: everything that runs on this store reads {', '.join(FILES)} again within {LOOK_EVERY_S:g} seconds "
        "and says so, or why not, where it runs and in the audit trail.",
        highlight=False,
        soft_wrap=True,
    )


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of every file, for editors."""
    import json

    from bomc.configuration.reference import schemas

    typer.echo(json.dumps(schemas(), indent=2, ensure_ascii=False))


@db_app.command("upgrade")
def db_upgrade(home: HomeOption = None) -> None:
    """Make the store, or bring its schema up to date."""
    from bomc.home import HomeError
    from core.store.open import StoreError, open_store, upgrade

    place = home_of(home)
    estate = estate_of(place)
    try:
        place.make()
        engine = open_store(place.store_url(estate.settings))
        with out.status("Bringing the store up to date"):
            revision = upgrade(engine)
    except (StoreError, HomeError) as error:
        fail(str(error))
    shown = engine.url.render_as_string(hide_password=True)
    out.print(f"The store {shown} has schema {revision}.", highlight=False, soft_wrap=True)
