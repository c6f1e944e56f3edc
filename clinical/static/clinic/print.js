// The button of the printed summary.
"use strict";

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
