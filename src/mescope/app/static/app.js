// Which page is shown, who is coding, and the help.

import { showAgreement } from "./agreement.js";
import { api } from "./api.js";
import { showSignIn, wearName } from "./blind.js";
import { make, put } from "./dom.js";
import { showHelp } from "./help.js";
import { showInterface } from "./interface.js";
import { showRecordings } from "./recordings.js";
import { showReview } from "./review.js";
import { showScheme } from "./scheme.js";
import { t } from "./words.js";
import { showStudy } from "./study.js";

const main = document.getElementById("main");
const coderField = document.getElementById("coder");
const KEEP = "mescope.coder", READ = "mescope.use";
let leave = () => {}, turn = 0;

coderField.value = localStorage.getItem(KEEP) ?? "";
coderField.addEventListener("change", () => { if (!coderField.readOnly) localStorage.setItem(KEEP, coderField.value.trim()); });
const coder = () => coderField.value.trim();

async function route() {
  const mine = ++turn;
  leave();
  leave = () => {};
  // A place of its own for each: a page that was left while it loaded must not appear in the next.
  const place = make("div", {}, make("p", { class: "loading", role: "status" }, t("page.loading")));
  main.replaceChildren(place);
  try {
    const project = await api.project();
    document.getElementById("project").textContent = project.name;
    tellUse(project.use);
    tellTrouble(project.trouble);
    tellKeys(project.scheme);
    wearName(project.blind, coderField, localStorage.getItem(KEEP) ?? "", route);
    const [, page, id] = location.hash.match(/^#\/(r|agreement|study|scheme|api)?\/?(.*)$/) ?? [];
    document.title = `${t(`page.title_${page ?? "list"}`)} – mescope`;
    for (const link of document.querySelectorAll("nav a, footer a")) {
      const here = link.getAttribute("href") === `#/${page === "r" ? "" : page ?? ""}`;
      if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    }
    const show = project.blind && !project.blind.coder ? showSignIn(place, route) : page === "r" ? showReview(place, decodeURIComponent(id), { project, coder })
      : page === "agreement" ? showAgreement(place, { project, coder }) : page === "study" ? showStudy(place, { project, coder, again: route })
        : page === "scheme" ? showScheme(place, { project, changed: tellKeys }) : page === "api" ? showInterface(place) : showRecordings(place, { project });
    const left = await show;
    if (mine === turn) leave = left; else left();
  } catch (error) {
    if (mine === turn) {
      main.replaceChildren(make("h1", {}, t("page.failed")), make("p", { class: "error", role: "alert" }, error.message),
        make("button", { type: "button", onclick: route }, t("page.again")));
    }
  }
}

function tellTrouble(text) {  // what is in the way of the server
  const box = document.getElementById("trouble");
  box.hidden = !text;
  put(box, text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "");
}
addEventListener("trouble", ({ detail }) => tellTrouble(detail));

function tellUse(text) {  // once; that it was read is kept
  const box = document.getElementById("use");
  box.hidden = localStorage.getItem(READ) === text;
  box.querySelector("span").textContent = text;
  box.querySelector("button").onclick = () => { localStorage.setItem(READ, text); box.hidden = true; };
}

let renewed = null;  // the page that is to be made again, as its keys are others
function tellKeys(scheme) { showHelp(scheme, () => { renewed = location.hash; }); }
document.getElementById("help").addEventListener("close", () => {
  if (renewed === location.hash) route();
  renewed = null;
});
document.getElementById("help-button").addEventListener("click", () => document.getElementById("help").showModal());
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());  // beside the place for it
addEventListener("hashchange", route);
route();
