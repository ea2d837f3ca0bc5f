"""Tables that sort, select and scroll: AG Grid with the console's look, in the viewer's language, running no text as code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag

from dashboards.locale import Say

THEME = {
    "function": "themeQuartz.withParams({"
    "backgroundColor: 'var(--panel)', foregroundColor: 'var(--text)', textColor: 'var(--text)',"
    "borderColor: 'var(--line)', headerBackgroundColor: 'var(--panel)', headerTextColor: 'var(--dim)',"
    "chromeBackgroundColor: 'var(--panel)', rowHoverColor: 'var(--raised)', accentColor: 'var(--accent)',"
    "selectedRowBackgroundColor: 'color-mix(in srgb, var(--accent) 12%, var(--panel))',"
    "oddRowBackgroundColor: 'var(--panel)', menuBackgroundColor: 'var(--panel)', fontFamily: 'inherit',"
    "fontSize: '13px', headerFontSize: '12px', headerFontWeight: 500, rowHeight: '34px', headerHeight: '32px',"
    "wrapperBorder: false, wrapperBorderRadius: '0px', cellHorizontalPadding: '12px', spacing: '6px'})"
}


def grid(
    id: str,
    columns: Sequence[dict[str, Any]],
    _: Say,
    *,
    empty: str,
    row_id: str = "id",
    select: bool = False,
    auto_height: bool = False,
    row_px: int | None = None,
    rows: list[dict[str, Any]] | None = None,
) -> dag.AgGrid:
    """A grid that is filled through `rowData`; `empty` is the sentence that it shows without rows.

    A row whose `chosen` is true is marked; `row_px` is the height of a row without cells that need more.
    """
    options: dict[str, Any] = {
        "theme": THEME,
        "localeText": words(_) | {"noRowsToShow": empty},
        "enableCellTextSelection": True,
        "suppressCellFocus": False,
        "animateRows": False,
        "tooltipShowDelay": 400,
        "suppressColumnVirtualisation": False,
        "rowClassRules": {"row-chosen": "params.data.chosen"},
    }
    if row_px:
        options["rowHeight"] = row_px
    if auto_height:
        options["domLayout"] = "autoHeight"
    if select:
        options["rowSelection"] = {"mode": "multiRow", "enableClickSelection": False, "selectAll": "filtered"}
    return dag.AgGrid(
        id=id,
        columnDefs=list(columns),
        rowData=rows,
        getRowId=f"params.data.{row_id}",
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "suppressMovable": True,
            "minWidth": 60,
            "cellDataType": False,
        },
        dashGridOptions=options,
        dangerously_allow_code=False,
        className="grid" + (" grid-auto" if auto_height else ""),
        style={"height": None, "width": "100%"},
    )


def words(_: Say) -> dict[str, str]:
    """What the grid itself says."""
    return {
        "loadingOoo": _("Loading"),
        "noMatchingRows": _("No row fits the filter"),
        "filterOoo": _("Filter"),
        "equals": _("Equals"),
        "notEqual": _("Does not equal"),
        "contains": _("Contains"),
        "notContains": _("Does not contain"),
        "startsWith": _("Starts with"),
        "endsWith": _("Ends with"),
        "blank": _("Blank"),
        "notBlank": _("Not blank"),
        "lessThan": _("Less than"),
        "greaterThan": _("Greater than"),
        "inRange": _("Between"),
        "andCondition": _("and"),
        "orCondition": _("or"),
        "applyFilter": _("Apply"),
        "resetFilter": _("Reset"),
        "clearFilter": _("Clear"),
        "sortAscending": _("Sort ascending"),
        "sortDescending": _("Sort descending"),
        "sortUnSort": _("Do not sort"),
        "pinColumn": _("Pin column"),
        "autosizeThisColumn": _("Fit this column"),
        "autosizeAllColumns": _("Fit all columns"),
        "resetColumns": _("Reset columns"),
        "copy": _("Copy"),
        "ariaRowToggleSelection": _("Press space to select the row"),
        "ariaRowSelect": _("Press space to select the row"),
        "ariaHeaderSelection": _("Select all rows"),
        "ariaColumnSelectAll": _("Select all rows"),
    }
