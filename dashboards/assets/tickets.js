// The tickets pages: what was typed for a doing leaves the fields once the doing has gone through, and the input for
// files, which its component makes without a name, is named by the words of its button.
(function () {
  "use strict";
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    tickets: {
      emptied: function (done) {
        const typed = Array.prototype.slice.call(arguments, 1);
        return done ? typed.map(() => "") : typed;
      },
    },
  });
  function nameInputs() {
    document.querySelectorAll("#ticket-upload input[type=file]:not([aria-label])").forEach((input) => {
      input.setAttribute("aria-label", document.getElementById("ticket-upload").textContent);
    });
  }
  new MutationObserver(nameInputs).observe(document.documentElement, { childList: true, subtree: true });
})();
