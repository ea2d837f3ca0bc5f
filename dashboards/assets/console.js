// What the console does in the browser itself: the phone's menu, the width in pixels, the theme.
(function () {
  "use strict";

  // AG Grid follows the theme of the page through this attribute of the body.
  function followTheme() {
    document.body.dataset.agThemeMode = document.documentElement.dataset.mantineColorScheme === "dark" ? "dark" : "light";
  }
  new MutationObserver(followTheme).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ["data-mantine-color-scheme"],
  });
  followTheme();

  let open = false;
  window.addEventListener("popstate", function () {
    open = false;
  });

  function navbar(shown) {
    return { width: 216, breakpoint: 760, collapsed: { mobile: !shown } };
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    console: {
      toggleMenu: function (clicks) {
        if (!clicks) return window.dash_clientside.no_update;
        const shown = document.querySelector(".shell-nav").getBoundingClientRect().left >= 0;
        open = !shown;
        return navbar(open);
      },
      viewport: function () {
        open = false;
        return { width: window.innerWidth };
      },
      language: function (language) {
        document.documentElement.lang = language === "zh_CN" ? "zh-Hans" : language || "en";
        return language;
      },
      theme: function (scheme) {
        followTheme();
        return scheme || "light";
      },
    },
  });
})();
