// How far coders agree with each other and with the model, where they do not, and what most of them say.

import { ask, post } from "./api.js";
import { count, make, put, say } from "./dom.js";

const WORDS = {
  title: "Agreement",
  why: "F1 counts a pair of marks that overlap by half (IoU of 0.5 or more) and are of one kind. Kappa and alpha say how much of the agreement chance does not explain: over marks (what the other lacks is “none”) and over frames.",
  between: "Between", and: "and", tolerance: "Edges may differ by", ms: "ms",
  nobody: "Nobody has judged anything yet. Review a recording first.",
  heads: (a, b) => ["recording", "F1", "kappa", "both", `only ${a}`, `only ${b}`],
  all: "all",
  more: "Kinds, emotions, edges",
  kinds: "kinds: micro, macro, none", emotions: (n) => `emotions (${count(n, "mark")} that both named)`,
  onset: "onset", offset: "offset",
  shift: ({ pairs, bias, error, within }) => `${Math.round(1000 * error)} ms apart (${bias < 0 ? "−" : "+"}${Math.abs(Math.round(1000 * bias))} ms on average), ${Math.round(100 * within)} % within, ${count(pairs, "pair")}`,
  figures: ["", "κ marks", "α marks", "κ frames", "α frames"],
  differences: (n) => `Where they differ (${n})`, shown: (n, all) => `The first ${n} of ${all}; the file has all.`,
  list: ["recording", "frame", "what", "A", "B"],
  save: "Disagreements (CSV)", every: "All pairs (CSV)",
  pairs: "All pairs", pairHeads: ["pair", "recordings", "F1", "κ kinds", "α kinds", "κ frames", "κ emotions", "onset ±", "offset ±"],
  together: (t) => `All coders together, ${count(t.recordings, "recording")}: α of kinds ${figure(t.kind_alpha)} over marks, ${figure(t.frame_alpha)} over frames; of emotions ${figure(t.emotion_alpha)}.`,
  consensus: "Consensus",
  consensusWhy: "What more than half of the coders marked, where the middle of them has it, as annotations of a coder called “consensus”. It is edited under that name and exported like any coder.",
  make: "Make the consensus", again: "anew where there is one",
  made: ({ made, marks, kept, few }) => `${count(marks, "mark")} in ${count(made, "recording")}. ${kept ? `${kept} had one already. ` : ""}${few ? `${few} were judged by fewer than two.` : ""}`,
};
const MOST = 500;  // differences in the list
const figure = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));
const heads = (words) => make("thead", {}, make("tr", {}, ...words.map((word) => make("th", { scope: "col" }, word))));
const line = (name, cells) => make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, String(cell ?? "–"))));
const scroll = (label, ...inner) => make("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, ...inner);
const at = (values) => Object.entries(values).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");

export async function showAgreement(main, { project, coder }) {
  const people = ["model", ...project.coders];
  const choose = (id, label, chosen) => make("label", {}, `${label} `, make("select", { id, onchange: update },
    ...people.map((name) => make("option", { value: name, selected: name === chosen }, name))));
  const tolerance = make("input", { id: "tolerance", type: "number", min: "0", max: "10000", step: "10", value: "100", onchange: update });
  const result = make("div", { "aria-live": "polite" }), pairs = make("section", { id: "pairs" });
  const list = make("a", { class: "button", id: "save-list", download: "disagreements.csv" }, WORDS.save);
  const every = make("a", { class: "button", id: "save-pairs", download: "agreement.csv" }, WORDS.every);
  const own = people.includes(coder()) ? coder() : people[1] ?? "model";
  main.replaceChildren(make("h1", {}, WORDS.title), make("p", { class: "quiet" }, WORDS.why),
    make("div", { class: "row tools" }, choose("one", WORDS.between, own), choose("other", WORDS.and, people.find((name) => name !== own && name !== "model") ?? "model"),
      make("label", {}, `${WORDS.tolerance} `, tolerance, ` ${WORDS.ms}`), list, every),
    result, pairs, consensus(update));

  let turn = 0;
  async function update() {
    const mine = ++turn, [a, b] = ["one", "other"].map((id) => document.getElementById(id).value);
    const asked = { a, b, tolerance: Number(tolerance.value) || 0 };
    list.href = `api/agreement/disagreements.csv?${at(asked)}`;
    every.href = `api/agreement/table.csv?tolerance=${asked.tolerance}`;
    try {
      const found = await ask(`/agreement?${at(asked)}`);
      if (mine === turn) result.replaceChildren(...pair(found, a, b));  // else another pair was chosen meanwhile
    } catch (error) {
      if (mine === turn) result.replaceChildren(make("p", { class: "error" }, error.message));
    }
    try {
      const found = await ask(`/agreement/table?tolerance=${asked.tolerance}`);
      if (mine === turn) pairs.replaceChildren(...all(found));
    } catch (error) { if (mine === turn) fail(error.message); }
  }

  if (people.length < 2) result.replaceChildren(make("p", { class: "card" }, WORDS.nobody));
  else await update();
  return () => { turn += 1; };
}

function pair(found, a, b) {
  const cells = (r) => [figure(r.f1), figure(r.kappa), r.tp, r.fp, r.fn];
  const { figures: f, disagreements } = found;
  const edge = (shift) => (shift ? WORDS.shift(shift) : "–");
  return [
    scroll(WORDS.title, make("table", { class: "table" }, heads(WORDS.heads(a, b)),
      make("tbody", {}, ...found.recordings.map((r) => line(r.name ?? r.id, cells(r))), line(WORDS.all, cells(found.pooled))))),
    make("h2", {}, WORDS.more),
    scroll(WORDS.more, make("table", { class: "table", id: "figures" }, heads(WORDS.figures), make("tbody", {},
      line(WORDS.kinds, [f.kind_kappa, f.kind_alpha, f.frame_kappa, f.frame_alpha].map(figure)),
      line(WORDS.emotions(f.emotion_units), [figure(f.emotion_kappa), figure(f.emotion_alpha), "", ""])))),
    make("p", { id: "edges" }, `${WORDS.onset}: ${edge(f.onset)}; ${WORDS.offset}: ${edge(f.offset)}`),
    make("h2", {}, WORDS.differences(disagreements.length)),
    ...(disagreements.length > MOST ? [make("p", { class: "quiet" }, WORDS.shown(MOST, disagreements.length))] : []),
    scroll(WORDS.save, make("table", { class: "table", id: "disagreements" }, heads([...WORDS.list.slice(0, 3), a, b]),
      make("tbody", {}, ...disagreements.slice(0, MOST).map((one) => make("tr", {},
        make("th", { scope: "row" }, make("a", { href: `#/r/${one.id}@${one.frame}` }, one.recording)),
        ...[one.frame, one.reasons, said(one, "a"), said(one, "b")].map((cell) => make("td", {}, String(cell)))))))),
  ];
}

function said(one, side) {
  if (one[`onset_${side}`] === null) return "–";
  return `${one[`onset_${side}`]}–${one[`offset_${side}`]} ${one[`kind_${side}`]}${one[`emotion_${side}`] ? `, ${one[`emotion_${side}`]}` : ""}`;
}

function all({ pairs, together }) {
  if (pairs.length < 2) return [];
  const ms = (value) => (value === null ? "–" : `${Math.round(value)} ms`);
  return [make("h2", {}, WORDS.pairs), ...(together ? [make("p", {}, WORDS.together(together))] : []),
    scroll(WORDS.pairs, make("table", { class: "table" }, heads(WORDS.pairHeads), make("tbody", {}, ...pairs.map((r) =>
      line(`${r.a} – ${r.b}`, [r.recordings, figure(r.f1), ...[r.kind_kappa_marks, r.kind_alpha_marks, r.kind_kappa_frames, r.emotion_kappa].map(figure),
        ms(r.onset_error_ms), ms(r.offset_error_ms)])))))];
}

function consensus(update) {
  const anew = make("input", { type: "checkbox", id: "again" });
  const told = make("p", { role: "status", id: "consensus-made" });
  const act = async () => {
    try {
      put(told, WORDS.made(await post("/consensus", { again: anew.checked })));
      await update();
    } catch (error) { put(told, error.message); }
  };
  return make("section", { class: "card", id: "consensus" }, make("h2", {}, WORDS.consensus), make("p", { class: "quiet" }, WORDS.consensusWhy),
    make("div", { class: "row" }, make("button", { type: "button", id: "make-consensus", onclick: act }, WORDS.make), make("label", { class: "tick" }, anew, WORDS.again)), told);
}
