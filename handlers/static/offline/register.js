// Lets this browser keep the offline page, so that a later scan without the server still tells genuine from forged.
// Nothing else changes; where service workers are missing or not allowed, nothing happens.
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register(new URL("../../sw.js", import.meta.url)).catch(() => {});
}
