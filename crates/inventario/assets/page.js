// Comfort only: every page works without this file.

// Choosing a filter applies it.
for (const form of document.querySelectorAll("form[data-submit-on-change]")) {
  form.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement) form.requestSubmit();
  });
}

// A form that was sent is not sent twice by a second click.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", () => {
    for (const button of form.querySelectorAll("button")) setTimeout(() => (button.disabled = true));
  });
}

// Coming back with the browser's button brings the page back as it was sent: enable its buttons again.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const button of document.querySelectorAll('form[method="post"] button')) button.disabled = false;
});

// A long form that was changed asks before it is left.
for (const form of document.querySelectorAll("form[novalidate]")) {
  let changed = false;
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("submit", () => (changed = false));
  addEventListener("beforeunload", (event) => changed && event.preventDefault());
}
