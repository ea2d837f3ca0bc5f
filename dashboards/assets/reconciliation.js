// The pages about reconciliation: what was typed for a doing leaves its fields once the doing has gone through; which
// breaks are chosen; on a phone the list has the columns that fit.
(function () {
  "use strict";
  const NARROW = window.matchMedia("(max-width: 760px)");
  const ON_A_PHONE = ["key", "risk"];

  function hidden(column) {
    return NARROW.matches && !ON_A_PHONE.includes(column.field);
  }

  function turned() {
    if (!document.getElementById("cases-grid")) return;
    try {
      const grid = window.dash_ag_grid.getApi("cases-grid");
      grid.getColumnDefs().forEach((column) => grid.setColumnsVisible([column.field], !hidden(column)));
    } catch (error) {
      console.warn("bomc: the list of breaks is not there yet", error);
    }
  }
  NARROW.addEventListener("change", turned);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    reconciliation: {
      emptied: function (done) {
        const typed = Array.prototype.slice.call(arguments, 1);
        return done ? typed.map(() => "") : typed;
      },
      chosen: function (rows) {
        const ids = (rows || []).map((row) => Number(row.id));
        const button = document.getElementById("cases-take"); // not there for those who may only look
        if (button) button.disabled = ids.length === 0;
        return ids;
      },
      // On a phone a column that stays in its place takes half of it, and nothing is left to be shared out among the
      // others: there all move along, each as wide as it has to be.
      pinned: function (_viewport, columns, before) {
        const narrow = (column) => Object.assign({}, column, { pinned: null, flex: null }, column.flex ? { width: column.minWidth } : {});
        return (columns || before).map((column) => (NARROW.matches ? narrow(column) : column));
      },
      fit: function (_viewport, columns) {
        return columns.map((column) => Object.assign({}, column, { hide: hidden(column) }));
      },
    },
  });
})();
