// Comboboxes (ARIA 1.2): text inputs that find people, or people and commands, while somebody types.
// [data-combobox] has the address that answers options; they have data-href, data-dialog-url, data-click or data-value.
// data-busy, data-silent and data-nothing are what is said where no options come.
"use strict";

(() => {
  const PAUSE = 200; // milliseconds
  const states = new WeakMap();
  let count = 0;

  const rootOf = (element) => element.closest?.("[data-combobox]");
  const inputOf = (root) => root.querySelector("[role=combobox]");
  const optionsOf = (root) => [...root.querySelectorAll("[role=option]")];
  const activeOf = (root) => root.querySelector("[role=option][aria-selected=true]");
  const isOpen = (root) => inputOf(root).getAttribute("aria-expanded") === "true";

  function stateOf(root) {
    if (!states.has(root)) {
      const popup = document.createElement("div");
      popup.className = "combobox-popup";
      popup.hidden = true;
      root.append(popup);
      // `asked` is what options were last asked for, `shown` what those in the popup answer.
      states.set(root, { popup, id: `combobox-${++count}`, asked: null, shown: null, timer: 0, request: null, enter: false });
    }
    return states.get(root);
  }

  // --- asking ------------------------------------------------------------------------------------
  function ask(root, pause = PAUSE) {
    const state = stateOf(root);
    const text = inputOf(root).value.trim();
    cancel(root);
    state.asked = text;
    state.shown = null;
    if (!text && !("always" in root.dataset)) return close(root);
    state.timer = setTimeout(() => load(root, text), pause);
  }

  // An answer that comes late would open the popup again.
  function cancel(root) {
    clearTimeout(stateOf(root).timer);
    stateOf(root).request?.abort();
  }

  async function load(root, text) {
    const state = stateOf(root);
    const url = new URL(root.dataset.combobox, location.origin);
    url.searchParams.set("q", text);
    state.request = new AbortController();
    try {
      const response = await fetch(url, { credentials: "same-origin", signal: state.request.signal });
      if (response.redirected) return location.reload();
      show(root, text, response.ok ? await response.text() : refusal(root, response.status));
    } catch (error) {
      if (error.name !== "AbortError") show(root, text, refusal(root, 0));
    }
  }

  function refusal(root, status) {
    const list = document.createElement("div");
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", root.dataset.nothing);
    const words = document.createElement("p");
    words.className = "combobox-footer";
    words.setAttribute("role", "alert");
    words.textContent = status === 429 ? root.dataset.busy : root.dataset.silent;
    return list.outerHTML + words.outerHTML;
  }

  function show(root, text, html) {
    const state = stateOf(root);
    if (text !== state.asked) return;
    state.popup.innerHTML = html;
    state.popup.hidden = false;
    state.shown = text;
    state.popup.querySelector("[role=listbox]").id = state.id;
    optionsOf(root).forEach((option, index) => { option.id = `${state.id}-${index}`; });
    inputOf(root).setAttribute("aria-expanded", "true");
    inputOf(root).setAttribute("aria-controls", state.id);
    activate(root, optionsOf(root)[0]);
    const people = root.querySelectorAll("[role=option][data-value]");
    // Enter came before the options: only the one patient can have been meant, or where there is none, the first command.
    const meant = people.length ? people.length === 1 && people[0] : root.querySelector("[role=option]:not([data-registering])");
    if (state.enter && meant) accept(root, meant);
    state.enter = false;
  }

  function close(root) {
    const state = stateOf(root);
    state.popup.hidden = true;
    state.popup.replaceChildren();
    inputOf(root).setAttribute("aria-expanded", "false");
    inputOf(root).removeAttribute("aria-controls");
    inputOf(root).removeAttribute("aria-activedescendant");
  }

  // --- choosing ----------------------------------------------------------------------------------
  function activate(root, option) {
    activeOf(root)?.setAttribute("aria-selected", "false");
    if (!option) return inputOf(root).removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    inputOf(root).setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function move(root, step) {
    const options = optionsOf(root);
    const index = options.indexOf(activeOf(root)) + step;
    activate(root, options[(index + options.length) % options.length]);
  }

  function accept(root, option) {
    const { href, dialogUrl, click, value, label } = option.dataset;
    keepTyped(option);
    if (!href && value) return choose(root, value, label);
    close(root);
    root.closest("dialog")?.close();
    if (href) location.assign(href);
    else if (dialogUrl) window.clinic.open(dialogUrl, document.activeElement);
    else document.querySelector(click)?.click();
  }

  function choose(root, value, label) {
    const hidden = root.querySelector("input[type=hidden]");
    hidden.value = value;
    inputOf(root).value = label;
    stateOf(root).asked = label;
    close(root);
    hidden.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function enter(event, root) {
    const state = stateOf(root);
    const text = inputOf(root).value.trim();
    if (isOpen(root) && state.shown === text) {
      event.preventDefault();
      if (activeOf(root)) accept(root, activeOf(root));
    } else if (text && !root.querySelector("input[type=hidden]")?.value) {
      event.preventDefault();
      ask(root, 0);
      state.enter = true;
    }
  }

  // --- events ------------------------------------------------------------------------------------
  document.addEventListener("input", (event) => {
    const root = rootOf(event.target);
    if (!root || event.target !== inputOf(root)) return;
    const hidden = root.querySelector("input[type=hidden]");
    if (hidden) hidden.value = "";
    ask(root);
  });

  document.addEventListener("keydown", (event) => {
    const root = rootOf(event.target);
    if (!root || event.target !== inputOf(root) || event.isComposing) return;
    stateOf(root).enter = false;
    if (event.key === "Enter") return enter(event, root);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (isOpen(root)) move(root, event.key === "ArrowDown" ? 1 : -1);
      else ask(root, 0);
    } else if (event.key === "Escape" && !("always" in root.dataset)) {
      cancel(root);
      if (!isOpen(root)) return;
      event.preventDefault();
      close(root);
    }
  });

  // The input keeps the focus while the pointer chooses.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest(".combobox-popup")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const option = event.target.closest(".combobox-popup [role=option]");
    if (option) accept(rootOf(option), option);
  });
  document.addEventListener("focusout", (event) => {
    const root = rootOf(event.target);
    if (!root || event.target !== inputOf(root)) return;
    cancel(root);
    close(root);
  });

  // --- the palette -------------------------------------------------------------------------------
  const palette = () => document.getElementById("palette");

  function openPalette() {
    if (!palette() || document.querySelector("dialog[open]")) return;
    palette().showModal();
    const root = palette().querySelector("[data-combobox]");
    inputOf(root).value = "";
    inputOf(root).focus();
    ask(root, 0);
  }

  // Also while an input has the focus, and before the browser takes the keys for itself.
  window.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    openPalette();
  }, true);
  window.addEventListener("opencommand", openPalette);
  document.addEventListener("click", (event) => {
    if (event.target === palette()) palette().close();
  });

  // --- registering who was not found -------------------------------------------------------------
  // What was typed is of a person, so it goes into no address: the tab keeps it until the form has it.
  function keepTyped(link) {
    if (link.dataset.registering) sessionStorage.setItem("registering", link.dataset.registering);
  }

  // "Abernathy, Hugo" or "Hugo Abernathy"; what has a digit is no name.
  function namesIn(typed) {
    if (/\d/.test(typed)) return {};
    const [last, first] = typed.split(",", 2);
    if (first !== undefined) return { last_name: last.trim(), first_name: first.trim() };
    const [one, ...others] = typed.trim().split(/\s+/);
    return others.length ? { first_name: one, last_name: others.join(" ") } : { last_name: one };
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-registering]");
    if (link) keepTyped(link);
  });
  document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("form.register");
    const typed = sessionStorage.getItem("registering");
    if (!form || !typed) return;
    sessionStorage.removeItem("registering");
    for (const [name, text] of Object.entries(namesIn(typed))) {
      const field = form.querySelector(`input[name=${name}]`);
      if (!field || field.value) continue;
      field.value = text;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
})();
