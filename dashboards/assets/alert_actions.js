// The alerts page: the buttons say which alerts are meant, causes unfold through the address, and keys do what a mouse does.
(function () {
  "use strict";
  const SWITCH = "bomc-alert-keys"; // "off" in the browser's own storage: the keys are not used
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  function grid() {
    try {
      return document.getElementById("alerts-grid") && window.dash_ag_grid.getApi("alerts-grid");
    } catch (_error) {
      return null; // its script is still on the way
    }
  }

  function go(query) {
    window.history.pushState({}, "", window.location.pathname + (query.size ? "?" + query.toString() : ""));
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  // Unfolds a cause, or folds it: the address says which are unfolded, so a view can be sent to a colleague.
  function fold(id) {
    const query = new URLSearchParams(window.location.search);
    const known = (query.get("unfolded") || "").split(",").filter(Boolean);
    const api = grid();
    const node = api && api.getRowNode(String(id));
    const twist = node && node.data.alert.twist;
    if (!twist || twist.fixed) return;
    const left = known.filter((one) => one !== String(id));
    if (twist.folded) left.push(String(id));
    else (node.data.members || []).forEach((one) => query.get("alert") === String(one) && query.delete("alert"));
    if (left.length) query.set("unfolded", left.join(","));
    else query.delete("unfolded");
    go(query);
  }
  window.bomcAlerts = { fold: fold };

  function ids(rows) {
    const box = document.getElementById("alerts-with-symptoms");
    const found = rows.flatMap((row) => [Number(row.id)].concat(box && box.checked ? row.members || [] : []));
    return Array.from(new Set(found));
  }

  function selected() {
    const api = grid();
    return api ? api.getSelectedRows() : [];
  }

  function ask(question, found) {
    if (!found.length) return;
    set("alerts-ids", { data: found });
    set(question, { opened: true });
  }

  // The detail is put in place anew at every refresh, and a callback of its buttons would wait for the answer and be
  // dropped with the button that was pressed. So the button says what it means, and the question opens at once.
  document.addEventListener("click", function (event) {
    const button = event.target instanceof Element && event.target.closest("[data-asks]");
    if (!button || button.disabled) return;
    ask(button.dataset.asks, button.dataset.bulk ? ids(selected()) : [Number(button.dataset.alert)]);
  });
  document.addEventListener("click", function (event) {
    if (event.target instanceof Element && event.target.closest("#alerts-keys-open")) openKeys();
  });
  document.addEventListener("change", function (event) {
    if (event.target instanceof Element && event.target.id === "alerts-keys-on") {
      window.localStorage.setItem(SWITCH, event.target.checked ? "on" : "off");
    }
  });

  const used = () => window.localStorage.getItem(SWITCH) !== "off";

  function openKeys() {
    set("alerts-keys-on", { checked: used() });
    set("alerts-keys", { opened: true });
  }

  // Says aloud where one is; the words are those that the row shows.
  function say(node, api) {
    const value = node.data.alert;
    const marks = (value.mutes || []).map((one) => one.word);
    const parts = [value.state.word, value.title, value.twist && value.twist.text, ...marks, value.age];
    const place = node.rowIndex + 1 + "/" + api.getDisplayedRowCount();
    const box = document.getElementById("alerts-said");
    if (box) box.textContent = [place].concat(parts.filter(Boolean)).join(", ");
  }

  function current(api) {
    const cell = api.getFocusedCell();
    return cell ? api.getDisplayedRowAtIndex(cell.rowIndex) : null;
  }

  function move(api, step) {
    const cell = api.getFocusedCell();
    const last = api.getDisplayedRowCount() - 1;
    if (last < 0) return;
    const to = Math.max(0, Math.min(last, cell ? cell.rowIndex + step : 0));
    api.ensureIndexVisible(to);
    api.setFocusedCell(to, "alert");
    say(api.getDisplayedRowAtIndex(to), api);
  }

  function press(what) {
    const bulk = document.getElementById("alerts-" + what + "-selected");
    const api = grid();
    if (!bulk || !api) return; // without the right there is nothing to press
    const node = current(api);
    const rows = selected();
    ask(bulk.dataset.asks, ids(rows.length ? rows : node ? [node.data] : []));
  }

  const KEYS = {
    j: (api) => move(api, 1),
    k: (api) => move(api, -1),
    ArrowDown: (api) => move(api, 1),
    ArrowUp: (api) => move(api, -1),
    Enter: (api, node) => node && open(node.data.id),
    x: (api, node) => node && node.setSelected(!node.isSelected()),
    f: (api, node) => node && fold(node.data.id),
    a: () => press("ack"),
    h: () => press("shelve"),
    s: () => press("silence"),
    "?": () => openKeys(),
  };

  function open(id) {
    const query = new URLSearchParams(window.location.search);
    query.set("alert", id);
    go(query);
  }

  // In a field, in a question and on another part of the page keys mean what they always do; nothing is trapped.
  function elsewhere(target) {
    if (target.closest("input:not([type=checkbox]), textarea, select, [contenteditable=true], [role=dialog]")) return true;
    return document.querySelector(".mantine-Modal-content, [role=dialog]") !== null;
  }

  document.addEventListener(
    "keydown",
    function (event) {
      const api = grid();
      const target = event.target;
      if (!api || event.ctrlKey || event.metaKey || event.altKey || !(target instanceof Element)) return;
      const act = KEYS[event.key];
      if (!act || elsewhere(target)) return;
      if (event.key !== "?" && !used()) return;
      const inGrid = target.closest("#alerts-grid") !== null;
      // Enter belongs to whatever has the focus, and arrows scroll the page; in the list they are ours
      if (["Enter", "ArrowDown", "ArrowUp"].includes(event.key) && (!inGrid || target.closest("button, a, input"))) return;
      event.preventDefault();
      event.stopPropagation();
      act(api, current(api));
    },
    true
  );

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    alertActions: {
      selectable: function (rows) {
        const count = rows ? rows.length : 0;
        for (const what of ["ack", "shelve", "silence", "assign"]) {
          const id = "alerts-" + what + "-selected"; // there is a button for what the viewer may do
          if (document.getElementById(id)) set(id, { disabled: count === 0 });
        }
        return String(count);
      },
    },
  });
})();
