// Cells of the grids: a status as colour, shape and word; a link into the console; text with a dim remark.
(function () {
  "use strict";
  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

  function h() {
    return window.React.createElement.apply(null, arguments);
  }

  // Follows a link without loading the page again, as Dash's own links do.
  function follow(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    window.history.pushState({}, "", event.currentTarget.getAttribute("href"));
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  // value: {status, word}
  cells.StateCell = function (props) {
    const value = props.value;
    if (!value) return null;
    return h(
      "span",
      { className: "state state-" + value.status },
      h("span", { className: "state-shape", "aria-hidden": "true" }),
      h("span", { className: "state-word" }, value.word)
    );
  };

  // value: {text, href, note}
  cells.LinkCell = function (props) {
    const value = props.value;
    if (!value || !value.text) return h("span", { className: "dim" }, "–");
    const note = value.note ? h("span", { className: "demo-mark cell-note" }, value.note) : null;
    if (!value.href) return h("span", { className: "cell-link" }, h("span", null, value.text), note);
    return h("span", { className: "cell-link" }, h("a", { href: value.href, onClick: follow }, value.text), note);
  };

  // value: {text, none}: a person, or that nobody has it
  cells.WhoCell = function (props) {
    const value = props.value || {};
    return h("span", { className: value.none ? "who-nobody" : "" }, value.text);
  };

  // value: {parts: [{party, text, where}], differs}
  cells.RecordCell = function (props) {
    const value = props.value;
    if (!value) return h("span", { className: "absent" }, props.absent || "–");
    return h(
      "span",
      { className: "record" },
      h("span", { className: "record-text" }, value.text),
      h("span", { className: "record-where" }, value.where)
    );
  };
})();
