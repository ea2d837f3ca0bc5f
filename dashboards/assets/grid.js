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
    return value ? state(value) : null;
  };

  // value: {text, href, note}
  cells.LinkCell = function (props) {
    const value = props.value;
    if (!value || !value.text) return h("span", { className: "dim" }, "–");
    const note = value.note ? h("span", { className: "demo-mark cell-note" }, value.note) : null;
    if (!value.href) return h("span", { className: "cell-link" }, h("span", null, value.text), note);
    return h("span", { className: "cell-link" }, h("a", { href: value.href, onClick: follow }, value.text), note);
  };

  function state(value) {
    return h(
      "span",
      { className: "state state-" + value.status },
      h("span", { className: "state-shape", "aria-hidden": "true" }),
      h("span", { className: "state-word" }, value.word)
    );
  }

  // value: {text, none, acknowledged, ticket}: a person, or that nobody has it; below it the ticket
  function who(value) {
    const tick = value.acknowledged ? h("span", { className: "icon icon-check", "aria-hidden": "true" }) : null;
    const name = h("span", { className: value.none ? "who-nobody" : "who-has", title: value.acknowledged }, tick, value.text);
    const ticket = value.ticket && value.ticket.text ? h("a", { href: value.ticket.href, onClick: follow }, value.ticket.text) : null;
    return h("span", { className: "who-cell" }, name, ticket);
  }

  cells.WhoCell = function (props) {
    return who(props.value || {});
  };

  // value: {text, folded, fixed}: how many alerts hang on this one; a click unfolds or folds them through the address
  function twist(value, id) {
    const mark = h("span", { className: "twist-mark", "aria-hidden": "true" }, value.folded ? "▸" : "▾");
    if (value.fixed) return h("span", { className: "twist twist-fixed" }, mark, value.text);
    return h(
      "button",
      {
        type: "button",
        className: "twist",
        "aria-expanded": String(!value.folded),
        onClick: function (event) {
          event.stopPropagation();
          window.bomcAlerts.fold(id);
        },
      },
      mark,
      value.text
    );
  }

  function mute(value) {
    const shape = h("span", { className: "icon icon-" + value.icon, "aria-hidden": "true" });
    return h("span", { className: "mute-mark", key: value.word }, shape, value.word);
  }

  // value: {title, reason, where, demo, state, age, depth, twist, mutes, follows}: what is wrong, as a sentence, in its
  // place under its cause; state, age and reason show on a phone only
  cells.AlertCell = function (props) {
    const value = props.value;
    if (!value) return null;
    const demo = value.demo ? h("span", { className: "demo-mark" }, value.demo) : null;
    const mutes = (value.mutes || []).map(mute);
    const below = value.twist ? twist(value.twist, props.data.id) : null;
    const follows = value.follows ? h("span", null, value.follows) : null;
    const where = value.where ? h("span", null, value.where) : null;
    return h(
      "span",
      { className: "alert-cell" + (value.depth ? " alert-symptom alert-depth-" + value.depth : "") },
      h("span", { className: "alert-cell-head" }, state(value.state), h("span", { className: "dim" }, value.age)),
      h("span", { className: "alert-cell-title" }, value.title),
      value.reason ? h("span", { className: "alert-cell-why" }, value.reason) : null,
      where || demo || below || follows || mutes.length
        ? h("span", { className: "alert-cell-sub" }, below, ...mutes, where, follows, demo)
        : null,
      h("span", { className: "alert-cell-who" }, who(props.data.who || {}))
    );
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
