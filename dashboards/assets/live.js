// Keeps an open page up to date without pile-up. The server tells over /live that something changed; this sets the
// dcc.Store "live", whose watchers ask for what they show. The next tick is set only when every callback that watches it
// has answered, whoever started it, and its answer was read: Dash throws away what comes back for a callback that was
// started again in the meantime. Ticks that come meanwhile are merged. Without the socket the page asks /live/now
// every ten seconds; when that fails too, a banner says since when. Written for dash_clientside.set_props (Dash >= 2.16).
(function () {
  "use strict";
  var POLL_MS = 10000; // without the socket
  var SILENCE_MS = 16000; // three ticks missed: the connection counts as lost
  var HUNG_MS = 60000; // a callback that has not answered for so long holds nobody up any more
  var WATCHING = /\{"id":"live","property":"data"/; // an input of the callback, as Dash writes it
  var RECONNECT_MS = [1000, 2000, 5000, 10000, 30000];

  var flying = new Map(); // callbacks that watch ticks and have not answered: number -> when
  var flights = 0;
  var waiting = null; // the merged ticks that could not be set yet
  var heardAt = Date.now();
  var versions = null;
  var words = null;
  var socket = null;
  var failures = 0;

  try {
    var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (/^[A-Za-z0-9_+\-\/]{1,64}$/.test(zone)) {
      document.cookie = "bomc_timezone=" + zone + "; path=/; max-age=31536000; samesite=lax";
    }
  } catch (error) {
    console.warn("bomc: this browser does not tell its time zone; the operator's is shown", error);
  }

  var original = window.fetch;
  window.fetch = function (resource, options) {
    var answer = original.apply(this, arguments);
    if (!watchesTicks(resource, options)) {
      return answer;
    }
    var number = ++flights;
    flying.set(number, Date.now());
    var landed = function () {
      flying.delete(number);
      window.setTimeout(flush, 0);
    };
    answer.then(function (response) {
      var read = response.json;
      if (response.status !== 200) {
        landed(); // nothing is read of it
        return;
      }
      response.json = function () {
        var content = read.call(response);
        content.then(landed, landed);
        return content;
      };
    }, landed);
    return answer;
  };

  function watchesTicks(resource, options) {
    var url = typeof resource === "string" ? resource : (resource && resource.url) || "";
    var body = options && typeof options.body === "string" ? options.body : "";
    return url.indexOf("_dash-update-component") >= 0 && WATCHING.test(body);
  }

  function inFlight() {
    var now = Date.now();
    flying.forEach(function (since, number) {
      if (now - since > HUNG_MS) {
        flying.delete(number);
      }
    });
    return flying.size;
  }

  function hear(tick) {
    heardAt = Date.now();
    banner(null);
    var changed = waiting ? waiting.changed.concat(tick.changed) : tick.changed;
    waiting = {
      tick: tick.tick,
      at: tick.at,
      changed: changed.filter(function (name, index) {
        return changed.indexOf(name) === index;
      }),
    };
    flush();
  }

  function flush() {
    if (!waiting || document.hidden || inFlight() > 0) {
      return;
    }
    if (!(window.dash_clientside && window.dash_clientside.set_props)) {
      return; // Dash is not there yet; the next tick tries again
    }
    var data = waiting;
    waiting = null;
    try {
      window.dash_clientside.set_props("live", { data: data });
    } catch (error) {
      waiting = data; // the layout is not there yet
    }
  }

  function connect() {
    var scheme = window.location.protocol === "https:" ? "wss://" : "ws://";
    socket = new WebSocket(scheme + window.location.host + "/live");
    socket.onmessage = function (event) {
      failures = 0;
      hear(JSON.parse(event.data));
    };
    socket.onclose = function () {
      socket = null;
      var wait = RECONNECT_MS[Math.min(failures, RECONNECT_MS.length - 1)];
      failures += 1;
      ask();
      window.setTimeout(connect, wait);
    };
  }

  // Asks once: brings the words, tells a session's end, and stands in for the socket.
  function ask() {
    original("/live/now", { credentials: "same-origin", headers: { Accept: "application/json" } })
      .then(function (answer) {
        if (answer.status === 401) {
          var here = window.location.pathname + window.location.search;
          window.location.assign("/login?next=" + encodeURIComponent(here));
          return null;
        }
        return answer.ok ? answer.json() : null;
      })
      .then(function (now) {
        if (!now) {
          return;
        }
        words = now.words;
        var before = versions;
        versions = now.versions;
        if (socket && socket.readyState === WebSocket.OPEN) {
          return;
        }
        var changed = Object.keys(now.versions).filter(function (name) {
          return !before || before[name] !== now.versions[name];
        });
        hear({ tick: Date.now(), at: now.at, changed: changed });
      })
      .catch(function (error) {
        console.warn("bomc: the console does not answer", error);
      });
  }

  function banner(text) {
    var bar = document.getElementById("live-lost");
    if (!text) {
      if (bar) {
        bar.remove();
      }
      return;
    }
    if (!bar) {
      bar = document.createElement("div");
      bar.id = "live-lost";
      bar.setAttribute("role", "alert");
      document.body.appendChild(bar);
    }
    if (bar.textContent !== text) {
      bar.textContent = text;
    }
  }

  function watch() {
    if (Date.now() - heardAt > SILENCE_MS && words) {
      banner(words.lost.replace("{at}", new Date(heardAt).toLocaleTimeString([], { hour12: false })));
    }
    flush();
  }

  document.addEventListener("visibilitychange", flush);
  window.setInterval(watch, 1000);
  window.setInterval(function () {
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      ask();
    }
  }, POLL_MS);
  ask();
  connect();
})();
