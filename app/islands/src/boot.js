// Loads the browser library, and only on pages that have an island.
const root = document.documentElement;
// A page that loads itself again asks first whether that would lose something.
addEventListener("input", () => { root.dataset.typed = ""; });

// What could be meant, offered while somebody types; without it the field is a plain one.
for (const field of document.querySelectorAll("input[data-suggest]")) {
  const list = document.getElementById(field.getAttribute("list"));
  let waiting, asked = "";
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const typed = field.value.trim();
      if (typed === asked || typed.length > 200) return;
      asked = typed;
      const answer = typed ? await fetch(`${field.dataset.suggest}${field.dataset.suggest.includes("?") ? "&" : "?"}q=${encodeURIComponent(typed)}`) : null;
      const offered = answer && answer.ok ? await answer.json() : [];
      if (asked !== typed) return;
      list.replaceChildren(...offered.map((text) => new Option(text, text)));
    }, 120);
  });
}

// What needs a few lines and no library. The edge between a sealed and a regenerated picture:
for (const slider of document.querySelectorAll(".pair__slider")) {
  const draw = () => slider.parentElement.style.setProperty("--at", `${slider.value}%`);
  slider.addEventListener("input", draw);
  // A browser that goes back to a page keeps where it was.
  draw();
}
// Passing a page on: the system's own way where there is one, else the link is copied.
for (const button of document.querySelectorAll("[data-share]")) {
  const label = button.querySelector("[data-label]");
  button.addEventListener("click", async () => {
    const { share: url, title, done } = button.dataset;
    try {
      if (navigator.share) return await navigator.share({ url, title });
      await navigator.clipboard.writeText(url);
      label.textContent = done;
    } catch (error) {
      // Whoever closes the system's sheet changed their mind; anything else is shown as what could be copied by hand.
      if (error.name !== "AbortError") label.textContent = url;
    }
  });
}
// A choice that changes what the page says sends itself; without scripts the button beside it does.
for (const select of document.querySelectorAll("select[data-submits]")) {
  select.addEventListener("change", () => document.getElementById(select.dataset.submits).click());
}
// The price stays in reach only while the button itself is out of sight.
const bar = document.querySelector(".buy-bar"), buy = document.querySelector("#buy .button");
if (bar && buy) new IntersectionObserver(([seen]) => bar.classList.toggle("buy-bar--away", seen.isIntersecting)).observe(buy);
// A sealed picture's seed makes one picture, of the values that were sealed with it unless others were typed.
const own = document.getElementById("own-form");
if (own) {
  const count = own.elements.count, seeds = [...own.querySelectorAll("[data-values]")].map((seed) => JSON.parse(seed.dataset.values));
  let several = count.value;
  const begun = Object.fromEntries(new FormData(own));
  own.addEventListener("change", ({ target }) => {
    if (target.name !== "seed") return;
    if (!count.readOnly) several = count.value;
    count.readOnly = "values" in target.dataset;
    count.value = count.readOnly ? 1 : several;
    for (const [name, value] of Object.entries(JSON.parse(target.dataset.values ?? "{}"))) {
      const field = own.elements[`value_${name}`];
      const known = (each) => String(each[name]) === field.value;
      if (field && (field.value === begun[`value_${name}`] || seeds.some(known))) field.value = value;
    }
  });
}
// Chips, and what a prompt becomes, in a file of their own: only the studio has them.
if (document.querySelector("[data-chips], [data-fragment]")) await import("STUDIO_URL");
if (document.querySelector("[data-island]")) {
  const library = await import("GLUE_URL");
  await library.default({ module_or_path: "WASM_URL" });
  library.start();
}
root.dataset.ready = "true";
