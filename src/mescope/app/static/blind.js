// Coding blind: who codes in this browser, and the setting that hides the model and the others.

import { ask, post } from "./api.js";
import { fail, make, put, question, say } from "./dom.js";
import { t } from "./words.js";

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
  const settle = make("button", { type: "button", id: "settle", "aria-pressed": String(settles) }, settles ? t("blind.settling") : t("blind.settle"));
  settle.addEventListener("click", () => {
    const on = field.value !== "consensus";
    field.value = on ? "consensus" : blind.coder;
    settle.setAttribute("aria-pressed", String(on));
    put(settle, on ? t("blind.settling") : t("blind.settle"));
  });
  const leave = async () => {
    try { await post("/blind/sign-out"); } catch (error) { return fail(error.message); }
    field.value = "";
    return again();
  };
  field.closest("label").after(make("span", { id: "wears", class: "row" }, blind.lead && make("span", { class: "quiet" }, t("blind.lead", { name: blind.coder })),
    settle, make("button", { type: "button", id: "sign-out", onclick: leave }, t("blind.leave"))));
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
  }, make("label", { for: "sign-name" }, t("blind.coder")), coder, make("label", { for: "sign-password" }, t("blind.password")), password,
  ...(more ? [make("label", { for: more.id }, t("blind.seed")), more] : []), make("button", { class: "main" }, button), wrong);
}

export async function showSignIn(main, again) {
  main.replaceChildren(make("h1", {}, t("blind.title")), make("p", {}, t("blind.why")),
    nameAndPassword(async (sent) => { await post("/blind/sign-in", sent); again(); }, t("blind.enter")));
  return () => {};
}

export const blindNotice = (recording, project) => (recording.blind && project.blind ? t("blind.notice") : null);

export const askToFinish = () => question(t("blind.ask"), t("blind.ask_more"), t("blind.yes"), t("blind.no"));

export function blindSettings({ blind }, name, again) {  // of the study's page; for a coder nothing
  if (blind && !blind.lead) return "";
  if (!blind) {
    const seed = make("input", { id: "seed", maxlength: "64", autocomplete: "off" });
    return make("section", { class: "card", id: "blind" }, make("h2", {}, t("blind.heading")), make("p", {}, t("blind.off")),
      nameAndPassword(async (sent) => { await post("/blind", { ...sent, seed: seed.value.trim() }); again(); }, t("blind.begin"), seed, name));
  }
  const who = make("input", { id: "release", autocomplete: "off", maxlength: "64" });
  const release = async (event) => {
    event.preventDefault();
    try {
      const { released } = await post("/blind/release", { coder: who.value.trim() });
      say(t(released ? "blind.released" : "blind.not_released", { name: who.value }));
    } catch (error) { fail(error.message); }
  };
  const end = async () => {
    if (!(await question(t("blind.end_ask"), t("blind.end_more"), t("blind.end_yes"), t("blind.end_no")))) return;
    try { await ask("/blind", { method: "DELETE" }); again(); } catch (error) { fail(error.message); }
  };
  return make("section", { class: "card", id: "blind" }, make("h2", {}, t("blind.heading")), make("p", {}, t(blind.seed ? "blind.since_drawn" : "blind.since", { at: blind.since.slice(0, 16).replace("T", ", "), seed: blind.seed })),
    make("div", { class: "row" }, make("a", { class: "button", href: "api/blind/trail.csv", download: "trail.csv", id: "trail" }, t("blind.trail")),
      make("button", { type: "button", id: "end-blind", onclick: end }, t("blind.end"))),
    make("form", { class: "row", onsubmit: release }, make("label", { for: "release" }, t("blind.release")), who, make("button", {}, t("blind.release_do"))));
}
