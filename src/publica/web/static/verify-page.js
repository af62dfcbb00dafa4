// The form of the page that checks a proof: reads the chosen file here, and shows what follows. Sends nothing.
const { verify, NotProved } = await import(document.querySelector("script[data-verify]").dataset.verify);

const LARGEST = 16 * 1024 * 1024;
const LOCALES = { en: "en-GB", fr: "fr-FR" };
const STEPS = ["checkpoint", "receipt", "directory", "subject", "touched", "released", "says"];
const form = document.getElementById("check");
const outcome = document.getElementById("outcome");
const words = new Map(
  Array.from(document.getElementById("words").content.querySelectorAll("[data-code]"), (each) => [each.dataset.code, each.textContent]),
);

function say(code, ...values) {
  return values.reduce((text, value, number) => text.replace(`{${number}}`, value), words.get(code));
}

function element(name, classes, text = "") {
  const made = document.createElement(name);
  made.className = classes;
  made.textContent = text;
  return made;
}

function show(kind, heading, paragraphs, passed = [], failed = null) {
  const box = element("div", `pub-outcome pub-outcome--${kind}`);
  box.append(element("h2", "govuk-heading-m", heading));
  for (const text of paragraphs) box.append(element("p", "govuk-body", text));
  if (passed.length || failed) {
    const list = element("ul", "govuk-list pub-checks");
    for (const step of STEPS.filter((each) => passed.includes(each))) list.append(element("li", "", say(`step-${step}`)));
    if (failed && STEPS.includes(failed)) {
      list.append(element("li", "pub-failed", `${say("failed-here")} ${say(`step-${failed}`)}`));
    }
    box.append(list);
  }
  outcome.replaceChildren(box);
  outcome.focus();
}

function told(found) {
  if (!found.touched) return say("out");
  if (found.released === "at most") return say("at-most");
  if (found.released) return say("left");
  return say(found.form === "total" ? "total" : "looked");
}

async function run() {
  const file = document.getElementById("file").files[0];
  if (!file) return show("bad", say("unsure"), [say("no-file")]);
  if (file.size > LARGEST) return show("bad", say("unsure"), [say("too-large")]);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
    const found = await verify(text, document.getElementById("keys").value);
    const at = new Date(found.at).toLocaleString(LOCALES[document.documentElement.lang], { dateStyle: "long", timeStyle: "short" });
    const about = say("about", found.use, at, found.organisation, found.activity);
    return show("good", say("good"), [told(found), about, say("person", found.key)], found.passed);
  } catch (error) {
    if (!(error instanceof NotProved)) return show("bad", say("unsure"), [say("not-a-proof")]);
    if (error.code !== "altered") return show("bad", say("unsure"), [say(error.code)]);
    return show("bad", say("bad"), [say("altered")], error.passed, error.step);
  }
}

form.hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
