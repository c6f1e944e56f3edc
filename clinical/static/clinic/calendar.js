// The calendar: the card of a visit, keys that go from visit to visit, and a line that follows the time.
"use strict";

(() => {
  const STOPS = ".visit, .free";
  const card = () => document.getElementById("visit");
  let opened = null;

  // --- the card of a visit -----------------------------------------------------------------------
  async function openCard(button) {
    const response = await fetch(button.dataset.visit, { credentials: "same-origin", headers: { "HX-Request": "true" } });
    if (response.redirected) return window.location.assign(response.url);
    if (!response.ok) return;
    opened = button.dataset.visit;
    card().innerHTML = await response.text();
    if (!card().matches(":popover-open")) card().showPopover({ source: button });
    place(button.getBoundingClientRect());
    follow();
    (card().querySelector("form button") || card().querySelector("button")).focus();
  }

  // Below the visit where there is room, else above it, and never outside the window.
  function place(from) {
    const box = card().getBoundingClientRect();
    const below = from.bottom + 6;
    const top = below + box.height < window.innerHeight - 8 ? below : from.top - box.height - 6;
    card().style.top = `${Math.min(Math.max(8, top), window.innerHeight - box.height - 8)}px`;
    card().style.left = `${Math.min(Math.max(8, from.left), window.innerWidth - box.width - 8)}px`;
  }

  // The visit that was opened may have been drawn anew.
  function focusOpened() {
    document.querySelector(`[data-visit="${CSS.escape(opened || "")}"]`)?.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-visit]");
    if (button) openCard(button);
    else if (event.target.closest("#visit [data-dialog]")) card().hidePopover();
  });
  document.addEventListener("toggle", (event) => {
    if (event.target === card() && event.newState === "closed" && !document.querySelector("dialog[open]")) focusOpened();
  }, true);
  document.addEventListener("saved", () => {
    if (card()?.matches(":popover-open")) card().hidePopover();
    // The list is a page of its own: it has no block to fetch again.
    if (!document.getElementById("calendar")) window.location.reload();
  });

  // --- keys --------------------------------------------------------------------------------------
  function step(from, key) {
    const columns = [...document.querySelectorAll(".grid-column")].map((column) => [...column.querySelectorAll(STOPS)]);
    const at = columns.findIndex((stops) => stops.includes(from));
    const index = columns[at].indexOf(from);
    if (key === "ArrowDown") return columns[at][index + 1];
    if (key === "ArrowUp") return columns[at][index - 1];
    const side = key === "ArrowRight" ? columns.slice(at + 1) : columns.slice(0, at).reverse();
    const top = from.getBoundingClientRect().top;
    const distance = (stop) => Math.abs(stop.getBoundingClientRect().top - top);
    return side.find((stops) => stops.length)?.reduce((best, stop) => (distance(stop) < distance(best) ? stop : best));
  }

  document.addEventListener("keydown", (event) => {
    const from = event.target.closest?.(STOPS);
    if (!from || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      step(from, event.key)?.focus();
    } else if (event.key.toLowerCase() === "m" && from.dataset.move && localStorage.getItem("keys") !== "off") {
      event.preventDefault();
      window.clinic.open(from.dataset.move, from);
    }
  });

  // --- the time ----------------------------------------------------------------------------------
  const minutesSince = (moment) => Math.max(0, Math.floor((Date.now() - moment) / 60000));

  function follow() {
    for (const line of document.querySelectorAll("[data-now]")) {
      line.dataset.at ??= line.style.getPropertyValue("--at");
      const passed = minutesSince(Date.parse(line.dataset.now));
      line.style.setProperty("--at", Number(line.dataset.at) + passed);
      if (line.matches(".now-time")) line.textContent = clockAfter(line, passed);
    }
    for (const since of document.querySelectorAll("[data-since]")) {
      const minutes = minutesSince(Date.parse(since.dataset.since));
      const words = since.closest("[data-minutes]").dataset;
      const said = minutes < 60 ? words.minutes : words.hours;
      since.textContent = said.replace("{hours}", Math.floor(minutes / 60)).replace("{minutes}", minutes % 60);
    }
  }

  // The page says what time it is at the clinic; the browser's own zone may be another.
  function clockAfter(line, passed) {
    line.dataset.shown ??= line.textContent;
    const [hour, minute] = line.dataset.shown.split(":").map(Number);
    const sum = hour * 60 + minute + passed;
    return `${String(Math.floor(sum / 60) % 24).padStart(2, "0")}:${String(sum % 60).padStart(2, "0")}`;
  }

  setInterval(follow, 30000);
})();
