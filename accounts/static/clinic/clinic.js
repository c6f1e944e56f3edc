// Dialogs, blocks that are fetched again, and keys, on every page of the admin.
"use strict";

(() => {
  const dialog = () => document.getElementById("dialog");
  let opener = null;
  let typed = false;

  // --- dialogs -----------------------------------------------------------------------------------
  async function fetchFragment(url, options) {
    const response = await fetch(url, { credentials: "same-origin", headers: { "HX-Request": "true" }, ...options });
    if (response.redirected) window.location.assign(response.url);
    return response;
  }

  function show(html) {
    const box = dialog();
    box.innerHTML = html;
    htmx.process(box);
    if (!box.open) box.showModal();
    const wanted = ["[autofocus]", "[aria-invalid=true]", "input:not([type=hidden]), select, textarea", "button"];
    wanted.map((selector) => box.querySelector(selector)).find(Boolean)?.focus();
  }

  async function open(url, from) {
    opener = from;
    typed = false;
    const response = await fetchFragment(url);
    show(await response.text());
  }

  function close() {
    if (typed && !window.confirm(dialog().dataset.unsaved)) return;
    dialog().close();
  }

  // A dialog can have an address that wants to know when it is closed.
  function tellClosed() {
    const address = dialog().querySelector("[data-on-close]")?.dataset.onClose;
    const token = dialog().querySelector("[name=csrfmiddlewaretoken]")?.value;
    if (address) fetch(address, { method: "POST", headers: { "X-CSRFToken": token }, keepalive: true });
  }

  async function submit(form, button) {
    if (form.dataset.sending) return;
    form.dataset.sending = "true";
    const body = new FormData(form, button);
    try {
      const response = await fetchFragment(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(body) });
      if (response.status === 204) return saved(response);
      show(await response.text());
    } finally {
      delete form.dataset.sending;
    }
  }

  function saved(response) {
    typed = false;
    dialog().querySelector("[data-on-close]")?.remove();
    dialog().close();
    const address = response.headers.get("HX-Redirect");
    if (address) return window.location.assign(address);
    if (response.headers.get("HX-Refresh")) return window.location.reload();
    const events = JSON.parse(response.headers.get("HX-Trigger") || "{}");
    for (const [name, detail] of Object.entries(events)) {
      document.body.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-dialog]");
    if (link) {
      event.preventDefault();
      open(link.dataset.dialog, link);
    } else if (event.target.closest("[data-dialog-close]")) {
      close();
    } else if (event.target.closest("[data-keys]")) {
      showKeys(event.target.closest("[data-keys]"));
    }
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-dialog-form]")) return;
    event.preventDefault();
    submit(event.target, event.submitter);
  });
  document.addEventListener("input", (event) => {
    if (event.target.closest("[data-dialog-form]")) typed = true;
  });
  document.addEventListener("DOMContentLoaded", () => {
    // An address may name a button of the page whose dialog is wanted at once: "#book".
    const named = document.getElementById(window.location.hash.slice(1));
    if (named?.dataset.dialog) open(named.dataset.dialog, named);
    dialog()?.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    dialog()?.addEventListener("close", () => {
      tellClosed();
      dialog().replaceChildren();
      // The browser has given the focus back already where it could; a key pressed since may have moved it.
      if (opener?.isConnected && document.activeElement === document.body) opener.focus();
    });
  });

  // --- what was saved ----------------------------------------------------------------------------
  async function refresh(id) {
    const block = document.getElementById(id);
    if (!block?.dataset.block) return;
    const response = await fetchFragment(block.dataset.block);
    if (!response.ok) return;
    const inside = block.contains(opener) || !opener?.isConnected;
    block.outerHTML = await response.text();
    const fresh = document.getElementById(id);
    htmx.process(fresh);
    if (!inside) return;
    fresh.tabIndex = -1;
    fresh.focus();
  }

  document.addEventListener("saved", async (event) => {
    // One after the other: a page should not hold several of the server's threads.
    for (const id of event.detail.blocks || []) await refresh(id);
    const line = document.getElementById("status-line");
    if (line) line.textContent = event.detail.message;
  });

  // Once a session has ended, every address leads to the page for signing in, which is no part of another one.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answered = event.detail.xhr.responseURL;
    const asked = event.detail.pathInfo.finalRequestPath;
    if (answered && new URL(answered).pathname !== new URL(asked, location).pathname) event.detail.shouldSwap = false;
  });

  // --- tabs --------------------------------------------------------------------------------------
  // Arrow keys move between the tabs of a list of tabs, as everywhere.
  document.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const list = event.target.closest?.("[role=tablist]");
    if (!step || !list) return;
    const tabs = [...list.querySelectorAll("[role=tab]")];
    const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
    next.click();
    next.focus();
  });

  // select2 shows a box of its own instead of the select, and gives it no name.
  function nameBox(container) {
    const select = container.previousElementSibling;
    const label = select?.id && document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    if (!label) return;
    const name = label.textContent.replace("*", "").trim();
    for (const named of container.querySelectorAll(".select2-selection, [role=textbox]")) named.setAttribute("aria-label", name);
  }

  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) if (node.matches?.(".select2-container")) nameBox(node);
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  // --- keys --------------------------------------------------------------------------------------
  // An element with data-key="m" is clicked when the key is pressed, one with data-menu-key while its menu is open, unless
  // somebody is typing or a dialog is open.
  const TYPING = "input, select, textarea, [contenteditable=true]";

  // Whether keys stand for themselves: while somebody types or a dialog is open, with Ctrl and the like, and when off.
  function keysRest(event) {
    const typing = event.target.closest(TYPING) && !event.target.matches("[type=checkbox], [type=radio]");
    return event.ctrlKey || event.metaKey || event.altKey || typing || dialog()?.open || localStorage.getItem("keys") === "off";
  }

  // "?" lists the keys of the page, which its <template id="keys"> holds.
  function showKeys(from) {
    opener = from;
    typed = false;
    show(document.getElementById("keys").innerHTML);
    dialog().querySelector("[data-keys-off]").checked = localStorage.getItem("keys") === "off";
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-keys-off]")) localStorage.setItem("keys", event.target.checked ? "off" : "on");
  });
  document.addEventListener("keydown", (event) => {
    if (keysRest(event)) return;
    if (event.key === "?") return showKeys(document.activeElement);
    const key = CSS.escape(event.key.toLowerCase());
    const chosen = document.querySelector(`details[open] [data-menu-key="${key}"], [data-key="${key}"]`);
    if (!chosen) return;
    event.preventDefault();
    if (chosen.matches("input")) chosen.focus();
    else chosen.click();
  });

  // unfold hides a page until its scripts have started, and with it what has `autofocus`. What is wrong comes first.
  document.addEventListener("alpine:initialized", () => {
    setTimeout(() => {
      if (window.location.hash) return;
      const wanted = document.activeElement === document.body ? "[autofocus]" : "none";
      (document.querySelector("[aria-invalid=true]") ?? document.querySelector(wanted))?.focus();
    });
  });

  window.clinic = { open, refresh, keysRest };
})();
