// The search of a dialect's page, and addresses that open what they lead to. Without this everything can still be opened by hand.
const search = document.querySelector("#search");
const found = document.querySelector("#found");

function open(id) {
  const target = id ? document.getElementById(id) : null;
  if (target?.matches("details")) target.open = true;
  target?.scrollIntoView();
}

function show(element, visible) {
  element.hidden = !visible;
  return visible;
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (element) => words.every((word) => element.dataset.text.includes(word));
  let count = 0;
  for (const group of document.querySelectorAll("[data-group]")) {
    const shown = [...group.querySelectorAll("[data-text]")].filter((element) => show(element, fits(element)));
    show(group, shown.length > 0);
    if (group.dataset.group === "content") count += shown.length;
  }
  found.textContent = words.length ? `${count} of ${search.dataset.total} operations` : "";
}

search?.addEventListener("input", filter);
window.addEventListener("hashchange", () => open(location.hash.slice(1)));
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  // The same address twice is no change of it.
  if (link && link.hash === location.hash) open(link.hash.slice(1));
});
if (search?.value) filter();
open(location.hash.slice(1));
