// The worklist: opening an alert in place, choosing several, keys, and going on to the next alert.
"use strict";

(() => {
  const list = () => document.getElementById("worklist");
  const rows = () => [...document.querySelectorAll(".alert-row")];
  const opener = (row) => row.querySelector("[data-open]");
  // Settled at once: htmx would take back what is done to the new lines meanwhile.
  const reload = () => htmx.ajax("GET", list().dataset.address, { target: "#worklist", swap: "outerHTML settle:0ms" });

  // --- opening -------------------------------------------------------------------------------------
  function close(button) {
    document.getElementById(button.getAttribute("aria-controls"))?.remove();
    button.setAttribute("aria-expanded", "false");
    button.closest("tr").classList.remove("open");
  }

  async function open(button) {
    document.querySelectorAll("[data-open][aria-expanded=true]").forEach(close);
    const row = button.closest("tr");
    const details = document.createElement("tr");
    details.id = button.getAttribute("aria-controls");
    details.className = "alert-opened";
    const cell = details.insertCell();
    cell.colSpan = row.cells.length;
    row.after(details);
    row.classList.add("open");
    button.setAttribute("aria-expanded", "true");
    await htmx.ajax("GET", button.dataset.open, { target: cell, swap: "innerHTML" });
    details.scrollIntoView({ block: "nearest" });
  }

  // --- choosing several ------------------------------------------------------------------------------
  const chosen = () => [...document.querySelectorAll("input[name=alert]:checked")].map((box) => box.value);

  function countChosen() {
    const bar = document.getElementById("worklist-chosen");
    if (!bar) return;
    const count = chosen().length;
    bar.hidden = !count;
    const status = bar.querySelector("[role=status]");
    status.textContent = count ? status.dataset.told.replace("#", count) : "";
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-choose-all]")) {
      for (const box of document.querySelectorAll("input[name=alert]")) box.checked = event.target.checked;
    }
    if (event.target.matches("[data-choose-all], input[name=alert]")) countChosen();
  });
  document.addEventListener("htmx:afterSettle", (event) => event.target.id === "worklist" && countChosen());

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-open], [data-chosen], [data-show-new]");
    if (!button) return;
    if (button.matches("[data-show-new]")) reload();
    else if (button.matches("[data-chosen]")) {
      clinic.open(`${button.dataset.chosen}?${new URLSearchParams(chosen().map((id) => ["alert", id]))}`, button);
    } else if (button.getAttribute("aria-expanded") === "true") close(button);
    else open(button);
  });

  // --- keys --------------------------------------------------------------------------------------------
  function current() {
    const row = document.activeElement.closest(".alert-row, .alert-opened");
    return row?.matches(".alert-opened") ? row.previousElementSibling : row;
  }

  function move(step) {
    const all = rows();
    const row = all[Math.min(Math.max(all.indexOf(current()) + step, 0), all.length - 1)];
    if (row) opener(row).focus();
  }

  document.addEventListener("keydown", (event) => {
    if (!list() || clinic.keysRest(event)) return;
    const key = event.key.toLowerCase();
    const address = { p: current()?.dataset.process, e: current()?.dataset.escalate }[key];
    if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (address) clinic.open(address, opener(current()));
    else return;
    event.preventDefault();
  });

  // --- afterwards --------------------------------------------------------------------------------------
  document.addEventListener("alert-done", async (event) => {
    if (!list()) return;
    await reload();
    const next = document.getElementById(`alert-${event.detail.next}`);
    if (next) await open(opener(next));
    const process = next?.nextElementSibling.querySelector(".alert-actions button");
    (process || document.querySelector("#worklist-tabs [aria-current]")).focus();
  });
})();
