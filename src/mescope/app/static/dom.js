// Small helpers of the page: elements, what is said, questions.

import { t } from "./words.js";

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

export function put(element, text) {  // an unchanged text is left alone: screen readers would read it again
  if (element.textContent !== text) element.textContent = text;
}

let timer = 0;
export function say(text, seconds = 6) {
  const box = document.getElementById("said-now");
  box.textContent = text;
  clearTimeout(timer);
  if (text) timer = setTimeout(() => { box.textContent = ""; }, seconds * 1000);
}

export function fail(text) {  // what went wrong stays until somebody has read it
  const list = document.getElementById("errors");
  const there = [...list.children].find((one) => one.dataset.text === text);
  there?.remove();
  list.append(make("li", { "data-text": text }, make("span", {}, text),
    make("button", { type: "button", onclick: (event) => event.target.closest("li").remove() }, t("page.understood"))));
}

export function question(title, text, yes, no) {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-title").textContent = title;
  document.getElementById("ask-text").textContent = text;
  document.getElementById("ask-yes").textContent = yes;
  document.getElementById("ask-no").textContent = no;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true });
  });
}

export function clock(seconds, digits = 3) {
  if (seconds === null || seconds === undefined) return "–";
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  const rest = (seconds - minutes * 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
