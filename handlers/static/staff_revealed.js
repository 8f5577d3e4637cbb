// What was revealed does not stay on a screen somebody left, nor in a page the browser brings back.
"use strict";
(() => {
  const MINUTES = 3;
  const hide = () => {
    document.getElementById("revealed").remove();
    document.getElementById("gone").hidden = false;
  };
  const timer = setTimeout(hide, MINUTES * 60 * 1000);
  addEventListener("pagehide", () => { clearTimeout(timer); if (document.getElementById("revealed")) hide(); });
})();
