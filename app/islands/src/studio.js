// What the studio's form does while somebody types: choices and tags as chips, and the prompt as it will be.
// The one rule: the field that the server drew holds what is sent, always. Without this file it is used as it is.

// An element with a class, attributes and a text.
const make = (tag, className, attributes = {}, text = "") => {
  const element = Object.assign(document.createElement(tag), { className, textContent: text });
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

// Lines of "label = text" are pairs; words stand between commas.
const kinds = {
  pairs: { end: /\n/, single: /[,，]/, join: "\n" },
  words: { end: /[,，\n]/, single: /[,，\n]/, join: ", " },
};
const items = (text, kind) => {
  const end = kind.end.test(text.trim()) ? kind.end : kind.single;
  return text.split(end).map((item) => item.trim()).filter(Boolean);
};

function chips(place) {
  const field = place.querySelector("textarea, input");
  const { chips: name, add, remove, entry, text } = place.dataset;
  const kind = kinds[name];
  const list = make("ul", "chips chips-field__list");
  const label = make("input", "", { type: "text", id: field.id, autocomplete: "off" });
  const written = text && make("input", "", { type: "text", autocomplete: "off", "aria-label": text, placeholder: text });
  const button = make("button", "button button--small", { type: "button" }, add);
  const row = make("div", "chips-field");
  if (entry) label.setAttribute("placeholder", entry);
  for (const attribute of ["aria-describedby", "aria-invalid"]) {
    if (field.hasAttribute(attribute)) label.setAttribute(attribute, field.getAttribute(attribute));
  }
  field.removeAttribute("id");
  field.hidden = true;

  let all = items(field.value, kind);
  const write = (next) => {
    all = next;
    field.value = all.join(kind.join);
    draw();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const draw = () => list.replaceChildren(...all.map((item) => {
    const [shown, ...rest] = item.split("=").map((part) => part.trim());
    const sealed = rest.join(" = ");
    const chip = make("li", "chip");
    const edit = make("button", "chip__edit", { type: "button" }, shown);
    if (sealed) edit.append(make("span", "quiet", {}, ` → ${sealed}`));
    edit.addEventListener("click", () => {
      commit();
      label.value = written ? shown : item;
      if (written) written.value = sealed;
      write(all.filter((other) => other !== item));
      label.focus();
    });
    const away = make("button", "chip__remove", { type: "button", "aria-label": `${remove}: ${shown}` });
    away.addEventListener("click", () => {
      write(all.filter((other) => other !== item));
      label.focus();
    });
    chip.append(edit, away);
    return chip;
  }));
  // What is typed becomes a chip; several at once, between commas, become several.
  const commit = () => {
    const typed = items(label.value, kinds.words);
    if (!typed.length) return;
    const sealed = written ? written.value.trim() : "";
    label.value = "";
    if (written) written.value = "";
    const added = sealed && typed.length === 1 ? [`${typed[0]} = ${sealed}`] : typed;
    write([...all.filter((item) => !added.includes(item)), ...added]);
  };
  const keys = (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" || (event.key === "," && event.target === label)) {
      // Enter in here never sends the page.
      event.preventDefault();
      commit();
      label.focus();
    } else if (event.key === "Backspace" && event.target === label && !label.value) {
      write(all.slice(0, -1));
    }
  };
  label.addEventListener("keydown", keys);
  if (written) written.addEventListener("keydown", keys);
  button.addEventListener("click", () => { commit(); label.focus(); });
  // Whoever goes on has said what they meant.
  row.addEventListener("focusout", () => setTimeout(() => { if (!row.contains(document.activeElement)) commit(); }));
  row.append(list, label, ...(written ? [written] : []), button);
  field.after(row);
  draw();
}
document.querySelectorAll("[data-chips]").forEach(chips);

for (const form of document.querySelectorAll("form[data-fragment]")) {
  let waiting, asked = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const number = ++asked;
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.dataset.fragment, { method: "POST", body }).catch(() => null);
      if (number !== asked || !answer || !answer.ok) return;
      const parts = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll("[data-place]");
      for (const part of parts) {
        const place = document.getElementById(part.dataset.place);
        // A field that somebody is in is not taken away under their hands.
        if (place && !place.contains(document.activeElement)) place.replaceChildren(...part.childNodes);
      }
    }, 250);
  });
}
