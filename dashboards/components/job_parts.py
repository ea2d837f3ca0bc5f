"""Parts of the page on job plans: the list of today, the calendar of a month, the share done in time, and one job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from alerts.duty.jobs import LARGEST_EVIDENCE_BYTES
from alerts.duty.plan_config import Plan
from dashboards.components.filters import address
from dashboards.components.icons import icon
from dashboards.components.panels import as_of, empty, facts, panel, scrolling
from dashboards.components.rows import history
from dashboards.components.tied_tickets import tied_tickets
from dashboards.components.words import JOB_STATE, word
from dashboards.locale import Say
from dashboards.queries.rows import Row

PATH = "/job-plans"
SHAPES = {
    "open": "unjudged",
    "missed": "critical",
    "done": "ok",
    "late": "warning",
    "dropped": "unjudged",
    "coming": "coming",
}


def job_state(shown: str, _: Say, *, quiet: bool = False) -> html.Span:
    """The state of a job as shape, colour and word."""
    text = html.Span(word(JOB_STATE, shown, _), className="unseen" if quiet else "state-word")
    return html.Span(
        [html.Span(className="state-shape", **{"aria-hidden": "true"}), text],
        className=f"state state-{SHAPES.get(shown, 'unknown')}",
        title=word(JOB_STATE, shown, _) if quiet else None,
    )


def called(plans: Mapping[str, Plan], name: str, _: Say) -> str:
    """What people call a plan; its name when it is no longer there."""
    return plans[name].title.called(_.language) if name in plans else name


def named(title: str, plans: Mapping[str, Plan], _: Say) -> str:
    """`room-walk 2026-03-02` with what people call the plan."""
    plan, space, day = title.rpartition(" ")
    return f"{called(plans, plan, _)}{space}{day}"


def job_list(found: Sequence[Row], plans: Mapping[str, Plan], filters: Mapping[str, str], now: datetime, _: Say) -> Any:
    """The jobs of now, the first due on top."""
    if not found:
        return empty(_("No job is open, and none was done today."))
    return html.Ul(
        [
            html.Li(
                dcc.Link(
                    [
                        job_state(row["shown"], _),
                        html.Span(called(plans, row["plan"], _), className="row-main"),
                        html.Span(_when(row, now, _), className="row-age"),
                        html.Span(
                            " · ".join(filter(None, [row["day"], row["desk"], _filled(row, _), row["done_by"]])),
                            className="row-why",
                        ),
                    ],
                    href=address(PATH, filters, job=str(row["id"])),
                    className="row alert-row duty-row" + (" row-on" if filters.get("job") == str(row["id"]) else ""),
                )
            )
            for row in found
        ],
        className="list",
    )


def _when(row: Row, now: datetime, _: Say) -> str:
    if row["state"] != "open":
        return _.instant(row["done_at"])
    left_s = (row["due_at"] - now).total_seconds()
    return _("{age} left", age=_.age(left_s)) if left_s >= 0 else _("late by {age}", age=_.age(-left_s))


def _filled(row: Row, _: Say) -> str:
    return _("{n} of {all} items", n=len(row["results"]), all=len(row["items"]))


def month_table(
    dues: Mapping[str, Sequence[date]],
    stored: Mapping[tuple[str, str], Row],
    plans: Mapping[str, Plan],
    days: Sequence[date],
    filters: Mapping[str, str],
    today: date,
    _: Say,
) -> Any:
    """Plans by days: a mark for each job, which leads to it once it is stored."""
    if not dues and not stored:
        return empty(_("No job plan is configured; job_plans.yaml holds them."))
    names = [*dues, *sorted({plan for plan, _day in stored} - set(dues))]
    head = html.Tr(
        [
            html.Th(_("Job plan")),
            *(html.Th(day.day, className="num" + (" today" if day == today else "")) for day in days),
        ]
    )
    body = []
    for name in names:
        cells = [
            _cell(stored.get((name, day.isoformat())), day in dues.get(name, ()), day < today, filters, _)
            for day in days
        ]
        body.append(html.Tr([html.Th(called(plans, name, _), scope="row"), *cells]))
    return scrolling(html.Table([html.Thead(head), html.Tbody(body)], className="table month-table"))


def _cell(row: Row | None, due: bool, past: bool, filters: Mapping[str, str], _: Say) -> html.Td:
    if row is not None:
        mark = dcc.Link(job_state(row["shown"], _, quiet=True), href=address(PATH, filters, job=str(row["id"])))
        return html.Td(mark)
    if due and not past:
        return html.Td(job_state("coming", _, quiet=True))
    return html.Td()


def shares(found: Sequence[Row], plans: Mapping[str, Plan], _: Say) -> Any:
    """How many jobs were done in time, by plan and month."""
    if not found:
        return empty(_("No job was due yet."))
    heads = (_("Job plan"), _("Month"), _("Jobs due"), _("In time"), _("Done late"), _("Missed"), _("Share in time"))
    body = [
        html.Tr(
            [
                html.Th(called(plans, row["plan"], _), scope="row"),
                html.Td(row["month"]),
                *(html.Td(_.number(row[name]), className="num") for name in ("due", "in_time", "late", "missed")),
                html.Td(_.share(row["in_time"] / row["due"]), className="num"),
            ]
        )
        for row in found
    ]
    head = html.Tr([html.Th(text, className="" if number < 2 else "num") for number, text in enumerate(heads)])
    return scrolling(html.Table([html.Thead(head), html.Tbody(body)], className="table"))


def job_detail(
    row: Row | None,
    events: Sequence[Row],
    files: Sequence[Row],
    tickets: Sequence[Row],
    plans: Mapping[str, Plan],
    filters: Mapping[str, str],
    now: datetime,
    works: bool,
    _: Say,
) -> Any:
    """One job: when it is due, what was found, the files, the tickets about it, and its history."""
    back = dcc.Link(
        [icon("close"), html.Span(_("Close"), className="unseen")],
        href=address(PATH, filters, job=""),
        className="shell-tool",
    )
    if row is None:
        return panel(_("Detail"), empty(_("There is no such job.")), actions=[back])
    plan = plans.get(row["plan"])
    return panel(
        f"{called(plans, row['plan'], _)} · {row['day']}",
        [
            html.Div([job_state(row["shown"], _), html.Span(row["desk"], className="dim")], className="detail-line"),
            html.P(plan.runbook, className="described") if plan and plan.runbook else None,
            facts(
                [
                    (_("Due"), _.instant(row["due_at"])),
                    (_("Missed from"), _.instant(row["missed_at"])),
                    (_("Done by"), row["done_by"]),
                    (_("Done at"), _.instant(row["done_at"]) if row["done_by"] else None),
                ]
            ),
            html.Div([_result(item, row["results"].get(item["code"]), _) for item in row["items"]]),
            html.Div([_file(one, _) for one in files]),
            *tied_tickets(tickets, "job", row["id"], works, _("No ticket is about this job."), _),
            html.H3(_("History")),
            html.Div(history([_said(event, _) for event in events], _)),
        ],
        footer=as_of(_, now),
        actions=[back],
    )


def _said(event: Row, _: Say) -> Row:
    """An event of a job, with whether it was done in time in the viewer's language."""
    said = {"in time": _("in time"), "late": _("late")} if event["kind"] == "done" else {}
    return {**event, "detail": said.get(event["detail"], event["detail"])}


def _result(item: Mapping[str, Any], result: Mapping[str, Any] | None, _: Say) -> html.Div:
    title = item["title"]["zh" if _.language.startswith("zh") else "en"]
    if result is None:
        told: list[Any] = [html.Span(_("no result yet"), className="dim")]
    else:
        value = {"yes": _("yes"), "no": _("no")}.get(str(result["value"]), str(result["value"]))
        told = [
            html.Span(f"{value} {item['unit']}".strip(), className="" if result["in_range"] else "flood"),
            html.Span(f" · {result['who']}", className="dim"),
        ]
        if not result["in_range"]:
            told.append(html.Span(" · " + _("out of range"), className="flood"))
        if result.get("ticket"):
            told += [" · ", dcc.Link(_("ticket #{n}", n=result["ticket"]), href=f"/tickets?ticket={result['ticket']}")]
        if result["remark"]:
            told.append(html.Span(f" · {result['remark']}", className="dim"))
    return html.Div([html.Span(title, className="event-at"), html.Span(told)], className="event")


def _file(row: Row, _: Say) -> html.Div:
    link = html.A([icon("save"), row["name"]], href=f"/exports/evidence/{row['id']}", download=row["name"])
    print_of = html.Code(row["sha256"][:12], title=row["sha256"])
    return html.Div(
        [html.Span(_.instant(row["at"]), className="event-at"), html.Span([link, " ", print_of, f" · {row['who']}"])],
        className="event",
    )


def checklist(row: Row, _: Say) -> list[Any]:
    """The fields of an open job's checklist, holding what was found so far."""
    return [_field(item, row["results"].get(item["code"], {}), _) for item in row["items"]]


def _field(item: Mapping[str, Any], result: Mapping[str, Any], _: Say) -> html.Div:
    title = item["title"]["zh" if _.language.startswith("zh") else "en"]
    label = title + ("" if item["needed"] else " · " + _("not needed"))
    code, kind, value = item["code"], item["kind"], result.get("value")
    remark = dmc.TextInput(
        id={"type": "job-remark", "item": code}, label=_("Remark"), value=result.get("remark", ""), size="xs"
    )
    known: dict[str, Any] = {"id": {"type": "job-value", "item": code}, "label": label, "size": "sm"}
    if kind == "evidence":
        upload = dcc.Upload(
            html.Button(
                [icon("up"), _("Attach a file"), f" · {value}" if value else ""], type="button", className="button"
            ),
            id={"type": "job-file", "item": code},
            max_size=LARGEST_EVIDENCE_BYTES,
        )
        return html.Label([html.Span(label, className="field-label"), upload], className="form checklist-item")
    if kind == "yes_no":
        choices = [{"value": "yes", "label": _("yes")}, {"value": "no", "label": _("no")}]
        field: Any = dmc.Select(data=choices, value=value, clearable=True, placeholder=_("no result yet"), **known)
    elif kind == "number":
        shown = "" if value is None else f"{value:g}"
        field = dmc.TextInput(value=shown, description=_range(item, _), **known)
    else:
        field = dmc.Textarea(value=value or "", autosize=True, minRows=1, **known)
    return html.Div([field, remark], className="form checklist-item")


def _range(item: Mapping[str, Any], _: Say) -> str:
    least, most, unit = item["least"], item["most"], item["unit"]
    bounds = {"least": f"{least:g}" if least is not None else "", "most": f"{most:g}" if most is not None else ""}
    if least is not None and most is not None:
        said = _("from {least} to {most}", **bounds)
    elif least is not None:
        said = _("at least {least}", least=bounds["least"])
    elif most is not None:
        said = _("at most {most}", most=bounds["most"])
    else:
        said = ""
    return f"{said} {unit}".strip()


def month_of(text: str, today: date) -> date:
    """The first day of the month that an address names (2026-03), else of today's."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        found = today.replace(day=1)
    return found if 2000 <= found.year <= 2200 else today.replace(day=1)


def month_days(first: date) -> list[date]:
    """Every day of the month that begins on `first`."""
    following = (first + timedelta(days=31)).replace(day=1)
    return [first + timedelta(days=number) for number in range((following - first).days)]
