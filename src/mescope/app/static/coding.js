// Coding on the tiers of the scheme: by keys, while it plays or frame by frame.
//
// While it plays a code lasts as long as its key is held.  When it stands, one press begins it and
// the next ends it.  On an exclusive tier a code ends the one before.

import { api } from "./api.js";
import { clock, fail, make, put, say } from "./dom.js";
import { showKey } from "./keys.js";
import { t, word } from "./words.js";

const LISTED = 100;  // coded events in the list at once, the last ones

export class Coding {
  // callbacks: {now(), playing(), judge(action, mark, values), go(frame), seconds(frame), shown(codes)}
  constructor(id, scheme, callbacks) {
    Object.assign(this, { id, scheme, callbacks, codes: [], open: new Map(), last: null, turn: 0 });
    this.buttons = new Map();
    this.list = make("ol", { class: "codes", "aria-label": t("coding.events") });
    this.rest = make("p", { class: "quiet" });
    this.element = make("section", { class: "card", "aria-label": t("coding.name") },
      make("h2", {}, t("coding.title")), ...scheme.tiers.map((tier) => this.tier(tier)), this.list, this.rest);
    this.element.hidden = !scheme.tiers.length;
  }

  tier(tier) {
    const button = ({ name, key, meaning }) => {
      const one = make("button", { type: "button", "aria-pressed": "false", title: meaning || null, onclick: () => this.toggle(tier, name) },
        `${word("codes", name)} `, key && make("kbd", {}, showKey(key)));
      this.buttons.set(nameOf(tier.name, name), one);
      return one;
    };
    return make("div", { class: "row", role: "group", "aria-label": tier.name }, make("strong", {}, tier.name), ...tier.codes.map(button));
  }

  // -- beginning and ending

  key({ what, tier, name, modifier }, down) {
    if (what === "modifier") return down && this.modify(tier, modifier, name);
    const key = nameOf(tier.name, name), open = this.open.get(key);
    if (!down) return open?.held && this.end(key);
    if (open || tier.kind === "point" || !this.callbacks.playing()) return this.toggle(tier, name);
    return this.begin(tier, name, true);
  }

  toggle(tier, name) {
    const key = nameOf(tier.name, name), frame = this.callbacks.now();
    if (tier.kind === "point") return this.enter(tier, name, frame, frame);
    return this.open.has(key) ? this.end(key) : this.begin(tier, name, false);
  }

  begin(tier, name, held) {
    const frame = this.callbacks.now();
    if (tier.exclusive) for (const [key, one] of [...this.open]) if (one.tier === tier) this.end(key, Math.max(one.first, frame - 1));
    this.open.set(nameOf(tier.name, name), { tier, name, first: frame, held, modifiers: {} });
    if (!held) say(t("coding.begun", { code: word("codes", name), frame }));
    this.paint();
  }

  end(key, frame = this.callbacks.now()) {
    const { tier, name, first, modifiers } = this.open.get(key);
    this.open.delete(key);
    this.paint();
    return this.enter(tier, name, Math.min(first, frame), Math.max(first, frame), modifiers);
  }

  endHeld() { for (const [key, { held }] of [...this.open]) if (held) this.end(key); }

  close() { for (const key of [...this.open.keys()]) this.end(key); }

  enter(tier, name, first, last, modifiers = {}) {
    this.last = { id: null, tier: tier.name, code: name, first, last, modifiers };  // its id comes with the answer
    return this.callbacks.judge("code", this.last, { tier: tier.name, code: name, kind: tier.kind, first, last, modifiers });
  }

  modify(tier, modifier, value) {  // what lasts, or what was coded last on this tier
    const open = [...this.open.values()].findLast((one) => one.tier === tier);
    if (open) {
      open.modifiers[modifier] = value;
      return say(t("coding.modified", { code: word("codes", open.name), modifier, value: word("codes", value) }));
    }
    const coded = this.last?.tier === tier.name ? this.last : this.codes.findLast((one) => one.tier === tier.name);
    if (!coded) return say(t("coding.nothing_to_modify", { modifier }));
    coded.modifiers = { ...coded.modifiers, [modifier]: value };
    return this.callbacks.judge("recode", coded, { modifiers: coded.modifiers });
  }

  // -- what is there

  async load() {
    const mine = ++this.turn;
    try {
      const { codes } = await api.codes(this.id);
      if (mine === this.turn) this.show(codes);
    } catch (error) { fail(error.message); }
  }

  take({ codes, removed = [] }, made) {  // the answer to a judgement tells what it changed
    if (!codes && made?.tier) this.load();  // it was sent twice, and all is told instead
    if (!codes) return;
    this.turn += 1;
    if (made && codes.length) made.id = codes[0].id;
    const gone = new Set([...removed, ...codes.map((one) => one.id)]);
    if (gone.size) this.show([...this.codes.filter((one) => !gone.has(one.id)), ...codes].sort((a, b) => a.first - b.first || a.last - b.last));
  }

  show(codes) {
    this.codes = codes;
    if (this.last?.id) this.last = codes.find((one) => one.id === this.last.id) ?? null;
    this.list.replaceChildren(...codes.slice(-LISTED).map((one) => this.row(one)));
    put(this.rest, codes.length > LISTED ? t("coding.some", { n: LISTED, of: codes.length }) : "");
    this.element.hidden = !this.scheme.tiers.length && !codes.length;
    this.callbacks.shown(codes);
  }

  row(one) {
    const { seconds } = this.callbacks, modifiers = Object.entries(one.modifiers).map(([name, value]) => `${name}: ${word("codes", value)}`);
    const what = [`${one.tier}: ${word("codes", one.code)}`, ...modifiers].join(", ");
    const when = one.kind === "point" ? clock(one.onset_s ?? seconds(one.first)) : `${clock(one.onset_s ?? seconds(one.first))} – ${clock(one.offset_s ?? seconds(one.last))}`;
    return make("li", { "data-code": one.id },
      make("button", { type: "button", onclick: () => this.callbacks.go(one.first) }, make("span", {}, when), make("span", {}, what), make("span", { class: "quiet" }, one.coder)),
      make("button", { type: "button", "aria-label": t("coding.remove", { what, when }), onclick: () => this.callbacks.judge("uncode", one, {}) }, "×"));
  }

  paint() {
    for (const [key, button] of this.buttons) button.setAttribute("aria-pressed", String(this.open.has(key)));
  }
}

const nameOf = (tier, code) => `${tier}\n${code}`;
