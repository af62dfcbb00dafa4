// Helps with writing SQL: suggestions, shortcuts, names to press. The workbench works without all of it.
const area = document.getElementById("sql");
const editor = area.closest(".wb-editor");
const MOST = 8;

const known = [];
for (const table of document.querySelectorAll("[data-table]")) {
  known.push({ text: table.dataset.table, told: table.querySelector("summary").textContent.trim() });
  for (const column of table.querySelectorAll('[data-passes="yes"]')) {
    known.push({ text: column.dataset.column, told: table.dataset.table });
    name(column.querySelector("code"));
  }
}
for (const word of editor.dataset.keywords.split(" ")) known.push({ text: word, told: "" });

// A column's name becomes a button that writes it into the question.
function name(code) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `wb-insert ${code.className}`;
  button.textContent = code.textContent;
  button.addEventListener("click", () => put(button.textContent, area.selectionStart));
  code.replaceWith(button);
}

const list = document.createElement("ul");
list.className = "wb-suggestions";
list.id = "suggestions";
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", editor.dataset.words);
list.hidden = true;
editor.append(list);
area.setAttribute("aria-autocomplete", "list");
document.querySelector(".wb-keys")?.removeAttribute("hidden");

let found = [];
let chosen = -1;

function word() {
  return /[\p{L}_][\p{L}\p{N}_]*$/u.exec(area.value.slice(0, area.selectionStart))?.[0] ?? "";
}

function suggest(all) {
  const begun = word().toLowerCase();
  const seen = new Set();
  found = known.filter(({ text, told }) => {
    const low = text.toLowerCase();
    const fits = (begun || all) && low.startsWith(begun) && low !== begun && !seen.has(text + told);
    if (fits) seen.add(text + told);
    return fits;
  }).slice(0, MOST);
  chosen = -1;
  show();
}

function show() {
  list.replaceChildren(...found.map(({ text, told }, at) => {
    const item = document.createElement("li");
    item.className = "wb-suggestion";
    item.id = `suggestion-${at}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(at === chosen));
    const first = document.createElement("span");
    first.textContent = text;
    const second = document.createElement("span");
    second.className = "wb-suggestion__told";
    second.textContent = told;
    item.append(first, second);
    item.addEventListener("mousedown", (event) => { event.preventDefault(); take(at); });
    return item;
  }));
  list.hidden = found.length === 0;
  if (!list.hidden) place();
  if (list.hidden) {
    area.removeAttribute("aria-controls");
  } else {
    area.setAttribute("aria-controls", list.id);
  }
  if (chosen >= 0) {
    area.setAttribute("aria-activedescendant", `suggestion-${chosen}`);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  } else {
    area.removeAttribute("aria-activedescendant");
  }
}

// Below the line that is being written, and never below the area itself.
function place() {
  const style = getComputedStyle(area);
  const line = area.value.slice(0, area.selectionStart).split("\n").length;
  const down = parseFloat(style.paddingTop) + line * parseFloat(style.lineHeight) - area.scrollTop;
  list.style.top = `${area.offsetTop + Math.min(Math.max(down, 0) + 4, area.offsetHeight)}px`;
}

function close() {
  found = [];
  chosen = -1;
  show();
}

function take(at) {
  put(found[at].text, area.selectionStart - word().length);
  close();
}

function put(text, from) {
  const end = area.selectionEnd;
  area.focus();
  area.setRangeText(text, Math.min(from, end), end, "end");
}

area.addEventListener("input", () => suggest(false));
area.addEventListener("blur", close);
area.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    document.getElementById(event.shiftKey ? "explain" : "run").click();
  } else if (event.key === " " && event.ctrlKey) {
    event.preventDefault();
    suggest(true);
  } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    chosen = (chosen + step + found.length + (chosen < 0 && step < 0 ? 1 : 0)) % found.length;
    show();
  } else if (!list.hidden && event.key === "Enter" && chosen >= 0) {
    event.preventDefault();
    take(chosen);
  } else if (!list.hidden && event.key === "Escape") {
    event.preventDefault();
    close();
  }
});

// What came of the question is what the reader wants next.
document.getElementById("outcome")?.focus();
