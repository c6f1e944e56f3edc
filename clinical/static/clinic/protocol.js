// Rules as rows: what a kind needs is shown, and a unit stands behind each value.
"use strict";

(() => {
  const FLAGS = ["red", "orange", "grey"];
  const GIVES_NUMBERS = ["measurement", "average", "combination"];

  function fit(rule) {
    showFlag(rule);
    if (!rule.querySelector("[name$='-kind']")) return;
    const kind = rule.querySelector("[name$='-kind']").value;
    for (const part of rule.querySelectorAll("[data-kinds]")) {
      part.hidden = !part.dataset.kinds.split(" ").includes(kind);
      for (const input of part.querySelectorAll("input, select")) input.disabled = part.hidden;
    }
    for (const option of rule.querySelectorAll("option[data-choices]")) {
      option.disabled = GIVES_NUMBERS.includes(kind) && !option.selected;
    }
  }

  function showFlag(rule) {
    const flag = rule.querySelector("[name$='-flag']").value;
    for (const one of FLAGS) rule.classList.toggle(one, one === flag);
  }

  function showUnits(part) {
    for (const unit of part.querySelectorAll("[data-unit-of]")) {
      const select = document.getElementById(unit.dataset.unitOf);
      unit.textContent = select?.selectedOptions[0]?.dataset.unit || "";
    }
  }

  function fitRow(target) {
    const row = target.closest?.("[data-row]");
    const rule = target.closest?.("[data-row=rule]");
    if (rule) fit(rule);
    if (row) showUnits(row);
  }

  // What was tried is not what the rows say any more.
  function tellStale(target) {
    const stale = document.querySelector(".trial [data-stale]");
    if (stale && target.closest?.("[data-rows]")) stale.hidden = false;
  }

  document.addEventListener("change", (event) => {
    fitRow(event.target);
    tellStale(event.target);
  });
  document.addEventListener("row-added", (event) => fitRow(event.target));
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-row=rule]").forEach(fit));
})();
