// The alerts page: a click on a row opens it, the buttons say which alerts are meant.
(function () {
  "use strict";
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    alerts: {
      open: function (cell) {
        if (!cell || !cell.rowId || cell.colId === "ag-Grid-SelectionColumn" || cell.colId === "target" || cell.colId === "ticket") {
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
      askOne: function (clicks, search) {
        const chosen = new URLSearchParams(search).get("alert");
        if (!clicks || !chosen) return [window.dash_clientside.no_update, window.dash_clientside.no_update];
        return [[Number(chosen)], true];
      },
    },
  });
})();
