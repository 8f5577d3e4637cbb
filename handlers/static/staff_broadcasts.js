// Conveniences of the room of notices: variables at a tap, finer choices at once, a bar that moves. Every page works without this file.
"use strict";

(() => {
  const encoder = new TextEncoder();

  // -- the form --------------------------------------------------------------------------------------

  for (const code of document.querySelectorAll("[data-insert]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = code.dataset.insert;
    button.title = "放进正文";
    button.addEventListener("click", () => {
      const text = code.closest("form").querySelector("[data-text]");
      text.setRangeText(code.dataset.insert, text.selectionStart, text.selectionEnd, "end");
      text.focus();
      text.dispatchEvent(new Event("input"));
    });
    code.hidden = true;
    code.after(button);
  }

  const size = document.querySelector("[data-size]");
  if (size) {
    const text = document.querySelector("[data-text]");
    const most = Number(size.dataset.most);
    const tell = () => {
      const used = encoder.encode(text.value.trim()).length;
      size.textContent = used ? `约 ${Math.ceil(used / 3)} 字` : "";
      size.classList.toggle("over", used > most);
    };
    text.addEventListener("input", tell);
    tell();
  }

  const preset = document.querySelector("[data-preset]");
  if (preset) {
    const boxes = [...document.querySelectorAll("input[name=stage]")];
    const last = boxes.findIndex((box) => box.value === "NO_REAL_PERSON");
    preset.addEventListener("click", (event) => {
      event.preventDefault();
      boxes.forEach((box, place) => { box.checked = place < last; });
    });
  }

  const options = document.querySelector("[data-options]");
  if (options) {
    options.hidden = true;
    for (const select of document.querySelectorAll("[data-finer]")) {
      select.addEventListener("change", () => select.form.requestSubmit(options));
    }
  }

  for (const input of document.querySelectorAll("[data-later]")) {
    input.addEventListener("input", () => { document.querySelector("#later").checked = true; });
  }

  // -- the bar ---------------------------------------------------------------------------------------

  const work = document.querySelector("[data-numbers]");
  const written = (count) => count.toLocaleString("en");

  function show(told) {
    for (const cell of document.querySelectorAll("[data-row]")) {
      cell.textContent = written(told.rows[cell.dataset.row] || 0);
    }
    for (const cell of document.querySelectorAll("[data-total]")) cell.textContent = written(told.total);
    for (const cell of document.querySelectorAll("[data-channel]")) {
      cell.textContent = written(told.channels[cell.dataset.channel] || 0);
    }
    for (const [name, [count, start, width]] of Object.entries(told.parts)) {
      const part = document.querySelector(`[data-part="${name}"]`);
      part.setAttribute("x", `${start}%`);
      part.setAttribute("width", `${width}%`);
      const legend = document.querySelector(`[data-legend="${name}"]`);
      legend.hidden = count === 0;
      legend.querySelector("b").textContent = written(count);
    }
  }

  async function look() {
    const began = performance.now();
    try {
      const answer = await fetch(work.dataset.numbers, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      const told = await answer.json();
      const known = new Set([...document.querySelectorAll("[data-row]")].map((cell) => cell.dataset.row));
      const isOther = String(told.version) !== work.dataset.version || Object.keys(told.rows).some((key) => !known.has(key));
      const isBusy = document.querySelector("details[open]") !== null;
      if (isOther && !isBusy) {
        location.reload();
        return;
      }
      if (known.size) show(told);
      // A slow database is not asked more often than it can bear.
      setTimeout(look, Math.max(1000, 4 * (performance.now() - began)));
    } catch {
      setTimeout(look, 5000); // the network, or a restart: try again, the sending goes on anyway
    }
  }

  if (work) setTimeout(look, 1000);
})();
