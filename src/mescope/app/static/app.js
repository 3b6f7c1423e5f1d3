// Which page is shown, who is coding, and the help.

import { showAgreement } from "./agreement.js";
import { api } from "./api.js";
import { make } from "./dom.js";
import { KEYS } from "./keys.js";
import { showRecordings } from "./recordings.js";
import { showReview } from "./review.js";

const main = document.getElementById("main");
const coderField = document.getElementById("coder");
const KEEP = "mescope.coder", READ = "mescope.use";
let leave = () => {}, turn = 0;

coderField.value = localStorage.getItem(KEEP) ?? "";
coderField.addEventListener("change", () => localStorage.setItem(KEEP, coderField.value.trim()));
const coder = () => coderField.value.trim();

async function route() {
  const mine = ++turn;
  leave();
  leave = () => {};
  main.replaceChildren(make("p", { class: "loading", role: "status" }, "Loading …"));
  try {
    const project = await api.project();
    document.getElementById("project").textContent = project.name;
    tellUse(project.use);
    const [, page, id] = location.hash.match(/^#\/(r|agreement)?\/?(.*)$/) ?? [];
    document.title = page === "agreement" ? "Agreement – mescope" : page ? "Review – mescope" : "Recordings – mescope";
    const show = page === "r" ? showReview(main, decodeURIComponent(id), { project, coder })
      : page === "agreement" ? showAgreement(main, { project }) : showRecordings(main);
    const left = await show;
    if (mine === turn) leave = left; else left();
  } catch (error) {
    if (mine === turn) {
      main.replaceChildren(make("h1", {}, "This did not work"), make("p", { class: "error", role: "alert" }, error.message),
        make("button", { type: "button", onclick: route }, "Try again"));
    }
  }
}

function tellUse(text) {  // once; that it was read is kept
  const box = document.getElementById("use");
  box.hidden = localStorage.getItem(READ) === text;
  box.querySelector("span").textContent = text;
  box.querySelector("button").onclick = () => { localStorage.setItem(READ, text); box.hidden = true; };
}

document.querySelector("#help-table tbody").append(...KEYS.map(([keys, what]) =>
  make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, keys)), make("td", {}, what))));
document.getElementById("help-button").addEventListener("click", () => document.getElementById("help").showModal());
addEventListener("hashchange", route);
route();
