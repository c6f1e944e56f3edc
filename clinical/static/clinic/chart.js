// Menus of the chart page: one is open at a time.
"use strict";

(() => {
  const MENUS = "details:is(.drop, .row-menu)";

  function close(menu) {
    menu.open = false;
  }

  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches?.(MENUS) || !menu.open) return;
    for (const other of document.querySelectorAll(`${MENUS}[open]`)) if (other !== menu) close(other);
  }, true);

  document.addEventListener("click", (event) => {
    const inside = event.target.closest(MENUS);
    for (const menu of document.querySelectorAll(`${MENUS}[open]`)) {
      if (menu !== inside || event.target.closest(".menu :is(a, button)")) close(menu);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll(`${MENUS}[open]`)) {
      close(menu);
      menu.querySelector("summary").focus();
    }
  });

  // The tab of the section that was chosen last is the current one.
  document.addEventListener("click", (event) => {
    const tab = event.target.closest(".banner-tabs a");
    if (!tab) return;
    for (const other of tab.parentElement.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    tab.setAttribute("aria-current", "true");
  });
})();
