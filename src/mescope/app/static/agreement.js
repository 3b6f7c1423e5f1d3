// How far two coders, or a coder and the model, agree.

import { api } from "./api.js";
import { make } from "./dom.js";
import { t } from "./words.js";

export async function showAgreement(main, { project }) {
  const people = ["model", ...project.coders];
  const choose = (id, label, chosen) => make("label", {}, `${label} `, make("select", { id, onchange: update },
    ...people.map((name) => make("option", { value: name, selected: name === chosen }, name === "model" ? t("exchange.model") : name))));
  const result = make("div", { class: "scroll", role: "region", "aria-label": t("agreement.title"), "aria-live": "polite", tabindex: "0" });
  const a = choose("one", t("agreement.between"), people[1] ?? "model"), b = choose("other", t("agreement.and"), people[2] ?? "model");
  main.replaceChildren(make("h1", {}, t("agreement.title")),
    make("p", { class: "quiet" }, t("agreement.figures")),
    make("div", { class: "row" }, a, b), result);

  let turn = 0;
  async function update() {
    const mine = ++turn;
    const [one, other] = ["one", "other"].map((id) => document.getElementById(id).value);
    try {
      const found = await api.agreement(one, other);
      if (mine !== turn) return;  // another pair was chosen meanwhile
      const figure = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));
      const row = (name, r) => make("tr", {}, make("th", { scope: "row" }, name),
        ...[figure(r.f1), figure(r.kappa), r.tp, r.fp, r.fn].map((cell) => make("td", {}, String(cell ?? "–"))));
      const head = make("tr", {}, ...[t("agreement.recording"), t("agreement.f1"), t("agreement.kappa"), t("agreement.both"), t("agreement.only", { who: one }), t("agreement.only", { who: other })].map((h) => make("th", { scope: "col" }, h)));
      result.replaceChildren(make("table", { class: "table" }, make("thead", {}, head),
        make("tbody", {}, ...found.recordings.map((r) => row(r.name ?? r.id, r)), row(t("agreement.all"), found.pooled))));
    } catch (error) {
      if (mine === turn) result.replaceChildren(make("p", { class: "error" }, error.message));
    }
  }

  if (people.length < 2) {
    result.replaceChildren(make("p", { class: "card" }, t("agreement.nobody")));
  } else await update();
  return () => {};
}
