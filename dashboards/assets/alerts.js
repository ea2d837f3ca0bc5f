// The alerts page: a click on a row opens it, the buttons say which alerts are meant, a phone has one column.
(function () {
  "use strict";
  const NARROW = window.matchMedia("(max-width: 760px)");

  // On a phone the alert's own cell says state, age and who has it, so the columns of these go.
  function fit() {
    const grid = window.dash_ag_grid && document.getElementById("alerts-grid");
    if (!grid) return;
    window.dash_ag_grid.getApiAsync("alerts-grid").then(function (api) {
      if (!api || api.isDestroyed()) return;
      api.setColumnsVisible(["state", "age", "who"], !NARROW.matches);
      api.resetRowHeights();
    });
  }
  NARROW.addEventListener("change", fit);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    alerts: {
      fit: function () {
        fit();
        return "yes";
      },
      open: function (cell) {
        if (!cell || !cell.rowId || cell.colId === "ag-Grid-SelectionColumn") {
          return window.dash_clientside.no_update;
        }
        const query = new URLSearchParams(window.location.search);
        query.set("alert", cell.rowId);
        return "?" + query.toString();
      },
      selectable: function (rows) {
        return !rows || rows.length === 0;
      },
      askMany: function (clicks, rows) {
        if (!clicks || !rows || !rows.length) return [window.dash_clientside.no_update, false];
        return [rows.map((row) => Number(row.id)), true];
      },
      askOne: function (clicks, shown) {
        if (!clicks || !shown) return [window.dash_clientside.no_update, window.dash_clientside.no_update];
        return [[Number(shown)], true];
      },
    },
  });
})();
