// select2 tells of a choice by an event of jQuery's, which htmx does not hear.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  django.jQuery("#id_user").on("select2:select select2:clear", (event) => {
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  });
});
