// Counts down on the button, then sends the form. Without this script the button works at once, and who presses it
// too early is shown the same page with the seconds that are left.
"use strict";

for (const button of document.querySelectorAll("button[data-wait]")) {
  const label = button.textContent;
  const end = Date.now() + Number(button.dataset.wait) * 1000;
  button.disabled = true;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) {
      button.textContent = button.dataset.counting.replace("{n}", left);
      setTimeout(tick, 250);
      return;
    }
    button.textContent = label;
    button.disabled = false;
    button.form.submit();
  };
  tick();
}

// Back in the history the page must not stand there with a button that was never released.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    for (const button of document.querySelectorAll("button[data-wait]")) {
      button.disabled = false;
    }
  }
});
