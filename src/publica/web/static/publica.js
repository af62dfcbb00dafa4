// Improves what works without: the menu on a phone, notices that take the focus. No page needs it.
document.body.classList.add("js-enabled", "govuk-frontend-supported");
const design = document.querySelector('link[rel="stylesheet"][href*="/design/"]');
if (design) {
  const { initAll } = await import(design.href.replace("/design/govuk-frontend.min.css", "/design/govuk-frontend.min.js"));
  initAll();
}
