// The alerts page: a click on a row opens it, a phone has one column.
(function () {
  "use strict";
  const NARROW = window.matchMedia("(max-width: 760px)");

  // The grid's own interface, or nothing as long as its script is still on the way.
  function grid() {
    try {
      return window.dash_ag_grid.getApi("alerts-grid");
    } catch (_error) {
      return null;
    }
  }

  // On a phone the alert's own cell says state, age and who has it, so the columns of these go.
  const BESIDE = ["state", "age", "who"];

  function turned() {
    const api = document.getElementById("alerts-grid") && grid();
    if (!api) return;
    api.setColumnsVisible(BESIDE, !NARROW.matches);
    api.resetRowHeights();
  }
  NARROW.addEventListener("change", turned);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    alerts: {
      fit: function (_viewport, columns) {
        return columns.map((column) => Object.assign({}, column, { hide: NARROW.matches && BESIDE.includes(column.field) }));
      },
      open: function (cell) {
        if (!cell || !cell.rowId || cell.colId === "ag-Grid-SelectionColumn") {
          return window.dash_clientside.no_update;
        }
        const query = new URLSearchParams(window.location.search);
        query.set("alert", cell.rowId);
        return "?" + query.toString();
      },
    },
  });
})();
