// Lists in forms as rows (accounts/admin/rows.py): add, remove and move rows, without a request.
"use strict";

(() => {
  const listOf = (name) => document.querySelector(`[data-rows="${CSS.escape(name)}"]`);
  const rowsOf = (list) => [...list.children].filter((child) => child.matches("[data-row]"));
  const first = (part) => [...part.querySelectorAll("select, input:not([type=hidden]), textarea, button")].find((one) => one.checkVisibility());

  // What has changed counts as typed: sentences are written anew, and nobody leaves without being asked.
  function changed(list) {
    rowsOf(list).forEach((row, place) => {
      const number = row.querySelector("[data-row-number]");
      if (number) number.textContent = place + 1;
    });
    list.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function add(name) {
    const list = listOf(name);
    const template = document.querySelector(`template[data-row-of="${CSS.escape(name)}"]`);
    if (rowsOf(list).length >= Number(template.dataset.longest)) return;
    const key = template.dataset.next++;
    list.insertAdjacentHTML("beforeend", template.innerHTML.replaceAll(template.dataset.placeholder, key));
    const row = list.lastElementChild;
    row.dispatchEvent(new CustomEvent("row-added", { bubbles: true }));
    changed(list);
    first(row)?.focus();
  }

  function remove(row) {
    const list = row.parentElement;
    const next = row.nextElementSibling || row.previousElementSibling;
    const button = document.querySelector(`[data-row-add="${CSS.escape(list.dataset.rows)}"]`);
    row.remove();
    changed(list);
    (next?.querySelector("[data-row-remove]") || button)?.focus();
  }

  function move(row, button, back) {
    const other = back ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    other[back ? "before" : "after"](row);
    changed(row.parentElement);
    button.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-row-add], [data-row-remove], [data-row-up], [data-row-down]");
    if (!button) return;
    const row = button.closest("[data-row]");
    if (button.dataset.rowAdd) add(button.dataset.rowAdd);
    else if (button.matches("[data-row-remove]")) remove(row);
    else move(row, button, button.matches("[data-row-up]"));
  });
})();
