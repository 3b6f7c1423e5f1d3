// How far coders agree with each other and with the model, where they do not, and what most of them say.

import { ask, post, query } from "./api.js";
import { differing, nameOf } from "./differences.js";
import { fail, make, put } from "./dom.js";
import { NONE, figure, heads, line, scroll } from "./tables.js";
import { t, word } from "./words.js";

const MOST = 500;  // differences in the list
const head = (name) => t(`agreement.head_${name}`);

export async function showAgreement(main, { project, coder }) {
  const people = ["model", ...project.coders];
  const choose = (id, label, chosen) => make("label", {}, `${label} `, make("select", { id, onchange: update },
    ...people.map((name) => make("option", { value: name, selected: name === chosen }, nameOf(name)))));
  const tolerance = make("input", { id: "tolerance", type: "number", min: "0", max: "10000", step: "10", value: "100", onchange: update });
  const result = make("div", { "aria-live": "polite" }), pairs = make("section", { id: "pairs" });
  const list = make("a", { class: "button", id: "save-list", download: "disagreements.csv" }, t("agreement.save"));
  const every = make("a", { class: "button", id: "save-pairs", download: "agreement.csv" }, t("agreement.every"));
  const own = people.includes(coder()) ? coder() : people[1] ?? "model";
  main.replaceChildren(make("h1", {}, t("agreement.title")), make("p", { class: "quiet" }, t("agreement.why")),
    make("div", { class: "row tools" }, choose("one", t("agreement.between"), own), choose("other", t("agreement.and"), people.find((name) => name !== own && name !== "model") ?? "model"),
      make("label", {}, `${t("agreement.tolerance")} `, tolerance, ` ${t("agreement.ms")}`), list, every),
    result, pairs, consensus(update));

  let turn = 0;
  async function update() {
    const mine = ++turn, [a, b] = ["one", "other"].map((id) => document.getElementById(id).value);
    const asked = { a, b, tolerance: Number(tolerance.value) || 0 };
    list.href = `api/agreement/disagreements.csv${query(asked)}`;
    every.href = `api/agreement/table.csv?tolerance=${asked.tolerance}`;
    try {
      const found = await ask(`/agreement${query(asked)}`);
      if (mine === turn) result.replaceChildren(...pair(found, a, b));  // else another pair was chosen meanwhile
    } catch (error) {
      if (mine === turn) result.replaceChildren(make("p", { class: "error" }, error.message));
    }
    try {
      const found = await ask(`/agreement/table?tolerance=${asked.tolerance}`);
      if (mine === turn) pairs.replaceChildren(...all(found));
    } catch (error) { if (mine === turn) fail(error.message); }
  }

  if (people.length < 2) result.replaceChildren(make("p", { class: "card" }, t("agreement.nobody")));
  else await update();
  return () => { turn += 1; };
}

function pair(found, a, b) {
  const cells = (r) => [figure(r.f1), figure(r.kappa), r.tp, r.fp, r.fn];
  const { figures: f, disagreements } = found;
  const only = (who) => t("agreement.only", { who: nameOf(who) });
  return [
    scroll(t("agreement.title"), make("table", { class: "table" }, heads(...["recording", "f1", "kappa", "both"].map(head), only(a), only(b)),
      make("tbody", {}, ...found.recordings.map((r) => line(r.name ?? r.id, cells(r))), line(t("agreement.all"), cells(found.pooled))))),
    make("h2", {}, t("agreement.more")),
    scroll(t("agreement.more"), make("table", { class: "table", id: "figures" }, heads("", ...["kappa_marks", "alpha_marks", "kappa_frames", "alpha_frames"].map(head)), make("tbody", {},
      line(t("agreement.kinds"), [f.kind_kappa, f.kind_alpha, f.frame_kappa, f.frame_alpha].map(figure)),
      line(t("agreement.emotions", { n: f.emotion_units }), [figure(f.emotion_kappa), figure(f.emotion_alpha), "", ""])))),
    make("p", { id: "edges" }, t("agreement.edges", { onset: edge(f.onset), offset: edge(f.offset) })),
    make("h2", {}, t("agreement.differences", { n: disagreements.length })),
    ...(disagreements.length > MOST ? [make("p", { class: "quiet" }, t("agreement.shown", { n: MOST, of: disagreements.length }))] : []),
    scroll(t("agreement.save"), make("table", { class: "table", id: "disagreements" }, heads(...["recording", "frame", "what"].map(head), nameOf(a), nameOf(b)),
      make("tbody", {}, ...disagreements.slice(0, MOST).map((one) => line(make("a", { href: `#/r/${one.id}@${one.frame}` }, one.recording),
        [one.frame, differing(one.reasons), said(one, "a"), said(one, "b")]))))),
  ];
}

function edge(shift) {
  if (!shift) return NONE;
  const { pairs, bias, error, within } = shift, ms = (seconds) => Math.round(1000 * Math.abs(seconds));
  return t("agreement.shift", { n: pairs, error: ms(error), bias: `${bias < 0 ? "−" : "+"}${ms(bias)}`, within: Math.round(100 * within) });
}

function said(one, side) {
  const [onset, offset, kind, emotion] = ["onset", "offset", "kind", "emotion"].map((name) => one[`${name}_${side}`]);
  return onset === null ? NONE : `${onset}–${offset} ${word("lengths", kind)}${emotion ? `, ${word("emotions", emotion)}` : ""}`;
}

function all({ pairs, together }) {
  if (pairs.length < 2) return [];
  const ms = (value) => (value === null ? NONE : t("agreement.apart", { n: Math.round(value) }));
  return [make("h2", {}, t("agreement.pairs")), ...(together ? [make("p", {}, t("agreement.together", { n: together.recordings,
    kinds: figure(together.kind_alpha), frames: figure(together.frame_alpha), emotions: figure(together.emotion_alpha) }))] : []),
    scroll(t("agreement.pairs"), make("table", { class: "table" }, heads(...["pair", "recordings", "f1", "kappa_kinds", "alpha_kinds", "kappa_frames", "kappa_emotions", "onset", "offset"].map(head)), make("tbody", {}, ...pairs.map((r) =>
      line(`${nameOf(r.a)} – ${nameOf(r.b)}`, [r.recordings, figure(r.f1), ...[r.kind_kappa_marks, r.kind_alpha_marks, r.kind_kappa_frames, r.emotion_kappa].map(figure),
        ms(r.onset_error_ms), ms(r.offset_error_ms)])))))];
}

function consensus(update) {
  const anew = make("input", { type: "checkbox", id: "again" });
  const told = make("p", { role: "status", id: "consensus-made" });
  const act = async () => {
    try {
      const { made, marks, kept, few } = await post("/consensus", { again: anew.checked });
      put(told, [t("agreement.made", { n: made, marks: t("agreement.marks", { n: marks }) }),
        kept && t("agreement.kept", { n: kept }), few && t("agreement.few", { n: few })].filter(Boolean).join(" "));
      await update();
    } catch (error) { put(told, error.message); }
  };
  return make("section", { class: "card", id: "consensus" }, make("h2", {}, t("agreement.consensus")), make("p", { class: "quiet" }, t("agreement.consensus_why")),
    make("div", { class: "row" }, make("button", { type: "button", id: "make-consensus", onclick: act }, t("agreement.make")), make("label", { class: "tick" }, anew, t("agreement.again"))), told);
}
