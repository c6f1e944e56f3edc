// The end of a session: told two minutes before, then a sign-in over the page, so that nothing typed is lost.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const box = document.getElementById("session");
  if (!box) return;
  const WARN = 120; // seconds before the end
  const PROLONG = 60; // seconds between two requests of somebody who types
  const tabs = new BroadcastChannel("session");
  let end = Date.now() + Number(box.dataset.seconds) * 1000;
  let asked = Date.now();

  const left = () => Math.round((end - Date.now()) / 1000);
  const inWords = (seconds) =>
    seconds > 60 ? box.dataset.minutesLeft.replace("{number}", Math.ceil(seconds / 60)) : box.dataset.secondsLeft.replace("{number}", seconds);
  const form = (name) => box.querySelector(`[data-session=${name}]`);

  function show(name) {
    for (const each of box.querySelectorAll("form")) each.hidden = each.dataset.session !== name;
    form(name).querySelector("h2").id = "session-title";
    box.classList.toggle("ended", name !== "stay");
    if (!box.open) box.showModal();
    form(name).querySelector("input:not([readonly]), button").focus();
  }

  function prolonged(seconds) {
    end = Date.now() + seconds * 1000;
    asked = Date.now();
    if (box.open) box.close();
  }

  // With X-Poll the server tells without prolonging.
  async function ask(headers = {}) {
    asked = Date.now();
    const response = await fetch(box.dataset.url, { credentials: "same-origin", headers });
    if (!response.ok) return null;
    return response.json();
  }

  async function goOn(headers) {
    const answer = await ask(headers);
    if (!answer) return;
    if (answer.state === "signed-in") {
      for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = answer.csrf_token;
      prolonged(answer.seconds);
      tabs.postMessage(answer.seconds);
    } else if (answer.state === "signed-out") {
      show("sign-in");
    } else {
      form("code").action = answer.address;
      show("code");
    }
  }

  async function send(sent) {
    const error = sent.querySelector("[data-session-error]");
    const answer = await ask();
    const body = new URLSearchParams(new FormData(sent));
    body.set("csrfmiddlewaretoken", answer.csrf_token);
    const response = await fetch(sent.action, { method: "POST", body, credentials: "same-origin", redirect: "manual" });
    for (const field of sent.querySelectorAll("input:not([readonly])")) field.value = "";
    if (response.type === "opaqueredirect") {
      await goOn();
      return;
    }
    error.textContent = response.status === 429 ? box.dataset.tooMany : box.dataset.wrong;
    sent.querySelector("input:not([readonly])").focus();
  }

  box.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.dataset.session === "stay") goOn();
    else send(event.target);
  });
  box.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (!box.classList.contains("ended")) goOn();
  });
  tabs.addEventListener("message", (event) => prolonged(event.data));
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.requestConfig?.headers["X-Poll"]) prolonged(Number(box.dataset.seconds));
  });
  // Somebody who types for long makes no other request.
  document.addEventListener("input", () => {
    if (!box.open && Date.now() - asked > PROLONG * 1000) goOn();
  });
  setInterval(() => {
    const seconds = left();
    if (seconds > WARN || (box.open && box.classList.contains("ended"))) return;
    if (seconds <= 0) {
      goOn({ "X-Poll": "1" });
      return;
    }
    if (!box.open) show("stay");
    box.querySelector("[data-session-left]").textContent = inWords(seconds);
  }, 1000);
});
