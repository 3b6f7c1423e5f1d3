// Coding blind: who codes in this browser, and the setting that hides the model and the others.

import { ask, post } from "./api.js";
import { make, put, question, say } from "./dom.js";

const WORDS = {
  title: "Who codes?",
  why: "This project is coded blind: the model and other coders are hidden until you have finished a recording. What you mark is kept under your name, so the name is yours alone: the password that you choose with it now is asked for from then on.",
  coder: "Name or initials",
  password: "Password",
  enter: "Sign in",
  leave: "Sign out",
  settle: "Settle the consensus",
  settling: "Settling the consensus",
  lead: (name) => `${name} leads`,
  notice: "Coded blind: neither the model nor other coders are shown until you finish this recording. Your marks stay as they are then.",
  ask: "Finish this recording?",
  askMore: "You will see the model and the coders who have finished it, too. Your own marks can then no longer be changed.",
  yes: "Finish and see",
  no: "Go on coding",
  heading: "Blind coding",
  off: "Everybody sees the model and each other. Blind coding hides both from a coder until that coder has finished a recording; the server enforces it. Who begins it leads the study: that name sees everything, codes nothing, and alone can end it.",
  seed: "Seed of each coder’s order (empty: the order of names)",
  begin: "Begin blind coding",
  since: (at, seed) => `Coded blind since ${at.slice(0, 16).replace("T", ", ")} UTC; ${seed ? `every coder has an order of their own, drawn from the seed ${seed}` : "recordings are in the order of names"}.`,
  trail: "Who saw what when (CSV)",
  end: "End blind coding",
  endAsk: "End blind coding?",
  endMore: "Everybody will see the model and all coders, and can change marks again. Export the figures first.",
  endYes: "End it",
  endNo: "Leave it",
  release: "Let a coder choose another password",
  released: (name, done) => (done ? `${name} can choose another password.` : `${name} has no password.`),
};

// The field for the coder's name: in a blind project it says who signed in.
export function wearName(blind, field, kept, again) {
  document.getElementById("wears")?.remove();
  if (!blind?.coder) {
    if (field.readOnly) { field.readOnly = false; field.value = kept; }
    field.disabled = Boolean(blind);
    return;
  }
  field.disabled = false;
  const settles = field.readOnly && field.value === "consensus";
  field.readOnly = true;
  field.value = settles ? "consensus" : blind.coder;
  const settle = make("button", { type: "button", id: "settle", "aria-pressed": String(settles) }, settles ? WORDS.settling : WORDS.settle);
  settle.addEventListener("click", () => {
    const on = field.value !== "consensus";
    field.value = on ? "consensus" : blind.coder;
    settle.setAttribute("aria-pressed", String(on));
    put(settle, on ? WORDS.settling : WORDS.settle);
  });
  const leave = async () => { await post("/blind/sign-out"); field.value = ""; again(); };
  field.closest("label").after(make("span", { id: "wears", class: "row" }, blind.lead && make("span", { class: "quiet" }, WORDS.lead(blind.coder)),
    settle, make("button", { type: "button", id: "sign-out", onclick: leave }, WORDS.leave)));
}

function nameAndPassword(send, button, more = null, kept = "") {
  const coder = make("input", { id: "sign-name", maxlength: "64", autocomplete: "username", required: true, value: kept });
  const password = make("input", { id: "sign-password", type: "password", autocomplete: "current-password", required: true, minlength: "6" });
  const wrong = make("p", { class: "error", role: "alert" });
  return make("form", {
    class: "sign",
    onsubmit: async (event) => {
      event.preventDefault();
      try { await send({ coder: coder.value.trim(), password: password.value }); } catch (error) { put(wrong, error.message); }
    },
  }, make("label", { for: "sign-name" }, WORDS.coder), coder, make("label", { for: "sign-password" }, WORDS.password), password,
  ...(more ? [make("label", { for: more.id }, WORDS.seed), more] : []), make("button", { class: "main" }, button), wrong);
}

export async function showSignIn(main, again) {
  main.replaceChildren(make("h1", {}, WORDS.title), make("p", {}, WORDS.why),
    nameAndPassword(async (sent) => { await post("/blind/sign-in", sent); again(); }, WORDS.enter));
  return () => {};
}

export const blindNotice = (recording, project) => (recording.blind && project.blind ? WORDS.notice : null);

export const askToFinish = () => question(WORDS.ask, WORDS.askMore, WORDS.yes, WORDS.no);

export function blindSettings({ blind }, name, again) {  // of the study's page; for a coder nothing
  if (blind && !blind.lead) return "";
  if (!blind) {
    const seed = make("input", { id: "seed", maxlength: "64", autocomplete: "off" });
    return make("section", { class: "card", id: "blind" }, make("h2", {}, WORDS.heading), make("p", {}, WORDS.off),
      nameAndPassword(async (sent) => { await post("/blind", { ...sent, seed: seed.value.trim() }); again(); }, WORDS.begin, seed, name));
  }
  const who = make("input", { id: "release", autocomplete: "off", maxlength: "64" });
  const release = async (event) => {
    event.preventDefault();
    try { say(WORDS.released(who.value, (await post("/blind/release", { coder: who.value.trim() })).released)); } catch (error) { fail(error.message); }
  };
  const end = async () => {
    if (!(await question(WORDS.endAsk, WORDS.endMore, WORDS.endYes, WORDS.endNo))) return;
    try { await ask("/blind", { method: "DELETE" }); again(); } catch (error) { fail(error.message); }
  };
  return make("section", { class: "card", id: "blind" }, make("h2", {}, WORDS.heading), make("p", {}, WORDS.since(blind.since, blind.seed)),
    make("div", { class: "row" }, make("a", { class: "button", href: "api/blind/trail.csv", download: "trail.csv", id: "trail" }, WORDS.trail),
      make("button", { type: "button", id: "end-blind", onclick: end }, WORDS.end)),
    make("form", { class: "row", onsubmit: release }, make("label", { for: "release" }, WORDS.release), who, make("button", {}, "OK")));
}
