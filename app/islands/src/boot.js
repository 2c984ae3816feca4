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
      const answer = typed ? await fetch(`${field.dataset.suggest}?q=${encodeURIComponent(typed)}`) : null;
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
// Chips, and what a prompt becomes, in a file of their own: only the studio has them.
if (document.querySelector("[data-chips], [data-fragment]")) await import("STUDIO_URL");
if (document.querySelector("[data-island]")) {
  const library = await import("GLUE_URL");
  await library.default({ module_or_path: "WASM_URL" });
  library.start();
}
root.dataset.ready = "true";
