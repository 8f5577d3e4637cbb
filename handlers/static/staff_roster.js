// A bar that moves while the worker is busy, and a word before 40 MB travel in vain. Every page works without this file.
"use strict";

(() => {
  const work = document.querySelector("[data-progress]");
  const form = document.querySelector("form[data-most]");

  async function look() {
    try {
      const answer = await fetch(work.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      const told = await answer.json();
      if (!told.is_work) {
        location.reload();
        return;
      }
      const bar = work.querySelector("progress");
      if (told.total) {
        bar.max = told.total;
        bar.value = told.seen;
      }
      if (told.seen) {
        const total = told.total ? `，共约 ${told.total.toLocaleString("en")} 行` : "";
        work.querySelector("[data-seen]").textContent = `已核对 ${told.seen.toLocaleString("en")} 行${total}`;
      }
      setTimeout(look, 1000);
    } catch {
      setTimeout(look, 5000); // the network, or a restart: try again, the work goes on anyway
    }
  }

  if (work) setTimeout(look, 700);

  if (form) {
    const file = form.querySelector("input[type=file]");
    file.addEventListener("change", () => {
      const isTooLarge = file.files.length > 0 && file.files[0].size > form.dataset.most * 1024 * 1024;
      form.querySelector("[data-too-large]").hidden = !isTooLarge;
      form.querySelector("button").disabled = isTooLarge;
    });
  }
})();
