// Improves what works without: the menu on a phone, notices that take the focus. No page needs it.
const { initAll } = await import(document.querySelector("script[data-design]").dataset.design);
document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();
